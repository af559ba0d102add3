/// Something that the risk gate has let pass. Only the risk gate makes one, and it cannot be
/// read from a file: what is approved was approved in this process, by these rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    /// For the gate alone.
    #[allow(dead_code)]
    pub(crate) fn new(inner: T) -> Self {
        Self(inner)
    }

    /// What was approved.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was approved, taken out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

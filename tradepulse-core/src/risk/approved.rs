/// Something that the risk gate has let pass. Only [`RiskGate`](super::RiskGate) makes one, and it
/// cannot be read from a file: what is approved was approved in this process, by these rules.
///
/// Nobody else can make one:
///
/// ```compile_fail,E0423
/// let forged = tradepulse_core::risk::Approved(1);
/// ```
///
/// ```compile_fail,E0624
/// let forged = tradepulse_core::risk::Approved::new(1);
/// ```
///
/// and nobody can read one:
///
/// ```compile_fail,E0277
/// let read: tradepulse_core::risk::Approved<u32> = serde_json::from_str("1").unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    /// For the gate alone.
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

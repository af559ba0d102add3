/// Sums of the last `n` values of `N` columns, put together from values inside the window alone.
///
/// Values fill a block of `n` slots. When the block is full, each slot is replaced by the sum from
/// itself to the end of the block; the window is then such a suffix of the last block plus the sum
/// of what the new block holds so far.
#[derive(Clone, Debug)]
pub(super) struct WindowSum<const N: usize = 1> {
    slots: Box<[[f64; N]]>,
    at: usize,
    prefix: [f64; N],
    full: bool,
}

impl<const N: usize> WindowSum<N> {
    pub(super) fn new(n: usize) -> Self {
        Self { slots: vec![[0.0; N]; n].into(), at: 0, prefix: [0.0; N], full: false }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    fn plus(a: [f64; N], b: [f64; N]) -> [f64; N] {
        std::array::from_fn(|i| a[i] + b[i])
    }

    /// Takes `values`; the sums once there are `n`.
    #[inline]
    pub(super) fn push(&mut self, values: [f64; N]) -> Option<[f64; N]> {
        self.prefix = Self::plus(self.prefix, values);
        self.slots[self.at] = values;
        self.at += 1;
        if self.at < self.slots.len() {
            return self.full.then(|| Self::plus(self.slots[self.at], self.prefix));
        }
        let sums = self.prefix;
        let mut suffix = [0.0; N];
        for slot in self.slots.iter_mut().rev() {
            suffix = Self::plus(suffix, *slot);
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = [0.0; N];
        self.full = true;
        Some(sums)
    }
}

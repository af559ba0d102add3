/// The sum of the last `n` values, put together from values inside the window alone.
///
/// Values fill a block of `n` slots. When the block is full, each slot is replaced by the sum from
/// itself to the end of the block; the window is then such a suffix of the last block plus the sum
/// of what the new block holds so far.
#[derive(Clone, Debug)]
pub(super) struct WindowSum {
    slots: Box<[f64]>,
    at: usize,
    prefix: f64,
    full: bool,
}

impl WindowSum {
    pub(super) fn new(n: usize) -> Self {
        Self { slots: vec![0.0; n].into(), at: 0, prefix: 0.0, full: false }
    }

    /// Takes `value`; the sum once there are `n`.
    #[inline]
    pub(super) fn push(&mut self, value: f64) -> Option<f64> {
        self.prefix += value;
        self.slots[self.at] = value;
        self.at += 1;
        if self.at < self.slots.len() {
            return self.full.then(|| self.slots[self.at] + self.prefix);
        }
        let sum = self.prefix;
        let mut suffix = 0.0;
        for slot in self.slots.iter_mut().rev() {
            suffix += *slot;
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = 0.0;
        self.full = true;
        Some(sum)
    }
}

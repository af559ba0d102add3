/// Mean and variance of the last `n` values, from sums of differences to a value in the window.
///
/// Blocks as in [`WindowSum`](super::window_sum::WindowSum). The reference is the newest value of
/// the last full block: it never leaves the window before the next block is full, so the squared
/// distance of the mean to it is at most `n` times the variance, and that bounds what cancels.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    slots: Box<[[f64; 2]]>,
    at: usize,
    prefix: [f64; 2],
    reference: f64,
    full: bool,
    count: f64,
}

impl Moments {
    pub(super) fn new(n: usize) -> Self {
        Self {
            slots: vec![[0.0; 2]; n].into(),
            at: 0,
            prefix: [0.0; 2],
            reference: 0.0,
            full: false,
            count: n as f64,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Takes `value`; the mean and the population variance once there are `n`.
    #[inline]
    pub(super) fn push(&mut self, value: f64) -> Option<(f64, f64)> {
        let difference = value - self.reference;
        self.prefix[0] += difference;
        self.prefix[1] += difference * difference;
        self.slots[self.at][0] = value;
        self.at += 1;
        if self.at == self.slots.len() {
            self.reference = value;
            let mut suffix = [0.0; 2];
            for slot in self.slots.iter_mut().rev() {
                let difference = slot[0] - value;
                suffix = [suffix[0] + difference, suffix[1] + difference * difference];
                *slot = suffix;
            }
            self.at = 0;
            self.prefix = [0.0; 2];
            self.full = true;
        }
        self.full.then(|| {
            let suffix = self.slots[self.at];
            let shift = (suffix[0] + self.prefix[0]) / self.count;
            let variance = (suffix[1] + self.prefix[1]) / self.count - shift * shift;
            (self.reference + shift, if variance > 0.0 { variance } else { 0.0 })
        })
    }
}

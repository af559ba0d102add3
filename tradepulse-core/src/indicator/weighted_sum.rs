/// Sum of the last `n` values, and sum of each times its position (0 for the oldest, `n − 1` for
/// the newest), from values inside the window alone.
///
/// Blocks as in [`WindowSum`](super::window_sum::WindowSum). `CENTRED` takes the differences to the
/// newest value of the last full block instead of the values, as
/// [`Moments`](super::moments::Moments) does.
#[derive(Clone, Debug)]
pub(super) struct WeightedSum<const CENTRED: bool> {
    // Of the values from a slot to the end of its block: the sum, and the sum of each times its
    // distance from that slot.
    slots: Box<[[f64; 2]]>,
    at: usize,
    // Of the values of the new block: the sum, and the sum of each times its position in it.
    prefix: [f64; 2],
    reference: f64,
    full: bool,
}

impl<const CENTRED: bool> WeightedSum<CENTRED> {
    pub(super) fn new(n: usize) -> Self {
        let slots = vec![[0.0; 2]; n].into();
        Self { slots, at: 0, prefix: [0.0; 2], reference: 0.0, full: false }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Takes `value`; the sum and the weighted sum once there are `n`.
    #[inline]
    pub(super) fn push(&mut self, value: f64) -> Option<(f64, f64)> {
        let term = value - self.reference;
        self.prefix[0] += term;
        self.prefix[1] += self.at as f64 * term;
        self.slots[self.at][0] = value;
        self.at += 1;
        if self.at == self.slots.len() {
            self.reference = if CENTRED { value } else { 0.0 };
            let mut suffix = [0.0; 2];
            for slot in self.slots.iter_mut().rev() {
                suffix = [suffix[0] + (slot[0] - self.reference), suffix[1] + suffix[0]];
                *slot = suffix;
            }
            self.at = 0;
            self.prefix = [0.0; 2];
            self.full = true;
        }
        self.full.then(|| {
            let [sum, weighted] = self.slots[self.at];
            let [new_sum, new_weighted] = self.prefix;
            let before = (self.slots.len() - self.at) as f64;
            (sum + new_sum, weighted + (before * new_sum + new_weighted))
        })
    }
}

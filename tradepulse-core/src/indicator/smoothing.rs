/// Exponential smoothing `y = y' + (1 − keep) × (x − y')`, started from a given mean.
///
/// What is carried is the lead `z = x − y`. It obeys `z = keep × (z' + (x − x'))`, so on equal inputs
/// it goes to exactly zero. Written over two steps, each lead depends on the one before the last, so
/// that two of them are in flight at a time.
#[derive(Clone, Debug)]
pub(super) struct Smoothing {
    keep: f64,
    keep_twice: f64,
    // Of the last two values.
    leads: [f64; 2],
    value: f64,
    // What the last step of the input adds to the lead.
    moved: f64,
}

impl Smoothing {
    /// Keeps the share `keep` of the past at each step. [`start`](Self::start) it before use.
    fn new(keep: f64) -> Self {
        Self { keep, keep_twice: keep * keep, leads: [0.0; 2], value: 0.0, moved: 0.0 }
    }

    /// Smoothing over `period` candles as EMAs do.
    pub(super) fn exponential(period: usize) -> Self {
        Self::new((period as f64 - 1.0) / (period as f64 + 1.0))
    }

    /// Smoothing over `period` candles as Wilder does.
    pub(super) fn wilder(period: usize) -> Self {
        Self::new((period as f64 - 1.0) / period as f64)
    }

    /// Sets the smoothed value to `mean` at the input `value`.
    #[inline]
    pub(super) fn start(&mut self, mean: f64, value: f64) {
        let lead = value - mean;
        // The lead before that leads here with a step of zero.
        let before = if self.keep > 0.0 { lead / self.keep } else { 0.0 };
        self.leads = [before, lead];
        self.value = value;
        self.moved = 0.0;
    }

    /// The smoothed value after taking `value`.
    #[inline]
    pub(super) fn next(&mut self, value: f64) -> f64 {
        let moved = self.keep * (value - self.value);
        let lead = self.lead(self.leads[0], [self.moved, moved]);
        self.leads = [self.leads[1], lead];
        self.value = value;
        self.moved = moved;
        value - lead
    }

    /// The smoothed values after taking each of `values`, by the same operations.
    #[inline]
    pub(super) fn next_two(&mut self, values: [f64; 2]) -> [f64; 2] {
        let moved = [values[0] - self.value, values[1] - values[0]].map(|step| self.keep * step);
        let [a, b] = self.leads;
        self.leads = [self.lead(a, [self.moved, moved[0]]), self.lead(b, moved)];
        self.value = values[1];
        self.moved = moved[1];
        [values[0] - self.leads[0], values[1] - self.leads[1]]
    }

    /// The lead two steps, that add `moved`, after it was `lead`.
    #[inline]
    fn lead(&self, lead: f64, moved: [f64; 2]) -> f64 {
        self.keep_twice * lead + (self.keep * moved[0] + moved[1])
    }
}

/// Exponential smoothing `y = y' + (1 − keep) × (x − y')`, started from a given mean.
///
/// What is carried is the lead `z = x − y`. It obeys `z = keep × (z' + (x − x'))`, so on equal inputs
/// it goes to exactly zero. Written over two steps, each lead depends on the one before the last, so
/// that two of them are in flight at a time.
///
/// `L` smoothings of the same values run side by side.
#[derive(Clone, Debug)]
pub(super) struct Smoothing<const L: usize = 1> {
    keep: [f64; L],
    keep_twice: [f64; L],
    lead: [f64; L],
    lead_before: [f64; L],
    value: f64,
    // What the last step of the input adds to the lead.
    moved: [f64; L],
}

impl<const L: usize> Smoothing<L> {
    /// Keeps the shares `keep` of the past at each step. [`start`](Self::start) it before use.
    fn new(keep: [f64; L]) -> Self {
        Self {
            keep,
            keep_twice: keep.map(|keep| keep * keep),
            lead: [0.0; L],
            lead_before: [0.0; L],
            value: 0.0,
            moved: [0.0; L],
        }
    }

    /// Smoothing over `periods` candles as EMAs do.
    pub(super) fn exponential(periods: [usize; L]) -> Self {
        Self::new(periods.map(|n| (n as f64 - 1.0) / (n as f64 + 1.0)))
    }

    /// Sets the smoothed values to `means` at the input `value`.
    #[inline]
    pub(super) fn start(&mut self, means: [f64; L], value: f64) {
        self.value = value;
        self.moved = [0.0; L];
        self.lead = means.map(|mean| value - mean);
        // The leads before that lead here with a step of zero.
        self.lead_before =
            std::array::from_fn(
                |i| {
                    if self.keep[i] > 0.0 { self.lead[i] / self.keep[i] } else { 0.0 }
                },
            );
    }

    /// How far `value` leads the smoothed values after they took it.
    #[inline]
    pub(super) fn leads(&mut self, value: f64) -> [f64; L] {
        let step = value - self.value;
        let moved: [f64; L] = std::array::from_fn(|i| self.keep[i] * step);
        let leads = std::array::from_fn(|i| {
            self.keep_twice[i] * self.lead_before[i] + (self.keep[i] * self.moved[i] + moved[i])
        });
        self.lead_before = self.lead;
        self.lead = leads;
        self.value = value;
        self.moved = moved;
        leads
    }

    /// [`leads`](Self::leads) of the last two of four values in a row, by the same operations. Each
    /// pair of leads waits for nothing but the pair before.
    #[inline]
    pub(super) fn leads_of_two(&mut self, values: [f64; 4]) -> [[f64; 2]; L] {
        let [first, second, third] = std::array::from_fn(|i| values[i + 1] - values[i]);
        self.value = values[3];
        std::array::from_fn(|i| {
            let before = [first, second].map(|step| self.keep[i] * step);
            let moved = [second, third].map(|step| self.keep[i] * step);
            self.advance(i, before, moved)
        })
    }

    /// The leads of the smoothing `i` after two steps that add `moved`, after ones of `before`.
    #[inline]
    fn advance(&mut self, i: usize, before: [f64; 2], moved: [f64; 2]) -> [f64; 2] {
        let leads = [self.lead_before[i], self.lead[i]];
        let leads = std::array::from_fn(|k| {
            self.keep_twice[i] * leads[k] + (self.keep[i] * before[k] + moved[k])
        });
        [self.lead_before[i], self.lead[i]] = leads;
        self.moved[i] = moved[1];
        leads
    }
}

impl Smoothing {
    /// Smoothing over `period` candles as Wilder does.
    pub(super) fn wilder(period: usize) -> Self {
        Self::new([(period as f64 - 1.0) / period as f64])
    }

    /// The smoothed value after taking `value`.
    #[inline]
    pub(super) fn next(&mut self, value: f64) -> f64 {
        let [lead] = self.leads(value);
        value - lead
    }

    /// The smoothed values after taking each of `values`, by the same operations.
    #[inline]
    pub(super) fn next_two(&mut self, values: [f64; 2]) -> [f64; 2] {
        let moved = [values[0] - self.value, values[1] - values[0]].map(|step| self.keep[0] * step);
        self.value = values[1];
        let leads = self.advance(0, [self.moved[0], moved[0]], moved);
        [values[0] - leads[0], values[1] - leads[1]]
    }
}

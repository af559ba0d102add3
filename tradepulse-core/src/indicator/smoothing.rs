/// Exponential smoothing `y = y' + (1 − keep) × (x − y')`, started from a given mean.
///
/// What is carried is the distance `z = y − x`. It obeys `z = keep × (z' − (x − x'))`, so on equal
/// inputs it goes to exactly zero. Written over two steps, each distance depends on the one before
/// the last, so that two of them are in flight at a time.
///
/// `L` smoothings of the same values run side by side.
#[derive(Clone, Debug)]
pub(super) struct Smoothing<const L: usize = 1> {
    keep: [f64; L],
    keep_twice: [f64; L],
    distance: [f64; L],
    distance_before: [f64; L],
    value: f64,
    step: f64,
}

impl<const L: usize> Smoothing<L> {
    /// Keeps the shares `keep` of the past at each step. [`start`](Self::start) it before use.
    fn new(keep: [f64; L]) -> Self {
        Self {
            keep,
            keep_twice: keep.map(|keep| keep * keep),
            distance: [0.0; L],
            distance_before: [0.0; L],
            value: 0.0,
            step: 0.0,
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
        self.step = 0.0;
        self.distance = means.map(|mean| mean - value);
        // The distances before that lead here with a step of zero.
        self.distance_before = std::array::from_fn(|i| {
            if self.keep[i] > 0.0 { self.distance[i] / self.keep[i] } else { 0.0 }
        });
    }

    /// The distances of the smoothed values from `value` after taking it.
    #[inline]
    pub(super) fn distances(&mut self, value: f64) -> [f64; L] {
        let step = value - self.value;
        let distances = std::array::from_fn(|i| {
            let moved = self.keep_twice[i] * self.step + self.keep[i] * step;
            self.keep_twice[i] * self.distance_before[i] - moved
        });
        self.distance_before = self.distance;
        self.distance = distances;
        self.value = value;
        self.step = step;
        distances
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
        let [distance] = self.distances(value);
        value + distance
    }
}

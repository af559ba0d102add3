/// Exponential smoothing `y = y' + (1 − keep) × (x − y')`, started from a given mean.
///
/// What is carried is the distance `z = y − x`. It obeys `z = keep × (z' − (x − x'))`, so on equal
/// inputs it goes to exactly zero. Written over two steps, each distance depends on the one before
/// the last, so that two of them are in flight at a time.
#[derive(Clone, Debug)]
pub(super) struct Smoothing {
    keep: f64,
    keep_twice: f64,
    distance: f64,
    distance_before: f64,
    value: f64,
    step: f64,
}

impl Smoothing {
    /// Keeps the share `keep` of the past at each step. [`start`](Self::start) it before use.
    pub(super) fn new(keep: f64) -> Self {
        Self {
            keep,
            keep_twice: keep * keep,
            distance: 0.0,
            distance_before: 0.0,
            value: 0.0,
            step: 0.0,
        }
    }

    /// Smoothing over `period` candles as an EMA does.
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
        self.value = value;
        self.step = 0.0;
        self.distance = mean - value;
        // The distance before that leads here with a step of zero.
        self.distance_before = if self.keep > 0.0 { self.distance / self.keep } else { 0.0 };
    }

    /// The distance of the smoothed value from `value` after taking it.
    #[inline]
    pub(super) fn distance(&mut self, value: f64) -> f64 {
        let step = value - self.value;
        let moved = self.keep_twice * self.step + self.keep * step;
        let distance = self.keep_twice * self.distance_before - moved;
        self.distance_before = self.distance;
        self.distance = distance;
        self.value = value;
        self.step = step;
        distance
    }

    /// The smoothed value after taking `value`.
    #[inline]
    pub(super) fn next(&mut self, value: f64) -> f64 {
        value + self.distance(value)
    }
}

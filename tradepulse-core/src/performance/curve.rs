use crate::time::DAY_MS;

/// Equity at every close, reduced as it comes: drawdown figures over all candles, and the return
/// of every UTC day.
///
/// ```
/// use tradepulse_core::performance::EquityCurve;
/// let mut curve = EquityCurve::new(100.0);
/// for (day, equity) in [(0, 110.0), (1, 99.0)] {
///     curve.mark(day * 86_400_000, equity);
/// }
/// curve.finish();
/// assert!((curve.max_drawdown_pct() - 10.0).abs() < 1e-12);
/// assert_eq!(curve.daily_returns().len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct EquityCurve {
    equity: f64,
    peak: f64,
    drawdown: f64,
    unbooked: i64,
    candles: u64,
    drawdown_sum: f64,
    drawdown_squares: f64,
    max_drawdown: f64,
    below_peak: u64,
    longest_below_peak: u64,
    day_end_ms: i64,
    day_start_equity: f64,
    daily_returns: Vec<f64>,
}

impl EquityCurve {
    /// A curve that starts at `capital`, which is also its first peak.
    pub fn new(capital: f64) -> Self {
        Self {
            equity: capital,
            peak: capital,
            drawdown: 0.0,
            unbooked: 0,
            candles: 0,
            drawdown_sum: 0.0,
            drawdown_squares: 0.0,
            max_drawdown: 0.0,
            below_peak: 0,
            longest_below_peak: 0,
            day_end_ms: i64::MIN,
            day_start_equity: capital,
            daily_returns: Vec::new(),
        }
    }

    /// Marks the close of the candle that opened at `open_time_ms`. A candle belongs to the UTC
    /// day of its open time.
    #[inline(always)]
    pub fn mark(&mut self, open_time_ms: i64, equity: f64) {
        if open_time_ms >= self.day_end_ms {
            self.begin_day(open_time_ms);
        }
        self.mark_today(equity);
    }

    /// [`mark`](Self::mark)s candles that opened at `times` with what `equity` makes of their
    /// `closes`.
    pub(crate) fn mark_all(
        &mut self,
        mut times: &[i64],
        mut closes: &[f64],
        equity: impl Fn(f64) -> f64,
    ) {
        while let Some(&first) = times.first() {
            if first >= self.day_end_ms {
                self.begin_day(first);
            }
            let today = self.rest_of_day(times);
            // A copy, so that the figures stay in registers.
            let mut curve = Self { daily_returns: Vec::new(), ..*self };
            for &close in &closes[..today] {
                curve.mark_today(equity(close));
            }
            *self = Self { daily_returns: std::mem::take(&mut self.daily_returns), ..curve };
            (times, closes) = (&times[today..], &closes[today..]);
        }
    }

    /// [`mark`](Self::mark)s candles that opened at `times`, all with the same `equity`.
    pub(crate) fn mark_still(&mut self, mut times: &[i64], equity: f64) {
        while let Some(&first) = times.first() {
            self.mark(first, equity);
            let today = self.rest_of_day(times);
            self.unbooked += today as i64 - 1;
            times = &times[today..];
        }
    }

    /// How many of `times`, which rise from one of the day under way, are of that day.
    fn rest_of_day(&self, times: &[i64]) -> usize {
        let near = times.iter().step_by(64).take_while(|&&time| time < self.day_end_ms).count();
        let (from, to) = (near.saturating_sub(1) * 64, times.len().min(near * 64));
        from + times[from..to].partition_point(|&time| time < self.day_end_ms)
    }

    #[inline(always)]
    fn mark_today(&mut self, equity: f64) {
        if equity != self.equity {
            self.book();
            self.equity = equity;
            if equity > self.peak {
                self.peak = equity;
            }
            self.drawdown = (self.peak - equity) / self.peak * 100.0;
        }
        self.unbooked += 1;
    }

    /// Closes the last day. Call once, after the last mark.
    pub fn finish(&mut self) {
        self.book();
        self.end_day();
        self.day_end_ms = i64::MIN;
    }

    #[cold]
    fn begin_day(&mut self, open_time_ms: i64) {
        self.end_day();
        self.day_end_ms = (open_time_ms.div_euclid(DAY_MS) + 1) * DAY_MS;
    }

    fn end_day(&mut self) {
        if self.day_end_ms != i64::MIN {
            self.daily_returns.push(self.equity / self.day_start_equity - 1.0);
            self.day_start_equity = self.equity;
        }
    }

    /// Adds the candles marked at the present equity to the sums.
    #[inline]
    fn book(&mut self) {
        let (count, weight) = (self.unbooked.unsigned_abs(), self.unbooked as f64);
        self.unbooked = 0;
        self.candles += count;
        if self.drawdown > 0.0 {
            self.drawdown_sum += self.drawdown * weight;
            self.drawdown_squares += self.drawdown * self.drawdown * weight;
            if self.drawdown > self.max_drawdown {
                self.max_drawdown = self.drawdown;
            }
            self.below_peak += count;
            self.longest_below_peak = self.longest_below_peak.max(self.below_peak);
        } else if count > 0 {
            self.below_peak = 0;
        }
    }

    /// The last equity marked.
    pub fn equity(&self) -> f64 {
        self.equity
    }

    /// Candles marked.
    pub fn candles(&self) -> u64 {
        self.candles
    }

    /// Return of every UTC day that had candles, as a fraction: equity at its last candle over
    /// that of the day before (the capital, for the first).
    pub fn daily_returns(&self) -> &[f64] {
        &self.daily_returns
    }

    /// Deepest fall below the running peak, percent, positive.
    pub fn max_drawdown_pct(&self) -> f64 {
        self.max_drawdown
    }

    /// Longest run of candles below the peak.
    pub fn max_drawdown_duration(&self) -> u64 {
        self.longest_below_peak
    }

    /// Mean drawdown over all candles, percent.
    pub fn average_drawdown_pct(&self) -> Option<f64> {
        (self.candles > 0).then(|| self.drawdown_sum / self.candles as f64)
    }

    /// Root mean square of the drawdown over all candles, percent. Martin and McCann 1989.
    pub fn ulcer_index(&self) -> Option<f64> {
        (self.candles > 0).then(|| (self.drawdown_squares / self.candles as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The reduced curve agrees with the plain definitions over all marks.
        #[test]
        fn agrees_with_the_definitions(
            marks in prop::collection::vec((0_i64..30, prop_oneof![Just(None), (50.0..150.0_f64).prop_map(Some)]), 1..200),
        ) {
            let mut curve = EquityCurve::new(100.0);
            let (mut hour, mut equity, mut all) = (0, 100.0, Vec::new());
            for (gap, new) in marks {
                hour += gap + 1;
                equity = new.unwrap_or(equity);
                curve.mark(hour * 3_600_000, equity);
                all.push((hour / 24, equity));
            }
            curve.finish();
            let (mut peak, mut drawdowns) = (100.0_f64, Vec::new());
            for (_, equity) in &all {
                peak = peak.max(*equity);
                drawdowns.push((peak - equity) / peak * 100.0);
            }
            let n = drawdowns.len() as f64;
            let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
            prop_assert_eq!(curve.max_drawdown_pct(), drawdowns.iter().copied().fold(0.0, f64::max));
            prop_assert!(close(curve.average_drawdown_pct().unwrap(), drawdowns.iter().sum::<f64>() / n));
            let squares: f64 = drawdowns.iter().map(|d| d * d).sum();
            prop_assert!(close(curve.ulcer_index().unwrap(), (squares / n).sqrt()));
            let longest = drawdowns.split(|d| *d == 0.0).map(<[f64]>::len).max().unwrap_or(0);
            prop_assert_eq!(curve.max_drawdown_duration(), longest as u64);
            let mut days: Vec<(i64, f64)> = Vec::new();
            for (day, equity) in all {
                match days.last_mut() {
                    Some(last) if last.0 == day => last.1 = equity,
                    _ => days.push((day, equity)),
                }
            }
            let mut before = 100.0;
            for ((_, equity), r) in days.iter().zip(curve.daily_returns()) {
                prop_assert_eq!(*r, equity / before - 1.0);
                before = *equity;
            }
            prop_assert_eq!(days.len(), curve.daily_returns().len());
        }
    }
}

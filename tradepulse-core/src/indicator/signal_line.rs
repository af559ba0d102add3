/// The exponential average of the line of a [`Macd`](super::Macd), started from a mean.
///
/// The line swings around zero, so its average is carried itself, not the lead of the line over it
/// as in [`Smoothing`](super::smoothing::Smoothing): fewer operations, and as good. Written over
/// two steps, like there.
#[derive(Clone, Debug)]
pub(super) struct SignalLine {
    period: usize,
    missing: usize,
    sum: f64,
    keep: f64,
    keep_twice: f64,
    share: f64,
    // What the line before is worth one step later.
    share_before: f64,
    line: f64,
    signal: f64,
    signal_before: f64,
}

impl SignalLine {
    /// The average over `period` lines, 1 or more.
    pub(super) fn new(period: usize) -> Self {
        let n = period as f64;
        let (keep, share) = ((n - 1.0) / (n + 1.0), 2.0 / (n + 1.0));
        Self {
            period,
            missing: period,
            sum: 0.0,
            keep,
            keep_twice: keep * keep,
            share,
            share_before: keep * share,
            line: 0.0,
            signal: 0.0,
            signal_before: 0.0,
        }
    }

    /// The average with `line`; `None` until warm.
    #[inline]
    pub(super) fn next(&mut self, line: f64) -> Option<f64> {
        if self.missing == 0 {
            let signal = self.keep_twice * self.signal_before
                + (self.share_before * self.line + self.share * line);
            (self.signal_before, self.signal, self.line) = (self.signal, signal, line);
            return Some(signal);
        }
        self.sum += line;
        self.missing -= 1;
        (self.missing == 0).then(|| {
            self.signal = self.sum / self.period as f64;
            // The signal before from which `line` leads here.
            let kept = self.signal - self.share * line;
            self.signal_before = if self.keep > 0.0 { kept / self.keep } else { 0.0 };
            self.line = line;
            self.signal
        })
    }

    /// The averages with each of two lines, once warm, by the same operations.
    #[inline]
    pub(super) fn next_two(&mut self, lines: [f64; 2]) -> [f64; 2] {
        let before = [self.line, lines[0]];
        let signals = [self.signal_before, self.signal];
        let signals = std::array::from_fn(|k| {
            self.keep_twice * signals[k] + (self.share_before * before[k] + self.share * lines[k])
        });
        [self.signal_before, self.signal] = signals;
        self.line = lines[1];
        signals
    }
}

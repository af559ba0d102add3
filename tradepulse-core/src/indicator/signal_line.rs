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
    // Of the last two lines.
    lines: [f64; 2],
    signals: [f64; 2],
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
            lines: [0.0; 2],
            signals: [0.0; 2],
        }
    }

    /// The average with `line`; `None` until warm.
    #[inline]
    pub(super) fn next(&mut self, line: f64) -> Option<f64> {
        if self.missing == 0 {
            let signal = self.signal(self.signals[0], [self.lines[1], line]);
            self.lines = [self.lines[1], line];
            self.signals = [self.signals[1], signal];
            return Some(signal);
        }
        self.sum += line;
        self.missing -= 1;
        (self.missing == 0).then(|| {
            let signal = self.sum / self.period as f64;
            // The signal before from which `line` leads here.
            let kept = signal - self.share * line;
            let before = if self.keep > 0.0 { kept / self.keep } else { 0.0 };
            self.lines = [0.0, line];
            self.signals = [before, signal];
            signal
        })
    }

    /// The averages with each of two lines, once warm, by the same operations.
    #[inline]
    pub(super) fn next_two(&mut self, lines: [f64; 2]) -> [f64; 2] {
        let before = [self.lines[1], lines[0]];
        let [a, b] = self.signals;
        self.signals =
            [self.signal(a, [before[0], lines[0]]), self.signal(b, [before[1], lines[1]])];
        self.lines = lines;
        self.signals
    }

    /// The average two `lines` after it was `signal`.
    #[inline]
    fn signal(&self, signal: f64, lines: [f64; 2]) -> f64 {
        self.keep_twice * signal + (self.share_before * lines[0] + self.share * lines[1])
    }
}

use super::signal_line::SignalLine;
use super::{BatchError, Indicator, LONGEST, PeriodError, batch, checked};

/// Moving average convergence/divergence: a fast [`Ema`](super::Ema) less a slow one, and the EMA
/// of that, in the unit of the values.
///
/// Appel, TA-Lib `MACD`: both averages start at the same candle, the fast one from the mean of the
/// last `fast` of the first `slow` values. First value after `slow + signal − 2` inputs. On a
/// constant series all lines are 0.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, Macd};
/// let mut macd = Macd::new(1, 3, 2)?;
/// let lines = [1.0, 2.0, 3.0, 4.0].map(|x| macd.next(x));
/// assert_eq!(lines[2], None);
/// assert_eq!(lines[3].unwrap().line, 1.0); // 4 − 3
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "MACD")]
#[derive(Clone, Debug)]
pub struct Macd {
    periods: [usize; 3],
    seen: usize,
    fast_sum: f64,
    slow_sum: f64,
    averages: Averages,
    signal: SignalLine,
}

/// The lines of [`Macd`], in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MacdLines {
    /// The fast average less the slow one.
    pub line: f64,
    /// The average of the line.
    pub signal: f64,
    /// The line less its average.
    pub histogram: f64,
}

impl Macd {
    /// Averages over `fast` and `slow` values, and over `signal` values of their difference
    /// (classically 12, 26, 9).
    ///
    /// # Errors
    /// Unless each is 1 to 100,000 and `fast` below `slow`.
    pub fn new(fast: usize, slow: usize, signal: usize) -> Result<Self, PeriodError> {
        checked("fast period", fast, 1)?;
        checked("slow period", slow, LONGEST.min(fast + 1))?;
        checked("signal period", signal, 1)?;
        Ok(Self {
            periods: [fast, slow, signal],
            seen: 0,
            fast_sum: 0.0,
            slow_sum: 0.0,
            averages: Averages::new([fast, slow]),
            signal: SignalLine::new(signal),
        })
    }

    /// The lines of a whole column; `NaN` while warming up.
    ///
    /// # Errors
    /// Periods as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(
        [fast, slow, signal]: [usize; 3],
        values: &[f64],
        line: &mut [f64],
        signal_line: &mut [f64],
        histogram: &mut [f64],
    ) -> Result<(), BatchError> {
        let mut indicator = Self::new(fast, slow, signal)?;
        let mut outs = [line, signal_line, histogram];
        batch::prepare(values.len(), 0, &mut outs)?;
        // Up to the second answer, and then until an even number of rows is left.
        let early = indicator.warm_up() + 2;
        let early = values.len().min(early + values.len().saturating_sub(early) % 2);
        for (i, &value) in values[..early].iter().enumerate() {
            let lines = indicator.next(value);
            let lines = lines.map_or([f64::NAN; 3], |l| [l.line, l.signal, l.histogram]);
            outs.iter_mut().zip(lines).for_each(|(out, line)| out[i] = line);
        }
        let pairs = (values.len() - early) / 2;
        if pairs == 0 {
            return Ok(());
        }
        let Self { mut averages, mut signal, .. } = indicator;
        let [first, second, third] = [2, 1, 0].map(|ago| &pairs_from(values, early - ago)[..pairs]);
        let [lines, signals, histograms] =
            outs.map(|out| &mut out[early..].as_chunks_mut().0[..pairs]);
        let mut settle = |i: usize, line: [f64; 2]| {
            let signal = signal.next_two(line);
            lines[i] = line;
            signals[i] = signal;
            histograms[i] = [line[0] - signal[0], line[1] - signal[1]];
        };
        // The signal follows a pair behind, so that neither waits for the other.
        let mut line = averages.line_of_two([first[0], second[0], third[0]]);
        for i in 1..pairs {
            let next = averages.line_of_two([first[i], second[i], third[i]]);
            settle(i - 1, line);
            line = next;
        }
        settle(pairs - 1, line);
        Ok(())
    }
}

/// The pairs of `values` from `start` on.
fn pairs_from(values: &[f64], start: usize) -> &[[f64; 2]] {
    values[start..].as_chunks().0
}

impl Indicator for Macd {
    type Input = f64;
    type Output = MacdLines;

    #[inline]
    fn next(&mut self, value: f64) -> Option<MacdLines> {
        let [fast, slow, _] = self.periods;
        let line = if self.seen == slow {
            self.averages.line(value)
        } else {
            self.seen += 1;
            self.slow_sum += value;
            if self.seen > slow - fast {
                self.fast_sum += value;
            }
            if self.seen < slow {
                return None;
            }
            let means = [self.fast_sum / fast as f64, self.slow_sum / slow as f64];
            self.averages.start(means, value);
            means[0] - means[1]
        };
        let signal = self.signal.next(line)?;
        Some(MacdLines { line, signal, histogram: line - signal })
    }

    fn warm_up(&self) -> usize {
        let [_, slow, signal] = self.periods;
        slow + signal - 2
    }
}

/// The fast and the slow average, as the leads of the value over each: what leads both cancels in
/// their difference. Written over two steps, as in [`Smoothing`](super::smoothing::Smoothing).
#[derive(Clone, Debug)]
struct Averages {
    keep: [f64; 2],
    keep_twice: [f64; 2],
    value: f64,
    step: f64,
    // Of each average, over the last two values.
    leads: [[f64; 2]; 2],
}

impl Averages {
    fn new(periods: [usize; 2]) -> Self {
        let keep = periods.map(|n| (n as f64 - 1.0) / (n as f64 + 1.0));
        Self {
            keep,
            keep_twice: keep.map(|keep| keep * keep),
            value: 0.0,
            step: 0.0,
            leads: [[0.0; 2]; 2],
        }
    }

    /// Sets the averages to `means` at `value`.
    fn start(&mut self, means: [f64; 2], value: f64) {
        (self.value, self.step) = (value, 0.0);
        for (i, mean) in means.into_iter().enumerate() {
            let lead = value - mean;
            // The lead before that leads here with a step of zero.
            let before = if self.keep[i] > 0.0 { lead / self.keep[i] } else { 0.0 };
            self.leads[i] = [before, lead];
        }
    }

    /// The line with `value`.
    #[inline]
    fn line(&mut self, value: f64) -> f64 {
        let steps = [self.step, value - self.value];
        let [fast, slow] = std::array::from_fn(|i| {
            let lead = self.lead(i, self.leads[i][0], steps);
            self.leads[i] = [self.leads[i][1], lead];
            lead
        });
        (self.value, self.step) = (value, steps[1]);
        slow - fast
    }

    /// The lines with the last two of four values in a row, given as the pairs that begin with the
    /// first three, by the same operations. Each pair of leads waits for nothing but the pair before.
    ///
    /// Leaves it to the caller that these are the values that follow.
    #[inline]
    fn line_of_two(&mut self, [first, second, third]: [[f64; 2]; 3]) -> [f64; 2] {
        let before = [second[0] - first[0], second[1] - first[1]];
        let steps = [third[0] - second[0], third[1] - second[1]];
        let [fast, slow] = std::array::from_fn(|i| {
            let [a, b] = self.leads[i];
            self.leads[i] =
                [self.lead(i, a, [before[0], steps[0]]), self.lead(i, b, [before[1], steps[1]])];
            self.leads[i]
        });
        [slow[0] - fast[0], slow[1] - fast[1]]
    }

    /// The lead over the average `i`, two `steps` after it was `lead`.
    #[inline]
    fn lead(&self, i: usize, lead: f64, steps: [f64; 2]) -> f64 {
        self.keep_twice[i] * lead + self.keep[i] * (self.keep[i] * steps[0] + steps[1])
    }
}

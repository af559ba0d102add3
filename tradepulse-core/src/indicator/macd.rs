use super::signal_line::SignalLine;
use super::smoothing::Smoothing;
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
    averages: Smoothing<2>,
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
            averages: Smoothing::exponential([fast, slow]),
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
        let (pairs, _) = values[early..].as_chunks::<2>();
        let (before, _) = values[early.saturating_sub(2)..].as_chunks::<2>();
        let outs = outs.map(|out| &mut out[early..].as_chunks_mut().0[..pairs.len()]);
        for (i, (&[c, d], &[a, b])) in pairs.iter().zip(before).enumerate() {
            [outs[0][i], outs[1][i], outs[2][i]] = indicator.settled_two([a, b, c, d]);
        }
        Ok(())
    }
}

impl Indicator for Macd {
    type Input = f64;
    type Output = MacdLines;

    #[inline]
    fn next(&mut self, value: f64) -> Option<MacdLines> {
        let [fast, slow, _] = self.periods;
        let line = if self.seen == slow {
            self.line(value)
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

impl Macd {
    /// The value that leads both averages cancels.
    #[inline]
    fn line(&mut self, value: f64) -> f64 {
        let [fast, slow] = self.averages.leads(value);
        slow - fast
    }

    /// The lines at the last two of four values in a row, once warm.
    #[inline]
    fn settled_two(&mut self, values: [f64; 4]) -> [[f64; 2]; 3] {
        let [fast, slow] = self.averages.leads_of_two(values);
        let line = [slow[0] - fast[0], slow[1] - fast[1]];
        let signal = self.signal.next_two(line);
        [line, signal, [line[0] - signal[0], line[1] - signal[1]]]
    }
}

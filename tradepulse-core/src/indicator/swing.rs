use super::aggregate::Extreme;
use super::window::Window;
use super::{BatchError, Indicator, PeriodError, batch, checked};

/// The candidate for a swing among the last `strength` values, and the extreme before it.
///
/// There is at most one: of two values so close, only one can be beyond the other.
#[derive(Clone, Debug)]
struct Swing<const HIGH: bool> {
    before: Window<Extreme<HIGH>>,
    extreme: Option<f64>,
    candidate: Option<f64>,
    age: usize,
}

impl<const HIGH: bool> Swing<HIGH> {
    fn new(strength: usize) -> Result<Self, PeriodError> {
        let strength = checked("strength", strength, 1)?;
        Ok(Self { before: Window::new(strength, Extreme), extreme: None, candidate: None, age: 0 })
    }

    #[inline]
    fn beyond(a: f64, b: f64) -> bool {
        if HIGH { a > b } else { a < b }
    }

    /// Takes `value`; the swing that it completes.
    #[inline]
    fn next(&mut self, value: f64) -> Option<f64> {
        let strength = self.before.len();
        self.candidate = self.candidate.filter(|&candidate| Self::beyond(candidate, value));
        self.age += 1;
        let known = self.candidate.filter(|_| self.age == strength);
        if known.is_some() {
            self.candidate = None;
        }
        if self.extreme.is_some_and(|extreme| Self::beyond(value, extreme)) {
            self.candidate = Some(value);
            self.age = 0;
        }
        self.extreme = self.before.push(value).map(|(extreme, _)| extreme);
        known
    }
}

/// Swing low: a low strictly below the lows of the `strength` candles on each side, as a price.
///
/// Feed it lows. A swing is known `strength` candles after it happened, not before: `next` answers
/// its price then, and `None` on all other candles. Equal lows side by side (nearer than `strength`
/// candles) are no swing. No answer within the first `2 × strength` inputs. Also called a fractal
/// (Williams) or a pivot.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, SwingLow};
/// let mut swing = SwingLow::new(1)?;
/// assert_eq!([5.0, 3.0, 4.0, 4.0].map(|x| swing.next(x)), [None, None, Some(3.0), None]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "fractal")]
#[doc(alias = "pivot")]
#[derive(Clone, Debug)]
pub struct SwingLow(Swing<false>);

/// Swing high: a high strictly above the highs of the `strength` candles on each side, as a price.
///
/// Feed it highs; all else as [`SwingLow`], mirrored.
///
/// ```
/// use tradepulse_core::indicator::{Indicator, SwingHigh};
/// let mut swing = SwingHigh::new(1)?;
/// assert_eq!([5.0, 7.0, 6.0, 6.0].map(|x| swing.next(x)), [None, None, Some(7.0), None]);
/// # Ok::<(), tradepulse_core::indicator::PeriodError>(())
/// ```
#[doc(alias = "fractal")]
#[doc(alias = "pivot")]
#[derive(Clone, Debug)]
pub struct SwingHigh(Swing<true>);

impl SwingLow {
    /// Swing lows with `strength` higher lows on each side.
    ///
    /// # Errors
    /// Unless `strength` is 1 to 100,000.
    pub fn new(strength: usize) -> Result<Self, PeriodError> {
        Swing::new(strength).map(Self)
    }

    /// The swing lows of a whole column, each in the row where it is known, `strength` rows after
    /// its own; `NaN` in all other rows.
    ///
    /// # Errors
    /// A strength as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(strength: usize, lows: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill(Self::new(strength)?, lows.iter().copied(), [out], |low| [low])
    }
}

impl SwingHigh {
    /// Swing highs with `strength` lower highs on each side.
    ///
    /// # Errors
    /// Unless `strength` is 1 to 100,000.
    pub fn new(strength: usize) -> Result<Self, PeriodError> {
        Swing::new(strength).map(Self)
    }

    /// The swing highs of a whole column, each in the row where it is known, `strength` rows after
    /// its own; `NaN` in all other rows.
    ///
    /// # Errors
    /// A strength as in [`new`](Self::new), or columns that differ in length.
    pub fn batch(strength: usize, highs: &[f64], out: &mut [f64]) -> Result<(), BatchError> {
        batch::fill(Self::new(strength)?, highs.iter().copied(), [out], |high| [high])
    }
}

impl Indicator for SwingLow {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, low: f64) -> Option<f64> {
        self.0.next(low)
    }

    fn warm_up(&self) -> usize {
        2 * self.0.before.len()
    }
}

impl Indicator for SwingHigh {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn next(&mut self, high: f64) -> Option<f64> {
        self.0.next(high)
    }

    fn warm_up(&self) -> usize {
        2 * self.0.before.len()
    }
}

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::market::Series;
use crate::time::{DAY_MS, Timestamp};

/// A length of history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Days.
    Days(f64),
    /// Candles, each of them counted as long as the timeframe.
    Candles(u32),
}

impl Span {
    fn ms(self, series: &Series) -> i64 {
        match self {
            Self::Days(days) => (days * DAY_MS as f64) as i64,
            Self::Candles(candles) => i64::from(candles) * series.timeframe().as_ms(),
        }
    }
}

/// Whether the training part moves along or grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Windowing {
    /// Every training part is equally long.
    #[default]
    Rolling,
    /// Every training part begins with the data.
    Anchored,
}

/// How history is divided for walk-forward validation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlan {
    /// Rolling or anchored.
    pub windowing: Windowing,
    /// Length of the (first) training part.
    pub train: Span,
    /// What is left out between training and test, so that no trade of one reaches into the other.
    pub gap: Span,
    /// Length of a test part; the next window begins that much later.
    pub test: Span,
}

impl Default for WindowPlan {
    /// Rolling; 60 days of training, a gap of 7, tests of 30.
    fn default() -> Self {
        Self {
            windowing: Windowing::Rolling,
            train: Span::Days(60.0),
            gap: Span::Days(7.0),
            test: Span::Days(30.0),
        }
    }
}

/// One window: rows to train on, rows to test on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Rows of the training part.
    pub train: Range<usize>,
    /// Rows of the test part.
    pub test: Range<usize>,
}

/// History that cannot be divided as planned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// Too short for two windows.
    #[error(
        "too little data for walk-forward: there are {days:.1} days, and 2 windows need {needed:.1}"
    )]
    TooShort {
        /// Days there are.
        days: f64,
        /// Days that two windows need.
        needed: f64,
    },
    /// A training or test part without length, or a negative gap.
    #[error("training and test parts need a length above zero, and the gap one not below zero")]
    Lengths,
}

impl WindowPlan {
    /// Fewest windows that show anything.
    pub const MIN_WINDOWS: usize = 2;

    /// The windows of a series, oldest first. Test parts follow each other without overlap; a last
    /// test part that would be shorter than planned is left out.
    ///
    /// # Errors
    /// If there is too little data for two windows, or a part has no length.
    pub fn windows(&self, series: &Series) -> Result<Vec<Window>, WindowError> {
        let (train, gap) = (self.train.ms(series), self.gap.ms(series));
        let test = self.test.ms(series);
        if train <= 0 || test <= 0 || gap < 0 {
            return Err(WindowError::Lengths);
        }
        let Some((from, to)) = series.span() else {
            return Err(self.too_short(0, train, gap, test));
        };
        let (from, to) = (from.as_ms(), to.as_ms());
        let rows = |a: i64, b: i64| row(series, a)..row(series, b);
        let mut windows = Vec::new();
        let mut shift = 0;
        while from + shift + train + gap + test <= to {
            let begin = match self.windowing {
                Windowing::Rolling => from + shift,
                Windowing::Anchored => from,
            };
            let trained = from + shift + train;
            let window = Window {
                train: rows(begin, trained),
                test: rows(trained + gap, trained + gap + test),
            };
            if !window.train.is_empty() && !window.test.is_empty() {
                windows.push(window);
            }
            shift += test;
        }
        if windows.len() < Self::MIN_WINDOWS {
            return Err(self.too_short(to - from, train, gap, test));
        }
        Ok(windows)
    }

    fn too_short(&self, span: i64, train: i64, gap: i64, test: i64) -> WindowError {
        let days = |ms: i64| ms as f64 / DAY_MS as f64;
        WindowError::TooShort { days: days(span), needed: days(train + gap + 2 * test) }
    }
}

/// The first row that opens at `time_ms` or later.
fn row(series: &Series, time_ms: i64) -> usize {
    let time = Timestamp::from_ms(time_ms);
    series.time().partition_point(|&t| t < time.as_ms())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::market::SyntheticMarket;
    use crate::random::Seed;
    use crate::time::Timeframe;

    fn series(days: usize) -> Series {
        let market =
            SyntheticMarket { candles: days * 24, ..SyntheticMarket::new(Seed(1), Timeframe::H1) };
        market.generate().unwrap()
    }

    #[test]
    fn the_defaults_on_half_a_year() {
        let windows = WindowPlan::default().windows(&series(180)).unwrap();
        assert_eq!(windows.len(), 3);
        assert_eq!(windows[0], Window { train: 0..1440, test: 1608..2328 });
        assert_eq!(windows[1], Window { train: 720..2160, test: 2328..3048 });
        let anchored = WindowPlan { windowing: Windowing::Anchored, ..WindowPlan::default() };
        assert_eq!(anchored.windows(&series(180)).unwrap()[2].train, 0..2880);
    }

    #[test]
    fn too_little_is_said_with_both_numbers() {
        let error = WindowPlan::default().windows(&series(100)).unwrap_err();
        assert_eq!(error, WindowError::TooShort { days: 100.0, needed: 127.0 });
        let none = WindowPlan { test: Span::Days(0.0), ..WindowPlan::default() };
        assert_eq!(none.windows(&series(100)), Err(WindowError::Lengths));
    }

    proptest! {
        /// Training ends before its test begins, by the gap; tests do not overlap.
        #[test]
        fn no_part_reaches_into_another(
            train in 1_u32..600, gap in 0_u32..100, test in 1_u32..300, anchored in any::<bool>(),
        ) {
            let windowing = if anchored { Windowing::Anchored } else { Windowing::Rolling };
            let [train, gap, test] = [train, gap, test].map(Span::Candles);
            let plan = WindowPlan { windowing, train, gap, test };
            let series = series(60);
            if let Ok(windows) = plan.windows(&series) {
                prop_assert!(windows.len() >= 2);
                let Span::Candles(gap) = gap else { unreachable!() };
                for window in &windows {
                    prop_assert_eq!(window.train.end + gap as usize, window.test.start);
                    prop_assert!(window.test.end <= series.len());
                }
                for pair in windows.windows(2) {
                    prop_assert_eq!(pair[0].test.end, pair[1].test.start);
                }
            }
        }
    }
}

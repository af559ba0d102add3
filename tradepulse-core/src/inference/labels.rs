use std::ops::Range;

use super::Action;

/// What would have been right: decided by the return over the candles that follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Labelling {
    /// How many candles ahead is looked, at least 1.
    pub horizon: usize,
    /// A return above it, a fraction, is a long that was right.
    pub long_above: f64,
    /// A return below it is a short that was right.
    pub short_below: f64,
}

impl Labelling {
    /// The label of each close; `None` for the last ones, whose future is not known.
    ///
    /// ```
    /// use tradepulse_core::inference::{Action, Labelling};
    /// let labelling = Labelling { horizon: 1, long_above: 0.01, short_below: -0.01 };
    /// let labels = labelling.labels(&[100.0, 102.0, 102.5, 100.0]);
    /// let expected = [Some(Action::Long), Some(Action::Hold), Some(Action::Short), None];
    /// assert_eq!(labels, expected);
    /// ```
    pub fn labels(&self, closes: &[f64]) -> Vec<Option<Action>> {
        let label = |i: usize| {
            let later = closes.get(i.checked_add(self.horizon.max(1))?)?;
            Some(self.truth(closes[i], *later))
        };
        (0..closes.len()).map(label).collect()
    }

    /// What would have been right at a close, given the one a horizon `later`.
    pub fn truth(&self, close: f64, later: f64) -> Action {
        match later / close - 1.0 {
            gain if gain > self.long_above => Action::Long,
            gain if gain < self.short_below => Action::Short,
            _ => Action::Hold,
        }
    }
}

/// Rows in order of time, in three parts: to learn from, to stop by, to be judged by. Between two
/// parts rows are left out whose labels look into the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgedSplit {
    /// To learn from: the oldest.
    pub train: Range<usize>,
    /// To stop by, and to choose by.
    pub validation: Range<usize>,
    /// To be judged by, once: the newest.
    pub test: Range<usize>,
}

impl PurgedSplit {
    /// Splits `rows`; `validation` and `test` are fractions of them, and `horizon` rows are left
    /// out before each. `None` if a part would be empty.
    pub fn new(rows: usize, horizon: usize, validation: f64, test: f64) -> Option<Self> {
        // Fractions of a count of rows.
        let part = |fraction: f64| (rows as f64 * fraction).round() as usize;
        let (judged, stopped) = (part(test), part(validation));
        let test = rows.checked_sub(judged)?..rows;
        let end = test.start.checked_sub(horizon)?;
        let validation = end.checked_sub(stopped)?..end;
        let train = 0..validation.start.checked_sub(horizon)?;
        let empty = train.is_empty() || validation.is_empty() || test.is_empty();
        (!empty).then_some(Self { train, validation, test })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// No label of a part is decided by a candle whose row is in a later part.
        #[test]
        fn no_label_looks_into_a_later_part(
            rows in 1_usize..3_000, horizon in 1_usize..100,
            validation in 0.01..0.5, test in 0.01..0.5,
        ) {
            if let Some(split) = PurgedSplit::new(rows, horizon, validation, test) {
                prop_assert!(split.train.end + horizon <= split.validation.start);
                prop_assert!(split.validation.end + horizon <= split.test.start);
                prop_assert_eq!(split.test.end, rows);
                prop_assert_eq!(split.train.start, 0);
            }
        }
    }

    #[test]
    fn too_few_rows_are_no_split() {
        assert_eq!(PurgedSplit::new(10, 6, 0.2, 0.2), None);
        let split = PurgedSplit::new(100, 5, 0.2, 0.3).unwrap();
        assert_eq!((split.train, split.validation, split.test), (0..40, 45..65, 70..100));
    }
}

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Basic10;
use crate::market::Candle;
use crate::parameter::{did_you_mean, nearest};

/// Features of a candle, computed from it and the candles before.
///
/// A row is a function of exactly [`window`](Self::window) candles. So training, backtest and
/// serving get the same bits, whatever history each of them has; this is why there is one piece of
/// code, and no state.
///
/// ```
/// use std::sync::Arc;
/// use tradepulse_core::inference::{FeatureRegistry, FeatureSet};
/// use tradepulse_core::market::Candle;
///
/// /// Where the close stands in its candle.
/// struct Position;
///
/// impl FeatureSet for Position {
///     fn name(&self) -> &str {
///         "position"
///     }
///     fn names(&self) -> &[&str] {
///         &["position"]
///     }
///     fn definition(&self) -> &str {
///         "(close - low) / (high - low), 0.5 where they are equal"
///     }
///     fn window(&self) -> usize {
///         1
///     }
///     fn row(&self, candles: &[Candle], row: &mut [f64]) {
///         let [.., Candle { high, low, close, .. }] = candles else { return };
///         row[0] = if high > low { (close - low) / (high - low) } else { 0.5 };
///     }
/// }
///
/// let registry = FeatureRegistry::default().with(Arc::new(Position));
/// assert_eq!(registry.get("position").unwrap().window(), 1);
/// ```
pub trait FeatureSet: Send + Sync {
    /// The name it is registered by.
    fn name(&self) -> &str;

    /// What the features are called, in their order.
    fn names(&self) -> &[&str];

    /// How they are computed, in words. It is part of the contract: whoever changes the code in a
    /// way that changes a row changes this text.
    fn definition(&self) -> &str;

    /// Number of candles that a row is computed from, at least 1.
    fn window(&self) -> usize;

    /// Fills `row` (as long as [`names`](Self::names)) for the last of `candles`, of which there
    /// are exactly [`window`](Self::window).
    fn row(&self, candles: &[Candle], row: &mut [f64]);
}

/// SHA-256 over name, window, definition and feature names, in hex: equal hashes mean that features
/// are the same.
pub fn contract_hash(set: &dyn FeatureSet) -> String {
    let mut hash = Sha256::new();
    for part in [set.name(), set.definition()].iter().chain(set.names()) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update((set.window() as u64).to_le_bytes());
    crate::hex(&hash.finalize())
}

/// The features of the last of `candles`.
///
/// # Errors
/// If there are fewer candles than the window, or a feature is not finite.
pub fn latest(set: &dyn FeatureSet, candles: &[Candle]) -> Result<Vec<f64>, FeatureError> {
    let least = set.window().max(1);
    let Some(window) = candles.len().checked_sub(least).map(|first| &candles[first..]) else {
        return Err(FeatureError::TooFewCandles { found: candles.len(), least });
    };
    let mut row = vec![f64::NAN; set.names().len()];
    fill(set, window, &mut row)?;
    Ok(row)
}

/// The features of every candle that has enough candles before it, row after row: the first row is
/// that of the candle at index `window − 1`. Each row has the bits of [`latest`].
///
/// # Errors
/// If there are fewer candles than the window, or a feature is not finite.
pub fn batch(set: &dyn FeatureSet, candles: &[Candle]) -> Result<Vec<f64>, FeatureError> {
    let least = set.window().max(1);
    if candles.len() < least {
        return Err(FeatureError::TooFewCandles { found: candles.len(), least });
    }
    let width = set.names().len();
    let mut rows = vec![f64::NAN; (candles.len() - least + 1) * width];
    for (window, row) in candles.windows(least).zip(rows.chunks_exact_mut(width.max(1))) {
        fill(set, window, row)?;
    }
    Ok(rows)
}

fn fill(set: &dyn FeatureSet, window: &[Candle], row: &mut [f64]) -> Result<(), FeatureError> {
    set.row(window, row);
    match row.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(i) => {
            let feature = set.names().get(i).copied().unwrap_or_default().to_owned();
            let candle_ms = window.last().map_or(0, |candle| candle.open_time.as_ms());
            Err(FeatureError::NotFinite { feature, candle_ms })
        }
    }
}

/// Why there are no features.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// Not enough history.
    #[error("{found} candles are too few: the features need {least}")]
    TooFewCandles {
        /// How many there are.
        found: usize,
        /// How many are needed.
        least: usize,
    },
    /// A value that is no number.
    #[error("feature {feature:?} of the candle that opens at {candle_ms} ms is not finite")]
    NotFinite {
        /// Which feature.
        feature: String,
        /// Open time of the candle.
        candle_ms: i64,
    },
}

/// Feature sets by name. The default has `basic10`.
#[derive(Clone)]
pub struct FeatureRegistry {
    sets: BTreeMap<String, Arc<dyn FeatureSet>>,
}

impl Default for FeatureRegistry {
    fn default() -> Self {
        Self { sets: BTreeMap::new() }.with(Arc::new(Basic10))
    }
}

impl fmt::Debug for FeatureRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.sets.keys()).finish()
    }
}

impl FeatureRegistry {
    /// With `set` added under its name; it replaces an earlier one of that name.
    #[must_use]
    pub fn with(mut self, set: Arc<dyn FeatureSet>) -> Self {
        self.sets.insert(set.name().to_owned(), set);
        self
    }

    /// The set of that name.
    ///
    /// # Errors
    /// [`UnknownFeatures`], with the nearest name.
    pub fn get(&self, name: &str) -> Result<Arc<dyn FeatureSet>, UnknownFeatures> {
        self.sets.get(name).cloned().ok_or_else(|| UnknownFeatures {
            name: name.to_owned(),
            nearest: nearest(name, self.sets.keys().map(String::as_str)),
            known: self.sets.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }
}

/// There are no features of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are no features {name:?}{} (known: {known})", did_you_mean(.nearest))]
pub struct UnknownFeatures {
    name: String,
    nearest: Option<String>,
    known: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::SyntheticMarket;
    use crate::random::Seed;
    use crate::time::Timeframe;

    fn candles(count: usize) -> Vec<Candle> {
        let market = SyntheticMarket::new(Seed(3), Timeframe::H1);
        SyntheticMarket { candles: count, ..market }.generate().unwrap().candles().collect()
    }

    #[test]
    fn a_batch_is_the_latest_rows() {
        let candles = candles(160);
        let rows = batch(&Basic10, &candles).unwrap();
        assert_eq!(rows.len(), 61 * 10);
        for (i, row) in rows.chunks_exact(10).enumerate() {
            // Whatever came before the window changes nothing.
            assert_eq!(row, latest(&Basic10, &candles[..=i + 99]).unwrap(), "row {i}");
            assert_eq!(row, latest(&Basic10, &candles[i..=i + 99]).unwrap(), "row {i}");
        }
    }

    #[test]
    fn too_few_candles_are_an_error() {
        let expected = FeatureError::TooFewCandles { found: 99, least: 100 };
        assert_eq!(latest(&Basic10, &candles(99)), Err(expected.clone()));
        assert_eq!(batch(&Basic10, &candles(99)), Err(expected));
    }

    #[test]
    fn names_are_looked_up() {
        let registry = FeatureRegistry::default();
        assert_eq!(contract_hash(&*registry.get("basic10").unwrap()), contract_hash(&Basic10));
        let error = registry.get("basic").err().unwrap().to_string();
        assert!(error.contains("did you mean \"basic10\""), "{error}");
    }
}

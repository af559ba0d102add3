use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{InputSpec, Inputs};
use crate::indicator::BatchError;
use crate::market::Columns;

/// Indicator columns of one series, computed when first asked for and shared from then on.
///
/// Many backtests over the same candles (the trials of a study) use one cache, from any thread. Its
/// memory is bounded: beyond the limit, the columns that were not used for the longest time are
/// given up, except those that a backtest holds, and computed again when they are wanted. What it
/// answers does not depend on the limit.
#[derive(Debug)]
pub struct InputCache {
    limit: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    columns: HashMap<InputSpec, Kept>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Kept {
    column: Arc<Vec<f64>>,
    used: u64,
}

impl Default for InputCache {
    /// Bounded by [`LIMIT`](Self::LIMIT).
    fn default() -> Self {
        Self::bounded(Self::LIMIT)
    }
}

impl InputCache {
    /// The usual limit, in bytes: 256 MiB.
    pub const LIMIT: usize = 256 << 20;

    /// A cache that keeps no more than `limit` bytes of columns that nobody holds.
    pub fn bounded(limit: usize) -> Self {
        Self { limit, shelf: Mutex::default() }
    }

    /// The columns of `inputs` over `columns`, which must be the same candles at every call.
    ///
    /// # Errors
    /// If a period is outside its indicator's range.
    pub fn columns(
        &self,
        inputs: &Inputs,
        columns: &Columns,
    ) -> Result<Vec<Arc<Vec<f64>>>, BatchError> {
        let column = |spec: &InputSpec| {
            if let Some(known) = self.shelf().get(spec) {
                return Ok(known);
            }
            // Computed without the lock: others need not wait.
            let column = Arc::new(spec.column(columns)?);
            Ok(self.shelf().put(*spec, column, self.limit))
        };
        inputs.specs().iter().map(column).collect()
    }

    /// Memory of the columns kept, in bytes.
    pub fn bytes(&self) -> usize {
        self.shelf().bytes
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn get(&mut self, spec: &InputSpec) -> Option<Arc<Vec<f64>>> {
        self.uses += 1;
        let kept = self.columns.get_mut(spec)?;
        kept.used = self.uses;
        Some(Arc::clone(&kept.column))
    }

    /// Keeps `column`, unless another thread was faster, and makes room.
    fn put(&mut self, spec: InputSpec, column: Arc<Vec<f64>>, limit: usize) -> Arc<Vec<f64>> {
        if let Some(known) = self.get(&spec) {
            return known;
        }
        self.bytes += size_of_val(&column[..]);
        let kept = Kept { column: Arc::clone(&column), used: self.uses };
        self.columns.insert(spec, kept);
        while self.bytes > limit {
            let idle = self.columns.iter().filter(|(_, kept)| Arc::strong_count(&kept.column) == 1);
            let Some((&oldest, _)) = idle.min_by_key(|(_, kept)| kept.used) else { break };
            if let Some(gone) = self.columns.remove(&oldest) {
                self.bytes -= size_of_val(&gone.column[..]);
            }
        }
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::SyntheticMarket;
    use crate::random::Seed;
    use crate::strategy::Source;
    use crate::time::Timeframe;

    const ROWS: usize = 1000;
    const COLUMN: usize = ROWS * size_of::<f64>();

    fn averages(periods: std::ops::Range<usize>) -> Inputs {
        let mut inputs = Inputs::default();
        for period in periods {
            inputs.sma(Source::Close, period);
        }
        inputs
    }

    #[test]
    fn memory_is_bounded_and_answers_are_not_changed() {
        let market =
            SyntheticMarket { candles: ROWS, ..SyntheticMarket::new(Seed(1), Timeframe::M5) };
        let series = market.generate().unwrap();
        let cache = InputCache::bounded(4 * COLUMN);
        let bits = |columns: &[Arc<Vec<f64>>]| -> Vec<u64> {
            columns.iter().flat_map(|c| c.iter().map(|v| v.to_bits())).collect()
        };
        for round in 0..3 {
            for period in 2..40 {
                let inputs = averages(period..period + 2);
                let found = cache.columns(&inputs, series.columns()).unwrap();
                let fresh = inputs.columns(series.columns()).unwrap();
                assert_eq!(bits(&found), bits(&fresh), "round {round}");
                assert!(cache.bytes() <= 4 * COLUMN);
            }
        }
    }

    #[test]
    fn what_is_held_stays_and_the_least_used_goes() {
        let series =
            SyntheticMarket { candles: ROWS, ..SyntheticMarket::new(Seed(1), Timeframe::M5) };
        let series = series.generate().unwrap();
        let cache = InputCache::bounded(2 * COLUMN);
        let get = |period| cache.columns(&averages(period..period + 1), series.columns()).unwrap();
        let held = get(2);
        get(3);
        get(4); // Room for two: the average of 3 goes, the one that is held does not.
        assert!(Arc::ptr_eq(&held[0], &get(2)[0]));
        assert_eq!(cache.bytes(), 2 * COLUMN);
        let all = cache.columns(&averages(2..12), series.columns()).unwrap();
        assert_eq!((all.len(), cache.bytes()), (10, 10 * COLUMN), "held beyond the limit");
        drop((all, held));
        get(20);
        assert_eq!(cache.bytes(), 2 * COLUMN);
    }
}

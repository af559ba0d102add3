use tradepulse_core::market::{Columns, Market, Series};

use super::StoreError;

/// The candles of both, in order of time.
pub(super) fn merge(
    market: &Market,
    stored: &Series,
    given: &Series,
) -> Result<Series, StoreError> {
    let mut columns = Columns::with_capacity(stored.len() + given.len());
    let (mut i, mut j) = (0, 0);
    while i < stored.len() || j < given.len() {
        match (stored.time().get(i), given.time().get(j)) {
            (Some(a), Some(b)) if a == b => {
                let (old, new) = (stored.candle(i), given.candle(j));
                if old != new {
                    return Err(StoreError::Conflict {
                        market: market.clone(),
                        time: old.open_time,
                        stored: Box::new(old),
                        given: Box::new(new),
                        row: j,
                    });
                }
                columns.push(old);
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), Some(b)) if a < b => {
                columns.push(stored.candle(i));
                i += 1;
            }
            (Some(_), None) => {
                columns.push(stored.candle(i));
                i += 1;
            }
            _ => {
                columns.push(given.candle(j));
                j += 1;
            }
        }
    }
    Series::new(market.timeframe, columns)
        .map_err(|source| StoreError::Impossible { market: market.clone(), source })
}

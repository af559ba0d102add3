use tradepulse_core::market::{Columns, Market, Series};

use super::StoreError;

/// The candles of both, in order of time. Takes no memory if there is nothing new.
pub(super) fn merge(market: &Market, stored: Series, given: &Series) -> Result<Series, StoreError> {
    let known = known(market, &stored, given)?;
    if known == given.len() {
        return Ok(stored);
    }
    let mut columns = Columns::with_capacity(stored.len() + given.len() - known);
    let mut rest = stored.candles().peekable();
    for candle in given.candles() {
        while let Some(earlier) = rest.next_if(|c| c.open_time < candle.open_time) {
            columns.push(earlier);
        }
        // Equal candles may differ in bits (zero and minus zero): what is stored stays.
        let same = rest.next_if(|c| c.open_time == candle.open_time);
        columns.push(same.unwrap_or(candle));
    }
    rest.for_each(|c| columns.push(c));
    Series::new(market.timeframe, columns)
        .map_err(|source| StoreError::Impossible { market: market.clone(), source })
}

/// How many of the candles given are stored already; none may differ.
fn known(market: &Market, stored: &Series, given: &Series) -> Result<usize, StoreError> {
    let mut known = 0;
    let mut at = 0;
    for (row, time) in given.time().iter().enumerate() {
        at += stored.time()[at..].iter().take_while(|t| *t < time).count();
        if stored.time().get(at) != Some(time) {
            continue;
        }
        let (old, new) = (stored.candle(at), given.candle(row));
        if old != new {
            return Err(StoreError::Conflict {
                market: market.clone(),
                time: old.open_time,
                stored: Box::new(old),
                given: Box::new(new),
                row,
            });
        }
        known += 1;
    }
    Ok(known)
}

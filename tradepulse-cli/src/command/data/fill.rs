//! Candles that are missing, asked for at their exchanges.

use anyhow::Result;
use serde_json::json;
use tradepulse_exec::exchange::venue::Venue;
use tradepulse_exec::store::columnar::CandleStore;

use super::Filter;
use crate::arguments::VenueArguments;
use crate::command::fetch::fetch;
use crate::output::{self, Verdict, number};

/// Fills the gaps of the histories that fit, as far as their exchanges have the candles.
pub(super) fn fill(
    store: &CandleStore,
    which: &Filter,
    venue: &VenueArguments,
    json: bool,
) -> Result<Verdict> {
    let mut rows = Vec::new();
    for market in which.markets(store)? {
        let before = store.manifest(&market)?;
        if before.gaps.count == 0 {
            continue;
        }
        let Ok(adapter) = Venue::of_name(&market.exchange) else {
            output::note(format!("{market}: there is no adapter for this exchange"));
            continue;
        };
        let span = before.from..before.to;
        let filled = fetch(store, adapter, venue.access()?, &market, span)?;
        let left = filled.manifest.map_or(0, |manifest| manifest.gaps.missing);
        if json {
            rows.push(json!({ "market": market, "fetched": filled.fetched, "missing": left }));
        } else {
            let (fetched, left) = (number(filled.fetched as f64, 0), number(left as f64, 0));
            output::line(format!(
                "{market}: {fetched} candles fetched; the exchange does not have the other {left}"
            ))?;
        }
    }
    if json {
        output::json(&rows)?;
    }
    Ok(Verdict::Good)
}

//! Where candles are missing.

use anyhow::{Result, bail};
use serde_json::json;
use tradepulse_core::market::{Market, Series};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::store::columnar::CandleStore;

use super::Filter;
use crate::output::{self, Verdict, number};

/// Candles that are missing in a row.
struct Gap {
    from: Timestamp,
    /// The open time of the first candle after it.
    to: Timestamp,
    candles: u64,
}

fn gaps_of(series: &Series) -> Vec<Gap> {
    let (step, times) = (series.timeframe().as_ms(), &series.columns().time);
    let gap = |(row, candles): (usize, u64)| Gap {
        from: Timestamp::from_ms(times[row - 1] + step),
        to: Timestamp::from_ms(times[row]),
        candles,
    };
    series.missing().map(gap).collect()
}

/// Lists every gap of the histories that fit.
pub(super) fn gaps(store: &CandleStore, which: &Filter, json: bool) -> Result<Verdict> {
    let mut all: Vec<(Market, Vec<Gap>)> = Vec::new();
    for market in which.markets(store)? {
        let gaps = gaps_of(&store.load(&market, None, None)?);
        all.push((market, gaps));
    }
    if json {
        let rows = all.iter().map(|(market, gaps)| {
            let gaps = gaps.iter().map(|gap| {
                let Gap { from, to, candles } = gap;
                json!({ "from_ms": from.as_ms(), "to_ms": to.as_ms(), "candles": candles })
            });
            json!({ "market": market, "gaps": gaps.collect::<Vec<_>>() })
        });
        output::json(&rows.collect::<Vec<_>>())?;
        return Ok(Verdict::Good);
    }
    let mut table = output::table(&["market", "from", "to", "candles"], &[3]);
    for (market, gaps) in &all {
        for Gap { from, to, candles } in gaps {
            let candles = number(*candles as f64, 0);
            table.add_row([market.to_string(), from.to_string(), to.to_string(), candles]);
        }
    }
    let count: usize = all.iter().map(|(_, gaps)| gaps.len()).sum();
    if count == 0 {
        output::line(format!("No candle is missing in {} histories", all.len()))?;
        return Ok(Verdict::Good);
    }
    output::line(table)?;
    output::line(format!(
        "{} gaps; `tradepulse data fill` asks the exchanges for these candles",
        number(count as f64, 0)
    ))?;
    Ok(Verdict::Good)
}

impl Filter {
    /// The stored histories that fit.
    pub(super) fn markets(&self, store: &CandleStore) -> Result<Vec<Market>> {
        let mut markets = Vec::new();
        for entry in store.list()? {
            let market = entry?.market;
            if self.covers(&market) {
                markets.push(market);
            }
        }
        if markets.is_empty() {
            bail!("nothing stored fits; `tradepulse data ls` shows what is");
        }
        Ok(markets)
    }
}

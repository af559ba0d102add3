//! Rows of features with what would have been right, for models that are trained by tools of one's
//! own (`tools/demo_model.py` trains one):
//!
//! ```sh
//! cargo run --release --bin feature_rows -- 6 0.0015 candles.csv 5m > rows.csv
//! ```
//!
//! How many candles ahead, the rise or fall that counts, and candles; without them, those that
//! `tradepulse demo` trains on. The first line is a comment of JSON: what a manifest has to say of the
//! features.

use std::io::Write;

use anyhow::{Context, Result};
use tradepulse_core::inference::{Basic10, FeatureSet, Labelling, batch, contract_hash};
use tradepulse_core::market::{Candle, Series, SyntheticMarket};
use tradepulse_core::random::Seed;
use tradepulse_core::time::Timeframe;
use tradepulse_exec::import::{Options, import};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &'static str| arguments.next().context(what);
    let horizon: usize = next("how many candles ahead?")?.parse()?;
    let rise: f64 = next("which rise or fall counts, such as 0.0015?")?.parse()?;
    let series = match arguments.next() {
        Some(file) => {
            let timeframe: Timeframe = arguments.next().context("which timeframe?")?.parse()?;
            import(&[file], timeframe, &Options::default())?.series
        }
        None => demo()?,
    };
    let labelling = Labelling { horizon, long_above: rise, short_below: -rise };
    let labels = labelling.labels(series.close());
    let candles: Vec<Candle> = series.candles().collect();
    let (rows, names) = (batch(&Basic10, &candles)?, Basic10.names());
    let first = candles.len() - rows.len() / names.len();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(
        out,
        "# {{\"features\": {:?}, \"feature_names\": {names:?}, \"contract\": {:?}, \"horizon\": \
         {horizon}, \"data\": {:?}}}",
        Basic10.name(),
        contract_hash(&Basic10),
        series.sha256(),
    )?;
    writeln!(out, "{},label", names.join(","))?;
    for (row, label) in rows.chunks_exact(names.len()).zip(&labels[first..]) {
        let Some(label) = label else { break };
        let numbers: Vec<String> = row.iter().map(ToString::to_string).collect();
        writeln!(out, "{},{label}", numbers.join(","))?;
    }
    Ok(out.flush()?)
}

/// The candles that the models of the demo are trained on.
fn demo() -> Result<Series> {
    let whole =
        SyntheticMarket { candles: 120_000, ..SyntheticMarket::new(Seed(42), Timeframe::M5) };
    Ok(whole.generate()?.slice(0..100_000))
}

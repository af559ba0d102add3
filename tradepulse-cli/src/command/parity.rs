use anyhow::{Context, Result};
use clap::Args;
use tradepulse_core::money::Amount;
use tradepulse_core::parity::{Parity, ParityTrade};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::parity::RunParity;
use tradepulse_exec::store::columnar::CandleStore;
use tradepulse_strategies::registry_with_models;

use crate::arguments::DataDir;
use crate::output::{self, Verdict, number};
use crate::records;
use crate::trading_records::TradingRecords;

const MEANING: &str = "\
What the run earned less what the simulator earns with the same configurations and costs on the
stored candles is split into parts that add up to the last digit:
  signal   trades that only one side made (also what a person closed or paused)
  data     candles that the run saw otherwise than they are stored
  size     another quantity
  latency  entries and exits in a later candle: what the market moved until then
  fill     another price in the same candle: slippage
  fee      fees and funding

Exit codes:
  0  compared, whatever the difference
  2  the run cannot be compared";

#[derive(Args)]
#[command(after_help = MEANING)]
pub(crate) struct Arguments {
    /// The run: its id, the beginning of it, or `latest`
    run: String,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let found = records::runtime()?.block_on(async {
        let records = TradingRecords::open(place).await?;
        let run = records.run(&arguments.run)?;
        let store = records.store().context("nothing is stored")?;
        let candles = CandleStore::open(place.path()?);
        anyhow::Ok(RunParity::new(store, run, &registry_with_models(), &candles).await?)
    })?;
    if arguments.json {
        output::json(&found)?;
    } else {
        print(&found)?;
    }
    Ok(Verdict::Good)
}

fn print(found: &RunParity) -> Result<()> {
    let RunParity { run, wallet, candles, controls, parity, refused } = found;
    output::line(format!("Run {run} of wallet {wallet}, beside the simulator"))?;
    output::line(format!(
        "Candles: {} seen, {} the same in the store, {} differ, {} not stored, {} not seen",
        candles.seen, candles.same, candles.differing, candles.not_stored, candles.not_seen
    ))?;
    for market in &candles.markets_not_stored {
        output::note(format!("{market}: no candles are stored; those that the run saw count"));
    }
    if *controls > 0 {
        output::note(format!(
            "{controls} commands of people are not done again: what they changed is signal"
        ));
    }
    output::line("")?;
    let mut table = output::table(&["", "quote currency"], &[1]);
    let Parity { recorded, stored, difference, parts, .. } = parity;
    for (name, amount) in [
        ("the run", *recorded),
        ("the simulator", *stored),
        ("difference", *difference),
        ("  signal", parts.signal),
        ("  data", parts.data),
        ("  size", parts.size),
        ("  latency", parts.latency),
        ("  fill", parts.fill),
        ("  fee", parts.fee),
    ] {
        table.add_row([name.to_owned(), amount_text(amount)]);
    }
    output::line(table)?;
    let pairs = parity.pairs.len();
    let (run, simulator) = (&parity.only_recorded, &parity.only_simulated);
    output::line(format!(
        "{pairs} trades of both, {} only of the run, {} only of the simulator",
        run.len(),
        simulator.len()
    ))?;
    lone("only the run", run)?;
    lone("only the simulator", simulator)?;
    for (at, reason) in refused.iter().take(SHOWN) {
        output::line(format!("refused at {at}: {reason}"))?;
    }
    Ok(())
}

/// Trades shown of a side.
const SHOWN: usize = 10;

fn lone(who: &str, trades: &[ParityTrade]) -> Result<()> {
    for ParityTrade { trade, .. } in trades.iter().take(SHOWN) {
        output::line(format!(
            "{who}: {} at {} entered {}, profit {}",
            trade.side.name(),
            trade.entry_price,
            Timestamp::from_ms(trade.entry_time_ms),
            number(trade.profit, 2)
        ))?;
    }
    match trades.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => output::line(format!("{who}: {more} more; --json has them all")),
        _ => Ok(()),
    }
}

fn amount_text(amount: Amount) -> String {
    number(amount.to_f64(), 8)
}

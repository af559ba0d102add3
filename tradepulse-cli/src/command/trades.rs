use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tradepulse_core::store::trading::TradeRecord;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::store::trades_csv;

use crate::arguments::{DataDir, MarketSelection, Selection};
use crate::output::{self, Verdict, number};
use crate::records;
use crate::trading_records::{Found, TradingRecords};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: MarketSelection,
    /// Write them to this file instead, the oldest first; all of them without --limit
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    csv: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { selection, csv } = arguments;
    records::runtime()?.block_on(async {
        let records = TradingRecords::open(place).await?;
        let filter = records.market_filter(&selection)?;
        let all = records.list::<TradeRecord>(&filter, u64::MAX).await?.records;
        let summary = summary(&all);
        let rows = if csv.is_some() { u64::MAX } else { Selection::ROWS };
        let mut found = Found::first(all, selection.records.limit(rows));
        if let Some(file) = csv {
            found.records.reverse();
            super::backtest::write(&file, |out| trades_csv::write(out, &found.records))?;
            let written = found.records.len();
            output::line(format!("{written} trades written to {}", file.display()))?;
            return Ok(Verdict::Good);
        }
        let how = (selection.is_narrow(), selection.records.json);
        found.show(&records, "trades", how, |trades| format!("{}\n{summary}", table(trades)))
    })
}

/// All of them in a line.
fn summary(trades: &[TradeRecord]) -> String {
    let profit: f64 = trades.iter().map(|trade| trade.profit).sum();
    let won = trades.iter().filter(|trade| trade.profit > 0.0).count();
    format!("{} trades, {won} won, profit {}", trades.len(), number(profit, 2))
}

fn table(trades: &[TradeRecord]) -> output::Table {
    let header = [
        "exit", "market", "strategy", "side", "quantity", "entry", "exit at", "fees", "profit",
        "%", "reason", "candles",
    ];
    let mut table = output::table(&header, &[4, 5, 6, 7, 8, 9, 11]);
    for trade in trades {
        table.add_row([
            Timestamp::from_ms(trade.exit_time_ms).to_string(),
            trade.symbol.to_string(),
            trade.strategy.clone(),
            trade.side.name().to_owned(),
            trade.quantity.to_string(),
            trade.entry_price.to_string(),
            trade.exit_price.to_string(),
            number(trade.fees, 2),
            number(trade.profit, 2),
            number(trade.profit_pct, 2),
            trade.exit_reason.name().to_owned(),
            trade.holding.to_string(),
        ]);
    }
    table
}

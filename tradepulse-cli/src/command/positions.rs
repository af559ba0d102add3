use anyhow::Result;
use clap::Args;
use tradepulse_core::market::Symbol;
use tradepulse_core::store::trading::{PositionRecord, RecordFilter};

use crate::arguments::DataDir;
use crate::output::{self, Verdict, maybe};
use crate::records;
use crate::trading_records::{Found, MarkedPosition, ROWS, Selection, TradingRecords};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Of this market, such as BTC/USDT
    #[arg(long)]
    symbol: Option<Symbol>,
    /// Only those that are held
    #[arg(long)]
    open: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { selection, symbol, open } = arguments;
    records::runtime()?.block_on(async {
        let records = TradingRecords::open(place).await?;
        let filter = records.filter(&selection, symbol.as_ref())?;
        let filter = RecordFilter { open: open.then_some(true), ..filter };
        let found = records.list::<PositionRecord>(&filter, selection.limit(ROWS)).await?;
        let found = Found { records: records.marked(found.records).await?, more: found.more };
        if selection.json {
            output::json(&found.records)?;
        } else if found.records.is_empty() {
            let narrow = open || symbol.is_some() || selection.is_narrow();
            output::line(records.nothing("positions", narrow))?;
        } else {
            output::line(table(&found.records))?;
            found.note_more();
        }
        Ok(Verdict::Good)
    })
}

/// Positions with their protection and what they would earn.
pub(super) fn table(positions: &[MarkedPosition]) -> impl std::fmt::Display {
    let header = [
        "opened",
        "wallet",
        "market",
        "side",
        "quantity",
        "entry",
        "stop",
        "target",
        "last price",
        "as of",
        "unrealised",
        "closed",
    ];
    let mut table = output::table(&header, &[4, 5, 6, 7, 8, 10]);
    for MarkedPosition { position, last_price, unrealised } in positions {
        let price = |price: Option<_>| price.map_or_else(|| "–".to_owned(), |p| format!("{p}"));
        let (last, as_of) = match last_price {
            Some(last) => (last.price.to_string(), last.at.to_string()),
            None => ("–".to_owned(), String::new()),
        };
        let closed = position.ended_at.map_or_else(|| "open".to_owned(), |at| at.to_string());
        table.add_row([
            position.opened_at.to_string(),
            position.wallet.clone(),
            position.symbol.to_string(),
            position.side.name().to_owned(),
            position.quantity.to_string(),
            position.entry_price.to_string(),
            price(position.stop),
            price(position.target),
            last,
            as_of,
            maybe(*unrealised, 2),
            closed,
        ]);
    }
    table
}

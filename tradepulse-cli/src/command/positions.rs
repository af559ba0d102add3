use anyhow::Result;
use clap::Args;
use tradepulse_core::store::trading::{PositionRecord, RecordFilter};

use crate::arguments::{DataDir, MarketSelection, Selection};
use crate::output::{self, Verdict, maybe};
use crate::records;
use crate::trading_records::{Found, MarkedPosition, TradingRecords};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: MarketSelection,
    /// Only those that are held
    #[arg(long)]
    open: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { selection, open } = arguments;
    records::runtime()?.block_on(async {
        let records = TradingRecords::open(place).await?;
        let open_only = open.then_some(true);
        let filter = RecordFilter { open: open_only, ..records.market_filter(&selection)? };
        let limit = selection.records.limit(Selection::ROWS);
        let found = records.list::<PositionRecord>(&filter, limit).await?;
        let found = Found { records: records.marked(found.records).await?, more: found.more };
        let how = (open || selection.is_narrow(), selection.records.json);
        found.show(&records, "positions", how, table)
    })
}

/// Positions with their protection and what they would earn.
pub(super) fn table(positions: &[MarkedPosition]) -> output::Table {
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

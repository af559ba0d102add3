use anyhow::Result;
use clap::Args;
use tradepulse_core::order::Side;
use tradepulse_core::store::trading::{OrderRecord, RecordFilter};

use crate::arguments::{DataDir, MarketSelection, Selection};
use crate::output::{self, Verdict};
use crate::records;
use crate::trading_records::TradingRecords;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: MarketSelection,
    /// Only those to which something may still happen
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
        let found = records.list::<OrderRecord>(&filter, limit).await?;
        let how = (open || selection.is_narrow(), selection.records.json);
        found.show(&records, "orders", how, table)
    })
}

fn table(orders: &[OrderRecord]) -> output::Table {
    let header = [
        "created", "id", "market", "side", "kind", "trigger", "price", "quantity", "filled",
        "state", "reason",
    ];
    let mut table = output::table(&header, &[5, 6, 7, 8]);
    for order in orders {
        let price = |price: Option<_>| price.map_or_else(|| "–".to_owned(), |p| format!("{p}"));
        let side = match order.side {
            Side::Long => "buy",
            Side::Short => "sell",
        };
        table.add_row([
            order.created_at.to_string(),
            order.id.to_string(),
            order.symbol.to_string(),
            side.to_owned(),
            order.kind.name().to_owned(),
            price(order.trigger),
            price(order.price),
            order.quantity.to_string(),
            order.filled.to_string(),
            order.state.name().to_owned(),
            order.reason.clone().unwrap_or_default(),
        ]);
    }
    table
}

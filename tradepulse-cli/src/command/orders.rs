use anyhow::Result;
use clap::Args;
use tradepulse_core::market::Symbol;
use tradepulse_core::order::Side;
use tradepulse_core::store::trading::{OrderRecord, RecordFilter};

use crate::arguments::DataDir;
use crate::output::{self, Verdict};
use crate::records;
use crate::trading_records::{ROWS, Selection, TradingRecords};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Of this market, such as BTC/USDT
    #[arg(long)]
    symbol: Option<Symbol>,
    /// Only those to which something may still happen
    #[arg(long)]
    open: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { selection, symbol, open } = arguments;
    records::runtime()?.block_on(async {
        let records = TradingRecords::open(place).await?;
        let filter = records.filter(&selection, symbol.as_ref())?;
        let filter = RecordFilter { open: open.then_some(true), ..filter };
        let found = records.list::<OrderRecord>(&filter, selection.limit(ROWS)).await?;
        if selection.json {
            output::json(&found.records)?;
        } else if found.records.is_empty() {
            let narrow = open || symbol.is_some() || selection.is_narrow();
            output::line(records.nothing("orders", narrow))?;
        } else {
            output::line(table(&found.records))?;
            found.note_more();
        }
        Ok(Verdict::Good)
    })
}

fn table(orders: &[OrderRecord]) -> impl std::fmt::Display {
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

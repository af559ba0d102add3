use std::collections::BTreeMap;

use tradepulse_core::market::Symbol;
use tradepulse_core::order::{ClientOrderId, Side};
use tradepulse_core::parity::ParityTrade;
use tradepulse_core::store::trading::{
    FillRecord, First, OrderRecord, Record, RecordFilter, TradeRecord, TradingStore,
    TradingStoreExt,
};
use tradepulse_core::store::{Page, StoreError};
use tradepulse_core::time::Timeframe;

use super::candles::MarketEvent;

/// A trade of a run, and where it was made.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) symbol: Symbol,
    pub(super) trade: ParityTrade,
}

/// The trades of a run in their order, with the prices without slippage that its fills have.
pub(super) async fn of_run(store: &dyn TradingStore, run: &str) -> Result<Vec<Found>, StoreError> {
    let filter =
        RecordFilter { run: Some(run.to_owned()), first: First::Oldest, ..RecordFilter::default() };
    let references = References::new(
        &all::<OrderRecord>(store, &filter).await?,
        all::<FillRecord>(store, &filter).await?,
    );
    let mut trades = all::<TradeRecord>(store, &filter).await?;
    trades.sort_by_key(|trade| trade.sequence);
    let found = trades.into_iter().map(|record| {
        let configuration = record.configuration_id.to_string();
        let at = |side, ms| references.at(&configuration, side, ms);
        let (side, exit_side) = (record.side, record.side.opposite());
        Found {
            trade: ParityTrade {
                entry_reference: at(side, record.entry_time_ms),
                exit_reference: at(exit_side, record.exit_time_ms),
                timeframe: record.timeframe,
                trade: record.trade(),
                configuration,
            },
            symbol: record.symbol,
        }
    });
    Ok(found.collect())
}

async fn all<R: Record>(
    store: &dyn TradingStore,
    filter: &RecordFilter,
) -> Result<Vec<R>, StoreError> {
    store.records(filter, Page::ALL).await
}

/// What fills would have cost without slippage.
struct References {
    /// The order that filled, by configuration, whether it bought, and when.
    orders: BTreeMap<(String, bool, i64), ClientOrderId>,
    /// Quantity and notional of each order at its references; `None` where one is not known.
    sums: BTreeMap<ClientOrderId, Option<(f64, f64)>>,
}

impl References {
    fn new(orders: &[OrderRecord], fills: Vec<FillRecord>) -> Self {
        let configurations: BTreeMap<_, _> =
            orders.iter().map(|order| (order.id, order.configuration_id.to_string())).collect();
        let mut found = Self { orders: BTreeMap::new(), sums: BTreeMap::new() };
        for fill in fills {
            let quantity = fill.quantity.to_f64();
            let sum = found.sums.entry(fill.order_id).or_insert(Some((0.0, 0.0)));
            *sum = match (*sum, fill.reference) {
                (Some((sum, notional)), Some(reference)) => {
                    Some((sum + quantity, notional + quantity * reference.to_f64()))
                }
                _ => None,
            };
            if let Some(configuration) = configurations.get(&fill.order_id) {
                let key = (configuration.clone(), fill.side == Side::Long, fill.at.as_ms());
                found.orders.insert(key, fill.order_id);
            }
        }
        found
    }

    fn at(&self, configuration: &str, side: Side, ms: i64) -> Option<f64> {
        let key = (configuration.to_owned(), side == Side::Long, ms);
        let (quantity, notional) = (*self.sums.get(self.orders.get(&key)?)?)?;
        (quantity > 0.0).then(|| notional / quantity)
    }
}

/// Where a venue did not tell what a fill would have cost without slippage: the open of the candle
/// it lies in, if the run saw it.
pub(super) fn fill_references(trades: &mut [Found], seen: &[MarketEvent]) {
    let mut opens: BTreeMap<(&Symbol, Timeframe, i64), f64> = BTreeMap::new();
    for event in seen {
        let open_ms = event.candle.open_time.as_ms();
        opens.insert((&event.symbol, event.timeframe, open_ms), event.candle.open);
    }
    for Found { symbol, trade } in trades {
        let length = trade.timeframe.as_ms();
        let open = |ms: i64| {
            opens.get(&(&*symbol, trade.timeframe, ms.div_euclid(length) * length)).copied()
        };
        let (entry, exit) = (open(trade.trade.entry_time_ms), open(trade.trade.exit_time_ms));
        trade.entry_reference = trade.entry_reference.or(entry);
        trade.exit_reference = trade.exit_reference.or(exit);
    }
}

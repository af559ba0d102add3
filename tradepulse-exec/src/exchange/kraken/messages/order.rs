use std::collections::BTreeMap;

use serde::Deserialize;
use tradepulse_core::market::Symbol;
use tradepulse_core::money::{Amount, Price, Quantity};
use tradepulse_core::order::{Execution, Liquidity, OrderStatus};
use tradepulse_core::time::Timestamp;

use super::Exact;

/// A time in seconds with a fraction.
fn seconds(time: f64) -> Timestamp {
    Timestamp::from_ms((time * 1_000.0) as i64)
}

/// The answer of `AddOrder`.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::kraken) struct AddedMessage {
    #[serde(default)]
    pub(in crate::exchange::kraken) txid: Vec<String>,
}

/// The answer of `CancelOrder`.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::kraken) struct CancelledMessage {
    pub(in crate::exchange::kraken) count: u64,
}

/// The answer of `OpenOrders`.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::kraken) struct OpenMessage {
    pub(in crate::exchange::kraken) open: BTreeMap<String, OrderMessage>,
}

/// The answer of `ClosedOrders`.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::kraken) struct ClosedMessage {
    pub(in crate::exchange::kraken) closed: BTreeMap<String, OrderMessage>,
}

/// An order, as questions are answered.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::kraken) struct OrderMessage {
    pub(in crate::exchange::kraken) cl_ord_id: Option<String>,
    pub(in crate::exchange::kraken) status: String,
    opentm: f64,
    closetm: Option<f64>,
    descr: DescriptionMessage,
    pub(in crate::exchange::kraken) vol_exec: Quantity,
    pub(in crate::exchange::kraken) reason: Option<String>,
    /// Ids of its executions, if they were asked for.
    #[serde(default)]
    pub(in crate::exchange::kraken) trades: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct DescriptionMessage {
    pair: String,
}

impl OrderMessage {
    /// The venue's short name of its market.
    pub(in crate::exchange::kraken) fn pair(&self) -> &str {
        &self.descr.pair
    }

    /// When it ended, or else was opened.
    pub(in crate::exchange::kraken) fn at(&self) -> Timestamp {
        seconds(self.closetm.unwrap_or(self.opentm))
    }
}

/// What the venue's word for a status means.
pub(in crate::exchange::kraken) fn order_status(status: &str) -> Option<OrderStatus> {
    Some(match status {
        "pending" | "pending_new" | "open" | "new" | "partially_filled" => OrderStatus::Open,
        "closed" | "filled" => OrderStatus::Filled,
        "canceled" => OrderStatus::Cancelled,
        "expired" => OrderStatus::Expired,
        _ => return None,
    })
}

/// An execution, as `QueryTrades` tells it.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::kraken) struct TradeMessage {
    time: f64,
    price: Price,
    fee: Amount,
    vol: Quantity,
    #[serde(default)]
    maker: bool,
}

impl TradeMessage {
    /// Orders ask for fees in the quote currency.
    pub(in crate::exchange::kraken) fn execution(self, id: String, symbol: &Symbol) -> Execution {
        Execution {
            id,
            quantity: self.vol,
            price: self.price,
            fee: self.fee,
            fee_currency: symbol.quote().to_owned(),
            liquidity: if self.maker { Liquidity::Maker } else { Liquidity::Taker },
            at: seconds(self.time),
            simulated: None,
        }
    }
}

/// What a stream says of an order.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::kraken) struct ExecutionMessage {
    pub(in crate::exchange::kraken) order_id: String,
    pub(in crate::exchange::kraken) cl_ord_id: Option<String>,
    pub(in crate::exchange::kraken) symbol: Option<String>,
    pub(in crate::exchange::kraken) exec_type: String,
    pub(in crate::exchange::kraken) order_status: String,
    pub(in crate::exchange::kraken) exec_id: Option<String>,
    last_qty: Option<Exact<Quantity>>,
    last_price: Option<Exact<Price>>,
    pub(in crate::exchange::kraken) cum_qty: Option<Exact<Quantity>>,
    liquidity_ind: Option<String>,
    #[serde(default)]
    fees: Vec<FeeMessage>,
    pub(in crate::exchange::kraken) reason: Option<String>,
    timestamp: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FeeMessage {
    asset: String,
    qty: Exact<Amount>,
}

impl ExecutionMessage {
    /// When it happened, if it says so.
    pub(in crate::exchange::kraken) fn at(&self) -> Option<Timestamp> {
        self.timestamp.as_deref()?.parse().ok()
    }

    /// The execution that it tells of; `None` if something of it is missing.
    pub(in crate::exchange::kraken) fn execution(
        &self,
        symbol: &Symbol,
        at: Timestamp,
    ) -> Option<Execution> {
        let (fee, asset) = match &self.fees[..] {
            [] => (Amount::ZERO, symbol.quote()),
            [fee] => (fee.qty.0, super::super::symbols::currency(&fee.asset)),
            // One execution, one currency: anything else has to be asked for.
            _ => return None,
        };
        Some(Execution {
            id: self.exec_id.clone()?,
            quantity: self.last_qty?.0,
            price: self.last_price?.0,
            fee,
            fee_currency: asset.to_owned(),
            liquidity: match self.liquidity_ind.as_deref() {
                Some("m") => Liquidity::Maker,
                _ => Liquidity::Taker,
            },
            at,
            simulated: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_read_from_an_event_exactly() {
        let event: ExecutionMessage = serde_json::from_str(
            r#"{"order_id":"O6NTZC-K6FRH-ATWBCK","exec_id":"T5DIUI-5N4KO-Z5BPXK","exec_type":"trade",
                "symbol":"BTC/USD","last_qty":15.44,"last_price":1.0002,"liquidity_ind":"m",
                "order_status":"filled","fees":[{"asset":"USD","qty":0.3458}],"new":1,
                "timestamp":"2023-09-22T10:33:05.709950Z"}"#,
        )
        .unwrap();
        let symbol = "BTC/USD".parse().unwrap();
        let execution = event.execution(&symbol, event.at().unwrap()).unwrap();
        assert_eq!(execution.quantity, "15.44".parse().unwrap());
        assert_eq!(execution.price, "1.0002".parse().unwrap());
        assert_eq!(execution.fee, "0.3458".parse().unwrap());
        assert_eq!(execution.liquidity, Liquidity::Maker);
        assert_eq!(execution.at.as_ms(), 1_695_378_785_709);
    }
}

use serde::Deserialize;
use tradepulse_core::money::{Amount, Price, Quantity};
use tradepulse_core::order::{Execution, Liquidity, OrderStatus};
use tradepulse_core::time::Timestamp;

/// An order, as REST answers have it: of a new order, a question, or a cancel; spot or futures.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::exchange::binance) struct OrderMessage {
    pub(in crate::exchange::binance) order_id: i64,
    pub(in crate::exchange::binance) client_order_id: String,
    /// Its id, where `client_order_id` is that of the cancel.
    #[serde(default)]
    orig_client_order_id: Option<String>,
    /// Missing in the shortest form of an answer.
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    pub(in crate::exchange::binance) executed_qty: Quantity,
    #[serde(default)]
    transact_time: Option<i64>,
    #[serde(default)]
    update_time: Option<i64>,
    #[serde(default)]
    fills: Vec<FillMessage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FillMessage {
    price: Price,
    qty: Quantity,
    commission: Amount,
    commission_asset: String,
    #[serde(default)]
    trade_id: Option<i64>,
}

impl OrderMessage {
    /// The id that it was placed under.
    pub(in crate::exchange::binance) fn placed_as(&self) -> &str {
        match &self.orig_client_order_id {
            Some(original) if !original.is_empty() => original,
            _ => &self.client_order_id,
        }
    }

    pub(in crate::exchange::binance) fn status(&self) -> Result<OrderStatus, UnknownStatus> {
        self.status.as_deref().map_or(Ok(OrderStatus::Open), order_status)
    }

    pub(in crate::exchange::binance) fn at(&self) -> Timestamp {
        let ms = self.transact_time.or(self.update_time).unwrap_or_default();
        Timestamp::from_ms(ms)
    }

    /// The executions of an answer to a new order: it met what was in the book.
    pub(in crate::exchange::binance) fn executions(&self) -> Vec<Execution> {
        let execution = |fill: &FillMessage| {
            Some(Execution {
                id: fill.trade_id?.to_string(),
                quantity: fill.qty,
                price: fill.price,
                fee: fill.commission,
                fee_currency: fill.commission_asset.clone(),
                liquidity: Liquidity::Taker,
                at: self.at(),
                simulated: None,
            })
        };
        self.fills.iter().filter_map(execution).collect()
    }
}

/// What a status says.
pub(in crate::exchange::binance) fn order_status(text: &str) -> Result<OrderStatus, UnknownStatus> {
    match text {
        "NEW" | "PENDING_NEW" | "PARTIALLY_FILLED" | "PENDING_CANCEL" => Ok(OrderStatus::Open),
        "FILLED" => Ok(OrderStatus::Filled),
        "CANCELED" => Ok(OrderStatus::Cancelled),
        "REJECTED" => Ok(OrderStatus::Rejected),
        "EXPIRED" | "EXPIRED_IN_MATCH" => Ok(OrderStatus::Expired),
        _ => Err(UnknownStatus(text.to_owned())),
    }
}

/// A status that is not documented.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no known status of an order")]
pub(in crate::exchange::binance) struct UnknownStatus(String);

/// A pair.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::exchange::binance) struct OrderListMessage {
    #[serde(default)]
    pub(in crate::exchange::binance) order_reports: Vec<OrderMessage>,
}

/// What a cancel is answered with: one order, or the pair that it was in.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::exchange::binance) enum CancelMessage {
    Order(OrderMessage),
    List(OrderListMessage),
}

impl CancelMessage {
    pub(in crate::exchange::binance) fn orders(self) -> Vec<OrderMessage> {
        match self {
            Self::Order(order) => vec![order],
            Self::List(list) => list.order_reports,
        }
    }
}

/// An execution: `myTrades` of spot, `userTrades` of futures.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::exchange::binance) struct TradeMessage {
    pub(in crate::exchange::binance) id: i64,
    price: Price,
    qty: Quantity,
    commission: Amount,
    commission_asset: String,
    time: i64,
    #[serde(alias = "maker")]
    is_maker: bool,
}

impl TradeMessage {
    pub(in crate::exchange::binance) fn execution(self) -> Execution {
        Execution {
            id: self.id.to_string(),
            quantity: self.qty,
            price: self.price,
            fee: self.commission,
            fee_currency: self.commission_asset,
            liquidity: if self.is_maker { Liquidity::Maker } else { Liquidity::Taker },
            at: Timestamp::from_ms(self.time),
            simulated: None,
        }
    }
}

/// An order of the algo service of futures.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::exchange::binance) struct AlgoOrderMessage {
    pub(in crate::exchange::binance) algo_id: i64,
    pub(in crate::exchange::binance) client_algo_id: String,
    pub(in crate::exchange::binance) algo_status: String,
    /// The order in the book that it became; empty before.
    #[serde(default)]
    pub(in crate::exchange::binance) actual_order_id: Option<String>,
    #[serde(default)]
    update_time: i64,
}

impl AlgoOrderMessage {
    pub(in crate::exchange::binance) const fn at(&self) -> Timestamp {
        Timestamp::from_ms(self.update_time)
    }

    /// The order in the book, if there is one.
    pub(in crate::exchange::binance) fn actual(&self) -> Option<&str> {
        self.actual_order_id.as_deref().filter(|id| !id.is_empty() && *id != "0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_status_is_not_guessed() {
        assert_eq!(order_status("EXPIRED_IN_MATCH"), Ok(OrderStatus::Expired));
        assert!(order_status("HALF_FILLED").is_err());
    }
}

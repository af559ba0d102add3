use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use tradepulse_core::market::Symbol;
use tradepulse_core::money::{Amount, Price, Quantity};
use tradepulse_core::order::{ClientOrderId, Execution, Leg, Liquidity, OrderReport, OrderStatus};
use tradepulse_core::time::Timestamp;

use super::{decimal, quantity};
use crate::exchange::coinbase::errors::{CallError, OrderFailure};

/// The answer to a new order.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::coinbase) struct CreateMessage {
    success: bool,
    #[serde(default)]
    success_response: Option<CreatedOrder>,
    #[serde(default)]
    error_response: Option<OrderFailure>,
    #[serde(default)]
    failure_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CreatedOrder {
    order_id: String,
}

impl CreateMessage {
    /// The venue's id of the order.
    pub(in crate::exchange::coinbase) fn order_id(self) -> Result<String, CallError> {
        if !self.success {
            return Err(self.error_response.unwrap_or_default().refusal(self.failure_reason));
        }
        let lost = || CallError::Lost("a success without an order".to_owned());
        self.success_response.map(|order| order.order_id).ok_or_else(lost)
    }
}

/// The answer to a cancel.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::coinbase) struct CancelMessage {
    results: Vec<CancelResult>,
}

#[derive(Debug, Deserialize)]
struct CancelResult {
    success: bool,
    #[serde(default)]
    failure_reason: String,
}

impl CancelMessage {
    /// Whether the one order is being cancelled; the venue's reason if it is not.
    pub(in crate::exchange::coinbase) fn is_cancelled(&self) -> Result<(), String> {
        match self.results.first() {
            Some(result) if result.success => Ok(()),
            Some(result) => Err(result.failure_reason.clone()),
            None => Err("the answer speaks of no order".to_owned()),
        }
    }
}

/// The answer to a question for one order.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::coinbase) struct OrderAnswer {
    pub(in crate::exchange::coinbase) order: OrderMessage,
}

#[derive(Debug, Deserialize)]
pub(in crate::exchange::coinbase) struct OrdersMessage {
    pub(in crate::exchange::coinbase) orders: Vec<OrderMessage>,
    #[serde(default)]
    pub(in crate::exchange::coinbase) has_next: bool,
    #[serde(default)]
    pub(in crate::exchange::coinbase) cursor: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::exchange::coinbase) struct OrderMessage {
    pub(in crate::exchange::coinbase) order_id: String,
    pub(in crate::exchange::coinbase) product_id: String,
    #[serde(default)]
    pub(in crate::exchange::coinbase) client_order_id: String,
    status: String,
    #[serde(default)]
    side: String,
    #[serde(default, deserialize_with = "quantity")]
    pub(in crate::exchange::coinbase) filled_size: Quantity,
    #[serde(default)]
    created_time: String,
    #[serde(default)]
    last_fill_time: Option<String>,
    /// Read where it is needed: those of other people's orders may be of any kind.
    #[serde(default)]
    order_configuration: Value,
    #[serde(default)]
    reject_reason: Option<String>,
    #[serde(default)]
    reject_message: Option<String>,
    #[serde(default)]
    cancel_message: Option<String>,
}

/// A pair, which is one order of the venue: its target, with a stop on the other side.
#[derive(Debug, Deserialize)]
struct Bracket {
    base_size: Quantity,
    limit_price: Price,
}

impl OrderMessage {
    pub(in crate::exchange::coinbase) fn created(&self) -> Option<Timestamp> {
        self.created_time.parse().ok()
    }

    pub(in crate::exchange::coinbase) fn status(&self) -> Result<OrderStatus, Unreadable> {
        let status = order_status(&self.status)?;
        // What fails after a part of it filled was not refused.
        Ok(match status {
            OrderStatus::Rejected if !self.filled_size.is_zero() => OrderStatus::Cancelled,
            status => status,
        })
    }

    fn reason(&self) -> Option<String> {
        let texts = [&self.reject_message, &self.reject_reason, &self.cancel_message];
        let says = |text: &&String| !text.is_empty() && *text != "REJECT_REASON_UNSPECIFIED";
        texts.into_iter().flatten().find(says).cloned()
    }

    /// How it stands, with these executions, which are all that it has: one report, or, of a
    /// pair, one for the stop and one for the target.
    pub(in crate::exchange::coinbase) fn reports(
        &self,
        id: ClientOrderId,
        symbol: &Symbol,
        executions: Vec<Execution>,
    ) -> Result<Vec<OrderReport>, Unreadable> {
        let times = [self.last_fill_time.as_deref(), Some(self.created_time.as_str())];
        let at = times.into_iter().flatten().find_map(|text| text.parse().ok());
        let status = self.status()?;
        let report = |id, status, executions: Vec<Execution>| OrderReport {
            id,
            symbol: symbol.clone(),
            venue_id: Some(self.order_id.clone()),
            status,
            filled: executions.iter().fold(Quantity::ZERO, |sum, e| sum.plus(e.quantity)),
            executions,
            reason: self.reason(),
            at: at.unwrap_or_default(),
        };
        let Some(pair) = self.pair()?.filter(|_| id.which_leg().is_none()) else {
            return Ok(vec![report(id, status, executions)]);
        };
        // The venue does not say which side of the pair filled; the price does: the target fills
        // at its limit or better, the stop on the other side of it.
        let sells = self.side == "SELL";
        let by_target = |execution: &Execution| match sells {
            true => execution.price >= pair.limit_price,
            false => execution.price <= pair.limit_price,
        };
        let (target, stop): (Vec<_>, Vec<_>) = executions.into_iter().partition(by_target);
        let legs = [(Leg::Stop, stop), (Leg::Target, target)];
        Ok(legs
            .map(|(leg, executions)| {
                let mut report = report(id.leg(leg), status, executions);
                if status == OrderStatus::Filled && report.filled < pair.base_size {
                    report.status = OrderStatus::Expired;
                }
                report
            })
            .to_vec())
    }

    fn pair(&self) -> Result<Option<Bracket>, Unreadable> {
        let names = ["trigger_bracket_gtc", "trigger_bracket_gtd"];
        let found = names.into_iter().find_map(|name| self.order_configuration.get(name));
        let pair = found.filter(|pair| !pair.is_null()).map(Bracket::deserialize).transpose();
        pair.map_err(|error| Unreadable::Pair(error.to_string()))
    }
}

/// What a status says.
pub(in crate::exchange::coinbase) fn order_status(text: &str) -> Result<OrderStatus, Unreadable> {
    match text {
        "PENDING" | "OPEN" | "QUEUED" | "CANCEL_QUEUED" | "EDIT_QUEUED" => Ok(OrderStatus::Open),
        "FILLED" => Ok(OrderStatus::Filled),
        "CANCELLED" => Ok(OrderStatus::Cancelled),
        "EXPIRED" => Ok(OrderStatus::Expired),
        "FAILED" => Ok(OrderStatus::Rejected),
        _ => Err(Unreadable::Status(text.to_owned())),
    }
}

/// What is not to be understood of an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::exchange::coinbase) enum Unreadable {
    #[error("{0:?} is no known status of an order")]
    Status(String),
    #[error("a bracket that is not understood: {0}")]
    Pair(String),
}

#[derive(Debug, Deserialize)]
pub(in crate::exchange::coinbase) struct FillsMessage {
    pub(in crate::exchange::coinbase) fills: Vec<FillMessage>,
    #[serde(default)]
    pub(in crate::exchange::coinbase) cursor: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::exchange::coinbase) struct FillMessage {
    trade_id: String,
    #[serde(default)]
    pub(in crate::exchange::coinbase) order_id: String,
    price: Price,
    size: Decimal,
    #[serde(default)]
    size_in_quote: bool,
    #[serde(deserialize_with = "decimal")]
    commission: Decimal,
    trade_time: String,
    #[serde(default)]
    liquidity_indicator: String,
}

impl FillMessage {
    /// The execution; fees are taken in the quote currency. `None` if it cannot be one.
    pub(in crate::exchange::coinbase) fn execution(self, symbol: &Symbol) -> Option<Execution> {
        // Orders for an amount of money have their fills in money.
        let size =
            if self.size_in_quote { self.size.checked_div(self.price.into())? } else { self.size };
        Some(Execution {
            id: self.trade_id,
            quantity: size.try_into().ok()?,
            price: self.price,
            fee: Amount::from(self.commission),
            fee_currency: symbol.quote().to_owned(),
            liquidity: match self.liquidity_indicator.as_str() {
                "MAKER" => Liquidity::Maker,
                _ => Liquidity::Taker,
            },
            at: self.trade_time.parse().ok()?,
            simulated: None,
        })
    }
}

/// An order in a message of the user channel.
#[derive(Debug, Deserialize)]
pub(in crate::exchange::coinbase) struct OrderEvent {
    pub(in crate::exchange::coinbase) order_id: String,
    #[serde(default)]
    pub(in crate::exchange::coinbase) client_order_id: String,
    pub(in crate::exchange::coinbase) product_id: String,
    #[serde(deserialize_with = "quantity")]
    cumulative_quantity: Quantity,
    status: String,
    #[serde(default)]
    order_type: String,
    #[serde(default)]
    reject_reason: String,
    #[serde(default)]
    cancel_reason: String,
}

impl OrderEvent {
    /// The report that it makes by itself; `None` if the venue has to be asked: for executions,
    /// which these messages do not have, and for the sides of a pair.
    pub(in crate::exchange::coinbase) fn report(
        &self,
        id: ClientOrderId,
        symbol: &Symbol,
        at: Timestamp,
    ) -> Option<OrderReport> {
        let letters = self.order_type.chars().filter(char::is_ascii_alphabetic);
        let order_type = letters.collect::<String>().to_ascii_lowercase();
        let is_one_order = matches!(order_type.as_str(), "limit" | "market" | "stoplimit");
        let status = order_status(&self.status).ok()?;
        let nothing_filled = self.cumulative_quantity.is_zero() && status != OrderStatus::Filled;
        (is_one_order && nothing_filled).then(|| OrderReport {
            id,
            symbol: symbol.clone(),
            venue_id: Some(self.order_id.clone()),
            status,
            filled: Quantity::ZERO,
            executions: Vec::new(),
            reason: [&self.reject_reason, &self.cancel_reason]
                .into_iter()
                .find(|reason| !reason.is_empty())
                .cloned(),
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(side: &str, status: &str, fills: &[(&str, &str)]) -> Vec<(OrderStatus, String)> {
        let filled: Decimal = fills.iter().map(|(_, size)| size.parse::<Decimal>().unwrap()).sum();
        let order: OrderMessage = serde_json::from_value(serde_json::json!({
            "order_id": "o", "product_id": "BTC-USD", "client_order_id": "tp100000-1",
            "status": status, "side": side, "filled_size": filled.to_string(),
            "created_time": "2024-01-15T10:30:00.123456Z",
            "order_configuration": { "trigger_bracket_gtc": {
                "base_size": "2", "limit_price": "105", "stop_trigger_price": "95",
            } },
        }))
        .unwrap();
        let symbol: Symbol = "BTC/USD".parse().unwrap();
        let executions = fills.iter().enumerate().map(|(i, (price, size))| {
            let fill = serde_json::json!({
                "trade_id": i.to_string(), "price": price, "size": size, "commission": "0.1",
                "trade_time": "2024-01-15T10:30:01Z", "liquidity_indicator": "MAKER",
            });
            serde_json::from_value::<FillMessage>(fill).unwrap().execution(&symbol).unwrap()
        });
        let id = order.client_order_id.parse().unwrap();
        let reports = order.reports(id, &symbol, executions.collect()).unwrap();
        let ids: Vec<_> = reports.iter().map(|report| report.id).collect();
        assert_eq!(ids, [id.leg(Leg::Stop), id.leg(Leg::Target)]);
        reports.iter().map(|report| (report.status, report.filled.to_string())).collect()
    }

    #[test]
    fn the_sides_of_a_pair_are_told_apart_by_price() {
        use OrderStatus::{Cancelled, Expired, Filled, Open};
        let told = |stop: (OrderStatus, &str), target: (OrderStatus, &str)| {
            vec![(stop.0, stop.1.to_owned()), (target.0, target.1.to_owned())]
        };
        assert_eq!(pair("SELL", "OPEN", &[]), told((Open, "0"), (Open, "0")));
        let target = pair("SELL", "FILLED", &[("105", "0.5"), ("105.5", "1.5")]);
        assert_eq!(target, told((Expired, "0"), (Filled, "2")));
        let stop = pair("SELL", "FILLED", &[("94", "2")]);
        assert_eq!(stop, told((Filled, "2"), (Expired, "0")));
        let both = pair("SELL", "FILLED", &[("105", "0.5"), ("94", "1.5")]);
        assert_eq!(both, told((Expired, "1.5"), (Expired, "0.5")));
        let part = pair("SELL", "CANCELLED", &[("105", "0.5")]);
        assert_eq!(part, told((Cancelled, "0"), (Cancelled, "0.5")));
        let bought = pair("BUY", "FILLED", &[("104", "2")]);
        assert_eq!(bought, told((Expired, "0"), (Filled, "2")));
    }

    #[test]
    fn fills_in_money_are_counted_in_coins() {
        let fill = r#"{"trade_id":"t","price":"200","size":"5","size_in_quote":true,
            "commission":"","trade_time":"2023-01-18T01:37:38.091377090Z","side":"BUY"}"#;
        let fill: FillMessage = serde_json::from_str(fill).unwrap();
        let execution = fill.execution(&"BTC/USDT".parse().unwrap()).unwrap();
        assert_eq!(execution.quantity, "0.025".parse().unwrap());
        assert_eq!(execution.at.as_ms(), 1_674_005_858_091);
        assert_eq!(execution.fee_currency, "USDT");
    }

    #[test]
    fn a_success_that_is_none_is_a_refusal() {
        let text = r#"{"success":false,"failure_reason":"UNKNOWN_FAILURE_REASON","order_id":"",
            "error_response":{"error":"INSUFFICIENT_FUND","message":"Insufficient balance",
            "error_details":"","preview_failure_reason":"PREVIEW_INSUFFICIENT_FUND"}}"#;
        let answer: CreateMessage = serde_json::from_str(text).unwrap();
        let refusal = answer.order_id().unwrap_err();
        assert_eq!(refusal.to_string(), "INSUFFICIENT_FUND: Insufficient balance");
        let bare: CreateMessage = serde_json::from_str(r#"{"success":false}"#).unwrap();
        assert!(matches!(bare.order_id(), Err(CallError::Refused(_))));
        let empty: CreateMessage = serde_json::from_str(r#"{"success":true}"#).unwrap();
        assert!(matches!(empty.order_id(), Err(CallError::Lost(_))));
    }
}

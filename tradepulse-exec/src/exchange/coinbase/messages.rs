//! Messages of the venue, as it writes them. Unknown fields are ignored.

mod order;

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tradepulse_core::exchange::TradingRules;
use tradepulse_core::market::{Candle, Instrument, InstrumentKind, Symbol};
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::time::Timestamp;

#[cfg(test)]
pub(super) use order::FillMessage;
pub(super) use order::{
    CancelMessage, CreateMessage, FillsMessage, OrderAnswer, OrderEvent, OrderMessage,
    OrdersMessage,
};

/// The venue's name of a market.
pub(super) fn product_id(symbol: &Symbol) -> String {
    symbol.dashed()
}

/// The market of this name; `None` for names that are no pair, such as those of futures.
pub(super) fn symbol_of(product_id: &str) -> Option<Symbol> {
    let (base, quote) = product_id.split_once('-')?;
    Symbol::new(base, quote).ok()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimeMessage {
    #[serde(deserialize_with = "integer")]
    epoch_millis: i64,
}

impl TimeMessage {
    pub(super) const fn time(&self) -> Timestamp {
        Timestamp::from_ms(self.epoch_millis)
    }
}

/// A whole number that is written as a text, or as it is.
fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written<'a> {
        Number(i64),
        #[serde(borrow)]
        Text(Cow<'a, str>),
    }
    match Written::deserialize(deserializer)? {
        Written::Number(number) => Ok(number),
        Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

/// A number that is written as a text.
fn figure<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    let figure: f64 = text.parse().map_err(serde::de::Error::custom)?;
    if figure.is_finite() {
        Ok(figure)
    } else {
        Err(serde::de::Error::custom(format_args!("{text} is no number")))
    }
}

/// A decimal that is written as a text, which is empty where it is zero.
fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    if text.is_empty() { Ok(Decimal::ZERO) } else { text.parse().map_err(serde::de::Error::custom) }
}

/// The same, and not below zero.
fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
    decimal(deserializer)?.try_into().map_err(serde::de::Error::custom)
}

/// Candles, newest first.
#[derive(Debug, Deserialize)]
pub(super) struct CandlesMessage {
    pub(super) candles: Vec<CandleMessage>,
}

/// A candle, of an answer or of the stream.
#[derive(Debug, Deserialize)]
pub(super) struct CandleMessage {
    /// Seconds.
    #[serde(deserialize_with = "integer")]
    start: i64,
    #[serde(deserialize_with = "figure")]
    low: f64,
    #[serde(deserialize_with = "figure")]
    high: f64,
    #[serde(deserialize_with = "figure")]
    open: f64,
    #[serde(deserialize_with = "figure")]
    close: f64,
    #[serde(deserialize_with = "figure")]
    volume: f64,
    /// Of the stream.
    #[serde(default)]
    pub(super) product_id: String,
}

impl CandleMessage {
    pub(super) const fn candle(&self) -> Candle {
        Candle {
            open_time: Timestamp::from_ms(self.start.saturating_mul(1_000)),
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ProductMessage {
    pub(super) product_id: String,
    #[serde(deserialize_with = "decimal")]
    base_increment: Decimal,
    #[serde(deserialize_with = "decimal")]
    quote_increment: Decimal,
    #[serde(deserialize_with = "decimal")]
    base_min_size: Decimal,
    #[serde(deserialize_with = "decimal")]
    quote_min_size: Decimal,
    /// Missing in older messages: prices were multiples of `quote_increment` then.
    #[serde(default, deserialize_with = "decimal")]
    price_increment: Decimal,
}

impl ProductMessage {
    /// The rules that bind an order.
    pub(super) fn rules(&self) -> TradingRules {
        let quantity =
            |value: Decimal| Quantity::try_from(value).ok().filter(|quantity| !quantity.is_zero());
        let price = |value: Decimal| Price::try_from(value).ok();
        TradingRules {
            instrument: Instrument {
                kind: InstrumentKind::Spot,
                quantity_step: quantity(self.base_increment),
                min_quantity: quantity(self.base_min_size),
                min_notional: quantity(self.quote_min_size),
            },
            price_tick: price(self.price_increment).or(price(self.quote_increment)),
        }
    }
}

/// The best of a book.
#[derive(Debug, Deserialize)]
pub(super) struct BookMessage {
    pub(super) pricebook: PriceBook,
}

#[derive(Debug, Deserialize)]
pub(super) struct PriceBook {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

#[derive(Debug, Deserialize)]
struct Level {
    #[serde(deserialize_with = "figure")]
    price: f64,
}

impl PriceBook {
    /// Best bid and ask; `None` where a side is empty.
    pub(super) fn best(&self) -> Option<(f64, f64)> {
        Some((self.bids.first()?.price, self.asks.first()?.price))
    }
}

/// What a key may do.
#[derive(Debug, Deserialize)]
pub(super) struct KeyPermissionsMessage {
    pub(super) can_trade: bool,
    pub(super) can_transfer: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct AccountsMessage {
    pub(super) accounts: Vec<AccountMessage>,
    #[serde(default)]
    pub(super) has_next: bool,
    #[serde(default)]
    pub(super) cursor: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct AccountMessage {
    pub(super) currency: String,
    pub(super) available_balance: Money,
    #[serde(default)]
    pub(super) hold: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Money {
    #[serde(deserialize_with = "quantity")]
    pub(super) value: Quantity,
}

/// A message of a stream.
#[derive(Debug, Deserialize)]
pub(super) struct StreamMessage {
    #[serde(default)]
    pub(super) channel: String,
    /// Of errors: `error`.
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    /// Of errors.
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) sequence_num: Option<u64>,
    #[serde(default)]
    pub(super) events: Vec<Value>,
}

impl StreamMessage {
    /// The error it tells of.
    pub(super) fn error(&self) -> Option<&str> {
        (self.kind == "error").then_some(&self.message)
    }

    /// Whether it says that this channel is subscribed to.
    pub(super) fn confirms(&self, channel: &str) -> bool {
        self.channel == "subscriptions"
            && self.events.iter().any(|event| event["subscriptions"].get(channel).is_some())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes is read or refused.
        #[test]
        fn nothing_that_comes_is_too_much(figures in prop::collection::vec("[-+0-9.eE]{0,40}|NaN", 6)) {
            let [a, b, c, d, e, f] = &figures[..] else { return Ok(()) };
            let candle = serde_json::json!({
                "start": a, "low": b, "high": c, "open": d, "close": e, "volume": f,
            });
            if let Ok(candle) = serde_json::from_value::<CandleMessage>(candle) {
                candle.candle();
            }
            let product = serde_json::json!({
                "product_id": a, "base_increment": b, "quote_increment": c, "quote_min_size": d,
                "base_min_size": e, "price_increment": f,
            });
            if let Ok(product) = serde_json::from_value::<ProductMessage>(product) {
                product.rules();
            }
            let fill = serde_json::json!({
                "trade_id": "t", "price": a, "size": b, "size_in_quote": c.len() % 2 == 0,
                "commission": d, "trade_time": e,
            });
            if let Ok(fill) = serde_json::from_value::<FillMessage>(fill) {
                fill.execution(&"BTC/USD".parse().unwrap());
            }
            let order = serde_json::json!({
                "order_id": a, "product_id": b, "status": "FILLED", "filled_size": c,
                "order_configuration": { "trigger_bracket_gtc": {
                    "base_size": d, "limit_price": e,
                } },
            });
            if let Ok(order) = serde_json::from_value::<OrderMessage>(order) {
                let id = "tp100000-1".parse().unwrap();
                let _ = order.reports(id, &"BTC/USD".parse().unwrap(), Vec::new());
            }
        }
    }

    #[test]
    fn candles_are_read_and_what_is_none_is_refused() {
        let text = r#"{"start":"1712192400","low":"1.5","high":"4","open":"2","close":"3","volume":"7","new":{}}"#;
        let candle = serde_json::from_str::<CandleMessage>(text).unwrap().candle();
        assert_eq!(candle.open_time.as_ms(), 1_712_192_400_000);
        assert_eq!((candle.open, candle.high, candle.low, candle.close), (2.0, 4.0, 1.5, 3.0));
        assert_eq!(candle.volume, 7.0);
        for (from, to) in
            [("\"4\"", "\"NaN\""), ("\"4\"", "\"x\""), ("\"4\"", "4"), ("high", "peak")]
        {
            let text = text.replace(from, to);
            assert!(serde_json::from_str::<CandleMessage>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_pairs_are_symbols_and_those_of_futures_are_not() {
        assert_eq!(symbol_of("BTC-USD"), Some("BTC/USD".parse().unwrap()));
        assert_eq!(symbol_of("ETH-PERP-INTX"), None);
        assert_eq!(symbol_of("BTC"), None);
        assert_eq!(product_id(&"BTC/USD".parse().unwrap()), "BTC-USD");
    }

    #[test]
    fn rules_are_those_of_the_product() {
        let mut product: Value = serde_json::from_str(
            r#"{"product_id":"BTC-USD","base_increment":"0.00000001","quote_increment":"0.01",
                "quote_min_size":"1","base_min_size":"0.00000100","price_increment":"0.05"}"#,
        )
        .unwrap();
        let rules = serde_json::from_value::<ProductMessage>(product.clone()).unwrap().rules();
        assert_eq!(rules.price_tick, Some("0.05".parse().unwrap()));
        assert_eq!(rules.instrument.quantity_step, Some("0.00000001".parse().unwrap()));
        assert_eq!(rules.instrument.min_quantity, Some("0.000001".parse().unwrap()));
        assert_eq!(rules.instrument.min_notional, Some("1".parse().unwrap()));
        product["quote_min_size"] = "0".into();
        product["price_increment"] = "".into();
        let rules = serde_json::from_value::<ProductMessage>(product).unwrap().rules();
        assert_eq!(rules.price_tick, Some("0.01".parse().unwrap()));
        assert_eq!(rules.instrument.min_notional, None);
    }
}

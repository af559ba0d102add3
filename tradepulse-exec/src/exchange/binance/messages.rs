//! Messages of the venue, as it writes them. Unknown fields are ignored.

mod order;

use std::borrow::Cow;
use std::fmt;

use rust_decimal::Decimal;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tradepulse_core::exchange::TradingRules;
use tradepulse_core::market::{Candle, Instrument, InstrumentKind};
use tradepulse_core::money::{Amount, Price, Quantity};
use tradepulse_core::time::Timestamp;

pub(super) use order::{
    AlgoOrderMessage, CancelMessage, OrderListMessage, OrderMessage, TradeMessage, order_status,
};

use crate::exchange::rate_limit::{Limit, Limited};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimeMessage {
    pub(super) server_time: i64,
}

/// One row of `klines`: open time, open, high, low, close, volume, close time, and more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct KlineRow {
    pub(super) candle: Candle,
    /// Last millisecond of the candle.
    pub(super) close_time: Timestamp,
}

impl<'de> Deserialize<'de> for KlineRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(KlineVisitor)
    }
}

struct KlineVisitor;

impl<'de> Visitor<'de> for KlineVisitor {
    type Value = KlineRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a kline: a list of at least 7 values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<KlineRow, A::Error> {
        fn missing<E: serde::de::Error>(at: usize) -> E {
            E::invalid_length(at, &KlineVisitor)
        }
        let open_time = row.next_element()?.ok_or_else(|| missing(0))?;
        let mut values = [0.0; 5];
        for (i, value) in values.iter_mut().enumerate() {
            let Figure(figure) = row.next_element()?.ok_or_else(|| missing(i + 1))?;
            *value = figure;
        }
        let close_time = row.next_element()?.ok_or_else(|| missing(6))?;
        while row.next_element::<IgnoredAny>()?.is_some() {}
        let [open, high, low, close, volume] = values;
        let open_time = Timestamp::from_ms(open_time);
        let candle = Candle { open_time, open, high, low, close, volume };
        Ok(KlineRow { candle, close_time: Timestamp::from_ms(close_time) })
    }
}

/// A number that is written as a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure(pub(super) f64);

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let figure: f64 = text.parse().map_err(serde::de::Error::custom)?;
        if !figure.is_finite() {
            return Err(serde::de::Error::custom(format_args!("{text} is no number")));
        }
        Ok(Self(figure))
    }
}

/// A message of the kline stream, as it comes from `/stream`.
#[derive(Debug, Deserialize)]
pub(super) struct Combined<T> {
    pub(super) data: T,
}

#[derive(Debug, Deserialize)]
pub(super) struct KlineEvent {
    #[serde(rename = "s")]
    pub(super) symbol: String,
    #[serde(rename = "k")]
    pub(super) kline: StreamKline,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamKline {
    #[serde(rename = "t")]
    open_time: i64,
    #[serde(rename = "i")]
    pub(super) interval: String,
    #[serde(rename = "o")]
    open: Figure,
    #[serde(rename = "h")]
    high: Figure,
    #[serde(rename = "l")]
    low: Figure,
    #[serde(rename = "c")]
    close: Figure,
    #[serde(rename = "v")]
    volume: Figure,
    #[serde(rename = "x")]
    pub(super) closed: bool,
}

impl StreamKline {
    pub(super) const fn candle(&self) -> Candle {
        Candle {
            open_time: Timestamp::from_ms(self.open_time),
            open: self.open.0,
            high: self.high.0,
            low: self.low.0,
            close: self.close.0,
            volume: self.volume.0,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BookTicker {
    pub(super) bid_price: Figure,
    pub(super) ask_price: Figure,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExchangeInfo {
    #[serde(default)]
    rate_limits: Vec<RateLimitMessage>,
    #[serde(default)]
    pub(super) symbols: Vec<SymbolMessage>,
}

/// The documentation shows lists with an empty object in them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RateLimitMessage {
    rate_limit_type: String,
    interval: String,
    interval_num: i64,
    limit: u64,
}

impl ExchangeInfo {
    pub(super) fn limits(&self) -> Vec<Limit> {
        let limit = |message: &RateLimitMessage| {
            let limited = match message.rate_limit_type.as_str() {
                "REQUEST_WEIGHT" => Limited::Weight,
                "ORDERS" => Limited::Orders,
                _ => return None,
            };
            let unit_ms = match message.interval.as_str() {
                "SECOND" => 1_000,
                "MINUTE" => 60_000,
                "HOUR" => 3_600_000,
                "DAY" => 86_400_000,
                _ => return None,
            };
            let window_ms = message.interval_num.checked_mul(unit_ms)?;
            Some(Limit { limited, window_ms, most: message.limit })
        };
        self.rate_limits.iter().filter_map(limit).collect()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SymbolMessage {
    pub(super) symbol: String,
    pub(super) base_asset: String,
    pub(super) quote_asset: String,
    #[serde(default)]
    filters: Vec<FilterMessage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FilterMessage {
    filter_type: String,
    tick_size: Option<Decimal>,
    step_size: Option<Decimal>,
    min_qty: Option<Decimal>,
    min_notional: Option<Decimal>,
    /// The name that futures have for it.
    notional: Option<Decimal>,
}

impl SymbolMessage {
    /// The rules that bind an order. Of the steps of limit and market orders the coarser counts.
    pub(super) fn rules(&self, kind: InstrumentKind) -> TradingRules {
        let positive = |value: Option<Decimal>| value.filter(|value| *value > Decimal::ZERO);
        let quantity = |value: Option<Decimal>| Quantity::try_from(positive(value)?).ok();
        let mut rules = TradingRules {
            instrument: Instrument { kind, ..Instrument::default() },
            price_tick: None,
        };
        let instrument = &mut rules.instrument;
        for filter in &self.filters {
            match filter.filter_type.as_str() {
                "PRICE_FILTER" => {
                    rules.price_tick =
                        positive(filter.tick_size).and_then(|tick| Price::try_from(tick).ok());
                }
                "LOT_SIZE" | "MARKET_LOT_SIZE" => {
                    let step = quantity(filter.step_size);
                    instrument.quantity_step = instrument.quantity_step.max(step);
                    instrument.min_quantity = instrument.min_quantity.max(quantity(filter.min_qty));
                }
                "MIN_NOTIONAL" | "NOTIONAL" => {
                    let least = quantity(filter.min_notional).or(quantity(filter.notional));
                    instrument.min_notional = instrument.min_notional.max(least);
                }
                _ => {}
            }
        }
        rules
    }
}

/// What a key may do.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RestrictionsMessage {
    pub(super) enable_spot_and_margin_trading: bool,
    pub(super) enable_withdrawals: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct AccountMessage {
    pub(super) balances: Vec<BalanceMessage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BalanceMessage {
    pub(super) asset: String,
    pub(super) free: Quantity,
    pub(super) locked: Quantity,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FuturesBalanceMessage {
    pub(super) asset: String,
    /// Negative where it is owed.
    pub(super) balance: Amount,
    pub(super) available_balance: Amount,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PositionMessage {
    pub(super) symbol: String,
    /// Negative for a short position.
    pub(super) position_amt: Decimal,
    pub(super) entry_price: Decimal,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListenKeyMessage {
    pub(super) listen_key: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn klines_are_read_and_what_is_none_is_refused() {
        let row: KlineRow = serde_json::from_str(
            r#"[1499040000000,"0.5","0.8","0.25","0.75","148.5",1499644799999,"1",308,"2","3","0"]"#,
        )
        .unwrap();
        assert_eq!(row.candle.open_time.as_ms(), 1_499_040_000_000);
        assert_eq!((row.candle.open, row.candle.high), (0.5, 0.8));
        assert_eq!((row.candle.low, row.candle.close), (0.25, 0.75));
        assert_eq!(row.candle.volume, 148.5);
        assert_eq!(row.close_time.as_ms(), 1_499_644_799_999);
        for text in
            ["[]", "[1,\"2\"]", r#"[1,"x","1","1","1","1",2]"#, r#"[1,"NaN","1","1","1","1",2]"#]
        {
            assert!(serde_json::from_str::<KlineRow>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rules_are_the_stricter_of_the_filters() {
        let market: SymbolMessage = serde_json::from_str(
            r#"{"symbol":"BTCUSDT","baseAsset":"BTC","quoteAsset":"USDT","filters":[
                {"filterType":"PRICE_FILTER","minPrice":"0.01","tickSize":"0.01000000"},
                {"filterType":"LOT_SIZE","minQty":"0.00001000","stepSize":"0.00001000"},
                {"filterType":"MARKET_LOT_SIZE","minQty":"0.00000000","stepSize":"0.00000000"},
                {"filterType":"NOTIONAL","minNotional":"5.00000000"},
                {"filterType":"SOMETHING_NEW","limit":7}]}"#,
        )
        .unwrap();
        let rules = market.rules(InstrumentKind::Spot);
        assert_eq!(rules.price_tick, Some("0.01".parse().unwrap()));
        assert_eq!(rules.instrument.quantity_step, Some("0.00001".parse().unwrap()));
        assert_eq!(rules.instrument.min_quantity, Some("0.00001".parse().unwrap()));
        assert_eq!(rules.instrument.min_notional, Some("5".parse().unwrap()));
    }
}

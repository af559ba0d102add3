//! Messages of the venue, as it writes them. Unknown fields are ignored.

mod order;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tradepulse_core::exchange::TradingRules;
use tradepulse_core::market::{Candle, Instrument, InstrumentKind, Symbol};
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::time::Timestamp;

pub(super) use order::{
    AddedMessage, CancelledMessage, ClosedMessage, ExecutionMessage, OpenMessage, OrderMessage,
    TradeMessage, order_status,
};

use super::symbols::of_slashed;

/// Every answer: a list of errors and warnings, and the result if there is one.
#[derive(Debug, Deserialize)]
pub(super) struct AnswerMessage<T> {
    #[serde(default)]
    pub(super) error: Vec<String>,
    pub(super) result: Option<T>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TimeMessage {
    /// Seconds.
    pub(super) unixtime: i64,
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

/// A decimal that is written as a JSON number: that of the fewest digits which reads as the same
/// number, which is what the venue wrote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Exact<T>(pub(super) T);

impl<'de, T: TryFrom<Decimal, Error: fmt::Display>> Deserialize<'de> for Exact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let decimal: Decimal = number.to_string().parse().map_err(serde::de::Error::custom)?;
        T::try_from(decimal).map(Self).map_err(serde::de::Error::custom)
    }
}

/// One row of `OHLC`: time in seconds, open, high, low, close, average, volume, count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OhlcRow(pub(super) Candle);

impl<'de> Deserialize<'de> for OhlcRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = OhlcRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a candle: a list of at least 7 values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<OhlcRow, A::Error> {
        fn missing<E: serde::de::Error>(at: usize) -> E {
            E::invalid_length(at, &RowVisitor)
        }
        let seconds: i64 = row.next_element()?.ok_or_else(|| missing(0))?;
        let mut values = [0.0; 6];
        for (i, value) in values.iter_mut().enumerate() {
            let Figure(figure) = row.next_element()?.ok_or_else(|| missing(i + 1))?;
            *value = figure;
        }
        while row.next_element::<IgnoredAny>()?.is_some() {}
        let [open, high, low, close, _, volume] = values;
        let open_time = Timestamp::from_ms(seconds.saturating_mul(1_000));
        Ok(OhlcRow(Candle { open_time, open, high, low, close, volume }))
    }
}

/// The answer of `OHLC`: rows under a name of the market that need not be the one asked for, and
/// `last`.
#[derive(Debug)]
pub(super) struct OhlcMessage {
    pub(super) rows: Vec<OhlcRow>,
}

impl<'de> Deserialize<'de> for OhlcMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByPair;
        impl<'de> Visitor<'de> for ByPair {
            type Value = OhlcMessage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rows of candles under the name of one market")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OhlcMessage, A::Error> {
                let mut rows = None;
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    if key == "last" {
                        map.next_value::<IgnoredAny>()?;
                    } else if rows.is_none() {
                        rows = Some(map.next_value()?);
                    } else {
                        return Err(serde::de::Error::custom("candles of several markets"));
                    }
                }
                let rows = rows.ok_or_else(|| serde::de::Error::custom("no candles"))?;
                Ok(OhlcMessage { rows })
            }
        }
        deserializer.deserialize_map(ByPair)
    }
}

/// The answer of `AssetPairs`.
pub(super) type Pairs = BTreeMap<String, PairMessage>;

#[derive(Debug, Deserialize)]
pub(super) struct PairMessage {
    wsname: Option<String>,
    pair_decimals: u32,
    lot_decimals: u32,
    ordermin: Option<Quantity>,
    costmin: Option<Quantity>,
    tick_size: Option<Price>,
}

impl PairMessage {
    /// The market under its usual name; `None` for what is no pair of currencies.
    pub(super) fn symbol(&self) -> Option<Symbol> {
        of_slashed(self.wsname.as_deref()?)
    }

    pub(super) fn rules(&self) -> TradingRules {
        let places = |count: u32| Decimal::try_new(1, count).ok();
        let step = places(self.lot_decimals).and_then(|step| Quantity::try_from(step).ok());
        let tick = places(self.pair_decimals).and_then(|tick| Price::try_from(tick).ok());
        TradingRules {
            instrument: Instrument {
                kind: InstrumentKind::Spot,
                quantity_step: step,
                min_quantity: self.ordermin,
                min_notional: self.costmin,
            },
            price_tick: self.tick_size.or(tick),
        }
    }
}

/// One market of `Ticker`: the first of each list is the price.
#[derive(Debug, Deserialize)]
pub(super) struct TickerMessage {
    a: Vec<Figure>,
    b: Vec<Figure>,
}

impl TickerMessage {
    /// Best bid and ask; zero where there is none.
    pub(super) fn bid_and_ask(&self) -> (f64, f64) {
        let first = |side: &[Figure]| side.first().map_or(0.0, |figure| figure.0);
        (first(&self.b), first(&self.a))
    }
}

/// One currency of `BalanceEx`.
#[derive(Debug, Deserialize)]
pub(super) struct BalanceMessage {
    pub(super) balance: Quantity,
    #[serde(default)]
    pub(super) hold_trade: Quantity,
}

#[derive(Deserialize)]
pub(super) struct TokenMessage {
    pub(super) token: String,
}

/// A message of a stream: of a channel, or the answer to a request.
#[derive(Debug, Deserialize)]
pub(super) struct StreamMessage<T> {
    pub(super) channel: String,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default = "Vec::new")]
    pub(super) data: Vec<T>,
    pub(super) sequence: Option<u64>,
}

/// What a request that was made over a stream is answered with.
#[derive(Debug, Deserialize)]
pub(super) struct MethodMessage {
    pub(super) method: String,
    #[serde(default)]
    pub(super) success: bool,
    pub(super) error: Option<String>,
    pub(super) req_id: Option<u64>,
}

/// A candle of the stream, as far as it has come.
#[derive(Debug, Deserialize)]
pub(super) struct OhlcEvent {
    pub(super) symbol: String,
    /// Minutes.
    pub(super) interval: i64,
    interval_begin: String,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

impl OhlcEvent {
    /// `None` if its time is none.
    pub(super) fn candle(&self) -> Option<Candle> {
        Some(Candle {
            open_time: self.interval_begin.parse().ok()?,
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
        })
    }
}

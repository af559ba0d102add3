use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, Visitor};
use serde_json::Value;
use tradepulse_core::inference::{FeatureError, latest};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::ModelServerSettings;
use super::problem::Problem;
use crate::inference::bundle::Bundle;

/// What is known of a market, as it is sent. Whatever else is in it is passed over.
#[derive(Deserialize)]
struct Sent<'a, Indicators> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    timeframe: Cow<'a, str>,
    candles: Vec<SentCandle>,
    indicators: Option<Indicators>,
}

#[derive(Deserialize)]
struct SentCandle {
    #[serde(deserialize_with = "instant")]
    timestamp: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

impl From<SentCandle> for Candle {
    fn from(sent: SentCandle) -> Self {
        let SentCandle { timestamp, open, high, low, close, volume } = sent;
        Self { open_time: Timestamp::from_ms(timestamp), open, high, low, close, volume }
    }
}

/// A question about a candle.
pub(super) struct Snapshot {
    /// The features, as the model takes them.
    pub(super) row: Vec<f64>,
    /// Close time of the candle.
    pub(super) candle: Timestamp,
}

/// Most candles of a request.
const MOST_CANDLES: usize = 10_000;

/// Reads a snapshot for the model of `bundle`.
pub(super) fn read(
    body: &[u8],
    bundle: &Bundle,
    settings: &ModelServerSettings,
) -> Result<Snapshot, Problem> {
    let Some(set) = bundle.features() else {
        let mut sent: Sent<'_, BTreeMap<String, Value>> = parse(body)?;
        let indicators = sent.indicators.take().unwrap_or_default();
        let row = raw(&indicators, &bundle.manifest().feature_names)?;
        let (_, candle) = check(sent, settings)?;
        return Ok(Snapshot { row, candle });
    };
    let (candles, candle) = check(parse::<Sent<'_, IgnoredAny>>(body)?, settings)?;
    let row = latest(set, &candles).map_err(|error| match error {
        FeatureError::TooFewCandles { .. } => Problem::field("candles", error.to_string()),
        error => {
            let last = candles.len().saturating_sub(1);
            Problem::field(format!("candles[{last}]"), error.to_string())
        }
    })?;
    Ok(Snapshot { row, candle })
}

/// The indicators of these names.
fn raw(indicators: &BTreeMap<String, Value>, names: &[String]) -> Result<Vec<f64>, Problem> {
    let value = |name: &String| {
        let field = || format!("indicators.{name}");
        match indicators.get(name).map(Value::as_f64) {
            Some(Some(value)) if value.is_finite() => Ok(value),
            Some(_) => Err(Problem::field(field(), "is no number")),
            None => Err(Problem::field(
                field(),
                "is missing: the model takes raw features, which are sent as indicators, or as a \
                 tensor to /v2",
            )),
        }
    };
    names.iter().map(value).collect()
}

/// Reads JSON; an error names the field.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).or_else(|_| {
        // Once more, for the place: this is slower.
        let mut reader = serde_json::Deserializer::from_slice(body);
        let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            // A question mark is a place without a name, where the text is cut off.
            let path = path.trim_end_matches(['?', '.']);
            let detail = error.inner().to_string();
            let missing = detail.strip_prefix("missing field `");
            // A missing field is told where it is missing.
            let name = missing.and_then(|rest| rest.split('`').next()).unwrap_or_default();
            let field = match (path, name) {
                ("", "") => "body".to_owned(),
                ("", name) => name.to_owned(),
                (path, "") => path.to_owned(),
                (path, name) => format!("{path}.{name}"),
            };
            Problem::field(field, detail)
        })?;
        reader.end().map_err(|error| Problem::field("body", error.to_string()))?;
        Ok(parsed)
    })
}

/// The candles, if all of them are possible, and when the last one closes.
fn check<Indicators>(
    sent: Sent<'_, Indicators>,
    settings: &ModelServerSettings,
) -> Result<(Vec<Candle>, Timestamp), Problem> {
    let symbol: Symbol =
        sent.symbol.parse().map_err(|error| Problem::field("symbol", format!("{error}")))?;
    if !settings.symbols.is_empty() && !settings.symbols.contains(&symbol) {
        let known: Vec<String> = settings.symbols.iter().map(Symbol::to_string).collect();
        let detail = format!("{symbol} is not served here: {}", known.join(", "));
        return Err(Problem::field("symbol", detail));
    }
    let timeframe: Timeframe =
        sent.timeframe.parse().map_err(|error| Problem::field("timeframe", format!("{error}")))?;
    if sent.candles.len() > MOST_CANDLES {
        let detail = format!("{} candles are more than {MOST_CANDLES}", sent.candles.len());
        return Err(Problem::field("candles", detail));
    }
    let candles: Vec<Candle> = sent.candles.into_iter().map(Candle::from).collect();
    let mut before = None;
    for (i, candle) in candles.iter().enumerate() {
        check_candle(candle, before)
            .map_err(|(field, detail)| Problem::field(format!("candles[{i}].{field}"), detail))?;
        before = Some(candle.open_time);
    }
    let Some(last) = before else { return Err(Problem::field("candles", "there is no candle")) };
    let closes = Timestamp::from_ms(last.as_ms().saturating_add(timeframe.as_ms()));
    Ok((candles, closes))
}

/// What is wrong with a candle: the field, and why.
fn check_candle(candle: &Candle, before: Option<Timestamp>) -> Result<(), (&'static str, String)> {
    let Candle { open_time, open, high, low, close, volume } = *candle;
    if !(Timestamp::EARLIEST..=Timestamp::LATEST).contains(&open_time) {
        return Err(("timestamp", format!("{} ms is no time", open_time.as_ms())));
    }
    if before.is_some_and(|before| before >= open_time) {
        return Err(("timestamp", "is not after that of the candle before".to_owned()));
    }
    for (field, price) in [("open", open), ("high", high), ("low", low), ("close", close)] {
        if !(price.is_finite() && price > 0.0) {
            return Err((field, format!("{price} is no price")));
        }
    }
    if high < open.max(close) {
        return Err(("high", format!("{high} is below open or close")));
    }
    if low > open.min(close) {
        return Err(("low", format!("{low} is above open or close")));
    }
    if !(volume.is_finite() && volume >= 0.0) {
        return Err(("volume", format!("{volume} is no volume")));
    }
    Ok(())
}

/// Milliseconds since the Unix epoch, or a time in words.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct Instant;

    impl Visitor<'_> for Instant {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("milliseconds since 1970, or a time such as 2024-01-01T00:00:00Z")
        }

        fn visit_i64<E>(self, ms: i64) -> Result<i64, E> {
            Ok(ms)
        }

        fn visit_u64<E: serde::de::Error>(self, ms: u64) -> Result<i64, E> {
            i64::try_from(ms).map_err(|_| E::custom(format!("{ms} ms is no time")))
        }

        fn visit_f64<E: serde::de::Error>(self, ms: f64) -> Result<i64, E> {
            // Some programs write whole numbers like this.
            if ms.fract() == 0.0 && ms.abs() < 1e15 {
                Ok(ms as i64)
            } else {
                Err(E::custom(format!("{ms} is no whole number of milliseconds")))
            }
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<i64, E> {
            text.parse::<Timestamp>().map(Timestamp::as_ms).map_err(E::custom)
        }
    }

    deserializer.deserialize_any(Instant)
}

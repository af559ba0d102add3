use std::borrow::Cow;

use tradepulse_core::market::Candle;
use tradepulse_core::time::Timestamp;

use super::json_scanner::JsonScanner;
use super::json_shape::JsonShape;
use super::snapshot::Sent;

/// Reads a snapshot that is written plainly and lacks nothing, with its indicators of these names.
/// `None` says nothing about it.
pub(super) fn read<'a>(text: &'a str, names: &[String]) -> Option<Sent<'a>> {
    let (mut symbol, mut timeframe, mut candles, mut row) = (None, None, None, None);
    let mut scanner = JsonScanner::new(text);
    scanner.object(|scanner, key| match key {
        "symbol" => once(&mut symbol, scanner.string()?),
        "timeframe" => once(&mut timeframe, scanner.string()?),
        "candles" => once(&mut candles, read_candles(scanner)?),
        "indicators" if !names.is_empty() => once(&mut row, indicators(scanner, names)?),
        _ => scanner.skip(),
    })?;
    scanner.end()?;
    let row = if names.is_empty() { Vec::new() } else { row? };
    let (symbol, timeframe) = (Cow::Borrowed(symbol?), Cow::Borrowed(timeframe?));
    Some(Sent { symbol, timeframe, candles: candles?, row })
}

/// As many as are usually sent.
const CANDLES: usize = 128;

/// Keeps a value; a second one under the same key is none.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

const FIELDS: [&str; 6] = ["timestamp", "open", "high", "low", "close", "volume"];

/// A candle that is being read: its time, and then the other fields in their order.
#[derive(Default)]
struct Parts {
    time: Option<Timestamp>,
    values: [Option<f64>; 5],
}

impl Parts {
    #[inline]
    fn candle(&self) -> Option<Candle> {
        let (open_time, [open, high, low, close, volume]) = (self.time?, self.values);
        let (open, high, low) = (open?, high?, low?);
        Some(Candle { open_time, open, high, low, close: close?, volume: volume? })
    }
}

fn read_candles(scanner: &mut JsonScanner<'_>) -> Option<Vec<Candle>> {
    let mut candles = Vec::with_capacity(CANDLES);
    // They are mostly written like the first, with the fields in this order.
    let mut alike: Option<(JsonShape<'_>, [usize; 6])> = None;
    scanner.array(|scanner| {
        let mut parts = Parts::default();
        let shaped = alike.as_ref().and_then(|(shape, order)| {
            scanner.shaped(shape, |i, number| {
                match order.get(i)?.checked_sub(1) {
                    None => parts.time = Some(Timestamp::from_ms(number.whole()?)),
                    Some(value) => parts.values[value] = Some(number.value()?),
                }
                Some(())
            })
        });
        if shaped.is_none() {
            let place = scanner.place();
            let order;
            (parts, order) = read_parts(scanner)?;
            if alike.is_none() {
                let shape = scanner.shape(place).filter(|shape| shape.numbers() == FIELDS.len());
                alike = shape.zip(order);
            }
        }
        candles.push(parts.candle()?);
        Some(())
    })?;
    Some(candles)
}

/// A candle, and which fields come in which order if there are no others.
fn read_parts(scanner: &mut JsonScanner<'_>) -> Option<(Parts, Option<[usize; 6]>)> {
    let mut parts = Parts::default();
    let (mut order, mut count) = ([0; 6], 0);
    scanner.object(|scanner, key| {
        let field = FIELDS.iter().position(|name| *name == key);
        if let (Some(place), Some(field)) = (order.get_mut(count), field) {
            *place = field;
        }
        count += 1;
        match field {
            None => scanner.skip(),
            Some(0) => once(&mut parts.time, instant(scanner)?),
            Some(field) => once(&mut parts.values[field - 1], scanner.number()?.value()?),
        }
    })?;
    Some((parts, (count == FIELDS.len()).then_some(order)))
}

fn instant(scanner: &mut JsonScanner<'_>) -> Option<Timestamp> {
    match scanner.peek()? {
        b'"' => scanner.string()?.parse().ok(),
        _ => scanner.number()?.whole().map(Timestamp::from_ms),
    }
}

/// The indicators of these names, all of which have to be there.
fn indicators(scanner: &mut JsonScanner<'_>, names: &[String]) -> Option<Vec<f64>> {
    let mut row = vec![f64::NAN; names.len()];
    // They mostly come in their order.
    let mut next = 0;
    scanner.object(|scanner, key| {
        let is_next = names.get(next).is_some_and(|name| name == key);
        let place = if is_next { Some(next) } else { names.iter().position(|name| name == key) };
        let Some(place) = place else { return scanner.skip() };
        next = place + 1;
        row[place] = scanner.number()?.value()?;
        Some(())
    })?;
    row.iter().all(|value| value.is_finite()).then_some(row)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model_server::snapshot::parse_snapshot;

    fn names() -> Vec<String> {
        vec!["a".to_owned(), "b".to_owned()]
    }

    fn text() -> String {
        let candle = |i: i64| {
            json!({ "timestamp": i * 60_000, "open": 1.5, "high": 2.25, "low": 1e-2,
                    "close": 1.75, "volume": 30 + i })
        };
        json!({
            "symbol": "BTC/USDT", "timeframe": "1m", "candles": [candle(1), candle(2), candle(3)],
            "indicators": { "b": -0.5, "c": { "d": null }, "a": 12 },
            "meta": { "utc": "2024-01-01T00:00:00Z", "candles_1h": [candle(0), candle(1)] },
        })
        .to_string()
    }

    #[test]
    fn a_plain_snapshot_is_read() {
        let text = text();
        let sent = read(&text, &names()).unwrap();
        assert_eq!(sent.row, [12.0, -0.5]);
        assert_eq!(sent.candles[2].volume, 33.0);
        assert_eq!(sent, parse_snapshot(text.as_bytes(), &names()).ok().unwrap());
        assert_eq!(read(&text, &[]), parse_snapshot(text.as_bytes(), &[]).ok());
        for (from, to) in [
            ("\"symbol\"", "\"timeframe\""),
            ("\"open\"", "\"close\""),
            ("60000", "60000.5"),
            ("60000", "\"soon\""),
            ("-0.5", "\"-0.5\""),
            ("\"a\"", "\"e\""),
        ] {
            let wrong = text.replacen(from, to, 1);
            assert!(wrong != text && read(&wrong, &names()).is_none(), "{wrong}");
        }
        let words = text.replacen("60000", "\"1970-01-01T00:01:00Z\"", 1);
        assert_eq!(read(&words, &names()), Some(sent));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Whatever becomes of the text, both readers say the same where the plain one answers.
        #[test]
        fn it_never_reads_something_else(
            changes in prop::collection::vec((any::<prop::sample::Index>(), "[0-9a-z\\[\\]{},:.\" \\\\-]{0,3}", 0..4_usize), 0..3),
            raw in any::<bool>(),
        ) {
            let mut text = text();
            for (place, inserted, gone) in changes {
                let at = place.index(text.len());
                let end = (at + gone).min(text.len());
                text.replace_range(at..end, &inserted);
            }
            let names = if raw { names() } else { Vec::new() };
            if let Some(sent) = read(&text, &names) {
                match parse_snapshot(text.as_bytes(), &names) {
                    Ok(parsed) => prop_assert_eq!(sent, parsed),
                    Err(problem) => prop_assert!(false, "{}: {:?}", text, problem),
                }
            }
        }
    }
}

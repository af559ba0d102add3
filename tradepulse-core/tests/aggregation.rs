//! Properties of aggregation, for any series.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tradepulse_core::{
    market::{Aggregator, Candle, Columns, Series, aggregate},
    time::{Timeframe, Timestamp},
};

/// Any 5m series: starts anywhere, candles missing anywhere, prices over many magnitudes.
fn any_series() -> impl Strategy<Value = Series> {
    let row = (prop::bool::weighted(0.97), 1e-8..1e8f64, prop::array::uniform4(0.0..1.0f64));
    (-500i64..500, prop::collection::vec(row, 0..200)).prop_map(|(start, rows)| {
        let mut columns = Columns::default();
        for (i, (present, price, [a, b, c, d])) in (start..).zip(rows) {
            if present {
                let (open, close) = (price * (1.0 + a), price * (1.0 + b));
                columns.push(Candle {
                    open_time: Timestamp::from_ms(i * 300_000),
                    open,
                    high: open.max(close) * (1.0 + c),
                    low: open.min(close) * (1.0 - 0.5 * d),
                    close,
                    volume: c * 1e6 * a,
                });
            }
        }
        Series::new(Timeframe::M5, columns).unwrap()
    })
}

proptest! {
    #[test]
    fn in_one_step_or_two(series in any_series()) {
        let direct = aggregate(&series, Timeframe::H1).unwrap();
        let steps = aggregate(&aggregate(&series, Timeframe::M15).unwrap(), Timeframe::H1).unwrap();
        prop_assert_eq!(direct.len(), steps.len());
        for (a, b) in direct.candles().zip(steps.candles()) {
            prop_assert_eq!(Candle { volume: 0.0, ..a }, Candle { volume: 0.0, ..b });
            prop_assert!((a.volume - b.volume).abs() <= 1e-12 * a.volume, "{} {}", a.volume, b.volume);
        }
    }

    #[test]
    fn streaming_is_batch(series in any_series(), cut in 0usize..200) {
        let mut aggregator = Aggregator::new(Timeframe::M5, Timeframe::M30).unwrap();
        let streamed: Vec<_> = series.candles().filter_map(|c| aggregator.push(&c)).collect();
        let batch: Vec<_> = aggregate(&series, Timeframe::M30).unwrap().candles().collect();
        prop_assert_eq!(&streamed, &batch);
        // What is known early never changes.
        let early = aggregate(&series.slice(0..cut.min(series.len())), Timeframe::M30).unwrap();
        let early: Vec<_> = early.candles().collect();
        prop_assert_eq!(&early[..], &batch[..early.len()]);
    }

    #[test]
    fn exactly_the_whole_windows_exist(series in any_series()) {
        let longer = aggregate(&series, Timeframe::M15).unwrap();
        let mut expected = Vec::new();
        for (i, &time) in series.time().iter().enumerate() {
            let window = [time, time + 300_000, time + 600_000];
            if time.rem_euclid(900_000) == 0 && series.time()[i..].starts_with(&window) {
                expected.push(Candle {
                    open_time: Timestamp::from_ms(time),
                    open: series.open()[i],
                    high: series.high()[i..i + 3].iter().copied().fold(f64::MIN, f64::max),
                    low: series.low()[i..i + 3].iter().copied().fold(f64::MAX, f64::min),
                    close: series.close()[i + 2],
                    volume: series.volume()[i] + series.volume()[i + 1] + series.volume()[i + 2],
                });
            }
        }
        prop_assert_eq!(longer.candles().collect::<Vec<_>>(), expected);
    }
}

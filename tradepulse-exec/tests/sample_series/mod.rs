//! Series for tests.
#![allow(dead_code, clippy::expect_used)]

use proptest::prelude::*;
use tradepulse_core::{
    market::{Candle, Columns, Market, Series},
    time::{Timeframe, Timestamp},
};

/// Any series: candles missing anywhere, any finite values down to the smallest.
pub(crate) fn any_series() -> impl Strategy<Value = Series> {
    prop::sample::select(vec![Timeframe::M1, Timeframe::M5, Timeframe::H1, Timeframe::D1])
        .prop_flat_map(any_timeframe_series)
}

/// Any series of one timeframe, within a few centuries around 1970.
pub(crate) fn any_timeframe_series(timeframe: Timeframe) -> impl Strategy<Value = Series> {
    let step = prop_oneof![8 => Just(1), 1 => 2i64..50, 1 => 100i64..20_000];
    let price = prop_oneof![4 => 1e-9..1e9f64, 1 => 5e-324..f64::MAX];
    let volume = prop_oneof![4 => 0.0..1e9f64, 1 => Just(0.0), 1 => 0.0..f64::MAX];
    let row = (step, prop::array::uniform4(price), volume);
    (-40_000i64..40_000, prop::collection::vec(row, 1..120)).prop_map(move |(start, rows)| {
        let mut columns = Columns::default();
        let mut at = start;
        for (step, [a, b, c, d], volume) in rows {
            at += step;
            columns.push(Candle {
                open_time: Timestamp::from_ms(at * timeframe.as_ms()),
                open: a,
                high: a.max(b).max(c).max(d),
                low: a.min(b).min(c).min(d),
                close: b,
                volume,
            });
        }
        Series::new(timeframe, columns).expect("a series")
    })
}

/// `rows` 5m candles without gaps from `start` on; the `i`-th candle depends on its time alone.
pub(crate) fn candles(start: &str, rows: usize) -> Series {
    let start: Timestamp = start.parse().expect("a time");
    let mut columns = Columns::default();
    for i in 0..rows as i64 {
        let open_time = Timestamp::from_ms(start.as_ms() + i * 300_000);
        let price = 100.0 + (open_time.as_ms() / 300_000 % 977) as f64 / 10.0;
        columns.push(Candle {
            open_time,
            open: price,
            high: price + 2.0,
            low: price - 1.0,
            close: price + 0.7,
            volume: price / 3.0,
        });
    }
    Series::new(Timeframe::M5, columns).expect("a series")
}

/// BTC/USDT 5m on Binance.
pub(crate) fn market() -> Market {
    Market {
        exchange: "binance".parse().expect("a name"),
        symbol: "BTC/USDT".parse().expect("a symbol"),
        timeframe: Timeframe::M5,
    }
}

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use tradepulse_core::market::{Candle, Columns, Series};
use tradepulse_core::time::Timeframe;

/// More candles than this are shown in a coarser timeframe.
pub(super) const MOST_CANDLES: usize = 300_000;
/// Bytes that prices may take, a candle; decimals are dropped until they fit.
const PRICE_BYTES: usize = 8;
/// Most decimals of a price.
const MOST_DECIMALS: i32 = 8;

/// Candles small enough to be embedded.
///
/// Prices are whole multiples of `10^-decimals`. Each candle is four variable-length integers
/// (little-endian base 128): open − previous close and close − open (zigzag), high − max(open,
/// close), min(open, close) − low. Volumes are two bytes: 0 is none, `c` is
/// `volume_min × 2^((c − 1) × volume_step)`. Missing candles are pairs of integers: rows since the
/// last gap, candles missing before that row.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CandleColumns {
    pub(super) timeframe: String,
    pub(super) timeframe_ms: i64,
    pub(super) candles: usize,
    pub(super) first_ms: i64,
    pub(super) decimals: i32,
    pub(super) prices: String,
    pub(super) volume_min: f64,
    pub(super) volume_step: f64,
    pub(super) volumes: String,
    pub(super) gaps: String,
}

impl CandleColumns {
    /// The candles of `series`, in a coarser timeframe if there are too many.
    pub(super) fn new(series: &Series) -> Self {
        let timeframe = shown_timeframe(series);
        if timeframe == series.timeframe() {
            return Self::encode(timeframe, series.columns());
        }
        Self::encode(timeframe, &aggregated(series, timeframe))
    }

    fn encode(timeframe: Timeframe, columns: &Columns) -> Self {
        let (decimals, prices) = price_bytes(columns);
        let (volume_min, volume_step, volumes) = volume_bytes(&columns.volume);
        Self {
            timeframe: timeframe.to_string(),
            timeframe_ms: timeframe.as_ms(),
            candles: columns.len(),
            first_ms: columns.time.first().copied().unwrap_or(0),
            decimals,
            prices: BASE64_STANDARD.encode(prices),
            volume_min,
            volume_step,
            volumes: BASE64_STANDARD.encode(volumes),
            gaps: BASE64_STANDARD.encode(gap_bytes(&columns.time, timeframe.as_ms())),
        }
    }
}

/// The finest timeframe in which the series has few enough candles.
fn shown_timeframe(series: &Series) -> Timeframe {
    let own = series.timeframe();
    if series.len() <= MOST_CANDLES {
        return own;
    }
    let minutes = [2, 3, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 10_080, 43_200];
    let coarser = minutes.iter().filter_map(|m| Timeframe::from_ms(m * 60_000).ok());
    let mut coarser = coarser.filter(|t| *t > own && t.as_ms() % own.as_ms() == 0);
    let few = |t: &Timeframe| {
        let time = series.time().iter();
        let mut last = i64::MIN;
        let starts = time.filter(|ms| {
            let start = **ms - ms.rem_euclid(t.as_ms());
            std::mem::replace(&mut last, start) != start
        });
        starts.count() <= MOST_CANDLES
    };
    coarser.find(few).unwrap_or(own)
}

fn aggregated(series: &Series, timeframe: Timeframe) -> Columns {
    let mut out = Columns::default();
    let mut current: Option<Candle> = None;
    for candle in series.candles() {
        let open_time = timeframe.floor(candle.open_time);
        match &mut current {
            Some(wide) if wide.open_time == open_time => {
                wide.high = wide.high.max(candle.high);
                wide.low = wide.low.min(candle.low);
                wide.close = candle.close;
                wide.volume += candle.volume;
            }
            _ => out_with(&mut out, current.replace(Candle { open_time, ..candle })),
        }
    }
    out_with(&mut out, current);
    out
}

fn out_with(out: &mut Columns, candle: Option<Candle>) {
    if let Some(candle) = candle {
        out.push(candle);
    }
}

/// Decimals and bytes of the prices: all decimals they have, unless that takes too much room.
fn price_bytes(columns: &Columns) -> (i32, Vec<u8>) {
    let limit = PRICE_BYTES * columns.len() + 64;
    let mut decimals = decimals_of(columns);
    loop {
        let scale = 10_f64.powi(decimals);
        let ticks = |price: f64| (price * scale).round() as i64;
        let mut bytes = Vec::with_capacity(limit);
        let mut previous = 0;
        for i in 0..columns.len() {
            let (open, close) = (ticks(columns.open[i]), ticks(columns.close[i]));
            put_signed(&mut bytes, open - previous);
            put_signed(&mut bytes, close - open);
            put(&mut bytes, (ticks(columns.high[i]) - open.max(close)).unsigned_abs());
            put(&mut bytes, (open.min(close) - ticks(columns.low[i])).unsigned_abs());
            previous = close;
        }
        if bytes.len() <= limit || decimals < -300 {
            return (decimals, bytes);
        }
        decimals -= 1;
    }
}

/// Decimals that write every price exactly, as far as 45 bits hold the highest one.
fn decimals_of(columns: &Columns) -> i32 {
    let highest = columns.high.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let room = (45.0 * std::f64::consts::LOG10_2 - highest.log10()).floor() as i32;
    let prices = [&columns.open, &columns.high, &columns.low, &columns.close];
    let exact = |decimals: i32| {
        let scale = 10_f64.powi(decimals);
        prices.iter().all(|c| c.iter().all(|p| (p * scale).round() / scale == *p))
    };
    // Tiny prices need more decimals than most.
    let most = MOST_DECIMALS.max(8 - highest.log10().floor() as i32).min(room);
    (0..most).find(|d| exact(*d)).unwrap_or(most)
}

fn volume_bytes(volumes: &[f64]) -> (f64, f64, Vec<u8>) {
    let traded = || volumes.iter().copied().filter(|v| *v > 0.0);
    let largest = traded().fold(0.0, f64::max);
    // Forty octaves below the largest is as good as nothing.
    let smallest = traded().fold(largest, f64::min).max(largest * 2_f64.powi(-40));
    let step = if largest > smallest { (largest / smallest).log2() / 65_534.0 } else { 0.0 };
    let code = |volume: f64| -> u16 {
        if volume <= 0.0 {
            return 0;
        }
        let steps = if step > 0.0 { (volume / smallest).log2() / step } else { 0.0 };
        1 + steps.round().clamp(0.0, 65_534.0) as u16
    };
    (smallest, step, volumes.iter().flat_map(|v| code(*v).to_le_bytes()).collect())
}

fn gap_bytes(time: &[i64], step: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last = 0;
    for (i, pair) in time.windows(2).enumerate() {
        let missing = (pair[1] - pair[0]) / step - 1;
        if missing > 0 {
            put(&mut bytes, (i + 1 - last) as u64);
            put(&mut bytes, missing.unsigned_abs());
            last = i + 1;
        }
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put(bytes, ((value << 1) ^ (value >> 63)) as u64);
}

#[cfg(test)]
mod tests {
    use tradepulse_core::time::Timestamp;

    use super::*;

    /// Reads the integers back as the page does.
    struct Integers(std::vec::IntoIter<u8>);

    impl Integers {
        fn new(text: &str) -> Self {
            Self(BASE64_STANDARD.decode(text).unwrap().into_iter())
        }

        fn next(&mut self) -> Option<i64> {
            let (mut value, mut shift) = (0, 0);
            loop {
                let byte = self.0.next()?;
                value |= i64::from(byte & 127) << shift;
                if byte < 128 {
                    return Some(value);
                }
                shift += 7;
            }
        }

        fn signed(&mut self) -> i64 {
            let value = self.next().unwrap();
            if value % 2 == 1 { -(value + 1) / 2 } else { value / 2 }
        }
    }

    fn decode(columns: &CandleColumns) -> Vec<Candle> {
        let mut prices = Integers::new(&columns.prices);
        let mut gaps = Integers::new(&columns.gaps);
        let volumes = BASE64_STANDARD.decode(&columns.volumes).unwrap();
        let scale = 10_f64.powi(columns.decimals.abs());
        let price = |t: i64| if columns.decimals < 0 { t as f64 * scale } else { t as f64 / scale };
        let (mut previous, mut time, mut row) = (0, columns.first_ms, 0);
        let mut gap_at = gaps.next();
        let candles = (0..columns.candles)
            .map(|i| {
                if gap_at == Some(i as i64 - row) {
                    time += gaps.next().unwrap() * columns.timeframe_ms;
                    (row, gap_at) = (i as i64, gaps.next());
                }
                let open = previous + prices.signed();
                let close = open + prices.signed();
                let high = open.max(close) + prices.next().unwrap();
                let low = open.min(close) - prices.next().unwrap();
                previous = close;
                let code = u16::from_le_bytes([volumes[2 * i], volumes[2 * i + 1]]);
                let octaves = (f64::from(code) - 1.0) * columns.volume_step;
                let candle = Candle {
                    open_time: Timestamp::from_ms(time),
                    open: price(open),
                    high: price(high),
                    low: price(low),
                    close: price(close),
                    volume: if code == 0 { 0.0 } else { columns.volume_min * octaves.exp2() },
                };
                time += columns.timeframe_ms;
                candle
            })
            .collect();
        assert_eq!(prices.next(), None);
        candles
    }

    /// A walk whose prices have `decimals` decimals (all there are, if none is given).
    fn walk(candles: usize, start: f64, volatility: f64, decimals: Option<i32>) -> Series {
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5
        };
        let round = |price: f64| match decimals {
            Some(d) => (price * 10_f64.powi(d)).round() / 10_f64.powi(d),
            None => price,
        };
        let (mut columns, mut price, mut ms) = (Columns::default(), start, 1_700_000_040_000);
        for i in 0..candles {
            let open = round(price * (1.0 + random() * volatility * 0.1));
            price *= 1.0 + random() * volatility;
            let close = round(price);
            let high = round(open.max(close) * (1.0 + (random() + 0.5) * volatility));
            let low = round(open.min(close) * (1.0 - (random() + 0.5) * volatility));
            let volume = if i % 11 == 0 { 0.0 } else { 10_f64.powf(random() * 8.0) };
            columns.push(Candle {
                open_time: Timestamp::from_ms(ms),
                open,
                high,
                low,
                close,
                volume,
            });
            ms += 60_000 * if i % 97 == 5 { 1 + i as i64 } else { 1 };
        }
        Series::new(Timeframe::M1, columns).unwrap()
    }

    #[test]
    fn prices_times_and_gaps_come_back_exactly() {
        for (start, decimals) in [(42_000.0, 2), (0.02, 6), (1.5e-6, 10), (97.0, 0)] {
            let series = walk(3000, start, 0.004, Some(decimals));
            let columns = CandleColumns::new(&series);
            for (back, candle) in decode(&columns).iter().zip(series.candles()) {
                assert_eq!(Candle { volume: candle.volume, ..*back }, candle);
                assert!((back.volume - candle.volume).abs() <= candle.volume * 4e-4);
                assert_eq!(back.volume == 0.0, candle.volume == 0.0);
            }
            assert_eq!(columns.candles, 3000);
        }
    }

    #[test]
    fn candles_stay_small_whatever_their_prices() {
        for (start, volatility, decimals) in
            [(42_000.0, 0.002, Some(2)), (1.0, 0.02, None), (3e7, 0.05, None), (2e-7, 0.01, None)]
        {
            let series = walk(5000, start, volatility, decimals);
            let columns = CandleColumns::new(&series);
            let base64 = columns.prices.len() + columns.volumes.len() + columns.gaps.len();
            let bytes = base64 as f64 * 0.75 / series.len() as f64;
            assert!(bytes <= 12.0, "{start}: {bytes} bytes a candle");
            let decoded = decode(&columns);
            let worst = decoded.iter().zip(series.candles()).map(|(back, candle)| {
                f64::max(
                    (back.close / candle.close - 1.0).abs(),
                    (back.low / candle.low - 1.0).abs(),
                )
            });
            let worst = worst.fold(0.0, f64::max);
            assert!(worst < volatility * 0.05, "{start}: off by {worst}");
        }
    }

    #[test]
    fn too_many_candles_become_coarser_ones() {
        let mut columns = Columns::default();
        for i in 0..310_000_i64 {
            let open = 100.0 + (i % 10) as f64;
            columns.push(Candle {
                open_time: Timestamp::from_ms(i * 60_000),
                open,
                high: open + 1.0,
                low: open - 1.0,
                close: open + 0.5,
                volume: 2.0,
            });
        }
        let series = Series::new(Timeframe::M1, columns).unwrap();
        let shown = CandleColumns::new(&series);
        assert_eq!((shown.timeframe.as_str(), shown.candles), ("2m", 155_000));
        let candles = decode(&shown);
        let expected = Candle {
            open_time: Timestamp::from_ms(120_000),
            open: 102.0,
            high: 104.0,
            low: 101.0,
            close: 103.5,
            volume: 4.0,
        };
        assert_eq!(candles[1], expected);
        let few = CandleColumns::new(&series.slice(0..MOST_CANDLES));
        assert_eq!((few.timeframe.as_str(), few.candles), ("1m", MOST_CANDLES));
    }
}

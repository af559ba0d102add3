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

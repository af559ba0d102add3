use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use tradepulse_core::market::Series;

/// Points of the curve: about as many as a wide screen has columns.
const POINTS: i64 = 1600;

/// The equity curve in equal stretches of time: of each its last equity, its extremes, its deepest
/// drawdown and the market's last close. Columns are base64 of little-endian floats, times of 64
/// bits (milliseconds), the rest of 32.
#[derive(Clone, Debug, Serialize)]
pub(super) struct EquityColumns {
    pub(super) points: usize,
    pub(super) time: String,
    pub(super) equity: String,
    pub(super) low: String,
    pub(super) high: String,
    pub(super) drawdown_pct: String,
    pub(super) market: String,
}

#[derive(Clone, Copy)]
struct Point {
    time: i64,
    equity: f64,
    low: f64,
    high: f64,
    drawdown_pct: f64,
    close: f64,
}

impl EquityColumns {
    /// The curve of `equity`, marked at the closes of the first candles of `series`.
    pub(super) fn new(series: &Series, equity: &[f64], capital: f64) -> Self {
        let points = points(series, equity, capital);
        let singles = |value: fn(&Point) -> f64| {
            let bytes = points.iter().flat_map(|p| (value(p) as f32).to_le_bytes());
            BASE64_STANDARD.encode(bytes.collect::<Vec<u8>>())
        };
        let times = points.iter().flat_map(|p| (p.time as f64).to_le_bytes());
        Self {
            points: points.len(),
            time: BASE64_STANDARD.encode(times.collect::<Vec<u8>>()),
            equity: singles(|p| p.equity),
            low: singles(|p| p.low),
            high: singles(|p| p.high),
            drawdown_pct: singles(|p| p.drawdown_pct),
            market: singles(|p| p.close),
        }
    }
}

/// The first point is the capital before the first candle.
fn points(series: &Series, equity: &[f64], capital: f64) -> Vec<Point> {
    let Some((from, to)) = series.span() else {
        return Vec::new();
    };
    let (from, to) = (from.as_ms(), to.as_ms());
    let stretch = ((to - from) / POINTS).max(series.timeframe().as_ms());
    let start = Point {
        time: from,
        equity: capital,
        low: capital,
        high: capital,
        drawdown_pct: 0.0,
        close: series.open()[0],
    };
    let mut points = vec![start];
    let (mut peak, mut current) = (capital, i64::MIN);
    for (i, equity) in equity.iter().copied().enumerate() {
        let bucket = (series.time()[i] - from) / stretch;
        peak = peak.max(equity);
        let now = Point {
            time: series.close_time(i).as_ms(),
            equity,
            low: equity,
            high: equity,
            drawdown_pct: (peak - equity) / peak * 100.0,
            close: series.close()[i],
        };
        match points.last_mut() {
            Some(last) if bucket == current => {
                *last = Point {
                    low: last.low.min(equity),
                    high: last.high.max(equity),
                    drawdown_pct: last.drawdown_pct.max(now.drawdown_pct),
                    ..now
                }
            }
            _ => points.push(now),
        }
        current = bucket;
    }
    points
}

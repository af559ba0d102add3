use super::FeatureSet;
use crate::indicator::{Atr, Bollinger, Ema, Indicator, Macd, PeriodError, Rsi, Sma};
use crate::market::Candle;

/// The feature set `basic10`: ten numbers about the last candle, from the 100 candles up to it.
///
/// In their order: returns over 1, 5 and 10 candles; RSI 14 / 100; EMA 20 / close − 1; EMA 50 /
/// close − 1; MACD 12/26/9 histogram / close; position in the Bollinger bands 20/2 (0 lower, 1
/// upper; 0.5 while they are equal); ATR 14 / close; volume / its SMA 20 − 1 (0 without volume).
/// Indicators start at the first of the 100 candles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Basic10;

const WINDOW: usize = 100;

impl FeatureSet for Basic10 {
    fn name(&self) -> &str {
        "basic10"
    }

    fn names(&self) -> &[&str] {
        &[
            "return_1",
            "return_5",
            "return_10",
            "rsi_14",
            "ema_20_distance",
            "ema_50_distance",
            "macd_histogram",
            "bollinger_position",
            "atr_14",
            "volume_ratio_20",
        ]
    }

    fn definition(&self) -> &str {
        "close / close[1] - 1; close / close[5] - 1; close / close[10] - 1; rsi(14) / 100; \
         ema(20) / close - 1; ema(50) / close - 1; macd(12, 26, 9).histogram / close; \
         (close - lower) / (upper - lower) of bollinger(20, 2), 0.5 if upper = lower; \
         atr(14) / close; volume / sma(volume, 20) - 1, 0 if the mean is 0; \
         indicators begin at the first candle of the window"
    }

    fn window(&self) -> usize {
        WINDOW
    }

    fn row(&self, candles: &[Candle], row: &mut [f64]) {
        // The periods are constants that all indicators take.
        if let (Ok(values), true) = (features(candles), row.len() == 10) {
            row.copy_from_slice(&values);
        }
    }
}

/// `NaN` where there are not enough candles.
fn features(candles: &[Candle]) -> Result<[f64; 10], PeriodError> {
    let (mut rsi, mut atr) = (Rsi::new(14)?, Atr::new(14)?);
    let (mut ema_20, mut ema_50) = (Ema::new(20)?, Ema::new(50)?);
    let mut macd = Macd::new(12, 26, 9)?;
    let mut last = [f64::NAN; 5];
    for candle in candles {
        let close = candle.close;
        let lines = [
            rsi.next(close),
            ema_20.next(close),
            ema_50.next(close),
            macd.next(close).map(|lines| lines.histogram),
            atr.next(*candle),
        ];
        last = lines.map(|line| line.unwrap_or(f64::NAN));
    }
    // These know nothing older than their period.
    let (mut bands, mut volume_mean) = (None, f64::NAN);
    let (mut bollinger, mut sma) = (Bollinger::new(20, 2.0)?, Sma::new(20)?);
    for candle in &candles[candles.len().saturating_sub(20)..] {
        bands = bollinger.next(candle.close);
        volume_mean = sma.next(candle.volume).unwrap_or(f64::NAN);
    }
    let newest = candles.last();
    let close = newest.map_or(f64::NAN, |candle| candle.close);
    let past = |ago: usize| {
        let row = candles.len().checked_sub(ago + 1).and_then(|i| candles.get(i));
        row.map_or(f64::NAN, |candle| close / candle.close - 1.0)
    };
    let position = bands.map_or(f64::NAN, |bands| {
        let width = bands.upper - bands.lower;
        if width > 0.0 { (close - bands.lower) / width } else { 0.5 }
    });
    let volume = newest.map_or(f64::NAN, |candle| candle.volume);
    let [rsi, ema_20, ema_50, histogram, atr] = last;
    Ok([
        past(1),
        past(5),
        past(10),
        rsi / 100.0,
        ema_20 / close - 1.0,
        ema_50 / close - 1.0,
        histogram / close,
        position,
        atr / close,
        if volume_mean == 0.0 { 0.0 } else { volume / volume_mean - 1.0 },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::latest;
    use crate::time::Timestamp;

    fn candle(i: usize, close: f64, volume: f64) -> Candle {
        let open_time = Timestamp::from_ms(i as i64 * 60_000);
        Candle { open_time, open: close, high: close + 1.0, low: close - 1.0, close, volume }
    }

    #[test]
    fn a_market_that_stands_still() {
        let candles: Vec<Candle> = (0..100).map(|i| candle(i, 50.0, 0.0)).collect();
        let row = latest(&Basic10, &candles).unwrap();
        assert_eq!(row, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.04, 0.0]);
    }

    #[test]
    fn a_market_that_rises() {
        let candles: Vec<Candle> =
            (0..100).map(|i| candle(i, 101.0 + i as f64, 1.0 + (i == 99) as u8 as f64)).collect();
        let row = latest(&Basic10, &candles).unwrap();
        let close: fn(f64, f64) -> bool = |found, expected| (found - expected).abs() < 1e-12;
        assert!(close(row[0], 200.0 / 199.0 - 1.0) && close(row[2], 200.0 / 190.0 - 1.0));
        assert_eq!(row[3], 1.0);
        // An average of a line lags (period − 1) / 2 behind it.
        assert!(close(row[4], -9.5 / 200.0) && close(row[5], -24.5 / 200.0));
        let deviation = ((20.0_f64.powi(2) - 1.0) / 12.0).sqrt();
        assert!(close(row[7], (9.5 + 2.0 * deviation) / (4.0 * deviation)));
        assert!(close(row[8], 2.0 / 200.0) && close(row[9], 2.0 / 1.05 - 1.0));
    }
}

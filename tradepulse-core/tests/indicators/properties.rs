use proptest::prelude::*;
use tradepulse_core::indicator::*;
use tradepulse_core::market::{Candle, Columns};
use tradepulse_core::time::Timestamp;

use crate::cases;

/// Candles of a random walk on a grid of ticks, with equal prices, zero volumes and missing rows.
fn history(longest: usize) -> impl Strategy<Value = Columns> {
    let row = (-40_i32..=40, 0_i32..=30, 0_i32..=30, 0_u32..=500, 1_i64..=3);
    (proptest::collection::vec(row, 0..=longest), -3_i32..=5).prop_map(|(rows, magnitude)| {
        let tick = 10_f64.powi(magnitude) * 0.01;
        let (mut price, mut hour) = (10_000, 0);
        let mut columns = Columns::default();
        for (change, above, below, volume, hours) in rows {
            let open = price;
            price = (price + change).max(100);
            hour += hours;
            columns.push(Candle {
                open_time: Timestamp::from_ms(hour * 3_600_000),
                open: f64::from(open) * tick,
                high: f64::from(open.max(price) + above) * tick,
                low: f64::from(open.min(price) - below) * tick,
                close: f64::from(price) * tick,
                volume: f64::from(volume / 10 * 10) * 0.1,
            });
        }
        columns
    })
}

fn rows(columns: &Columns, rows: std::ops::Range<usize>) -> Columns {
    let mut part = Columns::default();
    rows.for_each(|i| part.push(columns.candle(i)));
    part
}

fn bits(lines: &cases::Lines) -> Vec<Vec<u64>> {
    lines.iter().map(|line| line.iter().map(|value| value.to_bits()).collect()).collect()
}

fn near(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-9 * scale.abs().max(a.abs()).max(b.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn streaming_is_batch_bit_for_bit(n in 1_usize..=25, columns in history(160)) {
        for case in cases::all(n) {
            let streamed = (case.stream)(&columns);
            prop_assert_eq!(bits(&streamed), bits(&(case.batch)(&columns)), "{}", case.name);
            for line in streamed {
                for (i, value) in line.iter().enumerate() {
                    if i < case.warm_up {
                        prop_assert!(value.is_nan(), "{} at {i}", case.name);
                    } else if !case.event {
                        prop_assert!(value.is_finite(), "{} at {i}", case.name);
                    }
                }
            }
        }
    }

    #[test]
    fn a_prefix_has_the_first_values(
        n in 1_usize..=15,
        columns in history(120),
        share in 0.0_f64..=1.0,
    ) {
        let first = (columns.len() as f64 * share) as usize;
        let prefix = rows(&columns, 0..first);
        for case in cases::all(n) {
            let whole: Vec<_> =
                (case.batch)(&columns).into_iter().map(|line| line[..first].to_vec()).collect();
            prop_assert_eq!(bits(&whole), bits(&(case.batch)(&prefix)), "{}", case.name);
        }
    }

    #[test]
    fn windows_forget_what_left(n in 1_usize..=15, columns in history(120), shift in 1_usize..=30) {
        let shift = shift.min(columns.len());
        let later = rows(&columns, shift..columns.len());
        let scale = columns.close.iter().copied().fold(0.0, f64::max);
        let smoothed = ["ema", "rsi", "atr", "natr", "adx", "macd", "obv", "vwap"];
        for case in cases::all(n).into_iter().filter(|c| !smoothed.contains(&c.name.as_str())) {
            let whole = (case.batch)(&columns);
            for (whole, part) in whole.iter().zip((case.batch)(&later)) {
                for i in case.warm_up..later.len() {
                    let (a, b) = (whole[i + shift], part[i]);
                    // The square root of a rounding error is what a vanishing deviation may show.
                    let scale = if case.name == "standard deviation" || case.name == "bollinger" {
                        scale * 100.0
                    } else {
                        scale
                    };
                    prop_assert!(
                        near(a, b, scale) || (a.is_nan() && b.is_nan()),
                        "{} at {i}: {a} {b}", case.name
                    );
                }
            }
        }
    }

    #[test]
    fn smoothing_forgets_its_start(n in 1_usize..=5, columns in history(200), shift in 1_usize..=30) {
        let shift = shift.min(columns.len());
        let later = rows(&columns, shift..columns.len());
        let scale = columns.close.iter().copied().fold(0.0, f64::max);
        for case in cases::all(n) {
            let after = match case.name.as_str() {
                "ema" => 12 * n,
                "macd" => 36 * n,
                "atr" | "natr" => 22 * n,
                _ => continue,
            };
            for (whole, part) in (case.batch)(&columns).iter().zip((case.batch)(&later)) {
                for i in case.warm_up + after..later.len() {
                    let (a, b) = (whole[i + shift], part[i]);
                    prop_assert!(near(a, b, scale), "{} at {i}: {a} {b}", case.name);
                }
            }
        }
    }

    #[test]
    fn windows_against_their_definition(n in 1_usize..=30, columns in history(150)) {
        let close = &columns.close;
        let run = |name: &str| {
            let case = cases::all(n).into_iter().find(|case| case.name == name).unwrap();
            (case.batch)(&columns).remove(0)
        };
        let (mean, highest, lowest) = (run("sma"), run("rolling max"), run("rolling min"));
        let deviation = run("standard deviation");
        for (i, window) in close.windows(n).enumerate() {
            let i = i + n - 1;
            let average = window.iter().sum::<f64>() / n as f64;
            let squares = window.iter().map(|x| (x - average).powi(2)).sum::<f64>() / n as f64;
            prop_assert!(near(mean[i], average, 0.0));
            prop_assert_eq!(highest[i], window.iter().copied().fold(f64::MIN, f64::max));
            prop_assert_eq!(lowest[i], window.iter().copied().fold(f64::MAX, f64::min));
            prop_assert!(near(deviation[i], 1.5 * squares.sqrt(), average * 1e-3));
        }
    }

    #[test]
    fn bounds_hold(n in 1_usize..=20, columns in history(150)) {
        for case in cases::all(n) {
            let lines = (case.batch)(&columns);
            for i in case.warm_up..columns.len() {
                let at: Vec<f64> = lines.iter().map(|line| line[i]).collect();
                let fits = match case.name.as_str() {
                    "rsi" | "mfi" | "stochastic" | "adx" => {
                        at.iter().all(|value| (0.0..=100.0).contains(value))
                    }
                    "williams r" => (-100.0..=0.0).contains(&at[0]),
                    "bollinger" => at[2] <= at[1] && at[1] <= at[0],
                    "macd" => at[2] == at[0] - at[1],
                    "atr" | "natr" | "true range" | "standard deviation" => at[0] >= 0.0,
                    "vwap" => {
                        let low = columns.low.iter().copied().fold(f64::MAX, f64::min);
                        let high = columns.high.iter().copied().fold(f64::MIN, f64::max);
                        near(at[0].clamp(low, high), at[0], 0.0)
                    }
                    _ => true,
                };
                prop_assert!(fits, "{} at {i}: {at:?}", case.name);
            }
        }
    }
}

#[test]
fn parameters_out_of_range_are_refused_with_the_range() {
    let error = Ema::new(0).unwrap_err();
    assert_eq!(error.to_string(), "period 0 is not possible: expected 1 to 100000");
    assert!(Sma::new(100_001).is_err());
    assert!(LinearRegressionSlope::new(1).is_err());
    assert!(SwingLow::new(0).unwrap_err().to_string().starts_with("strength 0"));
    for multiplier in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(StandardDeviation::new(5, multiplier).is_err());
    }
}

#[test]
fn columns_that_differ_in_length_are_refused() {
    let error = Sma::batch(2, &[1.0, 2.0], &mut [0.0]).unwrap_err();
    assert_eq!(error, BatchError::Length { found: 1, expected: 2 });
    let mut ragged = Columns::default();
    ragged.time.push(0);
    let error = TrueRange::batch(&ragged, &mut [0.0]).unwrap_err();
    assert_eq!(error, BatchError::Length { found: 0, expected: 1 });
}

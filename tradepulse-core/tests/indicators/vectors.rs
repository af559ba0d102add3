//! TA-Lib's outputs on seeded candles (`talib_*.csv`), and exact arithmetic (`exact_*.csv`).

use std::collections::BTreeMap;

use tradepulse_core::indicator::*;
use tradepulse_core::market::Columns;

struct Vectors {
    candles: Columns,
    columns: BTreeMap<String, Vec<f64>>,
}

fn read(name: &str) -> BTreeMap<String, Vec<f64>> {
    let path = format!("{}/tests/vectors/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut columns: BTreeMap<_, Vec<f64>> =
        names.iter().map(|n| (n.clone(), Vec::new())).collect();
    for row in reader.records() {
        for (name, field) in names.iter().zip(&row.unwrap()) {
            let value = if field.is_empty() { f64::NAN } else { field.parse().unwrap() };
            columns.get_mut(name).unwrap().push(value);
        }
    }
    columns
}

fn vectors(name: &str) -> Vectors {
    let mut columns = read(name);
    let mut take = |name: &str| columns.remove(name).unwrap();
    let candles = Columns {
        time: take("i").iter().map(|i| *i as i64 * 300_000).collect(),
        open: take("open"),
        high: take("high"),
        low: take("low"),
        close: take("close"),
        volume: take("volume"),
    };
    Vectors { candles, columns }
}

/// Lines of one indicator with the names of their columns, the tolerance, and what it is relative
/// to beside the value itself: where a line is a small difference of large numbers, those numbers.
type Check<'a> = (&'a [&'a str], Vec<Vec<f64>>, Option<&'a [f64]>);

fn batch<const N: usize>(
    rows: usize,
    run: impl FnOnce([&mut [f64]; N]) -> Result<(), BatchError>,
) -> Vec<Vec<f64>> {
    let mut outs: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; rows]);
    run(outs.each_mut().map(Vec::as_mut_slice)).unwrap();
    outs.to_vec()
}

fn compare(
    file: &str,
    expected: &BTreeMap<String, Vec<f64>>,
    (names, lines, scale): Check,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (&name, line) in names.iter().zip(lines) {
        let expected = &expected[name];
        assert_eq!(expected.len(), line.len());
        let (mut count, mut first) = (0, None);
        for (i, (&a, &b)) in line.iter().zip(expected).enumerate() {
            let floor = scale.map_or(0.0, |scale| scale[i].abs());
            let same = (a.is_nan() && b.is_nan())
                || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(floor);
            if !same {
                count += 1;
                first.get_or_insert((i, a, b));
            }
        }
        if let Some((i, a, b)) = first {
            wrong.push(format!("{file} {name}: {count} differ, first row {i}: {a:e}, not {b:e}"));
        }
    }
    wrong
}

fn talib(file: &str) -> Vec<String> {
    let Vectors { candles, columns } = vectors(file);
    let rows = candles.len();
    let close = candles.close.as_slice();
    // TA-Lib's running sums keep the rounding errors of the largest prices that ever were in the
    // window, 1e9 in this file. What ours are worth there is checked against exact arithmetic.
    let peak: Vec<f64> = close
        .iter()
        .scan(0.0, |peak, &x| {
            *peak = f64::max(*peak, x);
            Some(*peak)
        })
        .collect();
    let sums = (file == "talib_edge_mixed").then_some(peak.as_slice());
    // A slope near zero is a small difference of sums of prices.
    let slope = sums.or(Some(close));
    let checks: Vec<Check> = vec![
        (&["SMA_5"], batch(rows, |[o]| Sma::batch(5, close, o)), sums),
        (&["SMA_20"], batch(rows, |[o]| Sma::batch(20, close, o)), sums),
        (&["SMA_50"], batch(rows, |[o]| Sma::batch(50, close, o)), sums),
        (&["EMA_5"], batch(rows, |[o]| Ema::batch(5, close, o)), None),
        (&["EMA_20"], batch(rows, |[o]| Ema::batch(20, close, o)), None),
        (&["EMA_50"], batch(rows, |[o]| Ema::batch(50, close, o)), None),
        (&["RSI_14"], batch(rows, |[o]| Rsi::batch(14, close, o)), None),
        (&["RSI_2"], batch(rows, |[o]| Rsi::batch(2, close, o)), None),
        (&["ATR_14"], batch(rows, |[o]| Atr::batch(14, &candles, o)), None),
        (&["TRANGE"], batch(rows, |[o]| TrueRange::batch(&candles, o)), None),
        (&["STDDEV_20_1"], batch(rows, |[o]| StandardDeviation::batch(20, 1.0, close, o)), None),
        (&["MAX_30"], batch(rows, |[o]| RollingMax::batch(30, close, o)), None),
        (&["MIN_30"], batch(rows, |[o]| RollingMin::batch(30, close, o)), None),
        (
            &["LINEARREG_SLOPE_14"],
            batch(rows, |[o]| LinearRegressionSlope::batch(14, close, o)),
            slope,
        ),
    ];
    checks.into_iter().flat_map(|check| compare(file, &columns, check)).collect()
}

#[test]
fn talib_agrees() {
    let mut wrong = Vec::new();
    for file in ["2000", "edge_const", "edge_huge", "edge_tiny", "edge_zerovol", "edge_mixed"] {
        wrong.extend(talib(&format!("talib_{file}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn exact_arithmetic_agrees() {
    let mut wrong = Vec::new();
    for (exact, prices) in [("exact_2000", "talib_2000"), ("exact_edge_mixed", "talib_edge_mixed")]
    {
        let close = vectors(prices).candles.close;
        let close = close.as_slice();
        let rows = close.len();
        let expected = read(exact);
        let checks: Vec<Check> = vec![
            (&["SMA_20"], batch(rows, |[o]| Sma::batch(20, close, o)), None),
            (
                &["STDDEV_20_1"],
                batch(rows, |[o]| StandardDeviation::batch(20, 1.0, close, o)),
                None,
            ),
            (
                &["LINEARREG_SLOPE_14"],
                batch(rows, |[o]| LinearRegressionSlope::batch(14, close, o)),
                None,
            ),
        ];
        wrong.extend(checks.into_iter().flat_map(|check| compare(exact, &expected, check)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

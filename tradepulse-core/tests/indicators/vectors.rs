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

/// The columns an indicator should reproduce, its lines, and what the tolerance of 1e-9 is relative
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

/// TA-Lib carries money flows along in running sums, so that flows of 1e12 that left the window
/// drown flows of 1e-6 in it: this is the definition.
fn mfi_by_definition(n: usize, candles: &Columns) -> Vec<f64> {
    let price: Vec<f64> = (0..candles.len())
        .map(|i| (candles.high[i] + candles.low[i] + candles.close[i]) / 3.0)
        .collect();
    let flow = |i: usize| (price[i] - price[i - 1]).signum() * price[i] * candles.volume[i];
    let flow = |i: usize| if price[i] == price[i - 1] { 0.0 } else { flow(i) };
    let index = |i: usize| {
        let flows: Vec<f64> = (i + 1 - n..=i).map(flow).collect();
        let rising: f64 = flows.iter().filter(|&&flow| flow > 0.0).sum();
        let total: f64 = flows.iter().map(|flow| flow.abs()).sum();
        if total > 0.0 { 100.0 * rising / total } else { 0.0 }
    };
    (0..candles.len()).map(|i| if i < n { f64::NAN } else { index(i) }).collect()
}

fn talib(file: &str) -> Vec<String> {
    let Vectors { candles, mut columns } = vectors(file);
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
    // Oscillators that cross zero, or that TA-Lib smooths by running sums.
    let hundred = vec![100.0; rows];
    let hundred = Some(hundred.as_slice());
    if file == "talib_edge_mixed" {
        columns.insert("MFI_14".into(), mfi_by_definition(14, &candles));
    }
    // Ours come with the ADX.
    for name in ["PLUS_DI_14", "MINUS_DI_14"] {
        columns.get_mut(name).unwrap()[..27.min(rows)].fill(f64::NAN);
    }
    let checks: Vec<Check> = vec![
        (&["SMA_5"], batch(rows, |[o]| Sma::batch(5, close, o)), sums),
        (&["SMA_20"], batch(rows, |[o]| Sma::batch(20, close, o)), sums),
        (&["SMA_50"], batch(rows, |[o]| Sma::batch(50, close, o)), sums),
        (&["EMA_5"], batch(rows, |[o]| Ema::batch(5, close, o)), None),
        (&["EMA_20"], batch(rows, |[o]| Ema::batch(20, close, o)), None),
        (&["EMA_50"], batch(rows, |[o]| Ema::batch(50, close, o)), None),
        (&["RSI_14"], batch(rows, |[o]| Rsi::batch(14, close, o)), None),
        (&["RSI_2"], batch(rows, |[o]| Rsi::batch(2, close, o)), None),
        (&["WMA_5"], batch(rows, |[o]| Wma::batch(5, close, o)), sums),
        (&["WMA_20"], batch(rows, |[o]| Wma::batch(20, close, o)), sums),
        (&["WMA_50"], batch(rows, |[o]| Wma::batch(50, close, o)), sums),
        (
            &["MACD_12_26_9", "MACDSIGNAL_12_26_9", "MACDHIST_12_26_9"],
            batch(rows, |[l, s, h]| Macd::batch([12, 26, 9], close, l, s, h)),
            None,
        ),
        (
            &["BB_UPPER_20_2", "BB_MIDDLE_20_2", "BB_LOWER_20_2"],
            batch(rows, |[u, m, l]| Bollinger::batch(20, 2.0, close, u, m, l)),
            sums,
        ),
        (
            &["STOCH_SLOWK_14_3_3", "STOCH_SLOWD_14_3_3"],
            batch(rows, |[k, d]| Stochastic::batch([14, 3, 3], &candles, k, d)),
            hundred,
        ),
        (
            &["ADX_14", "PLUS_DI_14", "MINUS_DI_14"],
            batch(rows, |[a, p, m]| Adx::batch(14, &candles, a, p, m)),
            None,
        ),
        (&["OBV"], batch(rows, |[o]| Obv::batch(&candles, o)), None),
        (&["MFI_14"], batch(rows, |[o]| Mfi::batch(14, &candles, o)), None),
        (&["CCI_20"], batch(rows, |[o]| Cci::batch(20, &candles, o)), hundred),
        (&["WILLR_14"], batch(rows, |[o]| WilliamsR::batch(14, &candles, o)), None),
        (&["ROC_10"], batch(rows, |[o]| RateOfChange::batch(10, close, o)), None),
        (&["MOM_10"], batch(rows, |[o]| Momentum::batch(10, close, o)), None),
        (&["NATR_14"], batch(rows, |[o]| Natr::batch(14, &candles, o)), None),
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
        let mut expected = read(exact);
        expected.insert("BB_MIDDLE_20_2".into(), expected["SMA_20"].clone());
        let checks: Vec<Check> = vec![
            (&["WMA_20"], batch(rows, |[o]| Wma::batch(20, close, o)), None),
            (
                &["BB_UPPER_20_2", "BB_MIDDLE_20_2", "BB_LOWER_20_2"],
                batch(rows, |[u, m, l]| Bollinger::batch(20, 2.0, close, u, m, l)),
                None,
            ),
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

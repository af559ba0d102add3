//! Real candles, where they are there: in the folder `TRADEPULSE_SHARED` names, or in `shared`
//! beside the workspace.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use tradepulse_core::{
    market::{Aggregator, Gaps, Series, aggregate},
    time::{Timeframe, Timestamp},
};
use tradepulse_exec::import::{ImportError, Options, import};

/// The folder of the candles, or `None` after saying what is skipped.
fn folder(test: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("TRADEPULSE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = shared.join("data/ohlcv");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped {test}: there is no {}", folder.display());
    None
}

fn series(folder: &Path, name: &str, timeframe: Timeframe) -> Series {
    import(&[folder.join(name)], timeframe, &Options::default()).unwrap().series
}

#[test]
fn aggregation_gives_the_candles_of_the_exchange() {
    let Some(folder) = folder("aggregation_gives_the_candles_of_the_exchange") else { return };
    let name = |coin: &str, rest: &str| format!("binance_{coin}USDT_{rest}.csv.gz");
    for (coin, five, longer, timeframe, least) in [
        ("BTC", "5m_20240101_20240906", "15m_20230401_20240409", Timeframe::M15, 9_000),
        ("ETH", "5m_20240101_20240906", "15m_20230401_20240409", Timeframe::M15, 9_000),
        ("SOL", "5m_20240101_20240907", "15m_20230401_20240409", Timeframe::M15, 9_000),
        ("BTC", "5m_20240101_20240906", "1h_20220101_20240930", Timeframe::H1, 5_900),
        ("ETH", "5m_20240101_20240906", "1h_20220101_20240930", Timeframe::H1, 5_900),
        ("BTC", "15m_20230401_20240409", "1h_20220101_20240930", Timeframe::H1, 8_900),
    ] {
        let base: Timeframe = five.split_once('_').unwrap().0.parse().unwrap();
        let five = series(&folder, &name(coin, five), base);
        let theirs = series(&folder, &name(coin, longer), timeframe);
        let ours = aggregate(&five, timeframe).unwrap();
        let mut aggregator = Aggregator::new(base, timeframe).unwrap();
        assert!(five.candles().filter_map(|c| aggregator.push(&c)).eq(ours.candles()));

        let mut compared = 0;
        let mut row = 0;
        for a in ours.candles() {
            while row < theirs.len() && theirs.time()[row] < a.open_time.as_ms() {
                row += 1;
            }
            if row == theirs.len() {
                break;
            }
            let b = theirs.candle(row);
            if b.open_time != a.open_time {
                continue;
            }
            assert_eq!((a.open, a.high, a.low, a.close), (b.open, b.high, b.low, b.close), "{a:?}");
            assert!((a.volume - b.volume).abs() <= 1e-9 * b.volume.max(1.0), "{a:?} {b:?}");
            compared += 1;
        }
        assert!(compared >= least, "{coin} {timeframe}: only {compared} compared");
    }
}

#[test]
fn the_dirty_file_is_refused_and_mended() {
    let Some(folder) = folder("the_dirty_file_is_refused_and_mended") else { return };
    let file = folder.join("binance_BTCUSDT_5m_20250630_20250702_dirty-overlap.csv.gz");
    let error = import(&[&file], Timeframe::M5, &Options::default()).unwrap_err();
    assert!(matches!(&error, ImportError::Data { place, .. } if place.file() == file));
    // The line where the second download begins.
    let expected = format!(
        "{}, line 648, column time: time 2025-07-01T00:00:00Z is before that of the previous row \
         (2025-07-02T05:45:00Z)",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
    let options = Options { repair: true, ..Options::default() };
    let mended = import(&[&file], Timeframe::M5, &options).unwrap();
    assert_eq!(mended.repair.unwrap().dropped, 358);
    assert_eq!(mended.series.gaps(), Gaps::default());
}

#[test]
fn every_file_is_read() {
    let Some(folder) = folder("every_file_is_read") else { return };
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".csv.gz") || name.contains("dirty") {
            continue;
        }
        let timeframe = name.split('_').nth(2).unwrap().parse().unwrap();
        let import = import(&[&path], timeframe, &Options::default()).unwrap();
        let series = &import.series;
        assert!(series.len() > 1000, "{name}");
        assert_eq!(
            import.place(series.len() - 1).unwrap().line(),
            series.len() as u64 + 1,
            "{name}"
        );
    }
    let outage = series(&folder, "binance_BTCUSDT_1h_20220101_20240930.csv.gz", Timeframe::H1);
    let after: Vec<_> =
        outage.missing().map(|(row, n)| (outage.candle(row).open_time, n)).collect();
    assert_eq!(after, [("2023-03-24T14:00:00Z".parse::<Timestamp>().unwrap(), 1)]);
}

//! Real candles, where they are there: in the folder `TRADEPULSE_SHARED` names, or in `shared`
//! beside the workspace.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use tradepulse_core::market::{Candle, Columns, Series};
use tradepulse_core::parameter::Parameters;
use tradepulse_core::strategy::Strategy;
use tradepulse_core::strategy::lookahead::intents;
use tradepulse_core::time::Timestamp;
use tradepulse_strategies::{
    CapitulationReversal, DivergenceCapitulation, EmaCross, FailedBreakdown, HtfSweep,
    LiquiditySweep, VolumeBreakout,
};

use crate::properties::streamed;

/// The candles of a file of the shared data, or `None` after saying what is skipped.
fn series(name: &str) -> Option<Series> {
    let shared = std::env::var_os("TRADEPULSE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        std::path::PathBuf::from,
    );
    let path = shared.join("data/ohlcv").join(name).with_extension("csv.gz");
    if !path.is_file() {
        println!("skipped: there is no {}", path.display());
        return None;
    }
    let mut text = String::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut columns = Columns::default();
    for line in text.lines().skip(1) {
        let (time, rest) = line.split_once(',').unwrap();
        let values: Vec<f64> = rest.split(',').map(|value| value.parse().unwrap()).collect();
        let [open, high, low, close, volume] = values[..] else { panic!("{line}") };
        let open_time = Timestamp::from_ms(time.parse().unwrap());
        columns.push(Candle { open_time, open, high, low, close, volume });
    }
    Some(Series::new(name.split('_').nth(2)?.parse().unwrap(), columns).unwrap())
}

/// How many intents `S` has at its defaults; the same at once and candle by candle.
fn count<S: Strategy>(series: &Series) -> usize {
    let parameters = Parameters::defaults(S::about().variables);
    let at_once = intents::<S>(series, &parameters).unwrap();
    assert!(streamed::<S>(series, &parameters) == at_once, "{}", S::about().name);
    at_once.iter().flatten().count()
}

/// The counts are those of an independent implementation, which agrees on every candle, side, stop
/// and target.
#[test]
fn as_many_intents_as_an_independent_implementation() {
    let expected = [
        ("binance_BTCUSDT_5m_20240101_20240906", [165, 464, 200, 9, 358, 186, 1517]),
        ("binance_SOLUSDT_15m_20230401_20240409", [187, 267, 182, 3, 221, 83, 706]),
        ("binance_LINKUSDT_1h_20220101_20240930", [164, 225, 63, 6, 113, 40, 443]),
        ("kraken_BTCUSDC_1m_20230101_20230331", [44, 7, 289, 14, 373, 21, 1128]),
    ];
    for (name, expected) in expected {
        let Some(series) = series(name) else { continue };
        let found = [
            count::<LiquiditySweep>(&series),
            count::<HtfSweep>(&series),
            count::<VolumeBreakout>(&series),
            count::<DivergenceCapitulation>(&series),
            count::<CapitulationReversal>(&series),
            count::<FailedBreakdown>(&series),
            count::<EmaCross>(&series),
        ];
        assert_eq!(found, expected, "{name}");
    }
}

//! What is traded: a market of few candles, and a strategy that knows them.

use tradepulse_core::{
    inference::Action,
    market::{Columns, Series, Symbol},
    order::Side,
    parameter::{ParameterError, Parameters},
    strategy::{About, Entry, Inputs, Intent, Strategy, View},
    time::Timeframe,
};

pub(crate) const CAPITAL: f64 = 10_000.0;
pub(crate) const TIMEFRAME: Timeframe = Timeframe::M5;
pub(crate) const BEGIN_MS: i64 = 1_704_067_200_000;

/// Open, high, low and close of each candle.
const CANDLES: [[f64; 4]; 18] = [
    // A long that is quiet for a candle and ends by its stop.
    [100.0, 100.2, 99.8, 100.0],
    [100.0, 100.5, 99.5, 100.2],
    [100.2, 100.6, 99.6, 100.0],
    [100.0, 100.1, 97.5, 98.0],
    // A short that ends by its target.
    [98.0, 98.5, 97.5, 98.0],
    [98.0, 98.4, 97.0, 97.2],
    [97.2, 97.3, 94.5, 95.0],
    // A long that is turned around.
    [95.0, 95.5, 94.6, 95.2],
    [95.2, 96.5, 95.1, 96.0],
    [96.0, 96.4, 95.8, 96.1],
    // The short it became, which is closed by a signal.
    [96.1, 96.3, 95.5, 95.8],
    [95.8, 96.0, 95.0, 95.2],
    [95.2, 95.4, 95.0, 95.3],
    // A long whose stop is reached in the candle of its entry.
    [95.3, 95.5, 95.1, 95.2],
    [95.2, 95.4, 92.0, 93.0],
    // A short whose target is reached in the candle of its entry.
    [93.0, 93.4, 92.6, 93.0],
    [93.0, 93.2, 89.0, 90.0],
    [90.0, 90.5, 89.5, 90.0],
];

/// Trades that come of it.
pub(crate) const TRADES: usize = 6;

pub(crate) fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

pub(crate) fn series() -> Series {
    let mut columns = Columns::with_capacity(CANDLES.len());
    for (i, [open, high, low, close]) in (0_i64..).zip(CANDLES) {
        columns.time.push(BEGIN_MS + i * TIMEFRAME.as_ms());
        columns.open.push(open);
        columns.high.push(high);
        columns.low.push(low);
        columns.close.push(close);
        columns.volume.push(10.0);
    }
    Series::new(TIMEFRAME, columns).unwrap()
}

/// Wants at the close of each candle what is written here.
#[derive(Debug)]
pub(crate) struct Script;

impl Strategy for Script {
    fn about() -> About {
        About {
            name: "script",
            version: 1,
            summary: "as written",
            variables: &[],
            optional_inputs: &[],
        }
    }

    fn new(_: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
        Ok(Self)
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let enter = |side, stop, target| {
            let target = Some(target);
            Some(Intent::Enter(Entry { side, stop, target, max_holding: None }))
        };
        match (view.open_time().as_ms() - BEGIN_MS) / TIMEFRAME.as_ms() {
            0 => enter(Side::Long, 98.0, 104.0),
            3 => enter(Side::Short, 101.0, 95.0),
            6 => enter(Side::Long, 93.0, 99.0),
            9 => enter(Side::Short, 98.0, 92.0),
            11 => Some(Intent::Exit),
            13 => enter(Side::Long, 93.5, 99.0),
            15 => enter(Side::Short, 95.0, 90.0),
            _ => None,
        }
    }
}

/// What the scripted models say of the candle with this number; `None`: nothing.
///
/// The first entry is confirmed, the second is confirmed by one of two, the third is opposed, the
/// fourth lacks a quorum, the fifth is confirmed with less than full confidence, and the last is
/// held back.
pub(crate) fn said(model: usize, candle: i64) -> Option<(Action, f64)> {
    match (candle, model) {
        (0, _) => Some((Action::Long, 0.9)),
        (3, 0) => Some((Action::Short, 0.8)),
        (3, _) => None,
        (6, 0) => Some((Action::Short, 0.9)),
        (9, _) => None,
        (13, _) => Some((Action::Long, 0.6)),
        (15, _) => Some((Action::Hold, 0.9)),
        _ => Some((Action::ALL[(candle as usize + model) % 3], 0.7)),
    }
}

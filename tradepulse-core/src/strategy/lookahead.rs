//! Proof that a strategy does not look ahead: what it wants on a prefix of the data must be the
//! first part of what it wants on all of it.

use serde::Serialize;

use super::{Inputs, Intent, Strategy, View};
use crate::backtest::{Backtest, BacktestError};
use crate::market::Series;
use crate::parameter::Parameters;
use crate::time::Timestamp;

/// What [`check`] found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Candles of the whole series.
    pub candles: usize,
    /// Prefixes compared with it.
    pub prefixes: usize,
    /// Intents on the whole series.
    pub intents: usize,
    /// The first difference, if there is one.
    pub difference: Option<Difference>,
}

/// Where a prefix and the whole differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Length of the prefix.
    pub prefix: usize,
    /// The candle, counted from 0.
    pub candle: usize,
    /// When that candle opened.
    pub open_time: Timestamp,
    /// What differs: `intent`, or a declared input.
    pub what: String,
    /// Its value on the prefix.
    pub on_prefix: String,
    /// Its value on the whole series.
    pub on_whole: String,
}

/// Runs the strategy on `prefixes` prefixes spread over the series (their lengths rise evenly; the
/// last is one candle short of the whole, and there are at most as many as there are shorter ones) and compares every declared input and every intent with
/// those of the whole run, bit by bit.
///
/// # Errors
/// If the strategy cannot be made, or there are fewer than two candles: nothing could be compared.
pub fn check<S: Strategy>(
    backtest: &Backtest<'_>,
    parameters: &Parameters,
    prefixes: usize,
) -> Result<Verdict, BacktestError> {
    let series = backtest.series();
    let candles = series.len();
    if candles < 2 {
        return Err(BacktestError::TooFewCandles { candles, needed: 2, warm_up: 0 });
    }
    let whole = run::<S>(series, parameters)?;
    let intents = whole.intents.iter().flatten().count();
    let last = candles - 1;
    let prefixes = prefixes.min(last);
    let mut verdict = Verdict { candles, prefixes: 0, intents, difference: None };
    for k in 1..=prefixes {
        let length = (last as f64 * k as f64 / prefixes as f64).round() as usize;
        if length == 0 {
            continue;
        }
        verdict.prefixes += 1;
        let part = run::<S>(&series.slice(0..length), parameters)?;
        if let Some((candle, what, on_prefix, on_whole)) = part.first_difference(&whole) {
            let open_time = Timestamp::from_ms(series.time()[candle]);
            verdict.difference =
                Some(Difference { prefix: length, candle, open_time, what, on_prefix, on_whole });
            break;
        }
    }
    Ok(verdict)
}

struct Run {
    inputs: Vec<(String, std::sync::Arc<Vec<f64>>)>,
    intents: Vec<Option<Intent>>,
}

/// What the strategy wants at the close of each candle of `series`, without an engine or money.
///
/// # Errors
/// If the strategy cannot be made.
pub fn intents<S: Strategy>(
    series: &Series,
    parameters: &Parameters,
) -> Result<Vec<Option<Intent>>, BacktestError> {
    run::<S>(series, parameters).map(|run| run.intents)
}

fn run<S: Strategy>(series: &Series, parameters: &Parameters) -> Result<Run, BacktestError> {
    let mut inputs = Inputs::default();
    let mut strategy = S::new(parameters, &mut inputs)?;
    let columns = inputs.columns(series.columns())?;
    let intents = (0..series.len())
        .map(|at| {
            let view = View::new(series.columns(), &columns, at, 0, series.timeframe(), None);
            strategy.on_candle(&view)
        })
        .collect();
    let names = inputs.specs().iter().map(|spec| format!("{spec:?}"));
    Ok(Run { inputs: names.zip(columns).collect(), intents })
}

impl Run {
    fn first_difference(&self, whole: &Self) -> Option<(usize, String, String, String)> {
        for (i, intent) in self.intents.iter().enumerate() {
            for ((name, part), (_, all)) in self.inputs.iter().zip(&whole.inputs) {
                if part[i].to_bits() != all[i].to_bits() {
                    return Some((i, name.clone(), part[i].to_string(), all[i].to_string()));
                }
            }
            if *intent != whole.intents[i] {
                let text = |intent: &Option<Intent>| {
                    intent.as_ref().map_or_else(|| "none".to_owned(), |x| format!("{x:?}"))
                };
                return Some((i, "intent".to_owned(), text(intent), text(&whole.intents[i])));
            }
        }
        None
    }
}

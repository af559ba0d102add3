//! Slow implementations written straight from the rules, both sides spelled out, against which the
//! real ones are compared entry by entry.

mod capitulation_reversal;
mod divergence_capitulation;
mod failed_breakdown;
mod htf_sweep;
mod liquidity_sweep;
mod volume_breakout;

use std::cell::Cell;

use proptest::prelude::*;
use tradepulse_core::indicator::{Atr, Ema, Rsi, Sma};
use tradepulse_core::market::Series;
use tradepulse_core::order::Side;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::strategy::lookahead::intents;
use tradepulse_core::strategy::{Entry, Intent, Strategy};

use crate::choice;
use crate::market::{Dice, market};

/// Stop and target of what confirmed at each candle.
type Confirmed = Vec<Option<(f64, f64)>>;

/// The rules of a strategy for one side, over a whole series.
type Rules = fn(&Series, &Parameters, Side) -> Confirmed;

/// Compares `S` with `rules` on random markets with random parameters.
fn same<S: Strategy>(rules: Rules) {
    let entries = [Cell::new(0), Cell::new(0)];
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(seed: u64, candles in 50..1_200_usize, gaps: bool)| {
        let series = market(seed, candles, gaps);
        let parameters = choice::parameters::<S>(&mut Dice::new(seed));
        let expected = join(&series, &parameters, rules);
        let found = intents::<S>(&series, &parameters).unwrap();
        for (i, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            prop_assert_eq!(found, expected, "candle {} of {:?}", i, &parameters);
            if let Some(Intent::Enter(entry)) = found {
                let count = &entries[usize::from(entry.side == Side::Short)];
                count.set(count.get() + 1);
            }
        }
    });
    let entries = entries.map(Cell::into_inner);
    println!("{}: compared {entries:?} long and short entries", S::about().name);
    assert!(entries.iter().all(|n| *n > 10), "only {entries:?} long and short entries");
}

fn join(series: &Series, parameters: &Parameters, rules: Rules) -> Vec<Option<Intent>> {
    let long = rules(series, parameters, Side::Long);
    let short = match parameters.get::<bool>("allow_short") {
        Ok(false) => vec![None; series.len()],
        _ => rules(series, parameters, Side::Short),
    };
    let max_holding = Some(parameters.get("max_holding").unwrap());
    (0..series.len())
        .map(|i| {
            let close = series.close()[i];
            let (side, stop, target) = match (long[i], short[i]) {
                (Some((stop, target)), None) if stop < close && close < target => {
                    (Side::Long, stop, target)
                }
                (None, Some((stop, target))) if stop > close && close > target => {
                    (Side::Short, stop, target)
                }
                _ => return None,
            };
            Some(Intent::Enter(Entry { side, stop, target: Some(target), max_holding }))
        })
        .collect()
}

fn atr(series: &Series, period: usize) -> Vec<f64> {
    let mut out = vec![0.0; series.len()];
    Atr::batch(period, series.columns(), &mut out).unwrap();
    out
}

fn average_volume(series: &Series, period: usize) -> Vec<f64> {
    let mut out = vec![0.0; series.len()];
    Sma::batch(period, series.volume(), &mut out).unwrap();
    out
}

fn ema(series: &Series, period: usize) -> Vec<f64> {
    let mut out = vec![0.0; series.len()];
    Ema::batch(period, series.close(), &mut out).unwrap();
    out
}

fn rsi(series: &Series, period: usize) -> Vec<f64> {
    let mut out = vec![0.0; series.len()];
    Rsi::batch(period, series.close(), &mut out).unwrap();
    out
}

/// Whether `values[j]` stands out on both sides by `strength` values that are all there.
fn is_swing(values: &[f64], j: usize, strength: usize, side: Side) -> bool {
    if j < strength || j + strength >= values.len() {
        return false;
    }
    (1..=strength).all(|d| match side {
        Side::Long => values[j] < values[j - d] && values[j] < values[j + d],
        Side::Short => values[j] > values[j - d] && values[j] > values[j + d],
    })
}

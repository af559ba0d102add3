//! The promises of the trait, kept by each strategy.

use std::cell::Cell;

use proptest::prelude::*;
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::Series;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::strategy::lookahead::{self, intents};
use tradepulse_core::strategy::{Entry, History, Inputs, Intent, Strategy};
use tradepulse_strategies::{
    CapitulationReversal, DivergenceCapitulation, EmaCross, FailedBreakdown, HtfSweep,
    LiquiditySweep, VolumeBreakout,
};

use crate::choice;
use crate::market::{Dice, market};

/// A quarter of the usual number of cases; `PROPTEST_CASES` changes it.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 4, failure_persistence: None, ..usual }
}

/// One test for each strategy.
macro_rules! each_strategy {
    ($property:ident) => {
        mod $property {
            use super::*;

            #[test]
            fn liquidity_sweep() {
                super::$property::<LiquiditySweep>();
            }

            #[test]
            fn htf_sweep() {
                super::$property::<HtfSweep>();
            }

            #[test]
            fn volume_breakout() {
                super::$property::<VolumeBreakout>();
            }

            #[test]
            fn divergence_capitulation() {
                super::$property::<DivergenceCapitulation>();
            }

            #[test]
            fn capitulation_reversal() {
                super::$property::<CapitulationReversal>();
            }

            #[test]
            fn failed_breakdown() {
                super::$property::<FailedBreakdown>();
            }

            #[test]
            fn ema_cross() {
                super::$property::<EmaCross>();
            }
        }
    };
}

each_strategy!(nothing_depends_on_the_future);
each_strategy!(streamed_as_at_once);
each_strategy!(same_after_a_restart);
each_strategy!(stops_and_targets_on_their_sides);

fn nothing_depends_on_the_future<S: Strategy>() {
    proptest!(config(), |(seed: u64, candles in 20..900_usize)| {
        let series = market(seed, candles, true);
        let parameters = choice::parameters::<S>(&mut Dice::new(seed));
        let backtest = Backtest::new(&series, Settings::default()).unwrap();
        let verdict = lookahead::check::<S>(&backtest, &parameters, 9).unwrap();
        prop_assert_eq!(verdict.difference, None);
    });
}

/// The intents of `S` seeing candle by candle, keeping only what its warm-up promises to suffice.
pub(crate) fn streamed<S: Strategy>(
    series: &Series,
    parameters: &Parameters,
) -> Vec<Option<Intent>> {
    let mut inputs = Inputs::default();
    let mut strategy = S::new(parameters, &mut inputs).unwrap();
    let mut history = History::new(series.timeframe(), &inputs, strategy.warm_up()).unwrap();
    series.candles().map(|candle| strategy.on_candle(&history.push(candle, None))).collect()
}

fn streamed_as_at_once<S: Strategy>() {
    proptest!(config(), |(seed: u64, candles in 20..3_000_usize)| {
        let series = market(seed, candles, true);
        let parameters = choice::parameters::<S>(&mut Dice::new(seed));
        let at_once = intents::<S>(&series, &parameters).unwrap();
        prop_assert_eq!(streamed::<S>(&series, &parameters), at_once);
    });
}

/// After `warm_up` candles a strategy wants what it would want after a longer history. Where
/// candles are missing, no number of rows bounds how far back a higher candle lies, so these
/// markets have no gaps.
fn same_after_a_restart<S: Strategy>() {
    let compared = Cell::new(0);
    proptest!(config(), |(seed: u64, start in 1..900_usize)| {
        let parameters = choice::parameters::<S>(&mut Dice::new(seed));
        let warm_up = S::new(&parameters, &mut Inputs::default()).unwrap().warm_up();
        let series = market(seed, start + warm_up + 1_500, false);
        let whole = intents::<S>(&series, &parameters).unwrap();
        let restarted = intents::<S>(&series.slice(start..series.len()), &parameters).unwrap();
        for i in start + warm_up..series.len() {
            let (a, b) = (&whole[i], &restarted[i - start]);
            prop_assert!(alike(a, b), "candle {}: {:?} after a restart {:?}", i, a, b);
            compared.set(compared.get() + usize::from(a.is_some()));
        }
    });
    assert!(compared.get() > 0, "no market had an intent to compare");
}

fn alike(a: &Option<Intent>, b: &Option<Intent>) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs();
    match (a, b) {
        (Some(Intent::Enter(a)), Some(Intent::Enter(b))) => {
            let (target_a, target_b) = (a.target.unwrap(), b.target.unwrap());
            a.side == b.side
                && near(a.stop, b.stop)
                && near(target_a, target_b)
                && a.max_holding == b.max_holding
        }
        _ => a == b,
    }
}

fn stops_and_targets_on_their_sides<S: Strategy>() {
    let entries = Cell::new(0);
    proptest!(config(), |(seed: u64, candles in 200..3_000_usize)| {
        let series = market(seed, candles, true);
        let parameters = choice::parameters::<S>(&mut Dice::new(seed));
        for (i, intent) in intents::<S>(&series, &parameters).unwrap().into_iter().enumerate() {
            if let Some(Intent::Enter(entry)) = intent {
                let Entry { target, .. } = entry;
                prop_assert!(entry.is_consistent_with(series.close()[i]) && target.is_some());
                entries.set(entries.get() + 1);
            }
        }
    });
    assert!(entries.get() > 0, "no market had an entry");
}

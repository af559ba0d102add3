//! Whole trainings on made-up markets: luck on random walks is not promoted, and a planted edge is
//! found and promoted.
//!
//! On the walks trading is free: with costs every rule loses there, and the gate would not be put to
//! the test.

#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::thread;

use rand::RngExt;
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::lifecycle::{Cause, Evidence, PAPER_SHARPE, Stage, VALIDATION_TRADES};
use tradepulse_core::market::{Candle, Columns, Series, SyntheticMarket};
use tradepulse_core::optimise::Method;
use tradepulse_core::order::Side;
use tradepulse_core::overfitting::WalkForwardFlag;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::random::Seed;
use tradepulse_core::simulation::Costs;
use tradepulse_core::strategy::{About, Entry, Input, Inputs, Intent, Source, Strategy, View};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_core::training::{
    InTurn, Span, Study, StudyPlan, TrialLedger, Validation, WindowPlan,
};
use tradepulse_core::variable::Variable;
use tradepulse_strategies::registry;

const DAYS: usize = 365;

/// A search, a walk-forward, every test and the judgement.
fn train(strategy: &str, series: &Series, costs: Costs) -> Validation {
    let windows = WindowPlan {
        train: Span::Days(90.0),
        gap: Span::Days(2.0),
        test: Span::Days(60.0),
        ..WindowPlan::default()
    };
    let plan = StudyPlan { trials: 40, windows, ..StudyPlan::new(Method::Tpe, Seed(1)) };
    let mut settings = Settings { venue_costs: costs, ..Settings::default() };
    settings.rules.costs = costs;
    let registry = registry().with::<SpikeFollower>();
    let backtest = Backtest::new(series, settings).unwrap();
    let study = Study::new(registry.get(strategy).unwrap(), backtest, plan).unwrap();
    let (mut optimiser, mut returns) = (study.optimiser(), Vec::new());
    study
        .search(&mut *optimiser, &InTurn, |progress| {
            returns.extend(progress.batch.iter().map(|(_, e)| e.daily_returns.clone()));
            ControlFlow::Continue(())
        })
        .unwrap();
    let mut ledger = TrialLedger::of_returns(&returns);
    let walked = study.walk_forward(&InTurn, |_, progress| {
        ledger.trials += progress.batch.len() as u64;
        ControlFlow::Continue(())
    });
    let best = optimiser.best().unwrap().clone();
    study.validate(&best, &returns, Some(walked.unwrap()), ledger, &InTurn).unwrap()
}

/// The results of `task(0)` to `task(count - 1)`, on two threads.
fn each<T: Send>(count: usize, task: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let half = |from: usize| (from..count).step_by(2).map(&task).collect::<Vec<T>>();
    thread::scope(|scope| {
        let odd = scope.spawn(|| half(1));
        let mut all = half(0);
        all.extend(odd.join().unwrap());
        all
    })
}

#[test]
fn luck_on_random_walks_is_not_promoted() {
    const WALKS: usize = 50;
    let trained = each(WALKS, |walk| {
        let market = SyntheticMarket {
            candles: DAYS * 24,
            daily_drift: 0.0,
            ..SyntheticMarket::new(Seed(walk as u64), Timeframe::H1)
        };
        train("ema_cross", &market.generate().unwrap(), Costs::FREE)
    });
    let promoted = trained.iter().filter(|v| v.judgement.standing.stage >= Stage::Validation);
    let promoted = promoted.count();
    assert!(promoted * 20 <= WALKS, "{promoted} of {WALKS} random walks were promoted");

    // What would be promoted without the evidence gate, and which of its parts objects.
    let lucky = trained.iter().filter(|v| {
        let Evidence { trades, net_profit, sharpe, .. } = v.evidence;
        trades >= VALIDATION_TRADES && net_profit >= Some(0.0) && sharpe >= Some(PAPER_SHARPE)
    });
    let lucky: Vec<&[Cause]> = lucky.map(|v| &v.judgement.causes[..]).collect();
    let flagged = |cause: &Cause, flag: fn(&WalkForwardFlag) -> bool| match cause {
        Cause::WalkForward { flags } => flags.iter().any(flag),
        _ => false,
    };
    type Part<'a> = (&'a str, &'a dyn Fn(&Cause) -> bool);
    let parts: [Part<'_>; 6] = [
        ("p-value", &|c| matches!(c, Cause::PValue { .. })),
        ("deflated Sharpe", &|c| matches!(c, Cause::DeflatedSharpe { .. })),
        ("overfitting", &|c| matches!(c, Cause::Overfitting { .. })),
        ("Sharpe fell", &|c| flagged(c, |f| matches!(f, WalkForwardFlag::SharpeFell { .. }))),
        ("win rate fell", &|c| flagged(c, |f| matches!(f, WalkForwardFlag::WinRateFell { .. }))),
        ("unstable", &|c| flagged(c, |f| matches!(f, WalkForwardFlag::Unstable { .. }))),
    ];
    for (part, objects) in parts {
        let count = lucky.iter().filter(|causes| causes.iter().any(objects)).count();
        assert!(count * 10 >= lucky.len(), "{part} objects to {count} of {} only", lucky.len());
    }
    assert!(lucky.len() * 5 >= WALKS, "{} of {WALKS} were lucky: what did this test?", lucky.len());
}

/// Follows a candle of much volume in its direction for a while.
struct SpikeFollower {
    threshold: f64,
    stop_pct: f64,
    holding: u32,
    average: Input,
}

impl Strategy for SpikeFollower {
    fn about() -> About {
        const VARIABLES: &[Variable] = &[
            Variable::real("threshold", 2.0, 4.0, 0.1, 2.5, "× SMA(volume, 20)", "least volume"),
            Variable::real("stop_pct", 2.0, 6.0, 0.5, 3.0, "%", "distance of the stop"),
            Variable::integer("holding", 4, 12, 1, 8, "candles", "how long it is followed"),
        ];
        About {
            name: "spike_follower",
            version: 1,
            summary: "follows volume",
            variables: VARIABLES,
            optional_inputs: &[],
        }
    }

    fn new(parameters: &Parameters, inputs: &mut Inputs) -> Result<Self, ParameterError> {
        Ok(Self {
            threshold: parameters.get("threshold")?,
            stop_pct: parameters.get("stop_pct")?,
            holding: parameters.get("holding")?,
            average: inputs.sma(Source::Volume, 20),
        })
    }

    fn warm_up(&self) -> usize {
        21
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let (open, close) = (view.open(0), view.close(0));
        let spike = view.volume(0) > self.threshold * view.input(self.average, 1)?;
        let side = if close > open { Side::Long } else { Side::Short };
        let away = if close > open { 1.0 } else { -1.0 } * self.stop_pct / 100.0;
        let (stop, max_holding) = (close * (1.0 - away), Some(self.holding));
        spike.then_some(Intent::Enter(Entry { side, stop, target: None, max_holding }))
    }
}

/// Noise of 3 % a day, in which about once a day a candle of much volume is followed by six that
/// drift 2.4 % its way.
fn with_edge(seed: u64) -> Series {
    let mut random = Seed(seed).stream("planted edge");
    let mut columns = Columns::default();
    let (mut price, mut side, mut until_spike) = (40_000.0_f64, 1.0, 24_i64);
    for i in 0..DAYS as i64 * 24 {
        until_spike -= 1;
        let (mut volume, mut drift) = (1.0 + 0.2 * random.random::<f64>(), 0.0);
        match until_spike {
            0 => {
                side = if random.random() { 1.0 } else { -1.0 };
                (volume, drift) = (6.0, side * 0.008);
            }
            -6..0 => drift = side * 0.004,
            ..-6 => until_spike = random.random_range(12..24),
            _ => {}
        }
        let open = price;
        let (mut high, mut low) = (open, open);
        for _ in 0..12 {
            price *= 1.0 + drift / 12.0 + 0.003 * (2.0 * random.random::<f64>() - 1.0);
            (high, low) = (high.max(price), low.min(price));
        }
        let open_time = Timestamp::from_ms(1_704_067_200_000 + i * 3_600_000);
        columns.push(Candle { open_time, open, high, low, close: price, volume });
    }
    Series::new(Timeframe::H1, columns).unwrap()
}

#[test]
fn a_planted_edge_is_found_and_promoted() {
    const MARKETS: usize = 6;
    let trained =
        each(MARKETS, |seed| train("spike_follower", &with_edge(seed as u64), Costs::default()));
    for v in &trained {
        let (stage, said) = (v.judgement.standing.stage, v.judgement.explain(&v.evidence));
        let random = v.evidence.random_entry_p_value;
        assert!(random.is_some_and(|p| p < 0.001), "random entries: {random:?}");
        assert!(stage >= Stage::Validation, "{said:#?}");
    }
}

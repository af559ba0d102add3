use proptest::prelude::*;

use super::*;
use crate::overfitting::{CostJudgement, WalkForwardFlag};
use crate::significance::TwoSample;

fn good() -> Evidence {
    Evidence {
        trades: 120,
        net_profit: Some(900.0),
        sharpe: Some(2.0),
        orders: 50,
        fill_rate: Some(0.95),
        p_value: Some(0.01),
        deflated_sharpe: Some(0.97),
        probability_of_overfitting: Some(0.2),
        walk_forward: Some(Vec::new()),
        rolling_sharpe: Some(1.5),
        performance_degradation: Some(0.05),
        trials: Some(200),
        ..Evidence::default()
    }
}

fn proven(stage: Stage) -> Option<Standing> {
    Some(Standing { stage, proven: true, trades_before: 0 })
}

fn stage(standing: Option<Standing>, change: impl Fn(&mut Evidence)) -> Stage {
    let mut evidence = good();
    change(&mut evidence);
    judge(standing, &evidence).standing.stage
}

fn signal(kind: usize) -> DeathSignal {
    let test = TwoSample { distance: 0.5, p_value: 0.001 };
    match kind % 5 {
        0 => DeathSignal::VolumeProfile { test },
        1 => DeathSignal::CorrelationSpike { with: "another".into(), correlation: 0.9 },
        2 => DeathSignal::SharpeBelowHalf { rolling: 0.5, lifetime: 2.0 },
        3 => DeathSignal::UnusualFills { figure: FillFigure::Slippage, deviations: 4.0 },
        _ => DeathSignal::RegimeBreak { test },
    }
}

#[test]
fn the_table_and_its_limits() {
    let new = |change: fn(&mut Evidence)| stage(None, change);
    assert_eq!(new(|_| ()), Stage::Mature);
    assert_eq!(new(|e| e.trades = 99), Stage::Validation);
    assert_eq!(new(|e| e.sharpe = Some(1.49)), Stage::Validation);
    assert_eq!(new(|e| e.sharpe = Some(1.5)), Stage::Mature);
    assert_eq!(new(|e| e.trades = 30), Stage::Validation);
    assert_eq!(new(|e| e.trades = 29), Stage::Discovery);
    assert_eq!(new(|e| e.p_value = Some(0.05)), Stage::Discovery);
    assert_eq!(new(|e| e.deflated_sharpe = Some(0.95)), Stage::Mature);
    assert_eq!(new(|e| e.deflated_sharpe = Some(0.949)), Stage::Discovery);
    assert_eq!(new(|e| e.probability_of_overfitting = Some(0.5)), Stage::Discovery);
    assert_eq!(new(|e| e.net_profit = Some(0.0)), Stage::Mature);
    assert_eq!(new(|e| e.net_profit = Some(-0.01)), Stage::Paper);
    let moderate = |e: &mut Evidence, sharpe| {
        (e.sharpe, e.rolling_sharpe) = (Some(sharpe), Some(0.5));
    };
    assert_eq!(stage(None, |e| moderate(e, 0.5)), Stage::Validation);
    assert_eq!(stage(None, |e| moderate(e, 0.49)), Stage::Paper);
    assert_eq!(new(|e| e.fill_rate = Some(0.7)), Stage::Mature);
    assert_eq!(new(|e| e.fill_rate = Some(0.69)), Stage::Paper);
    assert_eq!(new(|e| e.rolling_sharpe = Some(-0.01)), Stage::Paper);
    let unstable = |e: &mut Evidence| {
        e.walk_forward = Some(vec![WalkForwardFlag::Unstable { stability: 0.1 }]);
    };
    assert_eq!(stage(None, unstable), Stage::Discovery);
}

#[test]
fn decay_is_for_what_was_proven() {
    for before in [Stage::Validation, Stage::Mature, Stage::Decay, Stage::Discovery] {
        let was = |change: fn(&mut Evidence)| stage(proven(before), change);
        assert_eq!(was(|_| ()), Stage::Mature);
        assert_eq!(was(|e| e.rolling_sharpe = Some(0.99)), Stage::Decay);
        assert_eq!(was(|e| e.rolling_sharpe = Some(1.0)), Stage::Mature);
        assert_eq!(was(|e| e.rolling_sharpe = Some(-0.1)), Stage::Paper);
        assert_eq!(was(|e| e.performance_degradation = Some(0.2)), Stage::Mature);
        assert_eq!(was(|e| e.performance_degradation = Some(0.21)), Stage::Decay);
        assert_eq!(was(|e| e.death_signals = vec![signal(1), signal(1)]), Stage::Mature);
        assert_eq!(was(|e| e.death_signals = vec![signal(1), signal(3)]), Stage::Decay);
    }
    let fading = Evidence { rolling_sharpe: Some(0.2), ..good() };
    assert_eq!(judge(None, &fading).standing.stage, Stage::Mature, "not yet proven");
    let also_doubtful = Evidence { p_value: Some(0.2), ..fading.clone() };
    let judgement = judge(proven(Stage::Mature), &also_doubtful);
    assert_eq!(judgement.standing.stage, Stage::Decay);
    assert_eq!(judgement.max_allocation, 0.02);
    assert_eq!(judge(proven(Stage::Mature), &fading).max_allocation, 0.03);
}

#[test]
fn recovery_starts_again() {
    let fallen = judge(proven(Stage::Mature), &Evidence { rolling_sharpe: Some(-1.0), ..good() });
    assert_eq!(fallen.standing.stage, Stage::Paper);
    assert_eq!(fallen.transition.as_ref().and_then(|t| t.from), Some(Stage::Mature));
    let silent = judge(Some(fallen.standing), &Evidence { rolling_sharpe: None, ..good() });
    assert_eq!((silent.standing.stage, silent.transition), (Stage::Paper, None));
    let back = judge(Some(silent.standing), &good());
    assert_eq!(
        back.standing,
        Standing { stage: Stage::Discovery, proven: false, trades_before: 120 }
    );
    let again = |trades| judge(Some(back.standing), &Evidence { trades, ..good() }).standing.stage;
    assert_eq!(
        [120, 149, 150, 219, 220].map(again),
        [Stage::Discovery, Stage::Discovery, Stage::Validation, Stage::Validation, Stage::Mature]
    );
}

#[test]
fn explanations_read_like_a_sceptic() {
    let evidence = Evidence {
        trades: 41,
        sharpe: Some(1.2),
        rolling_sharpe: None,
        deflated_sharpe: Some(0.9499),
        random_entry_p_value: Some(0.23),
        costs: Some(CostJudgement::TooThin { multiple: 1.4 }),
        walk_forward: Some(vec![WalkForwardFlag::Unstable { stability: 0.31 }]),
        ..good()
    };
    let said = judge(None, &evidence).explain(&evidence).join("\n");
    println!("{said}");
    for expected in [
        "DISCOVERY: it may trade, with at most 2 % of equity.",
        "It is the best of 200 trials",
        "a probability of 94.99 %, and 95 % is asked.",
        "The walk-forward objects: the windows disagree: stability 0.31, below 0.60.",
        "41 trades outside the data it was chosen on earned 900.00 at a Sharpe ratio of 1.20; that \
         is a short record.",
        "luck alone gives such a mean return in 1 % of cases",
        "random entries with the same exits do as well in 23 % of runs.",
        "gone at 1.4 times the assumed costs",
        "Nobody has measured: the last 30 days of trading, the neighbourhood of its parameters.",
    ] {
        assert!(said.contains(expected), "{expected:?} in:\n{said}");
    }
    let nothing = Evidence::default();
    let said = judge(None, &nothing).explain(&nothing);
    assert_eq!(said[0], "PAPER: it may not trade real money.");
    assert!(said.iter().any(|s| s == "Its net profit is not known, and unknown is not good."));
}

#[test]
fn events_survive_storage() {
    let evidence = Evidence { death_signals: (0..5).map(signal).collect(), ..good() };
    let judgement = judge(proven(Stage::Mature), &evidence);
    let text = serde_json::to_string(&judgement).unwrap();
    assert_eq!(serde_json::from_str::<Judgement>(&text).unwrap(), judgement);
    assert!(text.contains(r#""from":"mature","to":"decay","causes":[{"cause":"death_signals""#));
    let text = serde_json::to_string(&evidence).unwrap();
    assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), evidence);
}

/// Unknown, nonsense, the limits themselves, and what lies between.
fn figure(limits: &'static [f64]) -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).prop_map(Some),
        4 => prop::sample::select(limits).prop_map(Some),
        4 => (-1.0..3.0_f64).prop_map(Some),
        4 => (0.0..1.0_f64).prop_map(Some),
    ]
}

prop_compose! {
    fn any_evidence()(
        trades in prop_oneof![0_u64..40, 90_u64..300],
        orders in 0_u64..3,
        money in (figure(&[0.0, -1.0, 100.0]), figure(&[0.5, 1.5, 2.5]), figure(&[0.7, 1.0])),
        gate in (figure(&[0.05, 0.01]), figure(&[0.95, 0.99]), figure(&[0.5, 0.1])),
        flags in prop::option::of(0_usize..3),
        health in (figure(&[0.0, 0.9, 2.0]), figure(&[0.2, 0.0])),
        signals in prop::collection::vec(0_usize..5, 0..4),
        told in (figure(&[0.05]), prop::option::of(1_u64..999)),
    ) -> Evidence {
        let flag = WalkForwardFlag::Unstable { stability: 0.2 };
        Evidence {
            trades,
            orders,
            net_profit: money.0,
            sharpe: money.1,
            fill_rate: money.2,
            p_value: gate.0,
            deflated_sharpe: gate.1,
            probability_of_overfitting: gate.2,
            walk_forward: flags.map(|count| vec![flag; count.saturating_sub(1)]),
            rolling_sharpe: health.0,
            performance_degradation: health.1,
            death_signals: signals.into_iter().map(signal).collect(),
            random_entry_p_value: told.0,
            trials: told.1,
            ..Evidence::default()
        }
    }
}

/// Half of the time good in all that [`any_evidence`] leaves to a coin, so that the higher stages
/// occur.
fn likely_evidence() -> impl Strategy<Value = Evidence> {
    (any_evidence(), any::<u16>()).prop_map(|(mut e, coins)| {
        let coin = |bit: u32| coins >> bit & 1 == 1 || coins >> 14 == 3;
        let g = good();
        if coin(0) {
            e.net_profit = g.net_profit
        }
        if coin(1) {
            e.sharpe = g.sharpe
        }
        if coin(2) {
            e.fill_rate = g.fill_rate
        }
        if coin(3) {
            e.p_value = g.p_value
        }
        if coin(4) {
            e.deflated_sharpe = g.deflated_sharpe
        }
        if coin(5) {
            e.probability_of_overfitting = g.probability_of_overfitting
        }
        if coin(6) {
            e.walk_forward = g.walk_forward
        }
        if coin(7) {
            e.rolling_sharpe = g.rolling_sharpe
        }
        e
    })
}

fn any_standing() -> impl Strategy<Value = Option<Standing>> {
    prop::option::of((0_usize..5, any::<bool>(), prop_oneof![Just(0_u64), 0_u64..200])).prop_map(
        |standing| {
            standing.map(|(at, proven, trades_before)| Standing {
                stage: Stage::ALL[at],
                proven,
                trades_before,
            })
        },
    )
}

/// `evidence` with one figure made worse, as the second number says how much; never the lifetime
/// Sharpe ratio, of which the 30-day one has to keep half.
fn worse(evidence: &Evidence, what: usize, by: f64) -> Evidence {
    let mut e = evidence.clone();
    let down = |v: Option<f64>| v.map(|v| v - by);
    let up = |v: Option<f64>| v.map(|v| v + by);
    // A probability stays one, or becomes unknown.
    let share = |v: Option<f64>| v.filter(|v| (0.0..=1.0).contains(v));
    let less = |v| share(v).map(|v| f64::max(v - by, 0.0));
    let more = |v| share(v).map(|v| f64::min(v + by, 1.0));
    match what {
        0 => e.trades = e.trades.saturating_sub((by * 100.0) as u64),
        1 => e.net_profit = down(e.net_profit),
        2 => e.fill_rate = less(e.fill_rate),
        3 => e.p_value = more(e.p_value),
        4 => e.deflated_sharpe = less(e.deflated_sharpe),
        5 => e.probability_of_overfitting = more(e.probability_of_overfitting),
        6 => e
            .walk_forward
            .get_or_insert_default()
            .push(WalkForwardFlag::Unstable { stability: 0.1 }),
        7 => e.rolling_sharpe = down(e.rolling_sharpe),
        8 => e.performance_degradation = up(e.performance_degradation),
        9 => e.death_signals.push(signal((by * 10.0) as usize)),
        10 => e.orders += 1,
        // Forgetting.
        11 => e.net_profit = None,
        12 => e.sharpe = None,
        13 => e.p_value = None,
        14 => e.deflated_sharpe = None,
        15 => e.probability_of_overfitting = None,
        16 => e.walk_forward = None,
        _ => e.fill_rate = e.fill_rate.filter(|_| e.orders == 0),
    }
    e
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever comes in: one stage, a reason for it, an allocation within its cap, a transition
    /// exactly when the stage changes, and sentences without nonsense.
    #[test]
    fn every_input_has_one_answer(standing in any_standing(), e in likely_evidence()) {
        let judgement = judge(standing, &e);
        let stage = judgement.standing.stage;
        prop_assert!(!judgement.causes.is_empty());
        prop_assert!(judgement.max_allocation <= stage.max_allocation());
        prop_assert_eq!(judgement.max_allocation == 0.0, stage == Stage::Paper);
        prop_assert_eq!(judgement.transition.is_some(), standing.map(|s| s.stage) != Some(stage));
        if let Some(transition) = &judgement.transition {
            prop_assert_eq!(transition.to, stage);
            prop_assert_eq!(&transition.causes, &judgement.causes);
        }
        let text = judgement.explain(&e).join(" ");
        prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
        prop_assert!(!text.is_empty() && serde_json::to_string(&judgement).is_ok());
    }

    /// Nothing gets beyond DISCOVERY without all of the gate, nor out of PAPER with a fault.
    #[test]
    fn the_gate_is_the_only_way_up(standing in any_standing(), e in likely_evidence()) {
        let Standing { stage, trades_before, .. } = judge(standing, &e).standing;
        let trades = e.trades - trades_before.min(e.trades);
        let (sharpe, within) = (e.sharpe.unwrap_or(f64::NAN), |v: &f64| (0.0..=1.0).contains(v));
        if stage >= Stage::Validation {
            prop_assert!(trades >= 30);
            prop_assert!(e.p_value.is_some_and(|p| within(&p) && p < 0.05));
            prop_assert!(e.deflated_sharpe.is_some_and(|d| within(&d) && d >= 0.95));
            prop_assert!(e.probability_of_overfitting.is_some_and(|p| within(&p) && p < 0.5));
            prop_assert!(e.walk_forward.as_ref().is_some_and(Vec::is_empty));
            prop_assert!(standing.map(|s| s.stage) != Some(Stage::Paper));
        }
        if stage == Stage::Mature {
            prop_assert!(trades >= 100 && sharpe >= 1.5);
        }
        if stage != Stage::Paper {
            prop_assert!(e.net_profit.is_some_and(|p| p >= 0.0) && sharpe >= 0.5);
            prop_assert!(e.orders == 0 || e.fill_rate.is_some_and(|f| within(&f) && f >= 0.7));
        }
        if stage == Stage::Decay {
            prop_assert!(standing.is_some_and(|s| s.proven));
        }
    }

    /// Worse evidence never raises the stage, nor what may be traded; what is forgotten is worse.
    #[test]
    fn worse_evidence_never_pays(
        standing in any_standing(), e in likely_evidence(), what in 0_usize..18, by in 0.0..2.0_f64,
    ) {
        let (before, after) = (judge(standing, &e), judge(standing, &worse(&e, what, by)));
        prop_assert!(after.standing.stage <= before.standing.stage);
        prop_assert!(after.max_allocation <= before.max_allocation);
    }

    /// Judging the same evidence again and again comes to rest, and never climbs out of DECAY
    /// while it fades.
    #[test]
    fn judging_again_settles(standing in any_standing(), e in likely_evidence()) {
        let mut standing = judge(standing, &e).standing;
        for _ in 0..3 {
            standing = judge(Some(standing), &e).standing;
        }
        let settled = judge(Some(standing), &e);
        prop_assert_eq!(settled.standing, standing);
        prop_assert_eq!(settled.transition, None);
    }
}

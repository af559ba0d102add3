//! The statistics together, on daily returns: studies of pure noise must not reach VALIDATION more
//! often than the test's level allows, and a planted edge must.

#![allow(clippy::unwrap_used)]

use rand::RngExt;
use tradepulse_core::lifecycle::{Evidence, Judgement, Stage, judge};
use tradepulse_core::overfitting::{
    Cscv, TrackRecord, WalkForwardFigures, WalkForwardJudgement, variance,
};
use tradepulse_core::performance::DailyStatistics;
use tradepulse_core::random::Seed;

const TRIALS: usize = 60;
const DAYS: usize = 730;
/// The first half is searched, the second is not seen by the search.
const SEEN: usize = DAYS / 2;
const WINDOW: usize = 73;

/// A study: the best of many trials in the first half is judged by the second. `edge` is the mean
/// daily return of every tenth trial in standard deviations.
fn study(seed: u64, edge: f64) -> (Evidence, Judgement) {
    let mut random = Seed(seed).stream("study");
    let mut day = |mean: f64| {
        let normal: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        0.01 * (normal + mean)
    };
    let trials: Vec<Vec<f64>> = (0..TRIALS)
        .map(|k| (0..DAYS).map(|_| day(if k % 10 == 0 { edge } else { 0.0 })).collect())
        .collect();
    let seen: Vec<&[f64]> = trials.iter().map(|t| &t[..SEEN]).collect();
    let sharpes: Vec<f64> =
        seen.iter().map(|returns| TrackRecord::new(returns).unwrap().sharpe).collect();
    let best = (0..TRIALS).max_by(|a, b| sharpes[*a].total_cmp(&sharpes[*b])).unwrap();
    let (inside, outside) = trials[best].split_at(SEEN);
    let wins = |returns: &[f64]| {
        Some(returns.iter().filter(|r| **r > 0.0).count() as f64 / returns.len() as f64)
    };
    let daily = DailyStatistics::new(outside);
    let walk_forward = WalkForwardJudgement::new(&WalkForwardFigures {
        in_sample_sharpe: DailyStatistics::new(inside).sharpe(),
        out_of_sample_sharpe: daily.sharpe(),
        in_sample_win_rate: wins(inside),
        out_of_sample_win_rate: wins(outside),
        window_results: outside.chunks(WINDOW).map(|days| days.iter().sum()).collect(),
    });
    // Deflated is the record that was chosen for its looks. The other half was not chosen; to
    // deflate it too would count the search twice.
    let record = TrackRecord::new(inside).unwrap();
    let deflated = record.deflated_sharpe(TRIALS as u64, variance(&sharpes).unwrap());
    let evidence = Evidence {
        trades: outside.len() as u64,
        net_profit: Some(outside.iter().sum::<f64>() * 10_000.0),
        sharpe: daily.sharpe(),
        p_value: daily.p_value(),
        deflated_sharpe: deflated,
        probability_of_overfitting: Some(Cscv::new(&seen, 10).unwrap().probability),
        walk_forward: Some(walk_forward.flags),
        trials: Some(TRIALS as u64),
        ..Evidence::default()
    };
    let judgement = judge(None, &evidence);
    (evidence, judgement)
}

#[test]
fn noise_is_not_promoted() {
    let promoted =
        (0..200).filter(|seed| study(*seed, 0.0).1.standing.stage >= Stage::Validation).count();
    assert!(promoted <= 2, "{promoted} of 200 studies of noise were promoted");
}

#[test]
fn an_edge_is_found_and_promoted() {
    let mut promoted = 0;
    for seed in 0..20 {
        let (evidence, judgement) = study(1000 + seed, 0.45);
        promoted += usize::from(judgement.standing.stage >= Stage::Validation);
        assert!(judgement.standing.stage >= Stage::Discovery, "{:?}", judgement.explain(&evidence));
    }
    assert!(promoted >= 10, "{promoted} of 20 studies with an edge were promoted");
}

use std::sync::Arc;

use pollster::block_on;
use rand::RngExt;
use tradepulse_core::inference::{
    Action, FeatureRegistry, GoldenSample, LinearPredictor, MANIFEST_VERSION, Manifest, OutputKind,
};
use tradepulse_core::random::Seed;

use super::*;
use crate::inference::bundle::{self, RAW};

/// A model of one raw feature that always says one half.
fn champion() -> Bundle {
    champion_that_learnt(None)
}

fn champion_that_learnt(to: Option<Timestamp>) -> Bundle {
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        name: "half".to_owned(),
        version: 1,
        file: "half.json".to_owned(),
        sha256: "00".to_owned(),
        features: RAW.to_owned(),
        feature_names: vec!["signal".to_owned()],
        contract: None,
        output: OutputKind::Binary,
        horizon: None,
        data: None,
        learnt_to: to,
        golden_sample: GoldenSample { input: vec![1.0], output: vec![0.5], tolerance: 0.0 },
    };
    let model = Arc::new(LinearPredictor::new(1, vec![0.5, 0.0]).unwrap());
    block_on(Bundle::new(manifest, model, "linear", &FeatureRegistry::default())).unwrap()
}

/// Sample `i` of a minute each, known `after` minutes; the feature says what was right.
fn sample(i: i64, after: i64) -> LabelledSample {
    let up = i.wrapping_mul(2_654_435_761) >> 7 & 1 == 1;
    LabelledSample {
        row: vec![if up { 1.0 } else { -1.0 }],
        label: if up { Action::Long } else { Action::Short },
        at: Timestamp::from_ms(i * 60_000),
        known: Timestamp::from_ms((i + after) * 60_000),
    }
}

fn learner() -> Online {
    Online::new(FtrlSettings::default(), &champion()).unwrap()
}

#[test]
fn what_was_not_known_when_it_was_decided_is_not_used() {
    let champion = champion();
    let (mut online, mut then) = (learner(), learner().base);
    for i in 0..30 {
        assert!(block_on(online.observe(&sample(i, 5), &champion)).unwrap());
        // Five minutes later the first of them is known.
        if i >= 5 {
            let LabelledSample { row, .. } = sample(i - 5, 5);
            then.update(&row, usize::from(row[0] > 0.0)).unwrap();
        }
        let said = &online.judged.back().unwrap().learner;
        assert_eq!(*said, then.probabilities(&sample(i, 5).row).unwrap(), "{i}");
    }
    // One that was decided on before all that is remembered judges nobody.
    for i in 30..400 {
        block_on(online.observe(&sample(i, 5), &champion)).unwrap();
    }
    let judged = online.judged();
    block_on(online.observe(&sample(3, 1), &champion)).unwrap();
    assert_eq!((online.judged(), online.purged, online.learnt()), (judged, 1, 401));
    // Nor does one that the champion has learnt from.
    let to = Some(Timestamp::from_ms(500 * 60_000));
    block_on(online.observe(&sample(500, 5), &champion_that_learnt(to))).unwrap();
    assert_eq!((online.judged(), online.purged), (judged, 2));
}

#[test]
fn written_and_read_it_is_the_same() {
    let champion = champion();
    let (mut online, mut again) = (learner(), learner());
    for i in 0..600 {
        block_on(online.observe(&sample(i, 3), &champion)).unwrap();
        block_on(again.observe(&sample(i, 3), &champion)).unwrap();
        if i % 50 == 0 {
            let text = serde_json::to_string(&again).unwrap();
            again = serde_json::from_str::<Online>(&text).unwrap().checked().unwrap();
        }
    }
    assert_eq!(online, again);
    let mut torn = online;
    torn.recent[0].class = 2;
    assert!(torn.checked().is_err());
}

#[test]
fn who_is_better_is_published_and_who_is_not_is_not() {
    let (champion, plan) = (champion(), RetrainingPlan { fewest: 60, ..Default::default() });
    let mut online = learner();
    let error = block_on(online.judge(&champion, &plan)).unwrap_err();
    assert!(error.is_for_want_of_samples(), "{error}");
    for i in 0..100 {
        block_on(online.observe(&sample(i, 2), &champion)).unwrap();
    }
    let judged = block_on(online.judge(&champion, &plan)).unwrap();
    assert!(judged.report.challenger.log_loss < judged.report.champion.log_loss);
    let new = judged.better.unwrap();
    let model = bundle::predictor(&new.extension, &new.model).unwrap();
    let manifest = Manifest { version: 2, ..new.manifest };
    let registry = FeatureRegistry::default();
    let better = block_on(Bundle::new(manifest, model, "ftrl", &registry)).unwrap();
    // A new champion is compared with by samples that were decided on after those it learnt from.
    block_on(online.observe(&sample(100, 2), &better)).unwrap();
    assert_eq!((online.judged(), online.learnt()), (0, 101));
    block_on(online.observe(&sample(102, 2), &better)).unwrap();
    assert_eq!((online.judged(), online.learnt()), (1, 102));
    // Where there is nothing to learn it is no better than one half.
    let (mut online, mut random) = (learner(), Seed(2).stream("noise"));
    for i in 0..300 {
        let noise = LabelledSample { row: vec![random.random_range(-1.0..1.0)], ..sample(i, 2) };
        block_on(online.observe(&noise, &champion)).unwrap();
    }
    let judged = block_on(online.judge(&champion, &plan)).unwrap();
    assert!(judged.better.is_none() && judged.report.held_out == 300, "{:?}", judged.report);
    // A hold says nothing of two classes, and other features are an error.
    let hold = LabelledSample { label: Action::Hold, ..sample(300, 2) };
    assert!(!block_on(online.observe(&hold, &better)).unwrap());
}

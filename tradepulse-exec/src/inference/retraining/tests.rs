use pollster::block_on;
use rand::{Rng, RngExt};
use tradepulse_core::inference::{FeatureRegistry, LinearPredictor};

use super::*;
use crate::inference::boosting::Table;
use crate::inference::bundle::RAW;
use crate::inference::learner::{BuiltInTrees, Learnt, TreeGrowth};

/// A model of two features that always answers the same.
fn champion(output: OutputKind, answer: &[f64]) -> Bundle {
    champion_that_learnt(None, output, answer)
}

fn champion_that_learnt(to: Option<Timestamp>, output: OutputKind, answer: &[f64]) -> Bundle {
    let coefficients = answer.iter().flat_map(|bias| [*bias, 0.0, 0.0]).collect();
    let model = LinearPredictor::new(2, coefficients).unwrap();
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        name: "champion".to_owned(),
        version: 4,
        file: String::new(),
        sha256: String::new(),
        features: RAW.to_owned(),
        feature_names: vec!["signal".to_owned(), "noise".to_owned()],
        contract: None,
        output,
        horizon: None,
        data: None,
        learnt_to: to,
        golden_sample: GoldenSample {
            input: vec![0.0, 0.0],
            output: answer.to_vec(),
            tolerance: 0.0,
        },
    };
    let model = std::sync::Arc::new(model);
    block_on(Bundle::new(manifest, model, "linear", &FeatureRegistry::default())).unwrap()
}

/// Samples a minute apart whose outcome is known five minutes later; `knows` is how often the first
/// feature tells what is right.
fn samples(count: usize, knows: f64) -> Vec<LabelledSample> {
    let mut random = Seed(9).stream("samples");
    let uniform = |random: &mut dyn Rng| random.random::<f64>();
    let sample = |i: usize| {
        let up = uniform(&mut random) < 0.5;
        let told = if uniform(&mut random) < knows { up } else { uniform(&mut random) < 0.5 };
        let signal = if told { 1.0 } else { -1.0 } + 0.1 * uniform(&mut random);
        let at = Timestamp::from_ms(i as i64 * 60_000);
        LabelledSample {
            row: vec![signal, uniform(&mut random)],
            label: if up { Action::Long } else { Action::Short },
            at,
            known: Timestamp::from_ms(at.as_ms() + 300_000),
        }
    };
    (0..count).map(sample).collect()
}

fn trees() -> BuiltInTrees {
    BuiltInTrees(TreeGrowth { rounds: 40, ..TreeGrowth::default() })
}

fn run(samples: &[LabelledSample], champion: &Bundle) -> Result<Retrained, RetrainingError> {
    block_on(retrain(samples, champion, &trees(), &RetrainingPlan::default()))
}

#[test]
fn what_knows_more_is_better_and_becomes_a_version() {
    let three = OutputKind::Probs3 { classes: [Action::Hold, Action::Long, Action::Short] };
    let cases = [(OutputKind::Binary, vec![0.5]), (three, vec![0.2, 0.4, 0.4])];
    for (kind, answer) in cases {
        let champion = champion(kind, &answer);
        let Retrained { report, better } = run(&samples(1_000, 0.7), &champion).unwrap();
        assert!(report.better && report.difference.interval.0 > 0.1, "{report:?}");
        assert!(report.challenger.accuracy > 0.75 && report.challenger.beats_the_coin());
        assert_eq!((report.samples, report.held_out), (1_000, 300));
        // Five minutes before each of three folds, and before the rows that decide when to stop.
        assert_eq!(report.purged, 3 * (4 + 4), "{report:?}");
        let better = better.unwrap();
        // The last fold begins with sample 900.
        assert_eq!(better.manifest.learnt_to, Some(Timestamp::from_ms(900 * 60_000)));
        let training: serde_json::Value =
            serde_json::from_str(better.training.as_deref().unwrap()).unwrap();
        assert_eq!(training["held_out"], 300);
        let model = bundle::predictor(&better.extension, &better.model).unwrap();
        let registry = FeatureRegistry::default();
        let loaded = block_on(Bundle::new(better.manifest, model, "lightgbm", &registry)).unwrap();
        assert_eq!(loaded.manifest().name, "champion");
        // The same again, to the bit; whatever the order of the samples.
        let mut again = samples(1_000, 0.7);
        again.reverse();
        assert_eq!(run(&again, &champion).unwrap().better.unwrap().model, better.model);
    }
}

#[test]
fn what_knows_nothing_is_not_better() {
    let champion = champion(OutputKind::Binary, &[0.5]);
    let retrained = run(&samples(1_000, 0.0), &champion).unwrap();
    assert!(!retrained.report.better && retrained.better.is_none(), "{:?}", retrained.report);
}

#[test]
fn a_difference_below_the_margin_is_none() {
    let champion = champion(OutputKind::Binary, &[0.5]);
    let plan = RetrainingPlan { margin: 10.0, ..RetrainingPlan::default() };
    let samples = samples(1_000, 0.7);
    let retrained = block_on(retrain(&samples, &champion, &trees(), &plan)).unwrap();
    assert!(!retrained.report.better && retrained.report.difference.interval.0 > 0.1);
}

/// Samples that the champion learnt from do not judge it.
#[test]
fn judged_is_by_what_neither_has_seen() {
    let samples = samples(1_000, 0.7);
    let run_beside = |sample: i64| {
        let to = Some(Timestamp::from_ms(sample * 60_000));
        run(&samples, &champion_that_learnt(to, OutputKind::Binary, &[0.5]))
    };
    assert_eq!(run_beside(100).unwrap().report.held_out, 300);
    assert_eq!(run_beside(899).unwrap().report.held_out, 100);
    let error = run_beside(960).unwrap_err();
    assert!(matches!(error, RetrainingError::TooFewNew { samples: 39, wanted: 50 }), "{error}");
    assert!(error.is_for_want_of_samples());
}

#[test]
fn why_there_is_none_is_told() {
    let champion = champion(OutputKind::Binary, &[0.5]);
    let told = |samples: &[LabelledSample]| run(samples, &champion).unwrap_err().to_string();
    assert!(told(&samples(199, 0.7)).starts_with("too few samples: 199"));
    let mut one = samples(500, 0.7);
    one.iter_mut().for_each(|sample| sample.label = Action::Long);
    assert!(told(&one).starts_with("one class: "), "{}", told(&one));
    // A hold says nothing about long or not long.
    one.iter_mut().for_each(|sample| sample.label = Action::Hold);
    assert!(told(&one).starts_with("too few samples: 0"));
    // Outcomes that were all known at the end.
    let mut late = samples(500, 0.7);
    late.iter_mut().for_each(|sample| sample.known = Timestamp::from_ms(i64::from(u32::MAX)));
    assert!(told(&late).starts_with("too few samples: 0"), "{}", told(&late));
    let score = super::tests::champion(OutputKind::Score, &[0.5]);
    let error = run(&samples(500, 0.7), &score).unwrap_err();
    assert!(error.to_string().contains("answers a score"), "{error}");
}

/// No row that is learnt from is known after the fold that it is for began.
#[derive(Debug)]
struct Watching(std::sync::Mutex<Vec<(f64, f64)>>);

impl Learner for Watching {
    fn name(&self) -> &'static str {
        "watching"
    }

    fn learn(
        &self,
        objective: Objective,
        rows: &Table<'_>,
        validation: Option<&Table<'_>>,
    ) -> Result<Learnt, LearnerError> {
        let newest = |table: &Table<'_>| table.columns[0].iter().copied().fold(0.0, f64::max);
        let oldest = |table: &Table<'_>| table.columns[0].iter().copied().fold(1e9, f64::min);
        let validation = validation.unwrap();
        assert!(newest(rows) + 5.0 <= oldest(validation));
        self.0.lock().unwrap().push((newest(validation), rows.rows() as f64));
        trees().learn(objective, rows, Some(validation))
    }
}

#[test]
fn nothing_is_learnt_before_it_is_known() {
    let champion = champion(OutputKind::Binary, &[0.5]);
    let mut samples = samples(1_000, 0.7);
    // The first feature is the time.
    samples.iter_mut().enumerate().for_each(|(i, sample)| sample.row[0] = i as f64);
    let watching = Watching(std::sync::Mutex::default());
    let plan = RetrainingPlan::default();
    block_on(retrain(&samples, &champion, &watching, &plan)).unwrap();
    let newest: Vec<f64> = watching.0.into_inner().unwrap().iter().map(|seen| seen.0).collect();
    assert_eq!(newest, [695.0, 795.0, 895.0]);
}

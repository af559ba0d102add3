use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tradepulse_core::inference::{FeatureRegistry, Labelling, OutputKind};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::inference::boosting::{Objective, Table};
use tradepulse_exec::inference::bundle::{Flags, RAW};
use tradepulse_exec::inference::learner::{BuiltInTrees, Learner, LearnerError, Learnt};
use tradepulse_exec::inference::model_directory::{ModelDirectory, Publication};
use tradepulse_exec::model_server::{
    Learning, ModelServer, ModelServerSettings, RetrainSchedule, SampleLabels,
};

use super::scene::{Scene, candles, snapshot};

/// A model of one raw feature that always says one half.
const CONSTANT: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\n\
    max_feature_idx=0\nobjective=binary sigmoid:1\nfeature_names=signal\ntree_sizes=1\n\n\
    Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=0.5\ndecision_type=2\n\
    left_child=-1\nright_child=-2\nleaf_value=0 0\n\nend of trees\n";

pub(crate) async fn published(folder: &Path) -> ModelDirectory {
    let file = folder.join("constant.txt");
    std::fs::write(&file, CONSTANT).unwrap();
    let flags = Flags { name: None, features: RAW.to_owned(), output: OutputKind::Binary };
    let registry = FeatureRegistry::default();
    let new = Publication::of_file(&file, Some(&flags), &registry).await.unwrap();
    let directory = ModelDirectory::new(folder.join("models"));
    directory.publish(new, &registry).await.unwrap();
    directory
}

async fn serve(learning: Learning, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Scene {
    let served = learning.directory.load(&FeatureRegistry::default()).await.unwrap();
    let samples = Some(learning.directory.path().join("samples.jsonl"));
    let settings = ModelServerSettings { samples, ..ModelServerSettings::default() };
    let learning = Learning { control: true, ..learning };
    Scene::of(ModelServer::with_learning(served.bundle, settings, learning, now)).await
}

pub(crate) async fn start(learning: Learning) -> Scene {
    serve(learning, || Timestamp::from_ms(4_000_000_000_000)).await
}

/// Samples an hour apart. The feature tells what came of a long, except in every tenth.
pub(crate) fn samples(count: usize) -> Vec<Value> {
    let candles = candles(count + 1);
    let sample = |i: usize| {
        let up = i.wrapping_mul(2_654_435_761) >> 7 & 1 == 1;
        let mut snapshot = snapshot(&candles[i..i + 2]);
        let told = up != i.is_multiple_of(10);
        snapshot["indicators"] = json!({ "signal": if told { 1.0 } else { -1.0 } });
        let closed_at = candles[i + 1].open_time.as_ms() + 2 * 3_600_000;
        let percent = if up { 2.0 } else { -2.0 };
        json!({
            "decision": { "action": "long" },
            "outcome": {
                "pnl": percent, "pnl_percent": percent, "success": up, "closed_at": closed_at,
            },
            "snapshot": snapshot,
        })
    };
    (0..count).map(sample).collect()
}

/// As the server keeps them.
pub(crate) fn keep(directory: &ModelDirectory, samples: &[Value]) {
    let line = |sample: &Value| {
        let mut kept = sample.clone();
        kept["received_at"] = json!(1_000);
        format!("{kept}\n")
    };
    let lines: String = samples.iter().map(line).collect();
    std::fs::write(directory.path().join("samples.jsonl"), lines).unwrap();
}

#[tokio::test]
async fn the_challenger_that_is_better_serves_and_no_request_fails() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    keep(&directory, &samples(600));
    let scene = start(Learning::new(directory.clone())).await;
    assert_eq!(scene.get_json("/status").await.1["new_samples"], 600);
    let asked = samples(1)[0]["snapshot"].to_string();
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let askers: Vec<_> = (0..4)
        .map(|_| {
            let (done, answered) = (Arc::clone(&done), Arc::clone(&answered));
            let request = scene.client().post(scene.url("/predict")).body(asked.clone());
            tokio::spawn(async move {
                let mut versions = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let answer = request.try_clone().unwrap().send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                    let answer: Value =
                        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
                    versions.push(answer["model_version"].as_u64().unwrap());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                versions
            })
        })
        .collect();
    let (status, answer) = scene.post("/retrain/trigger", "").await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["trained"], &answer["replaced"]), (&json!(true), &json!(true)));
    assert_eq!((&answer["samples"], &answer["model_version"]), (&json!(600), &json!(2)));
    let report = &answer["report"];
    assert!(report["challenger"]["accuracy"].as_f64().unwrap() > 0.85, "{report}");
    assert!(report["difference"]["interval"][0].as_f64().unwrap() > 0.1, "{report}");
    let seen = answered.load(Ordering::Relaxed);
    while answered.load(Ordering::Relaxed) < seen + 20 {
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Relaxed);
    for asker in askers {
        let versions = asker.await.unwrap();
        assert!(versions.is_sorted() && versions.contains(&1) && versions.ends_with(&[2]));
    }
    let status = scene.get_json("/status").await.1;
    assert_eq!(
        (&status["new_samples"], &status["last_training"]["replaced"]),
        (&json!(0), &json!(true))
    );
    // It has seen nearly all there is: what is left cannot judge, or shows no difference.
    let (_, answer) = scene.post("/retrain/trigger", "").await;
    assert_eq!((&answer["replaced"], &answer["model_version"]), (&json!(false), &json!(2)));
    assert_eq!(scene.post("/rollback", "").await.1["model_version"], 1);
    scene.stop().await;
    // The next start goes on where this one ended.
    let scene = start(Learning::new(directory)).await;
    assert_eq!(scene.get_json("/ready").await.1["model_version"], 1);
    assert_eq!(scene.get_json("/status").await.1["new_samples"], 0);
}

#[tokio::test]
async fn why_nothing_was_trained_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    let scene = start(Learning::new(directory.clone())).await;
    let (status, answer) = scene.post("/retrain/trigger", "").await;
    assert_eq!((status, &answer["trained"]), (200, &json!(false)), "{answer}");
    assert!(answer["reason"].as_str().unwrap().starts_with("too few samples"), "{answer}");
    let mut one_class = samples(400);
    one_class.iter_mut().for_each(|sample| sample["outcome"]["pnl_percent"] = json!(2.0));
    one_class[7]["decision"] = json!("hold");
    one_class[8]["snapshot"]["candles"] = json!([]);
    keep(&directory, &one_class);
    let (_, answer) = scene.post("/retrain/trigger", "").await;
    assert!(answer["reason"].as_str().unwrap().starts_with("one class"), "{answer}");
    let left_out = json!({ "unreadable": 1, "not_traded": 1, "future_unknown": 0 });
    assert_eq!(answer["left_out"], left_out);
    let page = scene.client().post(scene.url("/retrain/trigger")).header("origin", "null");
    assert_eq!(page.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn forward_returns_come_from_later_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    keep(&directory, &samples(600));
    let labelling = Labelling { horizon: 6, long_above: 0.0, short_below: 0.0 };
    let labels = SampleLabels::Forward(labelling);
    let scene = start(Learning { labels, ..Learning::new(directory) }).await;
    let (status, answer) = scene.post("/retrain/trigger", "").await;
    assert_eq!((status, &answer["trained"]), (200, &json!(true)), "{answer}");
    // The last six have no candle six hours later.
    assert_eq!(answer["left_out"]["future_unknown"], 6);
    // The feature says nothing about where the market goes.
    assert_eq!((&answer["replaced"], &answer["model_version"]), (&json!(false), &json!(1)));
}

#[derive(Debug)]
struct Panicking;

impl Learner for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn learn(
        &self,
        _: Objective,
        _: &Table<'_>,
        _: Option<&Table<'_>>,
    ) -> Result<Learnt, LearnerError> {
        panic!("out of luck")
    }
}

#[tokio::test]
async fn a_training_that_panics_leaves_the_champion() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    keep(&directory, &samples(600));
    let learner = Arc::new(Panicking);
    let scene = start(Learning { learner, ..Learning::new(directory.clone()) }).await;
    for _ in 0..2 {
        let (status, answer) = scene.post("/retrain/trigger", "").await;
        assert_eq!(status, 500, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("serves as before"), "{answer}");
        let about = scene.get_json("/ready").await;
        assert_eq!((about.0, &about.1["model_version"]), (200, &json!(1)));
    }
    scene.stop().await;
    assert_eq!(directory.named(), Some(1));
}

/// Learns when it is told to, and says that it waits for that.
#[derive(Debug)]
struct Waiting {
    go: Mutex<Receiver<()>>,
    waits: Arc<AtomicBool>,
}

impl Learner for Waiting {
    fn name(&self) -> &'static str {
        "waiting"
    }

    fn learn(
        &self,
        objective: Objective,
        rows: &Table<'_>,
        validation: Option<&Table<'_>>,
    ) -> Result<Learnt, LearnerError> {
        self.waits.store(true, Ordering::Relaxed);
        self.go.lock().unwrap().recv().unwrap();
        BuiltInTrees::default().learn(objective, rows, validation)
    }
}

#[tokio::test]
async fn one_training_at_a_time_and_serving_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    keep(&directory, &samples(600));
    let ((go, told), waits) = (channel(), Arc::new(AtomicBool::new(false)));
    let learner = Arc::new(Waiting { go: Mutex::new(told), waits: Arc::clone(&waits) });
    let scene = start(Learning { learner, ..Learning::new(directory) }).await;
    let first = tokio::spawn(scene.client().post(scene.url("/retrain/trigger")).send());
    while !waits.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    let (status, second) = scene.post("/retrain/trigger", "").await;
    assert_eq!(status, 409, "{second}");
    assert!(second["detail"].as_str().unwrap().contains("under way"), "{second}");
    let asked = samples(1)[0]["snapshot"].to_string();
    assert_eq!(scene.post("/predict", asked).await.1["model_version"], 1);
    // Three folds.
    (0..3).for_each(|_| go.send(()).unwrap());
    let first = first.await.unwrap().unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(scene.get_json("/ready").await.1["model_version"], 2);
}

#[tokio::test]
async fn a_version_that_others_published_meanwhile_goes_on_serving() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    keep(&directory, &samples(600));
    let ((go, told), waits) = (channel(), Arc::new(AtomicBool::new(false)));
    let learner = Arc::new(Waiting { go: Mutex::new(told), waits: Arc::clone(&waits) });
    let scene = start(Learning { learner, ..Learning::new(directory.clone()) }).await;
    let training = tokio::spawn(scene.client().post(scene.url("/retrain/trigger")).send());
    while !waits.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    // Another process: the server has not seen it when its own challenger is done.
    let again = published(folder.path()).await;
    assert_eq!(again.named(), Some(2));
    (0..3).for_each(|_| go.send(()).unwrap());
    let answer = training.await.unwrap().unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["trained"], &answer["replaced"]), (&json!(true), &json!(false)));
    assert!(answer["reason"].as_str().unwrap().starts_with("another version"), "{answer}");
    assert_eq!(directory.named(), Some(2));
}

#[tokio::test]
async fn enough_new_samples_start_a_training() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let tell = Arc::new(move |text| listener.lock().unwrap().push(text));
    let retrain_after = Some(3);
    let scene = start(Learning { retrain_after, tell, ..Learning::new(directory) }).await;
    for sample in samples(3) {
        assert!(told.lock().unwrap().is_empty());
        let (status, answer) = scene.post("/retrain", sample.to_string()).await;
        assert_eq!(status, 200, "{answer}");
    }
    while told.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let text = told.lock().unwrap()[0].clone();
    assert!(text.starts_with("not trained: too few samples: 3 "), "{text}");
    let mut early = samples(1)[0].clone();
    early["outcome"]["closed_at"] = json!(5);
    let (status, answer) = scene.post("/retrain", early.to_string()).await;
    assert_eq!((status, &answer["field"]), (422, &json!("outcome.closed_at")));
}

#[tokio::test]
async fn the_schedule_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    let told = Arc::new(Mutex::new(0));
    let listener = Arc::clone(&told);
    let tell = Arc::new(move |_| *listener.lock().unwrap() += 1);
    let before: Timestamp = "2024-01-01T01:59:59.900Z".parse().unwrap();
    // Its clock goes ten milliseconds on whenever it is looked at.
    let clock = AtomicI64::new(before.as_ms());
    let now = move || Timestamp::from_ms(clock.fetch_add(10, Ordering::Relaxed));
    let scene = serve(Learning { tell, ..Learning::new(directory) }, now).await;
    let schedule: RetrainSchedule = "0 2 * * *".parse().unwrap();
    let keeping = scene.server.keep_schedule(&schedule);
    let once = async {
        while *told.lock().unwrap() < 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = keeping => {}
        () = once => {}
    }
    assert_eq!(*told.lock().unwrap(), 1);
    let wrong = "0 25 * * *".parse::<RetrainSchedule>().unwrap_err().to_string();
    assert!(wrong.starts_with("\"0 25 * * *\" is no schedule"), "{wrong}");
    assert!("0 0 30 2 *".parse::<RetrainSchedule>().is_err());
}

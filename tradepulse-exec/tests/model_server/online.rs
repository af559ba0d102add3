use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tradepulse_exec::inference::model_directory::ModelDirectory;
use tradepulse_exec::inference::online::OnlinePlan;
use tradepulse_exec::inference::retraining::RetrainingPlan;
use tradepulse_exec::model_server::{Learning, SampleLabels};

use super::learning::{keep, published, samples, start};
use super::scene::Scene;

/// A server that learns online, and what it told.
struct Learner {
    scene: Scene,
    told: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Learner {
    async fn start(directory: &ModelDirectory, judge_every: u64) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let plan = RetrainingPlan { fewest: 60, fewest_held_out: 40, ..RetrainingPlan::default() };
        let scene = start(Learning {
            online: Some(OnlinePlan { judge_every, ..OnlinePlan::default() }),
            plan,
            tell: Arc::new(move |text| listener.lock().unwrap().push(text)),
            ..Learning::new(directory.clone())
        })
        .await;
        let server = scene.server.clone();
        let task = tokio::spawn(async move { server.learn_online().await });
        Self { scene, told, task }
    }

    /// Waits until it has learnt from so many samples, and what it learnt is written.
    async fn saw(&self, directory: &ModelDirectory, samples: u64) {
        while state(directory)["lines"] != samples
            || self.scene.get_json("/status").await.1["online"]["seen"] != samples
        {
            assert!(self.told().iter().all(|text| !text.contains("learnt online")));
            tokio::task::yield_now().await;
        }
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// Ends it as a crash does: nothing is written any more.
    async fn kill(self) {
        self.task.abort();
        self.scene.stop().await;
    }
}

/// What is written; null if nothing is.
fn state(directory: &ModelDirectory) -> Value {
    let text = std::fs::read(directory.path().join("online.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn model(directory: &ModelDirectory, version: u64) -> String {
    let path = directory.path().join(format!("{version}/model.ftrl"));
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn outcomes_become_a_version_that_serves() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    let learner = Learner::start(&directory, 20).await;
    let samples = samples(120);
    let mut version = 1;
    for (i, sample) in samples.iter().enumerate() {
        let (status, answer) = learner.scene.post("/retrain", sample.to_string()).await;
        assert_eq!((status, &answer["samples"]), (200, &json!(i + 1)), "{answer}");
        let now = learner.scene.get_json("/health").await.1["model_version"].as_u64().unwrap();
        assert!(now >= version && (now == 1 || i >= 59), "version {now} after {i} samples");
        version = now;
    }
    learner.saw(&directory, 120).await;
    let (_, about) = learner.scene.get_json("/status").await;
    assert_eq!((&about["model_type"], &about["online"]["learnt"]), (&json!("ftrl"), &json!(120)));
    assert!(about["model_version"].as_u64().unwrap() >= 2, "{about}");
    assert!(learner.told().iter().any(|text| text.starts_with("trained on ")), "{about}");
    let mut asked = samples[0]["snapshot"].clone();
    let mut score = async |signal: f64| {
        asked["indicators"]["signal"] = json!(signal);
        learner.scene.post("/predict", asked.to_string()).await.1["raw_score"].as_f64().unwrap()
    };
    assert!(score(1.0).await > 0.6 && score(-1.0).await < 0.4);
    // On request it says how it stands beside what it published.
    let (status, answer) = learner.scene.post("/retrain/trigger", "").await;
    assert_eq!(
        (status, &answer["samples"], &answer["replaced"]),
        (200, &json!(120), &json!(false))
    );
    // What was right before serves again when it is asked for.
    assert_eq!(learner.scene.post("/rollback", r#"{"version": 1}"#).await.1["model_version"], 1);
    learner.kill().await;
}

#[tokio::test]
async fn what_a_crash_left_is_learnt_from_at_the_next_start() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let all = samples(130);
    // All at once.
    let whole = published(first.path()).await;
    keep(&whole, &all);
    let learner = Learner::start(&whole, 60).await;
    learner.saw(&whole, 130).await;
    learner.kill().await;
    // Samples that were kept before it died, and not learnt from; then half a line.
    let parted = published(second.path()).await;
    let mut before = None;
    for count in [1, 50, 59, 60, 100, 119, 130] {
        keep(&parted, &all[..count]);
        append(&parted, "{\"received_at\": 10");
        let learner = Learner::start(&parted, 60).await;
        learner.saw(&parted, count as u64).await;
        learner.kill().await;
        if count == 119 {
            before = std::fs::read(parted.path().join("online.json")).ok();
        }
    }
    // It may have died when a version was published, and what was learnt was not written yet.
    let (path, named) = (parted.path().join("online.json"), parted.named());
    let written = std::fs::read(&path).unwrap();
    std::fs::write(&path, before.unwrap()).unwrap();
    let learner = Learner::start(&parted, 60).await;
    learner.saw(&parted, 130).await;
    learner.kill().await;
    assert_eq!(parted.named(), named);
    std::fs::write(&path, written).unwrap();
    let named = whole.named().unwrap();
    assert!(named >= 2 && parted.named() == Some(named), "{named}");
    (2..=named).for_each(|version| assert_eq!(model(&whole, version), model(&parted, version)));
    assert_eq!(state(&whole), state(&parted));
}

fn append(directory: &ModelDirectory, text: &str) {
    let path = directory.path().join("samples.jsonl");
    let kept = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, kept + text).unwrap();
}

/// What is told of a folder in which nothing can be learnt.
async fn refusal(directory: &ModelDirectory) -> String {
    let learner = Learner::start(directory, 50).await;
    while learner.told().is_empty() {
        tokio::task::yield_now().await;
    }
    let (status, _) = learner.scene.post("/retrain/trigger", "").await;
    assert!(status >= 400);
    assert_eq!(learner.scene.get_json("/ready").await.0, 200);
    let told = learner.told()[0].clone();
    learner.kill().await;
    told
}

#[tokio::test]
async fn a_state_that_cannot_be_gone_on_with_is_told_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    keep(&directory, &samples(50));
    let learner = Learner::start(&directory, 1_000).await;
    learner.saw(&directory, 50).await;
    learner.kill().await;
    let path = directory.path().join("online.json");
    let written = std::fs::read(&path).unwrap();
    keep(&directory, &samples(20));
    let told = refusal(&directory).await;
    assert!(told.contains("has seen 50 samples, and there are 20 now"), "{told}");
    keep(&directory, &samples(60));
    for torn in [&written[..written.len() / 2], b"{}", b""] {
        std::fs::write(&path, torn).unwrap();
        let told = refusal(&directory).await;
        assert!(told.contains("online.json") && told.contains("remove the file"), "{told}");
        assert_eq!(std::fs::read(&path).unwrap(), torn);
    }
    std::fs::remove_file(&path).unwrap();
    let learner = Learner::start(&directory, 1_000).await;
    learner.saw(&directory, 60).await;
    learner.kill().await;
}

#[tokio::test]
async fn forward_returns_are_not_learnt_from_online() {
    let folder = tempfile::tempdir().unwrap();
    let directory = published(folder.path()).await;
    keep(&directory, &samples(5));
    let labelling =
        tradepulse_core::inference::Labelling { horizon: 1, long_above: 0.0, short_below: 0.0 };
    let labels = SampleLabels::Forward(labelling);
    let online = Some(OnlinePlan::default());
    let scene = start(Learning { online, labels, ..Learning::new(directory) }).await;
    let (status, answer) = scene.post("/retrain/trigger", "").await;
    assert_eq!(status, 409, "{answer}");
}

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::task::JoinSet;
use tradepulse_core::inference::{
    FeatureRegistry, GoldenSample, MANIFEST_VERSION, Manifest, OutputKind, Predictor,
    PredictorError, Rows, Signature,
};
use tradepulse_exec::inference::bundle::{Bundle, RAW};
use tradepulse_exec::model_server::ModelServerSettings;

use super::scene::Scene;

/// Answers the sum of a row, after a while; refuses rows with a 13.
#[derive(Default)]
struct Slow {
    questions: AtomicUsize,
}

#[async_trait]
impl Predictor for Slow {
    fn signature(&self) -> Signature {
        Signature { inputs: 2, outputs: 1 }
    }

    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        self.questions.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
        if rows.values().contains(&13.0) {
            return Err(PredictorError::NotFinite { row: 0, output: 0 });
        }
        Ok(rows.iter().map(|row| row[0] + row[1]).collect())
    }
}

async fn slow() -> (Arc<Slow>, Bundle) {
    let model = Arc::new(Slow::default());
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        name: "slow".to_owned(),
        version: 1,
        file: String::new(),
        sha256: String::new(),
        features: RAW.to_owned(),
        feature_names: vec!["a".to_owned(), "b".to_owned()],
        contract: None,
        output: OutputKind::Score,
        horizon: None,
        data: None,
        learnt_to: None,
        golden_sample: GoldenSample { input: vec![1.0, 2.0], output: vec![3.0], tolerance: 0.0 },
    };
    let shared: Arc<dyn Predictor> = Arc::<Slow>::clone(&model);
    let bundle = Bundle::new(manifest, shared, "sum", &FeatureRegistry::default()).await.unwrap();
    model.questions.store(0, Ordering::Relaxed);
    (model, bundle)
}

/// Asks for all of them at once; the status and the outputs of each.
async fn ask_all(scene: &Arc<Scene>, rows: Vec<Vec<f64>>) -> Vec<(usize, u16, serde_json::Value)> {
    let mut asked = JoinSet::new();
    for (i, row) in rows.into_iter().enumerate() {
        let scene = Arc::clone(scene);
        asked.spawn(async move {
            let input = json!({ "name": "input", "shape": [row.len() / 2, 2],
                                "datatype": "FP64", "data": row });
            let body = json!({ "inputs": [input] }).to_string();
            let (status, answer) = scene.post("/v2/models/slow/infer", body).await;
            (i, status, answer["outputs"][0]["data"].clone())
        });
    }
    asked.join_all().await
}

#[tokio::test]
async fn questions_that_wait_are_asked_together() {
    let (model, bundle) = slow().await;
    let settings = ModelServerSettings { at_once: 1, ..ModelServerSettings::default() };
    let scene = Arc::new(Scene::start(bundle, settings).await);
    // Of one to three rows each.
    let row = |i: usize| (0..2 * (i % 3 + 1)).map(|k| (100 * i + k) as f64).collect();
    let answers = ask_all(&scene, (0..24).map(row).collect()).await;
    assert_eq!(answers.len(), 24);
    for (i, status, outputs) in answers {
        let expected: Vec<f64> = (0..i % 3 + 1).map(|k| (200 * i + 4 * k + 1) as f64).collect();
        assert_eq!((status, outputs), (200, json!(expected)), "request {i}");
    }
    let questions = model.questions.load(Ordering::Relaxed);
    assert!(questions < 24, "{questions} questions for 24 requests");
}

#[tokio::test]
async fn a_row_that_cannot_be_answered_spoils_no_other() {
    let (_, bundle) = slow().await;
    let settings = ModelServerSettings { at_once: 1, ..ModelServerSettings::default() };
    let scene = Arc::new(Scene::start(bundle, settings).await);
    let rows = (0..5).map(|i| vec![if i == 2 { 13.0 } else { f64::from(i) }, 1.0]).collect();
    for (i, status, outputs) in ask_all(&scene, rows).await {
        if i == 2 {
            assert_eq!(status, 500);
        } else {
            assert_eq!((status, outputs), (200, json!([i as f64 + 1.0])));
        }
    }
}

#[tokio::test]
async fn who_gives_up_holds_nobody_up() {
    let (_, bundle) = slow().await;
    let settings = ModelServerSettings { at_once: 1, ..ModelServerSettings::default() };
    let scene = Arc::new(Scene::start(bundle, settings).await);
    let input = json!({ "name": "input", "shape": [1, 2], "datatype": "FP64", "data": [1, 2] });
    let body = json!({ "inputs": [input] }).to_string();
    for _ in 0..8 {
        let client = scene.client().post(scene.url("/v2/models/slow/infer")).body(body.clone());
        let _ = client.timeout(Duration::from_millis(20)).send().await;
    }
    let (_, status, outputs) = ask_all(&scene, vec![vec![3.0, 4.0]]).await.remove(0);
    assert_eq!((status, outputs), (200, json!([7.0])));
}

use serde_json::json;
use tradepulse_core::inference::{Basic10, latest};
use tradepulse_exec::model_server::ModelServerSettings;

use super::scene::{Scene, candles, distance, raw_snapshot, snapshot, trees};

#[tokio::test]
async fn a_snapshot_is_answered() {
    let scene = Scene::start(distance().await, ModelServerSettings::default()).await;
    let candles = candles(130);
    let (status, answer) = scene.post("/predict", snapshot(&candles).to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let score = -100.0 * latest(&Basic10, &candles).unwrap()[4];
    assert_eq!(answer["raw_score"], json!(score));
    let action = if score > 0.1 { "long" } else { "short" };
    assert!(score.abs() > 0.1);
    assert_eq!(answer["action"], action);
    assert_eq!(answer["confidence"], json!(score.abs().min(1.0)));
    assert_eq!((&answer["stop"], &answer["take_profit"]), (&json!(null), &json!(null)));
    assert_eq!(answer["model_name"], "distance");
    assert_eq!(answer["model_version"], 3);
    let close_time = candles[129].open_time.as_ms() + 3_600_000;
    assert_eq!(answer["for_candle"], close_time);
    assert!(answer["latency_ms"].as_f64().unwrap() >= 0.0);
    scene.stop().await;
}

#[tokio::test]
async fn times_may_be_words() {
    let scene = Scene::start(distance().await, ModelServerSettings::default()).await;
    let candles = candles(100);
    let mut asked = snapshot(&candles);
    let expected = scene.post("/predict", asked.to_string()).await.1;
    for (sent, candle) in asked["candles"].as_array_mut().unwrap().iter_mut().zip(&candles) {
        sent["timestamp"] = json!(candle.open_time.to_string());
    }
    let (status, answer) = scene.post("/predict", asked.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["for_candle"], expected["for_candle"]);
    assert_eq!(answer["raw_score"], expected["raw_score"]);
}

#[tokio::test]
async fn raw_features_are_sent_as_indicators() {
    let scene = Scene::start(trees().await, ModelServerSettings::default()).await;
    let row = [0.5, 1.0, -0.5, 0.25, 3.0, 7.0];
    let (status, answer) = scene.post("/predict", raw_snapshot(&row).to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let body = json!({ "inputs": [
        { "name": "input", "shape": [1, 6], "datatype": "FP64", "data": row },
    ] });
    let (status, inferred) = scene.post("/v2/models/trees/infer", body.to_string()).await;
    assert_eq!(status, 200, "{inferred}");
    let outputs = inferred["outputs"][0]["data"].as_array().unwrap();
    let most = outputs.iter().map(|p| p.as_f64().unwrap()).fold(0.0, f64::max);
    assert_eq!(answer["confidence"], json!(most));
    let (status, answer) = scene.post("/predict", raw_snapshot(&row[..5]).to_string()).await;
    assert_eq!((status, &answer["field"]), (422, &json!("indicators.Column_5")));
}

#[tokio::test]
async fn health_tells_what_is_served() {
    let scene = Scene::start(distance().await, ModelServerSettings::default()).await;
    for path in ["/health", "/ready", "/status"] {
        let (status, about) = scene.get_json(path).await;
        assert_eq!((status, &about["ready"]), (200, &json!(true)));
        assert_eq!(about["model_name"], "distance");
        assert_eq!(about["model_type"], "linear");
        assert_eq!(about["contract"].as_str().unwrap().len(), 64);
    }
    scene.post("/predict", snapshot(&candles(100)).to_string()).await;
    scene.post("/predict", "{").await;
    let (status, figures) = scene.get("/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "tradepulse_model_ready 1",
        "tradepulse_model_requests_total{endpoint=\"predict\",status=\"200\"} 1",
        "tradepulse_model_requests_total{endpoint=\"predict\",status=\"422\"} 1",
        "tradepulse_model_request_seconds_count{endpoint=\"predict\"} 2",
    ] {
        assert!(figures.contains(line), "{line} is not in\n{figures}");
    }
}

#[tokio::test]
async fn a_model_is_replaced_while_it_is_asked() {
    let scene = Scene::start(distance().await, ModelServerSettings::default()).await;
    let asked = snapshot(&candles(100)).to_string();
    assert_eq!(scene.post("/predict", asked.clone()).await.1["model_name"], "distance");
    scene.server.replace(trees().await);
    assert_eq!(scene.get_json("/ready").await.1["model_name"], "trees");
    let (status, answer) = scene.post("/predict", asked).await;
    assert_eq!((status, &answer["field"]), (422, &json!("indicators.Column_0")));
}

#[tokio::test]
async fn samples_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.jsonl");
    let settings =
        ModelServerSettings { samples: Some(path.clone()), ..ModelServerSettings::default() };
    let scene = Scene::start(distance().await, settings.clone()).await;
    let sample = json!({
        "decision": { "action": "long", "confidence": 0.8 },
        "outcome": { "pnl": 12.5, "pnl_percent": 1.25, "success": true },
        "snapshot": snapshot(&candles(100)),
    });
    for count in 1..=3 {
        let (status, answer) = scene.post("/retrain", sample.to_string()).await;
        assert_eq!((status, answer), (200, json!({ "stored": true, "samples": count })));
    }
    let mut wrong = sample.clone();
    wrong["snapshot"]["candles"][7]["high"] = json!(0.0001);
    let (status, answer) = scene.post("/retrain", wrong.to_string()).await;
    assert_eq!((status, &answer["field"]), (422, &json!("snapshot.candles[7].high")));
    let mut wrong = sample.clone();
    wrong["outcome"]["success"] = json!("yes");
    let (status, answer) = scene.post("/retrain", wrong.to_string()).await;
    assert_eq!((status, &answer["field"]), (422, &json!("outcome.success")));
    assert_eq!(scene.get_json("/health").await.1["samples"], 3);
    scene.stop().await;

    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["outcome"], sample["outcome"]);
    assert_eq!(lines[2]["snapshot"], sample["snapshot"]);
    assert_eq!(lines[2]["received_at"], 1_000);
    // Another server goes on with them.
    let scene = Scene::start(distance().await, settings).await;
    assert_eq!(scene.get_json("/health").await.1["samples"], 3);
    assert_eq!(scene.post("/retrain", sample.to_string()).await.1["samples"], 4);
}

#[tokio::test]
async fn a_sample_that_cannot_be_kept_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later").join("samples.jsonl");
    let settings =
        ModelServerSettings { samples: Some(path.clone()), ..ModelServerSettings::default() };
    let scene = Scene::start(distance().await, settings).await;
    let sample = json!({
        "decision": "long",
        "outcome": { "pnl": 1.0, "pnl_percent": 1.0, "success": true },
        "snapshot": snapshot(&candles(100)),
    });
    let (status, answer) = scene.post("/retrain", sample.to_string()).await;
    assert_eq!(status, 507, "{answer}");
    assert_eq!(scene.get_json("/ready").await.0, 200);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    assert_eq!(scene.post("/retrain", sample.to_string()).await.1["samples"], 1);
}

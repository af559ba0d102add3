use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::{Value, json};
use tradepulse_core::random::Seed;
use tradepulse_exec::model_server::ModelServerSettings;

use super::scene::{Scene, candles, distance, snapshot, trees};

/// A change of a snapshot, and the field that it spoils.
type Case = (fn(&mut Value), &'static str);

const CASES: &[Case] = &[
    (|s| s["candles"] = json!([]), "candles"),
    (|s| drop(s["candles"].as_array_mut().unwrap().remove(0)), "candles"),
    (|s| s["candles"][4]["close"] = json!(null), "candles[4].close"),
    (|s| s["candles"][4]["close"] = json!("12"), "candles[4].close"),
    (|s| s["candles"][4]["open"] = json!(-1.0), "candles[4].open"),
    (|s| s["candles"][4]["low"] = json!(1e300), "candles[4].low"),
    (|s| s["candles"][4]["high"] = json!(1e-300), "candles[4].high"),
    (|s| s["candles"][4]["volume"] = json!(-0.5), "candles[4].volume"),
    (|s| s["candles"][4]["timestamp"] = json!("now"), "candles[4].timestamp"),
    (|s| s["candles"][4]["timestamp"] = json!(1.5), "candles[4].timestamp"),
    (
        |s| s["candles"][4]["timestamp"] = s["candles"][3]["timestamp"].clone(),
        "candles[4].timestamp",
    ),
    (|s| s["candles"].as_array_mut().unwrap().swap(4, 5), "candles[5].timestamp"),
    (|s| drop(s["candles"][4].as_object_mut().unwrap().remove("volume")), "candles[4].volume"),
    (|s| s["candles"] = json!({}), "candles"),
    (|s| drop(s.as_object_mut().unwrap().remove("candles")), "candles"),
    (|s| drop(s.as_object_mut().unwrap().remove("symbol")), "symbol"),
    (|s| s["symbol"] = json!("ETH/USDT"), "symbol"),
    (|s| s["symbol"] = json!("bitcoin"), "symbol"),
    (|s| s["symbol"] = json!(7), "symbol"),
    (|s| s["timeframe"] = json!("soon"), "timeframe"),
    (|s| *s = json!(null), "body"),
    (|s| *s = json!("candles"), "body"),
];

#[tokio::test]
async fn the_field_that_is_wrong_is_named() {
    let settings = ModelServerSettings {
        symbols: vec!["BTC/USDT".parse().unwrap()],
        ..ModelServerSettings::default()
    };
    let scene = Scene::start(distance().await, settings).await;
    let right = snapshot(&candles(100));
    for (change, field) in CASES {
        let mut wrong = right.clone();
        change(&mut wrong);
        let (status, answer) = scene.post("/predict", wrong.to_string()).await;
        assert_eq!(status, 422, "{field}: {answer}");
        assert_eq!(answer["field"], *field, "{answer}");
        assert_eq!(answer["status"], 422);
    }
    for (body, field) in [
        ("", "body"),
        ("{", "body"),
        ("\u{0}", "body"),
        ("[1e999]", "[0]"),
        (
            r#"{"symbol":"BTC/USDT","timeframe":"1h","candles":[{"timestamp":1,"open":1e999}]}"#,
            "candles[0].open",
        ),
        (
            r#"{"symbol":"BTC/USDT","timeframe":"1h","candles":[{"timestamp":1,"open":NaN}]}"#,
            "candles[0].open",
        ),
    ] {
        let (status, answer) = scene.post("/predict", body).await;
        assert_eq!((status, answer["field"].as_str()), (422, Some(field)), "{body}: {answer}");
    }
    let (status, answer) = scene.post("/predict", right.to_string()).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn other_paths_methods_and_sizes_are_refused() {
    let settings = ModelServerSettings { body_limit: 1000, ..ModelServerSettings::default() };
    let scene = Scene::start(distance().await, settings).await;
    assert_eq!(scene.get_json("/nothing").await.1["status"], 404);
    assert_eq!(scene.get_json("/predict").await.1["status"], 405);
    assert_eq!(scene.post("/predict", "x".repeat(1001)).await.0, 413);
    let (status, answer) = scene.post("/retrain", "{}").await;
    assert_eq!((status, &answer["detail"]), (503, &json!("this server keeps no samples")));
}

/// Something that is not JSON, or other JSON than was asked for.
fn spoilt(right: &[String], random: &mut impl Rng) -> Vec<u8> {
    let mut body = right.choose(random).unwrap().clone().into_bytes();
    let scraps: [&[u8]; 12] = [
        b"null",
        b"[",
        b"]",
        b"{}",
        b"\"",
        b"-1e308",
        b"1e999",
        b",",
        b"\\u0000",
        b"\xff",
        b":",
        b"99999999999999999999",
    ];
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..body.len());
        match random.random_range(0..4) {
            0 => body[at] = random.random(),
            1 => body.truncate(at.max(1)),
            2 => {
                let scrap = scraps.choose(random).unwrap();
                body.splice(at..at, scrap.iter().copied());
            }
            _ => {
                let end = (at + random.random_range(1..40)).min(body.len());
                body.drain(at..end);
                if body.is_empty() {
                    return body;
                }
            }
        }
    }
    body
}

#[tokio::test]
async fn thousands_of_malformed_requests_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let samples = folder.path().join("samples.jsonl");
    let settings =
        ModelServerSettings { samples: Some(samples.clone()), ..ModelServerSettings::default() };
    for (bundle, name) in [(distance().await, "distance"), (trees().await, "trees")] {
        let scene = Scene::start(bundle, settings.clone()).await;
        let infer = format!("/v2/models/{name}/infer");
        let width = scene.server.served().model().signature().inputs;
        let tensor = json!({ "id": "7", "inputs": [
            { "name": "input", "shape": [2, width], "datatype": "FP32",
              "data": vec![0.5; 2 * width] },
        ], "outputs": [{ "name": "output" }] });
        let market = snapshot(&candles(100));
        let outcome = json!({ "pnl": 1.0, "pnl_percent": 0.1, "success": true });
        let sample = json!({ "decision": {}, "outcome": outcome, "snapshot": market });
        let right = [market.to_string(), tensor.to_string(), sample.to_string()];
        let before = scene.post(&infer, right[1].clone()).await;
        assert_eq!(before.0, 200, "{}", before.1);

        let paths = ["/predict", "/retrain", infer.as_str()];
        let mut random = Seed(5).stream(name);
        for _ in 0..5000 {
            let body = spoilt(&right, &mut random);
            let path = *paths.choose(&mut random).unwrap();
            let mut request = scene.client().post(scene.url(path)).body(body);
            if random.random_range(0..3) == 0 {
                let length: i32 = random.random_range(-2..400);
                request = request.header("inference-header-content-length", length.to_string());
            }
            let status = request.send().await.unwrap().status().as_u16();
            assert!([200, 400, 422].contains(&status), "{path} answered {status}");
        }
        assert_eq!(scene.post(&infer, right[1].clone()).await, before);
        assert_eq!(scene.get_json("/ready").await.0, 200);
        // What was kept is whole.
        let kept = std::fs::read_to_string(&samples).unwrap_or_default();
        for line in kept.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert!(line["outcome"]["pnl"].is_number());
        }
        let (_, health) = scene.get_json("/health").await;
        assert_eq!(health["samples"], kept.lines().count());
        scene.stop().await;
    }
}

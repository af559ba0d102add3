use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tradepulse_exec::model_server::ModelServerSettings;

use super::scene::{Scene, candles, distance, snapshot};

/// A request whose body is longer than what is sent of it.
async fn begin(scene: &Scene, path: &str, sent: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(scene.address()).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{sent}");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let read = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[tokio::test]
async fn who_sends_slowly_holds_nobody_up() {
    let scene = Scene::start(distance().await, ModelServerSettings::default()).await;
    let body = snapshot(&candles(100)).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut slow = begin(&scene, "/predict", first, body.len()).await;
    let (status, expected) = scene.post("/predict", body.clone()).await;
    assert_eq!(status, 200);
    for part in rest.as_bytes().chunks(rest.len() / 7) {
        slow.write_all(part).await.unwrap();
        assert_eq!(scene.get_json("/ready").await.0, 200);
    }
    let answer = answer(slow).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains(&format!("\"raw_score\":{}", expected["raw_score"])), "{answer}");
}

#[tokio::test]
async fn half_a_body_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.jsonl");
    let settings =
        ModelServerSettings { samples: Some(path.clone()), ..ModelServerSettings::default() };
    let scene = Scene::start(distance().await, settings).await;
    let outcome = json!({ "pnl": 1.0, "pnl_percent": 0.1, "success": true });
    let sample = json!({ "decision": "long", "outcome": outcome,
                         "snapshot": snapshot(&candles(100)) });
    let sample = sample.to_string();
    for cut in [0, 1, sample.len() / 2, sample.len() - 1] {
        drop(begin(&scene, "/retrain", &sample[..cut], sample.len()).await);
        // A client that ends its side waits for an answer.
        let mut ended = begin(&scene, "/retrain", &sample[..cut], sample.len()).await;
        ended.shutdown().await.unwrap();
        let told = answer(ended).await;
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 400"), "{told}");
    }
    assert_eq!(scene.get_json("/health").await.1["samples"], 0);
    assert!(!path.exists());
    assert_eq!(scene.post("/retrain", sample).await.1["samples"], 1);
}

#[tokio::test]
async fn an_end_waits_for_requests_that_run_but_not_for_ever() {
    let settings =
        ModelServerSettings { patience: Duration::from_millis(300), ..Default::default() };
    let body = snapshot(&candles(100)).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    // One whose second half comes is answered; one that never goes on is not waited for.
    let scene = Scene::start(distance().await, settings.clone()).await;
    let mut running = begin(&scene, "/predict", first, body.len()).await;
    assert_eq!(scene.get_json("/ready").await.0, 200);
    let (stopped, answered) = tokio::join!(scene.stop(), async {
        running.write_all(rest.as_bytes()).await.unwrap();
        answer(running).await
    });
    let () = stopped;
    assert!(answered.starts_with("HTTP/1.1 200 OK"), "{answered}");
    let scene = Scene::start(distance().await, settings).await;
    let stuck = begin(&scene, "/predict", first, body.len()).await;
    assert_eq!(scene.get_json("/ready").await.0, 200);
    scene.stop().await;
    drop(stuck);
}

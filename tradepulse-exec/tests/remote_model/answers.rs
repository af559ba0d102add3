use std::path::Path;
use std::sync::atomic::Ordering;

use tradepulse_core::conformance;
use tradepulse_core::ensemble::Absence;
use tradepulse_core::inference::{Action, Predictor, Rows, Signature};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::inference::MarketModel;
use tradepulse_exec::inference::lightgbm::LightGbm;
use tradepulse_exec::inference::remote::{MarketSnapshot, RemoteModel, RemotePredictor};

use super::scene::{Script, candles, served, settings, symbol};

#[tokio::test]
async fn a_model_server_is_asked_about_a_market() {
    let (url, _task) = served("binary", "binary").await;
    let model = RemoteModel::new(settings(&url)).unwrap();
    let (symbol, candles) = (symbol(), candles(100));
    let mut snapshot = MarketSnapshot::new(&symbol, Timeframe::H1, &candles);
    let row = [1.5, 1.0, 2.0, 0.0, 0.5, 4.0];
    for (i, value) in row.iter().enumerate() {
        snapshot.indicators.insert(format!("Column_{i}"), *value);
    }
    let answer = model.ask(&snapshot).await.unwrap();
    assert_eq!((answer.model_name.as_str(), answer.model_version), ("trees", 1));
    let close = candles[99].open_time.as_ms() + 3_600_000;
    assert_eq!(answer.prediction.for_candle.as_ms(), close);
    assert_eq!(answer.prediction.flaw(answer.prediction.for_candle), None);

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lightgbm/models/binary.txt");
    let mut expected = [0.0];
    LightGbm::load(&file).unwrap().predict_row(&row, &mut expected).unwrap();
    assert_eq!(answer.prediction.raw_score, Some(expected[0]));
    let action = if expected[0] > 0.65 { Action::Long } else { Action::Hold };
    assert_eq!(answer.prediction.action, action);
}

#[tokio::test]
async fn what_is_sent_is_what_was_promised() {
    let answer = r#"{"action":"short","confidence":0.75,"stop":101.5,"take_profit":null,
        "raw_score":-0.5,"model_name":"m","model_version":4,"for_candle":3600000,"latency_ms":1}"#;
    let script = Script::new(&[Some((200, answer))]);
    let (url, _task) = script.start().await;
    let model = RemoteModel::new(settings(&url)).unwrap();
    let (symbol, candles) = (symbol(), candles(3));
    let mut snapshot = MarketSnapshot::new(&symbol, Timeframe::H1, &candles);
    snapshot.indicators.insert("rsi_14".to_owned(), 51.25);
    snapshot.meta.candles_1h = &candles[..1];
    for _ in 0..5 {
        let answer = model.ask(&snapshot).await.unwrap();
        assert_eq!(answer.prediction.action, Action::Short);
        assert_eq!((answer.prediction.stop, answer.prediction.confidence), (Some(101.5), 0.75));
    }
    // All went over one connection.
    assert_eq!((script.connections.load(Ordering::SeqCst), script.asked()), (1, 5));

    let heard = script.heard.lock().unwrap()[0].clone();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /predict HTTP/1.1"), "{head}");
    let sent: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(sent["symbol"], "BTC/USDT");
    assert_eq!(sent["timeframe"], "1h");
    assert_eq!(sent["indicators"]["rsi_14"], 51.25);
    assert_eq!(sent["candles"].as_array().unwrap().len(), 3);
    assert_eq!(sent["candles"][2]["timestamp"], candles[2].open_time.as_ms());
    assert_eq!(sent["candles"][2]["close"], candles[2].close);
    assert_eq!(sent["meta"]["candles_1h"].as_array().unwrap().len(), 1);
    let close = candles[2].open_time.as_ms() + 3_600_000;
    let utc: tradepulse_core::time::Timestamp =
        sent["meta"]["utc"].as_str().unwrap().parse().unwrap();
    assert_eq!(utc.as_ms(), close);
}

#[tokio::test]
async fn what_is_said_in_hindsight_does_not_count() {
    let (symbol, candles) = (symbol(), candles(3));
    let snapshot = MarketSnapshot::new(&symbol, Timeframe::H1, &candles);
    let close = snapshot.close_time().as_ms();
    for (learnt_to, hindsight) in [(close - 1, false), (close, false), (close + 1, true)] {
        let answer = format!(
            r#"{{"action":"long","confidence":0.75,"raw_score":null,"model_name":"m",
                "model_version":4,"learnt_to":{learnt_to},"for_candle":{close}}}"#
        );
        let (url, _task) = Script::new(&[Some((200, &answer))]).start().await;
        let model = RemoteModel::new(settings(&url)).unwrap();
        let said = MarketModel::ask(&model, &snapshot).await;
        let learnt_to = Timestamp::from_ms(learnt_to);
        match hindsight {
            true => assert_eq!(said, Err(Absence::Hindsight { learnt_to })),
            false => assert_eq!(said.unwrap().action, Action::Long),
        }
    }
}

#[tokio::test]
async fn a_remote_predictor_keeps_the_contract() {
    let (url, _task) = served("multiclass", "probs3").await;
    let remote = RemotePredictor::connect(settings(&url), "trees").await.unwrap();
    assert_eq!(remote.signature(), Signature { inputs: 6, outputs: 3 });
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lightgbm/models/multiclass.txt");
    let local = LightGbm::load(&file).unwrap();
    let rows = [0.5, f64::NAN, 1.0, -2.0, 0.0, 3.0, -0.5, 1.0, 1e300, 2.0, 0.25, 39.0];
    let rows = Rows::new(&rows, 6).unwrap();
    assert_eq!(remote.predict(rows).await.unwrap(), local.predict_rows(rows).unwrap());
    let sample = [0.5, 0.25, 1.0, -2.0, 0.0, 3.0, -0.5, 1.0, 4.0, 2.0, 0.25, 39.0];
    let report = conformance::predictor::run(&remote, &sample).await;
    assert!(report.is_clean(), "{report}");
    let unknown = RemotePredictor::connect(settings(&url), "bushes").await.unwrap_err();
    assert!(unknown.to_string().contains("there is no model"), "{unknown}");
}

use std::time::Duration;

use tradepulse_core::ensemble::Absence;
use tradepulse_core::inference::{Flaw, Predictor, PredictorError, Rows};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::inference::remote::{
    MarketSnapshot, RemoteAnswer, RemoteModel, RemotePredictor, RemoteSettings,
};

use super::scene::{Script, candles, settings, symbol};

const RIGHT: &str = r#"{"action":"long","confidence":0.9,"stop":null,"take_profit":null,
    "raw_score":null,"model_name":"m","model_version":1,"for_candle":7}"#;

async fn ask(model: &RemoteModel) -> Result<RemoteAnswer, Absence> {
    let (symbol, candles) = (symbol(), candles(2));
    model.ask(&MarketSnapshot::new(&symbol, Timeframe::H1, &candles)).await
}

fn reason(absence: Result<RemoteAnswer, Absence>) -> String {
    match absence.unwrap_err() {
        Absence::Unavailable { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dead_model_is_left_alone() {
    // An address at which nobody listens.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let model = RemoteModel::new(settings(&url)).unwrap();
    for _ in 0..3 {
        assert!(!model.is_paused());
        reason(ask(&model).await);
    }
    assert!(model.is_paused());
    assert_eq!(reason(ask(&model).await), "it failed 3 times and is left alone");
}

#[tokio::test]
async fn a_model_that_comes_back_is_asked_again() {
    let script = Script::new(&[Some((500, "no")), Some((500, "no")), Some((200, RIGHT))]);
    let (url, _task) = script.start().await;
    let settings =
        RemoteSettings { failures: 1, pause: Duration::from_millis(50), ..settings(&url) };
    let model = RemoteModel::new(settings).unwrap();
    assert!(reason(ask(&model).await).contains("500"));
    assert!(reason(ask(&model).await).contains("left alone"));
    // Each question was tried twice; the second was not asked.
    assert_eq!(script.asked(), 2);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(ask(&model).await.is_ok());
    assert!(!model.is_paused());
}

#[tokio::test]
async fn a_slow_model_is_late() {
    let script = Script { delay: Duration::from_secs(60), ..Script::new(&[Some((200, RIGHT))]) };
    let (url, _task) = script.start().await;
    let settings = RemoteSettings { deadline: Duration::from_millis(50), ..settings(&url) };
    let model = RemoteModel::new(settings).unwrap();
    for _ in 0..3 {
        assert_eq!(ask(&model).await, Err(Absence::Late));
    }
    assert!(model.is_paused());
}

#[tokio::test]
async fn one_that_hangs_up_is_tried_once_more() {
    let script = Script::new(&[None, Some((200, RIGHT))]);
    let (url, _task) = script.start().await;
    let model = RemoteModel::new(settings(&url)).unwrap();
    assert!(ask(&model).await.is_ok());
    assert!(!model.is_paused());
}

#[tokio::test]
async fn answers_that_are_none_are_malformed() {
    let wrong = |from: &str, to: &str| RIGHT.replace(from, to);
    for body in [
        String::new(),
        "[]".to_owned(),
        wrong("long", "buy"),
        wrong("0.9", "NaN"),
        wrong("0.9", "1e999"),
        wrong("0.9", "null"),
        wrong("\"for_candle\":7", "\"latency_ms\":7"),
    ] {
        let (url, _task) = Script::new(&[Some((200, &body))]).start().await;
        let answer = ask(&RemoteModel::new(settings(&url)).unwrap()).await;
        assert!(matches!(answer, Err(Absence::Malformed { .. })), "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn answers_out_of_range_are_left_to_the_ensemble() {
    let body = RIGHT.replace("0.9", "7.5");
    let (url, _task) = Script::new(&[Some((200, &body))]).start().await;
    let answer = ask(&RemoteModel::new(settings(&url)).unwrap()).await.unwrap();
    let candle = Timestamp::from_ms(7);
    assert_eq!(answer.prediction.flaw(candle), Some(Flaw::Confidence { found: 7.5 }));
    let other = Timestamp::from_ms(8);
    assert!(matches!(answer.prediction.flaw(other), Some(Flaw::Stale { .. })));
}

#[tokio::test]
async fn a_refused_question_is_no_failure_of_the_model() {
    let (url, _task) = Script::new(&[Some((422, "candles: too few"))]).start().await;
    let model = RemoteModel::new(settings(&url)).unwrap();
    for _ in 0..5 {
        assert!(reason(ask(&model).await).contains("candles: too few"));
    }
    assert!(!model.is_paused());
}

#[tokio::test]
async fn addresses_are_checked() {
    for url in ["", "127.0.0.1:80", "ftp://a", "mailto:a@b.c"] {
        assert!(RemoteModel::new(RemoteSettings::new(url)).is_err(), "{url}");
    }
    assert!(RemotePredictor::connect(settings("http://127.0.0.1:9"), "../x").await.is_err());
}

#[tokio::test]
async fn outputs_that_are_none_are_errors() {
    let metadata = r#"{"inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],
        "outputs":[{"name":"y","datatype":"FP32","shape":[-1,1]}]}"#;
    let values = |values: &str| {
        format!(r#"{{"outputs":[{{"name":"y","datatype":"FP32","shape":[1,1],"data":{values}}}]}}"#)
    };
    for (body, right) in [
        (values("[0.5]"), true),
        (values("[0.5, 1.0]"), false),
        (values("[1e999]"), false),
        (values("null"), false),
        ("{}".to_owned(), false),
    ] {
        let script = Script::new(&[Some((200, metadata)), Some((200, &body))]);
        let (url, _task) = script.start().await;
        let model = RemotePredictor::connect(settings(&url), "m").await.unwrap();
        let answer = model.predict(Rows::new(&[1.0, 2.0], 2).unwrap()).await;
        if right {
            assert_eq!(answer, Ok(vec![0.5]));
        } else {
            assert!(matches!(answer, Err(PredictorError::Failed { .. })), "{body}: {answer:?}");
        }
    }
}

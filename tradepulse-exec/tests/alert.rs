//! Delivery of alerts to a server on loopback.

#![cfg(feature = "alerts")]
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::alert::{
    Alert, AlertLevel, AlertTarget, Alerter, DeliveryError, Digest, Dispatcher, DispatcherSettings,
    MemoryAlerter, Subscription, Telegram, Webhook,
};
use tradepulse_exec::secret::Secret;

/// What a request brought.
#[derive(Debug)]
struct Got {
    path: String,
    authorization: Option<String>,
    body: Value,
}

/// A server that tells of what it gets and answers as scripted, then with 200.
struct Server {
    base: String,
    got: mpsc::UnboundedReceiver<Got>,
}

type Script = Arc<Mutex<VecDeque<(StatusCode, &'static str)>>>;

#[derive(Clone)]
struct Answers {
    tell: mpsc::UnboundedSender<Got>,
    script: Script,
}

async fn answer(State(answers): State<Answers>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let authorization = request.headers().get("authorization");
    let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(request.headers()["content-type"], "application/json");
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap();
    answers.tell.send(Got { path, authorization, body }).unwrap();
    let next = answers.script.lock().unwrap().pop_front();
    match next {
        Some((StatusCode::FOUND, to)) => (StatusCode::FOUND, [("location", to)]).into_response(),
        Some(answer) => answer.into_response(),
        None => "{\"ok\":true}".into_response(),
    }
}

impl Server {
    async fn start(script: &[(StatusCode, &'static str)]) -> Self {
        let (tell, got) = mpsc::unbounded_channel();
        let script = Arc::new(Mutex::new(script.iter().copied().collect()));
        let router = Router::new().fallback(answer).with_state(Answers { tell, script });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, got }
    }

    async fn next(&mut self) -> Got {
        tokio::time::timeout(Duration::from_secs(60), self.got.recv()).await.unwrap().unwrap()
    }

    fn webhook(&self) -> Webhook {
        Webhook::new(Secret::new(format!("{}/hook", self.base)), None).unwrap()
    }
}

fn alert(level: AlertLevel, text: &str) -> Alert {
    Alert { level, at: Timestamp::from_ms(1_704_067_200_000), text: text.to_owned() }
}

const SETTINGS: DispatcherSettings = DispatcherSettings {
    merge_interval: Duration::from_millis(300),
    retries: 3,
    retry_pause: Duration::from_millis(1),
    max_retry_pause: Duration::from_millis(5),
};

fn start(target: impl AlertTarget + 'static, levels: &[AlertLevel]) -> Dispatcher {
    let subscription = Subscription { target: Box::new(target), levels: levels.to_vec() };
    Dispatcher::start(&Handle::current(), vec![subscription], SETTINGS)
}

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn telegram_is_told_by_its_bot() {
    let mut server = Server::start(&[]).await;
    let token = Secret::new("123:abc");
    let target = Telegram::new(&format!("{}/", server.base), &token, "-42").unwrap();
    let dispatcher = start(target, &AlertLevel::ALL);
    dispatcher.alert(alert(AlertLevel::Trade, "long 0.5 BTC at 50_000.5!"));
    let got = server.next().await;
    assert_eq!(got.path, "/bot123:abc/sendMessage");
    assert_eq!(
        (&got.body["chat_id"], &got.body["parse_mode"]),
        (&json!("-42"), &json!("MarkdownV2"))
    );
    assert_eq!(got.body["text"], "*TRADE* long 0\\.5 BTC at 50\\_000\\.5\\!\n");
    assert_eq!(dispatcher.close(PATIENCE).await, 0);
}

#[tokio::test]
async fn a_burst_is_one_message_with_count_and_texts() {
    let mut server = Server::start(&[]).await;
    let token = Some(Secret::new("hush"));
    let target = Webhook::new(Secret::new(format!("{}/hook?x=1", server.base)), token).unwrap();
    let dispatcher = start(target, &[AlertLevel::Error, AlertLevel::Warning]);
    dispatcher.alert(alert(AlertLevel::Error, "first"));
    let got = server.next().await;
    assert_eq!((got.path.as_str(), got.authorization.as_deref()), ("/hook", Some("Bearer hush")));
    assert_eq!(got.body["alerts"][0]["level"], "ERROR");
    assert_eq!(got.body["alerts"][0]["first_at"], 1_704_067_200_000_i64);
    // All of this comes within the merge interval of the first, or is told when closing.
    for i in 0..100 {
        dispatcher.alert(alert(AlertLevel::Warning, ["a", "b"][i % 2]));
        dispatcher.alert(alert(AlertLevel::Trade, "not asked for"));
    }
    assert_eq!(dispatcher.close(PATIENCE).await, 0);
    let mut texts = std::collections::BTreeMap::new();
    let mut messages = 0;
    while let Ok(got) = server.got.try_recv() {
        messages += 1;
        for entry in got.body["alerts"].as_array().unwrap() {
            *texts.entry(entry["text"].as_str().unwrap().to_owned()).or_insert(0) +=
                entry["count"].as_u64().unwrap();
        }
    }
    assert_eq!(texts.into_iter().collect::<Vec<_>>(), [("a".into(), 50), ("b".into(), 50)]);
    assert!(messages < 10, "{messages} messages");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_given_up() {
    let script = [
        (StatusCode::BAD_GATEWAY, ""),
        (StatusCode::TOO_MANY_REQUESTS, "{\"parameters\":{\"retry_after\":0}}"),
    ];
    let mut server = Server::start(&script).await;
    let dispatcher = start(server.webhook(), &AlertLevel::ALL);
    dispatcher.alert(alert(AlertLevel::System, "started"));
    for _ in 0..3 {
        assert_eq!(server.next().await.body["alerts"][0]["text"], "started");
    }
    assert_eq!(dispatcher.close(PATIENCE).await, 0);
    assert!(server.got.try_recv().is_err(), "sent once more");

    let mut server = Server::start(&[(StatusCode::FORBIDDEN, "no")]).await;
    let dispatcher = start(server.webhook(), &AlertLevel::ALL);
    dispatcher.alert(alert(AlertLevel::System, "started"));
    server.next().await;
    assert_eq!(dispatcher.close(PATIENCE).await, 1);
    assert!(server.got.try_recv().is_err());

    let mut server = Server::start(&[(StatusCode::BAD_GATEWAY, "x"); 9]).await;
    let dispatcher = start(server.webhook(), &AlertLevel::ALL);
    dispatcher.alert(alert(AlertLevel::System, "started"));
    assert_eq!(dispatcher.close(PATIENCE).await, 1);
    let mut tries = 0;
    while server.got.try_recv().is_ok() {
        tries += 1;
    }
    assert_eq!(tries, 1 + SETTINGS.retries);
}

/// A target that never answers.
struct Hanging;

#[async_trait::async_trait]
impl AlertTarget for Hanging {
    fn name(&self) -> &str {
        "hanging"
    }

    fn render(&self, digest: &Digest) -> Vec<String> {
        vec![digest.count().to_string()]
    }

    async fn send(&self, _: &str) -> Result<(), DeliveryError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_target_that_hangs_holds_up_nobody() {
    let mut server = Server::start(&[]).await;
    let levels = AlertLevel::ALL.to_vec();
    let subscriptions = vec![
        Subscription { target: Box::new(Hanging), levels: levels.clone() },
        Subscription { target: Box::new(server.webhook()), levels },
    ];
    let dispatcher = Dispatcher::start(&Handle::current(), subscriptions, SETTINGS);
    for _ in 0..10_000 {
        dispatcher.alert(alert(AlertLevel::Warning, "again"));
    }
    assert_eq!(server.next().await.body["alerts"][0]["text"], "again");
    assert_eq!(dispatcher.close(Duration::from_millis(200)).await, 1);
}

#[tokio::test]
async fn errors_say_what_happened_and_keep_secrets() {
    let elsewhere = Server::start(&[]).await;
    let to: &'static str = Box::leak(elsewhere.base.clone().into_boxed_str());
    let script = [
        (StatusCode::UNAUTHORIZED, "{\"description\":\"Unauthorized\"}"),
        (StatusCode::FOUND, to),
        (StatusCode::TOO_MANY_REQUESTS, "{\"parameters\":{\"retry_after\":7}}"),
    ];
    let mut server = Server::start(&script).await;
    let token = Secret::new("123:topsecret");
    let target = Telegram::new(&server.base, &token, "1").unwrap();
    let error = target.send("x").await.unwrap_err();
    assert!(matches!(&error, DeliveryError::Refused { reason } if reason.contains("Unauthorized")));
    // A redirect is not followed: the token would go elsewhere.
    assert!(matches!(target.send("x").await, Err(DeliveryError::Refused { .. })));
    let error = target.send("x").await.unwrap_err();
    let seven = Some(Duration::from_secs(7));
    assert!(matches!(error, DeliveryError::Failed { retry_after, .. } if retry_after == seven));
    server.next().await;

    // Nobody listens on port 1.
    let target = Telegram::new("http://127.0.0.1:1", &token, "1").unwrap();
    let error = target.send("x").await.unwrap_err();
    assert!(matches!(error, DeliveryError::Failed { .. }), "{error}");
    for shown in [format!("{error} {error:?}"), format!("{target:?}")] {
        assert!(!shown.contains("topsecret"), "{shown}");
    }
    assert!(Webhook::new(Secret::new("no url"), None).is_err());
    let target =
        Webhook::new(Secret::new("http://127.0.0.1:1"), Some(Secret::new("a\nb"))).unwrap();
    assert!(matches!(target.send("{}").await, Err(DeliveryError::Refused { .. })));
}

#[test]
fn memory_keeps_what_it_is_told() {
    let alerter = MemoryAlerter::default();
    alerter.alert(alert(AlertLevel::Trade, "x"));
    assert_eq!(alerter.take(), [alert(AlertLevel::Trade, "x")]);
    assert!(alerter.take().is_empty());
}

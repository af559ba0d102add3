//! Sessions that ask models to train.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tradepulse_core::ensemble::Absence;
use tradepulse_core::inference::{Action, FeatureRegistry, OutputKind, Prediction};
use tradepulse_exec::coordinator::advisor::{Advisors, Member};
use tradepulse_exec::inference::bundle::{Flags, RAW};
use tradepulse_exec::inference::model_directory::{ModelDirectory, Publication};
use tradepulse_exec::inference::remote::{RemoteModel, RemoteSettings};
use tradepulse_exec::inference::{Feedback, MarketModel, MarketSnapshot, Retrained};
use tradepulse_exec::model_server::{Learning, ModelServer, ModelServerSettings};

use super::models::in_short;
use super::*;

/// What comes of a training.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Replaced,
    Fails,
    Never,
    DoesNotLearn,
}

/// A model that says long, and trains for so long.
struct Pupil {
    end: End,
    takes: Duration,
    /// When it was asked to train, minutes from the beginning.
    asked: Arc<Mutex<Vec<i64>>>,
    at_work: AtomicUsize,
    clock: Clock,
}

#[async_trait]
impl MarketModel for Pupil {
    async fn ask(&self, snapshot: &MarketSnapshot<'_>) -> Result<Prediction, Absence> {
        Ok(Prediction {
            for_candle: snapshot.close_time(),
            action: Action::Long,
            confidence: 0.9,
            stop: None,
            take_profit: None,
            raw_score: None,
        })
    }

    async fn retrain(&self, limit: Duration) -> Result<Option<Retrained>, String> {
        assert_eq!(self.at_work.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
        self.asked.lock().unwrap().push((self.clock.now().as_ms() - BEGUN) / MINUTE);
        assert_eq!(limit, Duration::from_secs(1200));
        tokio::time::sleep(self.takes).await;
        if self.end == End::Never {
            tokio::time::sleep(Duration::from_secs(10_000)).await;
        }
        self.at_work.fetch_sub(1, Ordering::SeqCst);
        match self.end {
            End::Replaced => Ok(Some(Retrained {
                trained: true,
                replaced: true,
                reason: None,
                model_name: "pupil".to_owned(),
                model_version: 7,
                answer: json!({ "report": { "difference": {
                    "mean": 0.25, "interval": [0.125, 0.375],
                } } }),
            })),
            End::DoesNotLearn => Ok(None),
            End::Fails | End::Never => Err("no samples".to_owned()),
        }
    }
}

fn session(computer: &Computer, model: Arc<dyn MarketModel>, more: &str) -> Session {
    let config = format!("{CONFIG}model_endpoints: [{{name: pupil}}]\n{more}");
    let parsed = Config::parse(&config, []).unwrap().config;
    let (name, deadline) = ("pupil".to_owned(), Duration::from_secs(5));
    let members = vec![Member { name, weight: 1.0, deadline, model }];
    let advisors = Advisors::new(&parsed, members).unwrap();
    computer.session(&config).with_advisors(advisors)
}

async fn events(computer: &Computer) -> Vec<SystemEventRecord> {
    let mut events: Vec<SystemEventRecord> =
        computer.store.records(&RecordFilter::default(), Page::ALL).await.unwrap();
    events.retain(|event| event.kind.starts_with("model_"));
    events.reverse();
    events
}

/// Trades for so many minutes: when the model was asked to train, and what was told of it.
async fn trained(
    end: End,
    takes: u64,
    minutes: i64,
    more: &str,
) -> (Vec<i64>, Vec<SystemEventRecord>, WalletOutcome) {
    let computer = Computer::new();
    let asked = Arc::default();
    let pupil = Pupil {
        end,
        takes: Duration::from_secs(60 * takes),
        asked: Arc::clone(&asked),
        at_work: AtomicUsize::new(0),
        clock: computer.clock.clone(),
    };
    let more = format!("retraining: {{retrain_timeout: 1200, {more}}}\n");
    let outcome = computer.trade(&session(&computer, Arc::new(pupil), &more), minutes).await;
    let asked = asked.lock().unwrap().clone();
    (asked, events(&computer).await, outcome.unwrap())
}

const AFTER_TRADES: &str = "enabled: true, send_feedback_to_models: true, \
    min_trades_before_retrain: 4, retrain_schedule: null";

#[tokio::test(start_paused = true)]
async fn models_train_after_so_many_trades_and_nothing_waits_for_them() {
    let (never, none, alone) =
        trained(End::Replaced, 5, 300, "send_feedback_to_models: true").await;
    assert!(never.is_empty() && none.is_empty(), "{none:?}");
    let (asked, told, outcome) = trained(End::Replaced, 5, 300, AFTER_TRADES).await;
    assert_eq!(in_short(&outcome), in_short(&alone));
    assert_eq!(asked.len(), outcome.trades.len() / 4);
    let fourth = (outcome.trades[3].exit_time_ms - BEGUN) / MINUTE + 1;
    assert!((fourth..fourth + 2).contains(&asked[0]), "{asked:?}");
    assert_eq!(told.len(), asked.len());
    assert_eq!((told[0].level, &*told[0].kind), (EventLevel::Info, "model_retrained"));
    assert_eq!(
        told[0].text,
        "model pupil has a new version: pupil version 7 serves; the challenger's log loss is \
         0.2500 less (95 % interval 0.1250 to 0.3750)"
    );
    let data = told[0].data.as_ref().unwrap();
    assert_eq!((&data["model"], &data["cause"]), (&json!("pupil"), &json!("trades")));
    // Trades that end meanwhile count for the next time.
    let (longer, _, _) = trained(End::Replaced, 19, 300, AFTER_TRADES).await;
    assert_eq!(longer, asked);
}

#[tokio::test(start_paused = true)]
async fn models_train_at_their_times() {
    let nightly = "enabled: true, retrain_schedule: \"*/10 * * * *\"";
    let (asked, told, _) = trained(End::Replaced, 5, 64, nightly).await;
    assert_eq!(asked, [10, 20, 30, 40, 50, 60]);
    assert_eq!(told.len(), 5, "the last is under way");
    // Whoever is still at it is not asked again.
    let (asked, told, _) = trained(End::Replaced, 15, 65, nightly).await;
    assert_eq!(asked, [10, 30, 50]);
    assert_eq!(told.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_training_that_fails_or_never_ends_is_told() {
    let every_half_hour = "enabled: true, retrain_schedule: \"*/30 * * * *\"";
    for (end, why) in [(End::Fails, "no samples"), (End::Never, "no answer within 1200 s")] {
        let (asked, told, outcome) = trained(end, 0, 55, every_half_hour).await;
        assert_eq!(asked, [30]);
        assert!(outcome.counters.orders > 0);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].level, &*told[0].kind), (EventLevel::Warning, "model_not_retrained"));
        assert_eq!(told[0].text, format!("model pupil was not trained: {why}"));
    }
    let (asked, told, _) = trained(End::DoesNotLearn, 0, 45, every_half_hour).await;
    assert!(asked.len() == 1 && told.is_empty(), "{told:?}");
}

/// A model at a server, asked from another runtime while the paused clock stands.
struct Apart {
    model: Arc<RemoteModel>,
    runtime: tokio::runtime::Handle,
}

impl Apart {
    fn wait<T: Send + 'static>(&self, asked: impl Future<Output = T> + Send + 'static) -> T {
        let (sender, answer) = mpsc::channel();
        self.runtime.spawn(async move { sender.send(asked.await) });
        answer.recv().unwrap()
    }
}

#[async_trait]
impl MarketModel for Apart {
    async fn ask(&self, snapshot: &MarketSnapshot<'_>) -> Result<Prediction, Absence> {
        let (model, candles) = (Arc::clone(&self.model), snapshot.candles.to_vec());
        let (indicators, timeframe) = (snapshot.indicators.clone(), snapshot.timeframe);
        self.wait(async move {
            let symbol = btc();
            let snapshot = MarketSnapshot::new(&symbol, timeframe, &candles);
            let snapshot = MarketSnapshot { indicators, ..snapshot };
            MarketModel::ask(&*model, &snapshot).await
        })
    }

    async fn learn(&self, feedback: &Feedback) -> Result<(), String> {
        let (model, feedback) = (Arc::clone(&self.model), feedback.clone());
        self.wait(async move { model.learn(&feedback).await })
    }

    async fn retrain(&self, limit: Duration) -> Result<Option<Retrained>, String> {
        let model = Arc::clone(&self.model);
        self.wait(async move { model.retrain(limit).await })
    }
}

/// A model of one indicator that always says one half.
const CONSTANT: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\n\
    max_feature_idx=0\nobjective=binary sigmoid:1\nfeature_names=rsi_14\ntree_sizes=1\n\n\
    Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=0.5\ndecision_type=2\n\
    left_child=-1\nright_child=-2\nleaf_value=0 0\n\nend of trees\n";

/// Outcomes a minute apart before the session, as a server keeps them: a long with a high RSI
/// earns, one with a low RSI loses, but for every tenth.
fn outcomes(count: i64) -> String {
    let line = |i: i64| {
        let up = (i * 7919) % 13 < 6;
        let rsi = if up == (i % 10 != 0) { 90.0 } else { 10.0 };
        let candle = candle(&btc(), Timeframe::M1, BEGUN / MINUTE - 2 * count + i);
        let percent = if up { 2.0 } else { -2.0 };
        let kept = json!({
            "received_at": 1_000,
            "decision": "long",
            "outcome": {
                "pnl": percent, "pnl_percent": percent, "success": up,
                "closed_at": candle.open_time.as_ms() + 2 * MINUTE,
            },
            "snapshot": {
                "symbol": "BTC/USDT", "timeframe": "1m",
                "candles": [{
                    "timestamp": candle.open_time.as_ms(), "open": candle.open,
                    "high": candle.high, "low": candle.low, "close": candle.close,
                    "volume": candle.volume,
                }],
                "indicators": { "rsi_14": rsi },
            },
        });
        format!("{kept}\n")
    };
    (0..count).map(line).collect()
}

/// A server that learns, and its directory.
async fn learning(folder: &Path) -> (ModelServer, ModelDirectory) {
    let file = folder.join("constant.txt");
    std::fs::write(&file, CONSTANT).unwrap();
    let flags = Flags { name: None, features: RAW.to_owned(), output: OutputKind::Binary };
    let registry = FeatureRegistry::default();
    let new = Publication::of_file(&file, Some(&flags), &registry).await.unwrap();
    let directory = ModelDirectory::new(folder.join("models"));
    directory.publish(new, &registry).await.unwrap();
    std::fs::write(directory.path().join("samples.jsonl"), outcomes(600)).unwrap();
    let served = directory.load(&registry).await.unwrap();
    let samples = Some(directory.path().join("samples.jsonl"));
    let settings = ModelServerSettings { samples, ..ModelServerSettings::default() };
    let learning = Learning { control: true, ..Learning::new(directory.clone()) };
    let now = || Timestamp::from_ms(BEGUN + 600 * MINUTE);
    (ModelServer::with_learning(served.bundle, settings, learning, now), directory)
}

/// Trades with a model at `server`, which is asked to train after three trades; what is told of it.
async fn trades_with(server: ModelServer) -> Vec<SystemEventRecord> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (sender, address) = mpsc::channel();
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        sender.send(listener.local_addr().unwrap()).unwrap();
        server.serve(listener, std::future::pending()).await
    });
    let url = format!("http://{}", address.recv().unwrap());
    let model = Arc::new(RemoteModel::new(RemoteSettings::new(url)).unwrap());
    let computer = Computer::new();
    let more = "decision: {allow_abstain: true}\nretraining: {enabled: true, \
        send_feedback_to_models: true, min_trades_before_retrain: 3, retrain_schedule: null}\n";
    let apart = Apart { model, runtime: runtime.handle().clone() };
    let outcome = computer.trade(&session(&computer, Arc::new(apart), more), 80).await.unwrap();
    assert!((3..6).contains(&outcome.trades.len()), "{:?}", in_short(&outcome));
    runtime.shutdown_background();
    events(&computer).await
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_told_of_trades_trains_and_serves_what_is_better() {
    let folder = folder();
    let (server, directory) = learning(folder.path()).await;
    let told = trades_with(server).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(&*told[0].kind, "model_retrained", "{told:?}");
    assert!(told[0].text.contains("version 2 serves; the challenger's log loss is"), "{told:?}");
    let answer = &told[0].data.as_ref().unwrap()["answer"];
    assert_eq!((&answer["replaced"], &answer["samples"]), (&json!(true), &json!(603)), "{answer}");
    assert!(answer["report"]["challenger"]["accuracy"].as_f64().unwrap() > 0.8, "{answer}");
    let served = directory.load(&FeatureRegistry::default()).await.unwrap();
    assert_eq!(served.bundle.manifest().version, 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_train_says_so() {
    let folder = folder();
    let (_, directory) = learning(folder.path()).await;
    let served = directory.load(&FeatureRegistry::default()).await.unwrap();
    let samples = Some(folder.path().join("kept.jsonl"));
    let settings = ModelServerSettings { samples, ..ModelServerSettings::default() };
    let told = trades_with(ModelServer::new(served.bundle, settings, || {
        Timestamp::from_ms(BEGUN + 600 * MINUTE)
    }))
    .await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].level, &*told[0].kind), (EventLevel::Warning, "model_not_retrained"));
    assert!(told[0].text.contains("409"), "{told:?}");
    assert_eq!(told[0].data.as_ref().unwrap()["answer"], Value::Null);
}

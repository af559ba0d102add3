//! What goes on around a session: alerts and figures over HTTP on loopback, backups, trades.csv.

#![cfg(feature = "services")]
#![allow(clippy::unwrap_used)]

#[path = "session/swing.rs"]
mod swing;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tradepulse_core::exchange::{Feed, FeedError, FeedEvent};
use tradepulse_core::market::{Candle, Columns, Series, Symbol};
use tradepulse_core::simulation::SimulatedExchange;
use tradepulse_core::store::trading::RunMode;
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::alert::AlertLevel;
use tradepulse_exec::config::Config;
use tradepulse_exec::coordinator::services::{DailySummary, Services};
use tradepulse_exec::coordinator::session::{Session, StopSignal, Venue};
use tradepulse_exec::coordinator::{Clock, Pace, PaperFeed, ReplayFeed, ReplaySpeed};
use tradepulse_exec::store::backup::Backups;
use tradepulse_exec::store::sqlite::SqliteStore;

use self::swing::Swing;

const BEGUN: i64 = 1_704_067_200_000;

fn btc() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

/// The rise and fall that the strategy buys.
fn series(minutes: i64) -> Series {
    let mut columns = Columns::with_capacity(0);
    for i in 0..minutes {
        let (open, close) = (108.0 + (i % 17) as f64, 108.0 + ((i + 1) % 17) as f64);
        columns.push(Candle {
            open_time: Timestamp::from_ms(BEGUN + i * 60_000),
            open,
            high: open.max(close) + 0.5,
            low: open.min(close) - 0.5,
            close,
            volume: 3.0,
        });
    }
    Series::new(Timeframe::M1, columns).unwrap()
}

/// A replay that fails for a while at its end.
struct Failing(ReplayFeed, Vec<FeedEvent>);

#[async_trait]
impl Feed for Failing {
    async fn next(&mut self) -> Result<Option<FeedEvent>, FeedError> {
        let event = self.0.next().await?;
        Ok(event.or_else(|| self.1.pop()))
    }
}

/// A server that tells of what is posted to it.
async fn hook() -> (String, mpsc::UnboundedReceiver<Value>) {
    async fn told(State(tell): State<mpsc::UnboundedSender<Value>>, body: String) {
        tell.send(serde_json::from_str(&body).unwrap()).unwrap();
    }
    let (tell, got) = mpsc::unbounded_channel();
    let router = Router::new().route("/hook", post(told)).with_state(tell);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, got)
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

fn config(folder: &Path, url: &str, more: &str) -> Config {
    let csv = folder.join("trades.csv");
    let text = format!(
        "symbols: [BTC/USDT]\n\
         data: {{timeframes: [1m]}}\n\
         trading:\n  from_store: false\n  configurations:\n    - {{strategy: swing{more}}}\n\
         safety: {{min_trade_interval_seconds: null, max_total_exposure: null, balance_buffer: null,\n  \
         max_daily_loss_quote: null, max_daily_loss: null, emergency_drawdown: 0.02}}\n\
         database: {{trades_csv: {}, backup_keep: 2}}\n\
         monitoring: {{enabled: true, port: 0}}\n\
         alerts:\n  merge_interval: 0.1\n  webhooks: [{{url: '{url}'}}]\n",
        csv.display()
    );
    Config::parse(&text, []).unwrap().config
}

/// Trades so many minutes, with something wrong at the end.
async fn trade(config: &Config, store: Arc<SqliteStore>, services: &Arc<Services>, minutes: i64) {
    let looking_on = Arc::clone(services);
    let registry = Registry::new().with::<Swing>();
    let session = Session::new(config.clone(), registry, &[], store, Clock::system())
        .unwrap()
        .with_observers(move |wallet| looking_on.observers(wallet));
    let wallet = session.wallets().unwrap().remove(0);
    let account = wallet.plan.paper_account(config, 10_000.0);
    let exchange = Arc::new(SimulatedExchange::new(account.clone()).unwrap());
    let venue = Venue {
        exchange: exchange.clone(),
        rules: account.markets,
        capital: 10_000.0,
        mode: RunMode::DryRun,
        replay: false,
        in_process: false,
        pace: Pace::Lockstep,
        clock: Clock::events(),
        settings: tradepulse_core::desk::DeskSettings {
            entry_patience_ms: 120_000,
            order_check_ms: 0,
            ..Default::default()
        },
    };
    let mut run = session.begin(wallet, venue).await.unwrap();
    let since = Timestamp::from_ms(BEGUN);
    let wrong = vec![
        FeedEvent::Stale { symbol: btc(), timeframe: Timeframe::M1, since },
        FeedEvent::Trouble { reason: "the venue did not answer: 502".into() },
    ];
    let replay = ReplayFeed::new([(btc(), series(minutes))], ReplaySpeed::Max);
    let mut feed = PaperFeed::new(Failing(replay, wrong), exchange, [(btc(), Timeframe::M1)]);
    let ended = run.trade(&mut feed, &StopSignal::never()).await.unwrap();
    run.finish(ended, "ended").await.unwrap();
}

/// All alerts until the server got nothing for a while after `services` ended.
async fn all_alerts(got: &mut mpsc::UnboundedReceiver<Value>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    while let Ok(message) = got.try_recv() {
        for alert in message["alerts"].as_array().unwrap() {
            let text = |key: &str| alert[key].as_str().unwrap().to_owned();
            all.push((text("level"), text("text")));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_is_told_counted_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (url, mut got) = hook().await;
    let config = config(folder.path(), &url, "");
    let store = Arc::new(SqliteStore::open(folder.path()).await.unwrap());
    let clock = Clock::system();
    let services = Services::start(&config, folder.path(), &*store, clock, |_| None).await.unwrap();
    let address = services.metrics_address().unwrap();
    let services = Arc::new(services);
    services.alert(AlertLevel::System, "begins");
    trade(&config, Arc::clone(&store), &services, 60).await;

    let figures = get(address, "/metrics").await;
    for line in [
        "tradepulse_cycles_total 60",
        "tradepulse_fills_total{symbol=\"BTC/USDT\"} 7",
        "tradepulse_errors_total{kind=\"feed\"} 2",
        "tradepulse_breaker_state{wallet=\"main\"} 0.0",
    ] {
        assert!(figures.contains(line), "{line} is not in\n{figures}");
    }
    assert!(figures.contains("tradepulse_equity_quote{wallet=\"main\"} 12"), "{figures}");
    let health = get(address, "/health").await;
    assert!(health.starts_with("HTTP/1.1 503") && health.contains("none since"), "{health}");

    let csv = std::fs::read_to_string(folder.path().join("trades.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3, "{csv}");

    // The first backup is due at once.
    let backups = Backups {
        data_dir: folder.path().to_owned(),
        folder: folder.path().join("backups"),
        every: Duration::from_secs(86_400),
        keep: 2,
    };
    while backups.list().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(Arc::into_inner(services).unwrap().end().await, 0);
    let alerts = all_alerts(&mut got).await;
    let of = |level: &str| alerts.iter().filter(|(l, _)| l == level).count();
    assert_eq!((of("TRADE"), of("SYSTEM"), of("WARNING")), (7, 1, 2), "{alerts:?}");
    let has = |text: &str| alerts.iter().any(|(_, t)| t.contains(text));
    assert!(has("opened long BTC/USDT") && has("closed long BTC/USDT"), "{alerts:?}");
    assert!(has("no entries on old data") && has("502"), "{alerts:?}");
    // The figures are not served any more, once the last connection is gone.
    let gone = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_trading_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let (url, mut got) = hook().await;
    let config = config(folder.path(), &url, ", parameters: {late: true}");
    let store = Arc::new(SqliteStore::open(folder.path()).await.unwrap());
    let services = Services::start(&config, folder.path(), &*store, Clock::system(), |_| None);
    let services = Arc::new(services.await.unwrap());
    trade(&config, store, &services, 200).await;
    let figures = get(services.metrics_address().unwrap(), "/metrics").await;
    assert!(figures.contains("tradepulse_breaker_state{wallet=\"main\"} 3.0"), "{figures}");
    assert!(figures.contains("tradepulse_decisions_total{outcome=\"refused\"}"), "{figures}");
    Arc::into_inner(services).unwrap().end().await;
    let alerts = all_alerts(&mut got).await;
    let stopped = alerts.iter().filter(|(level, _)| level == "CIRCUIT_BREAKER");
    assert!(stopped.clone().any(|(_, text)| text.contains("emergency stop")), "{alerts:?}");
    assert!(stopped.clone().any(|(_, text)| text.contains("a person's reset")), "{alerts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_that_a_crash_kept_from_the_file_is_in_it_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _got) = hook().await;
    let config = config(folder.path(), &url, "");
    let store = Arc::new(SqliteStore::open(folder.path()).await.unwrap());
    for start in 0..2 {
        let services = Services::start(&config, folder.path(), &*store, Clock::system(), |_| None);
        let services = Arc::new(services.await.unwrap());
        if start == 0 {
            trade(&config, Arc::clone(&store), &services, 60).await;
            let path = folder.path().join("trades.csv");
            let csv = std::fs::read_to_string(&path).unwrap();
            let cut = csv.trim_end().rfind('\n').unwrap();
            std::fs::write(&path, &csv[..cut + 10]).unwrap();
        }
        Arc::into_inner(services).unwrap().end().await;
    }
    let csv = std::fs::read_to_string(folder.path().join("trades.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3, "{csv}");
}

#[tokio::test(start_paused = true)]
async fn the_day_is_summed_up_at_its_hour() {
    use std::sync::Mutex;
    use tradepulse_exec::alert::{Alert, Alerter};
    #[derive(Default)]
    struct Told(Mutex<Vec<Alert>>);
    impl Alerter for Told {
        fn alert(&self, alert: Alert) {
            self.0.lock().unwrap().push(alert);
        }
    }
    let told = Arc::new(Told::default());
    let clock = Clock::timers(Timestamp::from_ms(BEGUN + 3 * 3_600_000));
    let summary = DailySummary::default();
    let running = summary.clone();
    let alerter = Arc::clone(&told);
    let task = tokio::spawn(async move { running.run(7, clock, alerter).await });
    tokio::time::sleep(Duration::from_secs(60 * 3600)).await;
    task.abort();
    let alerts = told.0.lock().unwrap();
    let at: Vec<_> = alerts.iter().map(|a| (a.level, a.at.as_ms() - BEGUN)).collect();
    let hour = 3_600_000;
    let daily = AlertLevel::DailySummary;
    assert_eq!(at, [(daily, 7 * hour), (daily, 31 * hour), (daily, 55 * hour)]);
    assert!(alerts.iter().all(|a| a.text == "no candle came"));
}

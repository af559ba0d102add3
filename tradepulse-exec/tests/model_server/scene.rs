use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tradepulse_core::inference::{
    Basic10, FeatureRegistry, FeatureSet, GoldenSample, LinearPredictor, MANIFEST_VERSION,
    Manifest, OutputKind, contract_hash,
};
use tradepulse_core::market::{Candle, SyntheticMarket};
use tradepulse_core::random::Seed;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::inference::bundle::{self, Bundle, Flags, RAW};
use tradepulse_exec::model_server::{ModelServer, ModelServerSettings};

/// A server that runs until it is dropped.
pub(crate) struct Scene {
    pub(crate) server: ModelServer,
    address: SocketAddr,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Scene {
    pub(crate) async fn start(bundle: Bundle, settings: ModelServerSettings) -> Self {
        Self::of(ModelServer::new(bundle, settings, || Timestamp::from_ms(1_000))).await
    }

    pub(crate) async fn of(server: ModelServer) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn({
            let server = server.clone();
            async move {
                let shutdown = async {
                    let _ = stopped.await;
                };
                server.serve(listener, shutdown).await
            }
        });
        Self { server, address, client: reqwest::Client::new(), stop: Some(stop), task }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(self.url(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn get_json(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.get(path).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let answer = self.client.post(self.url(path)).body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// A model of basic10: how far the close is above its mean, times 100.
pub(crate) async fn distance() -> Bundle {
    let mut coefficients = vec![0.0; 11];
    coefficients[5] = -100.0;
    let model = LinearPredictor::new(10, coefficients).unwrap();
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        name: "distance".to_owned(),
        version: 3,
        file: "distance.json".to_owned(),
        sha256: "00".to_owned(),
        features: "basic10".to_owned(),
        feature_names: Basic10.names().iter().map(|&name| name.to_owned()).collect(),
        contract: Some(contract_hash(&Basic10)),
        output: OutputKind::Score,
        horizon: Some(1),
        data: None,
        learnt_to: None,
        golden_sample: GoldenSample { input: vec![0.5; 10], output: vec![-50.0], tolerance: 0.0 },
    };
    let registry = FeatureRegistry::default();
    Bundle::new(manifest, Arc::new(model), "linear", &registry).await.unwrap()
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lightgbm/models");
    folder.join(format!("{name}.txt"))
}

/// A LightGBM model of three classes whose features are raw.
pub(crate) async fn trees() -> Bundle {
    let flags = Flags {
        name: Some("trees".to_owned()),
        features: RAW.to_owned(),
        output: "probs3".parse().unwrap(),
    };
    let registry = FeatureRegistry::default();
    bundle::load(&fixture("multiclass"), Some(&flags), &registry).await.unwrap()
}

pub(crate) fn candles(count: usize) -> Vec<Candle> {
    let market = SyntheticMarket::new(Seed(11), Timeframe::H1);
    SyntheticMarket { candles: count, ..market }.generate().unwrap().candles().collect()
}

fn sent(candles: &[Candle]) -> Vec<Value> {
    let candle = |candle: &Candle| {
        json!({
            "timestamp": candle.open_time, "open": candle.open, "high": candle.high,
            "low": candle.low, "close": candle.close, "volume": candle.volume,
        })
    };
    candles.iter().map(candle).collect()
}

/// A snapshot as a coordinator sends it.
pub(crate) fn snapshot(candles: &[Candle]) -> Value {
    json!({
        "symbol": "BTC/USDT",
        "timeframe": "1h",
        "candles": sent(candles),
        "indicators": { "rsi_14": 50.0, "macd": { "line": 1.0, "signal": null } },
        "meta": { "utc": "2024-01-01T00:00:00Z", "candles_1h": sent(&candles[..2]) },
    })
}

/// A snapshot whose indicators are the raw features of [`trees`].
pub(crate) fn raw_snapshot(row: &[f64]) -> Value {
    let named = row.iter().enumerate().map(|(i, value)| (format!("Column_{i}"), json!(value)));
    let mut snapshot = snapshot(&candles(2));
    snapshot["indicators"] = Value::Object(named.collect());
    snapshot
}

//! Serves a model over HTTP.
//!
//! | | |
//! |---|---|
//! | `GET /health`, `GET /ready` | live or not; ready while the model reproduces its golden sample |
//! | `POST /predict` | a snapshot of a market in, an action out |
//! | `POST /retrain` | an outcome with its snapshot, kept as one line of a file |
//! | `POST /retrain/trigger` | trains now; says how champion and challenger did, and which serves |
//! | `POST /rollback` | serves the version before, or the one that is named |
//! | `GET /metrics`, `GET /status` | for Prometheus, and for people |
//! | `GET /openapi.json` | all of this as OpenAPI 3.1 |
//! | `/v2 …` | the Open Inference Protocol with its binary tensors, as KServe and Triton speak it |
//!
//! What is asked wrongly is answered with 422 (400 under `/v2`, as its protocol says) and the field
//! that is wrong; it changes nothing. Errors are problem JSON (RFC 9457).
//!
//! [`ModelServer::router`] is an axum router that can be part of another server.

mod batch;
mod health;
mod learning;
mod metrics;
mod online;
mod openapi;
mod outcomes;
mod predict;
mod problem;
mod retrain;
mod rollback;
mod samples;
mod schedule;
mod snapshot;
mod tensor;
mod trigger;
mod v2;

use std::future::{Future, IntoFuture};
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tradepulse_core::inference::Thresholds;
use tradepulse_core::market::Symbol;
use tradepulse_core::time::Timestamp;

use crate::inference::bundle::Bundle;
use batch::Batches;
use learning::Learned;
pub use learning::Learning;
use metrics::ServerMetrics;
pub use outcomes::{SampleLabels, UnknownLabels};
use problem::Problem;
use samples::SampleFile;
pub use schedule::{RetrainSchedule, UnknownSchedule};

/// How a model is served.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelServerSettings {
    /// Longest body of a request, bytes.
    pub body_limit: usize,
    /// The only markets it answers about; empty: any.
    pub symbols: Vec<Symbol>,
    /// Where outputs become actions.
    pub thresholds: Thresholds,
    /// Where samples are kept, one a line; `None`: it takes none.
    pub samples: Option<PathBuf>,
    /// How many questions to the model may be under way; those that come meanwhile are put
    /// together. As many as there are processors by default.
    pub at_once: usize,
    /// How long an end waits for requests that are under way.
    pub patience: Duration,
}

impl Default for ModelServerSettings {
    fn default() -> Self {
        Self {
            body_limit: 4 << 20,
            symbols: Vec::new(),
            thresholds: Thresholds::default(),
            samples: None,
            at_once: std::thread::available_parallelism().map_or(1, usize::from),
            patience: Duration::from_secs(5),
        }
    }
}

/// A model and those who ask it. Clones are the same server.
#[derive(Clone)]
pub struct ModelServer {
    shared: Arc<Shared>,
}

struct Shared {
    served: RwLock<Arc<Bundle>>,
    batches: Batches,
    settings: ModelServerSettings,
    samples: Option<Arc<SampleFile>>,
    learned: Option<Learned>,
    metrics: ServerMetrics,
    started: Timestamp,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl std::fmt::Debug for ModelServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelServer").field("served", &self.served()).finish_non_exhaustive()
    }
}

impl ModelServer {
    /// A server of `bundle`. `now` tells the time.
    pub fn new(
        bundle: Bundle,
        settings: ModelServerSettings,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self::with_learning(bundle, settings, None, now)
    }

    /// A server of `bundle`, which was loaded from a directory of versions.
    pub fn with_learning(
        bundle: Bundle,
        settings: ModelServerSettings,
        learning: impl Into<Option<Learning>>,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let samples = settings.samples.clone().map(|path| Arc::new(SampleFile::new(path)));
        let version = bundle.manifest().version;
        let shared = Shared {
            served: RwLock::new(Arc::new(bundle)),
            batches: Batches::new(settings.at_once),
            settings,
            samples,
            learned: learning.into().map(|learning| Learned::new(learning, version)),
            metrics: ServerMetrics::new(),
            started: now(),
            now: Box::new(now),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The model that is served now.
    pub fn served(&self) -> Arc<Bundle> {
        Arc::clone(&self.shared.served.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves `bundle` from now on. Requests under way are answered by the model before it.
    pub fn replace(&self, bundle: Bundle) {
        *self.shared.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(bundle);
    }

    /// Its endpoints.
    pub fn router(&self) -> Router {
        let model = "/v2/models/{name}";
        let version = "/v2/models/{name}/versions/{version}";
        Router::new()
            .route("/health", get(health::health))
            .route("/ready", get(health::ready))
            .route("/status", get(health::status))
            .route("/metrics", get(metrics::figures))
            .route("/predict", post(predict::predict))
            .route("/retrain", post(retrain::retrain))
            .route("/openapi.json", get(openapi::description))
            .route("/retrain/trigger", post(trigger::trigger))
            .route("/rollback", post(rollback::rollback))
            .route("/v2", get(v2::server))
            .route("/v2/health/live", get(v2::live))
            .route("/v2/health/ready", get(v2::ready))
            .route(model, get(v2::model))
            .route(version, get(v2::model))
            .route(&format!("{model}/ready"), get(v2::model_ready))
            .route(&format!("{version}/ready"), get(v2::model_ready))
            .route(&format!("{model}/infer"), post(v2::infer))
            .route(&format!("{version}/infer"), post(v2::infer))
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method)
            .layer(DefaultBodyLimit::max(self.shared.settings.body_limit))
            .with_state(self.clone())
    }

    /// Serves at `listener` until `shutdown` is done; then takes no more requests, and answers those
    /// it has, as long as its patience lasts.
    ///
    /// # Errors
    /// If nothing can be accepted any more.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let listener = listener.tap_io(|stream| {
            // Without it an answer may wait for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
        });
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            shutdown.await;
            let _ = stop.send(());
        };
        let serving = axum::serve(listener, self.router()).with_graceful_shutdown(shutdown);
        let mut serving = pin!(serving.into_future());
        let patience = self.shared.settings.patience;
        let mut impatience = pin!(async move {
            // Without a shutdown it is patient for ever.
            match stopped.await {
                Ok(()) => tokio::time::sleep(patience).await,
                Err(_) => std::future::pending().await,
            }
        });
        std::future::poll_fn(|context| match serving.as_mut().poll(context) {
            Poll::Pending => impatience.as_mut().poll(context).map(Ok),
            done => done,
        })
        .await
    }

    fn now(&self) -> Timestamp {
        (self.shared.now)()
    }
}

async fn unknown_path() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here; see /status").into_response()
}

async fn wrong_method() -> Response {
    let detail = "this path is asked with another method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).into_response()
}

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::ModelServer;
use super::learning::{LastTraining, Learned};
use super::online::OnlineStatus;
use super::problem::json;

/// How the server and its model are.
#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    ready: bool,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    model_name: &'a str,
    model_version: u64,
    model_type: &'static str,
    features: &'a str,
    contract: Option<&'a str>,
    output: &'static str,
    uptime_seconds: f64,
    /// Resident memory, bytes; unknown on some systems.
    memory_bytes: Option<u64>,
    samples: u64,
}

/// What people want to know besides.
#[derive(Serialize)]
struct Status<'a> {
    #[serde(flatten)]
    health: Health<'a>,
    feature_names: &'a [String],
    horizon: Option<u32>,
    sha256: &'a str,
    requests: u64,
    /// Samples that no training has seen, where the model learns.
    new_samples: Option<u64>,
    last_training: Option<LastTraining>,
    /// What is learnt from each outcome as it comes, where that is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<OnlineStatus>,
    endpoints: &'static [&'static str],
}

const ENDPOINTS: &[&str] = &[
    "GET /health",
    "GET /ready",
    "GET /status",
    "GET /metrics",
    "POST /predict",
    "POST /retrain",
    "GET /openapi.json",
    "POST /retrain/trigger",
    "POST /rollback",
    "GET /v2",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    "GET /v2/models/{name}",
    "GET /v2/models/{name}/ready",
    "POST /v2/models/{name}/infer",
];

/// Live: 200.
pub(super) async fn health(State(server): State<ModelServer>) -> Response {
    answer(&server, |health| json(StatusCode::OK, &health)).await
}

/// Ready: 200 while the model reproduces its golden sample, else 503.
pub(super) async fn ready(State(server): State<ModelServer>) -> Response {
    answer(&server, |health| {
        let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        json(status, &health)
    })
    .await
}

pub(super) async fn status(State(server): State<ModelServer>) -> Response {
    let requests = server.shared.metrics.requests();
    let learned = server.shared.learned.as_ref();
    let bundle = server.served();
    let manifest = bundle.manifest();
    answer(&server, |health| {
        let status = Status {
            new_samples: learned.map(|learned| learned.new_samples(health.samples)),
            last_training: learned.and_then(Learned::last),
            online: learned.and_then(Learned::online_status),
            health,
            feature_names: &manifest.feature_names,
            horizon: manifest.horizon,
            sha256: &manifest.sha256,
            requests,
            endpoints: ENDPOINTS,
        };
        json(StatusCode::OK, &status)
    })
    .await
}

async fn answer(server: &ModelServer, show: impl FnOnce(Health<'_>) -> Response) -> Response {
    let bundle = server.served();
    let manifest = bundle.manifest();
    let reason = why_not_ready(server).await;
    let uptime = server.now().as_ms() - server.shared.started.as_ms();
    show(Health {
        status: "ok",
        ready: reason.is_none(),
        reason,
        model_name: &manifest.name,
        model_version: manifest.version,
        model_type: bundle.platform(),
        features: &manifest.features,
        contract: manifest.contract.as_deref(),
        output: manifest.output.name(),
        uptime_seconds: uptime as f64 / 1e3,
        memory_bytes: memory(),
        samples: server.shared.samples.as_ref().map_or(0, |samples| samples.count()),
    })
}

/// Asks the model its golden sample.
pub(super) async fn why_not_ready(server: &ModelServer) -> Option<String> {
    let bundle = server.served();
    let checked = bundle.manifest().check_golden_sample(bundle.model()).await;
    checked.err().map(|error| error.to_string())
}

/// Resident memory of this process, where the system tells it.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

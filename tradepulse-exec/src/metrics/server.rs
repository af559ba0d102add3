use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tradepulse_core::time::Timestamp;

use super::Metrics;

/// Serves figures and health until it is dropped.
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Shown {
    metrics: Metrics,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl MetricsServer {
    /// Serves `metrics` at this address; port 0 takes a free one. `now` tells the time. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub async fn start(
        host: IpAddr,
        port: u16,
        metrics: Metrics,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, MetricsServerError> {
        let wanted = SocketAddr::new(host, port);
        let unavailable = |source| MetricsServerError { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let router = Router::new()
            .route("/metrics", get(figures))
            .route("/health", get(health))
            .with_state(Shown { metrics, now: Arc::new(now) });
        let task = tokio::spawn(async move {
            // It serves until it is aborted; failed connections are its own business.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, task })
    }

    /// Where it is served.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn figures(State(shown): State<Shown>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], shown.metrics.encode((shown.now)())).into_response()
}

async fn health(State(shown): State<Shown>) -> Response {
    let report = shown.metrics.health().report();
    let status = if report.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match serde_json::to_string(&report) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// An address that cannot be served at.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve metrics at {address}: {source}; choose another host or port")]
pub struct MetricsServerError {
    address: SocketAddr,
    source: std::io::Error,
}

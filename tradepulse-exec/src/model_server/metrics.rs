use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tradepulse_core::inference::Action;

use super::problem::Problem;
use super::{ModelServer, health};

type Labels = [(&'static str, &'static str); 1];
type RequestLabels = [(&'static str, String); 2];

/// What is counted and measured.
pub(super) struct ServerMetrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    predictions: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram>,
    ready: Gauge,
    samples: Gauge,
    total: AtomicU64,
    /// Found once, since they are looked for with every answer.
    usual: Vec<Usual>,
}

/// The figures of an endpoint's good answers.
struct Usual {
    endpoint: &'static str,
    requests: Counter,
    seconds: Histogram,
}

impl ServerMetrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("tradepulse_model");
        let requests = Family::default();
        registry.register("requests", "Requests by endpoint and status", requests.clone());
        let predictions = Family::default();
        registry.register("predictions", "Predictions by action", predictions.clone());
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        registry.register("request_seconds", "Time to answer", seconds.clone());
        let ready = Gauge::default();
        registry.register("ready", "1 while the golden sample passes", ready.clone());
        let samples = Gauge::default();
        registry.register("samples", "Samples kept", samples.clone());
        let usual = ["predict", "infer"].map(|endpoint| {
            let labels = [("endpoint", endpoint.to_owned()), ("status", "200".to_owned())];
            let requests = requests.get_or_create_owned(&labels);
            let seconds = seconds.get_or_create_owned(&[("endpoint", endpoint)]);
            Usual { endpoint, requests, seconds }
        });
        let (usual, total) = (usual.into(), AtomicU64::new(0));
        Self { registry, requests, predictions, seconds, ready, samples, total, usual }
    }

    pub(super) fn request(&self, endpoint: &'static str, status: u16, took: Duration) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let took = took.as_secs_f64();
        let usual = self.usual.iter().find(|usual| status == 200 && usual.endpoint == endpoint);
        if let Some(usual) = usual {
            usual.requests.inc();
            usual.seconds.observe(took);
            return;
        }
        let labels = [("endpoint", endpoint.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&[("endpoint", endpoint)]).observe(took);
    }

    pub(super) fn prediction(&self, action: Action) {
        self.predictions.get_or_create(&[("action", action.name())]).inc();
    }

    /// Questions and samples so far.
    pub(super) fn requests(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

/// 10 µs to 0.3 s.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(1e-5, 2.0, 16))
}

pub(super) async fn figures(State(server): State<ModelServer>) -> Response {
    let metrics = &server.shared.metrics;
    metrics.ready.set(i64::from(health::why_not_ready(&server).await.is_none()));
    let samples = server.shared.samples.as_ref().map_or(0, |samples| samples.count());
    metrics.samples.set(i64::try_from(samples).unwrap_or(i64::MAX));
    let mut text = String::new();
    if encode(&mut text, &metrics.registry).is_err() {
        let detail = "the figures cannot be written";
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tradepulse_core::time::Timestamp;

use super::ModelServer;
use super::problem::{Problem, json};
use super::snapshot;

/// What came of a decision.
#[derive(Deserialize, Serialize)]
struct Sample {
    decision: Value,
    outcome: Outcome,
    snapshot: Value,
}

#[derive(Deserialize, Serialize)]
struct Outcome {
    pnl: f64,
    pnl_percent: f64,
    success: bool,
    /// When the trade closed: what is learnt for earlier candles does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_at: Option<Timestamp>,
}

/// A sample as it is kept.
#[derive(Serialize)]
struct Kept {
    received_at: Timestamp,
    model_name: String,
    model_version: u64,
    #[serde(flatten)]
    sample: Sample,
}

#[derive(Serialize)]
struct Stored {
    stored: bool,
    samples: u64,
}

pub(super) async fn retrain(
    State(server): State<ModelServer>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let began = Instant::now();
    let answer = match keep(&server, body).await {
        Ok(samples) => {
            server.sample_kept(samples);
            json(StatusCode::OK, &Stored { stored: true, samples })
        }
        Err(problem) => problem.into_response(),
    };
    server.shared.metrics.request("retrain", answer.status().as_u16(), began.elapsed());
    answer
}

async fn keep(server: &ModelServer, body: Result<Bytes, BytesRejection>) -> Result<u64, Problem> {
    let Some(samples) = server.shared.samples.as_ref().map(Arc::clone) else {
        let detail = "this server keeps no samples";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    };
    let sample: Sample = snapshot::parse(&body?)?;
    if !(sample.decision.is_object() || sample.decision.is_string()) {
        return Err(Problem::field("decision", "is neither an object nor a word"));
    }
    let bundle = server.served();
    // What could not be asked about cannot be learned from either.
    let text = serde_json::to_vec(&sample.snapshot)
        .map_err(|error| Problem::field("snapshot", error.to_string()))?;
    let read = snapshot::read(&text, &bundle, &server.shared.settings)
        .map_err(|problem| problem.within("snapshot"))?;
    if sample.outcome.closed_at.is_some_and(|closed| closed < read.candle) {
        let detail = "is before the candle that was decided on closed";
        return Err(Problem::field("outcome.closed_at", detail));
    }
    let kept = Kept {
        received_at: server.now(),
        model_name: bundle.manifest().name.clone(),
        model_version: bundle.manifest().version,
        sample,
    };
    let mut line =
        serde_json::to_vec(&kept).map_err(|error| Problem::field("body", error.to_string()))?;
    line.push(b'\n');
    // It waits for the disk.
    let stored = tokio::task::spawn_blocking(move || samples.append(&line)).await;
    let unavailable = |detail: String| {
        Problem::new(StatusCode::INSUFFICIENT_STORAGE, format!("the sample is not kept: {detail}"))
    };
    match stored {
        Ok(Ok(count)) => Ok(count),
        Ok(Err(error)) => Err(unavailable(error.to_string())),
        Err(error) => Err(unavailable(error.to_string())),
    }
}

use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tradepulse_core::inference::{Action, PredictorError};
use tradepulse_core::time::Timestamp;

use super::ModelServer;
use super::problem::{Problem, json};
use super::snapshot;

/// What a model says about a candle.
#[derive(Serialize)]
struct Answer<'a> {
    action: Action,
    confidence: f64,
    stop: Option<f64>,
    take_profit: Option<f64>,
    raw_score: f64,
    model_name: &'a str,
    model_version: u64,
    /// Close time of the newest candle that the model learnt from, ms, if that is known.
    learnt_to: Option<Timestamp>,
    /// Close time of the candle, ms.
    for_candle: Timestamp,
    latency_ms: f64,
}

pub(super) async fn predict(
    State(server): State<ModelServer>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let began = Instant::now();
    let answer = match answer(&server, body, began).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    server.shared.metrics.request("predict", answer.status().as_u16(), began.elapsed());
    answer
}

async fn answer(
    server: &ModelServer,
    body: Result<Bytes, BytesRejection>,
    began: Instant,
) -> Result<Response, Problem> {
    let bundle = server.served();
    let settings = &server.shared.settings;
    let asked = snapshot::read(&body?, &bundle, settings)?;
    let predicted = server.shared.batches.predict(&bundle, asked.row).await;
    let outputs = predicted.map_err(|error| failed(&error))?;
    let manifest = bundle.manifest();
    let verdict = manifest.output.decode(&outputs, &settings.thresholds).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the model failed: {error}"))
    })?;
    server.shared.metrics.prediction(verdict.action);
    let answer = Answer {
        action: verdict.action,
        confidence: verdict.confidence,
        stop: None,
        take_profit: None,
        raw_score: verdict.raw_score,
        model_name: &manifest.name,
        model_version: manifest.version,
        learnt_to: manifest.learnt_to,
        for_candle: asked.candle,
        latency_ms: began.elapsed().as_secs_f64() * 1e3,
    };
    Ok(json(StatusCode::OK, &answer))
}

/// What the model's error is to whoever asks.
pub(super) fn failed(error: &PredictorError) -> Problem {
    let status = match error {
        PredictorError::Width { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        PredictorError::Late { .. } | PredictorError::Unavailable { .. } => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Problem::new(status, error.to_string())
}

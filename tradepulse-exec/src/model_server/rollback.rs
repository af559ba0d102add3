use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::ModelServer;
use super::problem::{Problem, json};
use super::snapshot;

/// What is asked; an empty body asks for the version before.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    version: Option<u64>,
}

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    model_version: u64,
    replaced_version: u64,
}

pub(super) async fn rollback(
    State(server): State<ModelServer>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let began = Instant::now();
    let answer = match answer(&server, &headers, body).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    server.shared.metrics.request("rollback", answer.status().as_u16(), began.elapsed());
    answer
}

async fn answer(
    server: &ModelServer,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    server.may_change(headers)?;
    let body = body?;
    let asked: Asked = if body.is_empty() { Asked::default() } else { snapshot::parse(&body)? };
    let replaced_version = server.served().manifest().version;
    let bundle = server.roll_back(asked.version).await?;
    let manifest = bundle.manifest();
    let (model_name, model_version) = (&*manifest.name, manifest.version);
    Ok(json(StatusCode::OK, &Answer { model_name, model_version, replaced_version }))
}

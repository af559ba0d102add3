use std::time::Instant;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::predict::failed;
use super::problem::{self, Problem};
use super::tensor::SentTensor;
use super::{ModelServer, health};
use crate::inference::bundle::Bundle;

/// How long the JSON is where bytes follow it.
const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Names of the model's tensors.
const INPUT: &str = "input";
const OUTPUT: &str = "output";

/// An error as the protocol has it.
struct Refused {
    status: StatusCode,
    error: String,
}

fn refused(error: impl Into<String>) -> Refused {
    Refused { status: StatusCode::BAD_REQUEST, error: error.into() }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { status: problem.status(), error: problem.detail().to_owned() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        problem::json(self.status, &json!({ "error": self.error }))
    }
}

pub(super) async fn server() -> Response {
    let about = json!({
        "name": "tradepulse",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["binary_tensor_data"],
    });
    problem::json(StatusCode::OK, &about)
}

pub(super) async fn live() -> Response {
    problem::json(StatusCode::OK, &json!({ "live": true }))
}

pub(super) async fn ready(State(server): State<ModelServer>) -> Response {
    shown_ready(&server, json!({})).await
}

async fn shown_ready(server: &ModelServer, mut about: Value) -> Response {
    let reason = health::why_not_ready(server).await;
    about["ready"] = Value::Bool(reason.is_none());
    match reason {
        None => problem::json(StatusCode::OK, &about),
        Some(reason) => {
            about["error"] = Value::String(reason);
            problem::json(StatusCode::SERVICE_UNAVAILABLE, &about)
        }
    }
}

/// The model's name and, perhaps, its version.
#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
    version: Option<String>,
}

pub(super) type ModelPath = Result<Path<Named>, PathRejection>;

/// Checks that it is the model that is served which is asked for.
fn named(path: ModelPath, bundle: &Bundle) -> Result<(), Refused> {
    let Path(asked) = path.map_err(|rejection| refused(rejection.body_text()))?;
    let manifest = bundle.manifest();
    let version = manifest.version.to_string();
    let error = if asked.name != manifest.name {
        format!("there is no model {:?}: {:?} is served", asked.name, manifest.name)
    } else if asked.version.is_some_and(|asked| asked != version) {
        format!("there is no such version: {version} is served")
    } else {
        return Ok(());
    };
    Err(Refused { status: StatusCode::NOT_FOUND, error })
}

pub(super) async fn model(State(server): State<ModelServer>, path: ModelPath) -> Response {
    let bundle = server.served();
    if let Err(refused) = named(path, &bundle) {
        return refused.into_response();
    }
    let signature = bundle.model().signature();
    let about = json!({
        "name": bundle.manifest().name,
        "versions": [bundle.manifest().version.to_string()],
        "platform": bundle.platform(),
        "inputs": [{ "name": INPUT, "datatype": "FP64", "shape": [-1, signature.inputs] }],
        "outputs": [{ "name": OUTPUT, "datatype": "FP64", "shape": [-1, signature.outputs] }],
    });
    problem::json(StatusCode::OK, &about)
}

pub(super) async fn model_ready(State(server): State<ModelServer>, path: ModelPath) -> Response {
    let bundle = server.served();
    match named(path, &bundle) {
        Ok(()) => shown_ready(&server, json!({ "name": bundle.manifest().name })).await,
        Err(refused) => refused.into_response(),
    }
}

#[derive(Deserialize)]
struct Request {
    id: Option<String>,
    #[serde(default)]
    parameters: RequestParameters,
    inputs: Vec<SentTensor>,
    #[serde(default)]
    outputs: Vec<RequestedOutput>,
}

#[derive(Default, Deserialize)]
struct RequestParameters {
    #[serde(default)]
    binary_data_output: bool,
}

#[derive(Deserialize)]
struct RequestedOutput {
    name: String,
    #[serde(default)]
    parameters: OutputParameters,
}

#[derive(Default, Deserialize)]
struct OutputParameters {
    binary_data: Option<bool>,
}

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: [Output<'a>; 1],
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'static str,
    datatype: &'static str,
    shape: [usize; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a [f64]>,
}

#[derive(Serialize)]
struct BinarySize {
    binary_data_size: usize,
}

pub(super) async fn infer(
    State(server): State<ModelServer>,
    path: ModelPath,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let began = Instant::now();
    let answer = match answer(&server, path, &headers, body).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(),
    };
    server.shared.metrics.request("infer", answer.status().as_u16(), began.elapsed());
    answer
}

async fn answer(
    server: &ModelServer,
    path: ModelPath,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let bundle = server.served();
    named(path, &bundle)?;
    let body = body.map_err(Problem::from)?;
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let error = "compressed requests are not taken".to_owned();
        return Err(Refused { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, error });
    }
    let (text, mut binary) = split(headers, &body)?;
    let request: Request =
        serde_json::from_slice(text).map_err(|error| refused(error.to_string()))?;
    let [input] = <[SentTensor; 1]>::try_from(request.inputs)
        .map_err(|inputs| refused(format!("{} inputs, expected 1", inputs.len())))?;
    let signature = bundle.model().signature();
    let name = input.name.clone();
    let values = input
        .rows(signature.inputs, &mut binary)
        .map_err(|error| refused(format!("input {name:?}: {error}")))?;
    if !binary.is_empty() {
        return Err(refused(format!("{} bytes belong to no input", binary.len())));
    }
    let mut as_bytes = request.parameters.binary_data_output;
    for output in &request.outputs {
        if output.name != OUTPUT {
            return Err(refused(format!("there is no output {:?}: {OUTPUT:?}", output.name)));
        }
        as_bytes = output.parameters.binary_data.unwrap_or(as_bytes);
    }
    let rows = values.len() / signature.inputs.max(1);
    let predicted = server.shared.batches.predict(&bundle, values).await;
    let outputs = predicted.map_err(|error| failed(&error))?;
    let manifest = bundle.manifest();
    let output = Output {
        name: OUTPUT,
        datatype: "FP64",
        shape: [rows, signature.outputs],
        parameters: as_bytes.then(|| BinarySize { binary_data_size: outputs.len() * 8 }),
        data: (!as_bytes).then_some(outputs.as_slice()),
    };
    let answer = Answer {
        model_name: &manifest.name,
        model_version: manifest.version.to_string(),
        id: request.id.as_deref(),
        outputs: [output],
    };
    if !as_bytes {
        return Ok(problem::json(StatusCode::OK, &answer));
    }
    let mut body = serde_json::to_vec(&answer).map_err(|error| refused(error.to_string()))?;
    let length = HeaderValue::from(body.len());
    body.extend(outputs.iter().flat_map(|output| output.to_le_bytes()));
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, kind), (JSON_LENGTH, length)], body).into_response())
}

/// The JSON, and the bytes behind it.
fn split<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Refused> {
    let Some(length) = headers.get(&JSON_LENGTH) else { return Ok((body, &[])) };
    let parsed = length.to_str().ok().and_then(|length| length.parse::<usize>().ok());
    parsed
        .and_then(|length| body.split_at_checked(length))
        .ok_or_else(|| refused(format!("{JSON_LENGTH}: {length:?} is no length of this body")))
}

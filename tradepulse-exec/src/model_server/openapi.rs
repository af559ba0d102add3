use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The endpoints, for programs and people.
const DESCRIPTION: &str = include_str!("openapi.json");

pub(super) async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
}

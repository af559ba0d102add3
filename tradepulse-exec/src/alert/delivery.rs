use std::time::Duration;

use async_trait::async_trait;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};

use super::Digest;
use crate::secret::Secret;

/// A place messages are delivered to.
///
/// The contract: [`render`](Self::render) puts everything of a digest into one message, or several
/// where one would be too long; [`send`](Self::send) delivers one of them and may be called again
/// with the same one. An error says whether that is worth trying, and has no secret in it.
#[async_trait]
pub trait AlertTarget: Send + Sync {
    /// What it is called in logs.
    fn name(&self) -> &str;
    /// The messages that tell `digest`.
    fn render(&self, digest: &Digest) -> Vec<String>;
    /// Delivers a message that [`render`](Self::render) made.
    ///
    /// # Errors
    /// If it was not delivered, or nobody knows.
    async fn send(&self, message: &str) -> Result<(), DeliveryError>;
}

/// A message that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// It may arrive if it is sent again.
    #[error("not delivered: {reason}")]
    Failed {
        /// What happened.
        reason: String,
        /// How long to wait, if the target said so.
        retry_after: Option<Duration>,
    },
    /// It will not arrive however often it is sent.
    #[error("refused: {reason}")]
    Refused {
        /// The target's words.
        reason: String,
    },
}

/// Longest answer that is read and repeated.
const MAX_ANSWER: usize = 300;

/// A client for small messages. It follows no redirect: a token would go with it. Where the process
/// has no provider of TLS yet, it gets ring.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // An error means that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(15))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("tradepulse/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Posts JSON. Errors name neither URL nor token.
pub(super) async fn post(
    client: &reqwest::Client,
    url: &Secret,
    token: Option<&Secret>,
    body: &str,
) -> Result<(), DeliveryError> {
    let failed = |error: reqwest::Error| DeliveryError::Failed {
        // The URL may be a secret.
        reason: with_causes(&error.without_url()),
        retry_after: None,
    };
    let request = client.post(url.expose()).header(CONTENT_TYPE, "application/json");
    let request = match token {
        None => request,
        Some(token) => {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|_| DeliveryError::Refused {
                reason: "the token has characters that cannot be sent".into(),
            })?;
            value.set_sensitive(true);
            request.header(AUTHORIZATION, value)
        }
    };
    let response = request.body(body.to_owned()).send().await.map_err(failed)?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let mut retry_after = seconds.and_then(|s| s.trim().parse().ok()).map(Duration::from_secs);
    let answer = response.text().await.unwrap_or_default();
    if let Ok(answer) = serde_json::from_str::<serde_json::Value>(&answer) {
        // Telegram says it in the answer.
        let seconds = answer.pointer("/parameters/retry_after").and_then(|value| value.as_u64());
        retry_after = retry_after.or(seconds.map(Duration::from_secs));
    }
    let answer: String = answer.chars().filter(|c| !c.is_control()).take(MAX_ANSWER).collect();
    let reason = format!("HTTP {status}: {answer}");
    let reason = reason.trim_end_matches(": ").to_owned();
    let again = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    if again {
        Err(DeliveryError::Failed { reason, retry_after })
    } else {
        Err(DeliveryError::Refused { reason })
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

use async_trait::async_trait;
use serde_json::json;

use super::delivery::{client, post};
use super::{AlertTarget, DeliveryError, Digest};
use crate::secret::Secret;

/// An address that is sent JSON: `{"source": "tradepulse", "count": 3, "alerts": [{"level",
/// "text", "count", "first_at", "last_at"}], "more": 0}`, times in ms.
#[derive(Debug)]
pub struct Webhook {
    client: reqwest::Client,
    url: Secret,
    token: Option<Secret>,
    name: String,
}

impl Webhook {
    /// The address, which may be a secret, and a token that is sent as `Authorization: Bearer`.
    ///
    /// # Errors
    /// If the address is no URL, or no client can be made.
    pub fn new(url: Secret, token: Option<Secret>) -> Result<Self, DeliveryError> {
        let refused = |reason: String| DeliveryError::Refused { reason };
        let parsed = reqwest::Url::parse(url.expose())
            .map_err(|error| refused(format!("the address of a webhook is no URL: {error}")))?;
        let name = format!("webhook {}", parsed.host_str().unwrap_or_default());
        let client = client().map_err(|error| refused(error.to_string()))?;
        Ok(Self { client, url, token, name })
    }
}

#[async_trait]
impl AlertTarget for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    fn render(&self, digest: &Digest) -> Vec<String> {
        let message = json!({
            "source": "tradepulse",
            "count": digest.count(),
            "alerts": digest.entries,
            "more": digest.more,
        });
        vec![message.to_string()]
    }

    async fn send(&self, message: &str) -> Result<(), DeliveryError> {
        post(&self.client, &self.url, self.token.as_ref(), message).await
    }
}

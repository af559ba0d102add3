use std::time::Duration;

use reqwest::Method;
use reqwest::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tradepulse_core::time::Timestamp;

use super::capabilities::limit;
use super::endpoints::Endpoints;
use super::errors::{CallError, UNAUTHORIZED};
use super::messages::TimeMessage;
use super::signing::Credentials;
use crate::exchange::clock_offset::ClockOffset;
use crate::exchange::http;
use crate::exchange::rate_limit::{RateLimiter, Urgency};
use crate::exchange::retry::Retry;

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    is_signed: bool,
}

impl Call {
    /// A question that anybody may ask.
    pub(super) fn public(path: impl Into<String>) -> Self {
        let (method, path) = (Method::GET, path.into());
        Self { method, path, query: Vec::new(), body: None, is_signed: false }
    }

    /// A question about an account.
    pub(super) fn ask(path: impl Into<String>) -> Self {
        Self { is_signed: true, ..Self::public(path) }
    }

    /// A command.
    pub(super) fn command(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::ask(path) }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }
}

/// Sends requests: counts them against the limits, signs them, reads the answers.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    pub(super) endpoints: Endpoints,
    pub(super) credentials: Option<Credentials>,
    pub(super) clock: ClockOffset,
    limiter: RateLimiter,
}

/// A clock that moved by less than this, milliseconds, is not why a token was not accepted.
const CLOCK_TOLERANCE_MS: i64 = 1_000;

impl Client {
    pub(super) fn new(
        endpoints: Endpoints,
        credentials: Option<Credentials>,
        timeout: Duration,
        requests_per_second: u64,
    ) -> Result<Self, String> {
        Ok(Self {
            http: http::client(timeout).map_err(http::describe)?,
            credentials,
            clock: ClockOffset::default(),
            limiter: RateLimiter::new(&[limit(requests_per_second)]),
            endpoints,
        })
    }

    /// Asks the venue for its time, and keeps the offset.
    pub(super) async fn synchronise(&self) -> Result<Timestamp, CallError> {
        let asked = ClockOffset::machine();
        let body = self.send_once(&Call::public("time")).await?;
        let venue = read::<TimeMessage>(&body)?.time();
        self.clock.learn(venue, asked, ClockOffset::machine());
        Ok(venue)
    }

    /// Carries out a call. A question is asked again if the answer was lost; a command is sent
    /// once, and once more only where the venue refused it for its time.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, CallError> {
        let retry = if call.method == Method::GET { Retry::QUESTION } else { Retry::NEVER };
        let body = retry.run(CallError::may_pass, || self.send(call)).await?;
        read(&body)
    }

    async fn send(&self, call: &Call) -> Result<String, CallError> {
        match self.send_once(call).await {
            Err(CallError::Refused(refused)) if call.is_signed && refused.code == UNAUTHORIZED => {
                // The venue did nothing, and does not say why: the clocks may have gone apart.
                let before = self.clock.offset_ms();
                self.synchronise().await.map_err(CallError::before_sending)?;
                if (self.clock.offset_ms() - before).abs() < CLOCK_TOLERANCE_MS {
                    return Err(CallError::Refused(refused));
                }
                self.send_once(call).await
            }
            other => other,
        }
    }

    async fn send_once(&self, call: &Call) -> Result<String, CallError> {
        let now = self.clock.now();
        let urgency = if call.method == Method::GET { Urgency::Question } else { Urgency::Command };
        let admitted = self.limiter.admit(now, urgency, 1, 0);
        admitted.map_err(|until| CallError::RateLimited { until })?;
        let request = self.http.request(call.method.clone(), self.url(call));
        let request = request.headers(self.headers(call, now)?);
        let request = match &call.body {
            Some(body) => request.body(body.to_string()),
            None => request,
        };
        let response = request.send().await.map_err(CallError::of_transport)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|v| v.to_str().ok()?.trim().parse().ok());
        let body = response.text().await.map_err(CallError::of_transport)?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let error = CallError::of_answer(status, retry_after, &body, self.clock.now());
        if let CallError::RateLimited { until } = error {
            self.limiter.ban(until);
        }
        Err(error)
    }

    fn url(&self, call: &Call) -> String {
        let mut url = self.endpoints.rest(&call.path);
        for (i, (name, value)) in call.query.iter().enumerate() {
            url.push(if i == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            http::percent_encode(value, &mut url);
        }
        url
    }

    fn headers(&self, call: &Call, now: Timestamp) -> Result<HeaderMap, CallError> {
        let unsigned = |reason: &str| CallError::NotSent(reason.to_owned());
        let mut headers = HeaderMap::new();
        // Public answers are kept for a second; what is asked for is how it is now.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if call.is_signed {
            let credentials = self.credentials.as_ref();
            let credentials = credentials
                .ok_or_else(|| unsigned("there is no API key: name its variable or file"))?;
            let uri = format!("{} {}", call.method, self.endpoints.signed(&call.path));
            let token = credentials.token(Some(&uri), now);
            let token = token.map_err(|error| unsigned(&error.to_string()))?;
            let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut bearer =
                bearer.map_err(|_| unsigned("the token has characters that cannot be sent"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(headers)
    }
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, CallError> {
    serde_json::from_str(body).map_err(|error| CallError::not_understood(body, error))
}

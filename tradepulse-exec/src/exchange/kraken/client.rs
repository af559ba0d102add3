use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::sync::Mutex;
use tradepulse_core::time::Timestamp;

use super::KrakenSettings;
use super::endpoints::Endpoints;
use super::errors::{CallError, Words};
use super::messages::{AnswerMessage, TimeMessage};
use super::signing::Credentials;
use crate::exchange::clock_offset::ClockOffset;
use crate::exchange::http;
use crate::exchange::parameters::Parameters;
use crate::exchange::rate_limit::{RateLimiter, Urgency};
use crate::exchange::retry::Retry;

/// A signed request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) path: &'static str,
    pub(super) form: Parameters,
    /// What it adds to the account's counter. Orders have limits of their own.
    pub(super) weight: u64,
    pub(super) urgency: Urgency,
}

impl Call {
    /// A question about the account.
    pub(super) const fn question(path: &'static str, weight: u64, form: Parameters) -> Self {
        Self { path, form, weight, urgency: Urgency::Question }
    }

    /// Something that changes something.
    pub(super) const fn command(path: &'static str, form: Parameters) -> Self {
        Self { path, form, weight: 0, urgency: Urgency::Command }
    }
}

/// Sends requests: counts them against the limits, signs them, reads the answers.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    pub(super) endpoints: Endpoints,
    pub(super) credentials: Option<Credentials>,
    pub(super) clock: ClockOffset,
    market_limiter: RateLimiter,
    account_limiter: RateLimiter,
    /// The last nonce. It is held until the venue has answered: requests arrive in the order of
    /// their nonces.
    nonce: Mutex<u64>,
}

impl Client {
    pub(super) fn new(settings: KrakenSettings) -> Result<Self, String> {
        let KrakenSettings { rest_url, stream_url, credentials, timeout, .. } = settings;
        Ok(Self {
            http: http::client(timeout).map_err(http::describe)?,
            endpoints: Endpoints::new(rest_url.as_deref(), stream_url.as_deref()),
            credentials,
            clock: ClockOffset::default(),
            market_limiter: RateLimiter::falling(settings.market_limit),
            account_limiter: RateLimiter::falling(settings.account_limit),
            nonce: Mutex::new(0),
        })
    }

    /// Asks the venue for its time, which it tells in whole seconds, and keeps the offset.
    pub(super) async fn synchronise(&self) -> Result<Timestamp, CallError> {
        let asked = ClockOffset::machine();
        let message: TimeMessage = self.ask("/0/public/Time", &Parameters::new()).await?;
        // The middle of the second is the best guess.
        let venue = Timestamp::from_ms(message.unixtime.saturating_mul(1_000).saturating_add(500));
        self.clock.learn(venue, asked, ClockOffset::machine());
        Ok(venue)
    }

    /// Asks about markets.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Parameters,
    ) -> Result<T, CallError> {
        let body = Retry::QUESTION.run(CallError::may_pass, || self.ask_once(path, form)).await?;
        read(&body)
    }

    async fn ask_once(&self, path: &str, form: &Parameters) -> Result<String, CallError> {
        let limiter = &self.market_limiter;
        let admitted = limiter.admit(self.clock.now(), Urgency::Command, 1, 0);
        admitted.map_err(|until| CallError::RateLimited { until })?;
        let mut url = self.endpoints.rest(path);
        let query = form.encode();
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        self.send(self.http.get(url), limiter).await
    }

    /// Carries out a signed call. A question is asked again if the answer was lost; a command is
    /// sent once, and once more only where the venue refused it for its nonce.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, CallError> {
        let retry = match call.urgency {
            Urgency::Question => Retry::QUESTION,
            Urgency::Command => Retry::NEVER,
        };
        let attempt = || async {
            match self.call_once(call).await {
                // The venue did nothing: a request that was given up came later than this one.
                Err(error) if error.is_nonce() => self.call_once(call).await,
                other => other,
            }
        };
        let body = retry.run(CallError::may_pass, attempt).await?;
        read(&body)
    }

    async fn call_once(&self, call: &Call) -> Result<String, CallError> {
        let unsigned = |reason: &str| CallError::NotSent(reason.to_owned());
        let credentials = self.credentials.as_ref();
        let credentials = credentials
            .ok_or_else(|| unsigned("there is no API key: name its variable or file"))?;
        let key = HeaderValue::from_str(credentials.key().expose());
        let mut key =
            key.map_err(|_| unsigned("the API key has characters that cannot be sent"))?;
        key.set_sensitive(true);

        let limiter = &self.account_limiter;
        let mut last = self.nonce.lock().await;
        let admitted = limiter.admit(self.clock.now(), call.urgency, call.weight, 0);
        admitted.map_err(|until| CallError::RateLimited { until })?;
        // Microseconds, so that a process that begins anew goes on above the last one.
        let now = u64::try_from(ClockOffset::machine().as_ms()).unwrap_or(0).saturating_mul(1_000);
        let nonce = now.max(last.saturating_add(1));
        *last = nonce;
        let rest = call.form.encode();
        let mut body = format!("nonce={nonce}");
        if !rest.is_empty() {
            body.push('&');
            body.push_str(&rest);
        }
        let signature = credentials.sign(call.path, nonce, &body);
        let signature = HeaderValue::from_str(&signature);
        let mut signature = signature.map_err(|_| unsigned("the request could not be signed"))?;
        signature.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("api-key"), key);
        headers.insert(HeaderName::from_static("api-sign"), signature);
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        headers.insert(CONTENT_TYPE, form);
        let request = self.http.post(self.endpoints.rest(call.path)).headers(headers).body(body);
        self.send(request, limiter).await
    }

    /// Sends a request and looks for errors in what comes.
    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        limiter: &RateLimiter,
    ) -> Result<String, CallError> {
        let response = request.send().await.map_err(CallError::of_transport)?;
        let status = response.status().as_u16();
        let body = response.text().await.map_err(CallError::of_transport)?;
        let now = self.clock.now();
        let answer: Option<AnswerMessage<IgnoredAny>> = serde_json::from_str(&body).ok();
        let error = answer.and_then(|answer| CallError::of_errors(&answer.error, now));
        let error = match error {
            // Whatever else is said: a server that fails may have done it.
            Some(CallError::Refused(Words(text))) if status >= 500 => CallError::Lost(text),
            Some(error) => error,
            None if (200..300).contains(&status) => return Ok(body),
            None => CallError::of_status(status, &body, now),
        };
        if let CallError::RateLimited { until } = &error {
            limiter.ban(*until);
        }
        Err(error)
    }
}

/// How long a silent stream is waited for: the venue says something every second.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

fn read<T: DeserializeOwned>(body: &str) -> Result<T, CallError> {
    let answer: AnswerMessage<T> =
        serde_json::from_str(body).map_err(|error| CallError::not_understood(body, error))?;
    answer.result.ok_or_else(|| CallError::not_understood(body, "it has no result"))
}

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde::de::DeserializeOwned;
use tradepulse_core::time::Timestamp;

use super::capabilities::{RECV_WINDOW_MS, documented_limits};
use super::endpoints::Endpoints;
use super::errors::{CallError, ErrorMessage};
use super::messages::TimeMessage;
use super::signing::Credentials;
use crate::exchange::clock_offset::ClockOffset;
use crate::exchange::http;
use crate::exchange::parameters::Parameters;
use crate::exchange::rate_limit::{Limited, RateLimiter, Urgency};
use crate::exchange::retry::Retry;

/// Who a request has to say it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    Nobody,
    Key,
    Signature,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) parameters: Parameters,
    pub(super) security: Security,
    pub(super) weight: u64,
    /// New orders that it makes.
    pub(super) orders: u64,
}

impl Call {
    pub(super) const fn ask(path: &'static str, weight: u64, parameters: Parameters) -> Self {
        let (method, security) = (Method::GET, Security::Nobody);
        Self { method, path, parameters, security, weight, orders: 0 }
    }

    pub(super) const fn signed(
        method: Method,
        path: &'static str,
        weight: u64,
        parameters: Parameters,
    ) -> Self {
        Self { method, path, parameters, security: Security::Signature, weight, orders: 0 }
    }
}

/// Sends requests: counts them against the limits, signs them, reads the answers.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    pub(super) endpoints: Endpoints,
    pub(super) credentials: Option<Credentials>,
    pub(super) clock: ClockOffset,
    pub(super) limiter: RateLimiter,
}

impl Client {
    pub(super) fn new(
        endpoints: Endpoints,
        credentials: Option<Credentials>,
        timeout: Duration,
    ) -> Result<Self, String> {
        Ok(Self {
            http: http::client(timeout).map_err(http::describe)?,
            credentials,
            clock: ClockOffset::default(),
            limiter: RateLimiter::new(&documented_limits(endpoints.venue)),
            endpoints,
        })
    }

    /// Whether the venue has an address that tells what the key may do.
    pub(super) const fn tells_permissions(&self) -> bool {
        self.endpoints.tells_permissions()
    }

    /// Asks the venue for its time, and keeps the offset.
    pub(super) async fn synchronise(&self) -> Result<Timestamp, CallError> {
        let asked = ClockOffset::machine();
        let call = Call::ask("time", 1, Parameters::new());
        let body = self.send_once(&call).await?;
        let message: TimeMessage = read(&body)?;
        let venue = Timestamp::from_ms(message.server_time);
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
            Err(CallError::Refused(ErrorMessage { code: -1021, .. }))
                if call.security == Security::Signature =>
            {
                // The venue did nothing; its clock and ours have gone apart.
                self.synchronise().await.map_err(CallError::before_sending)?;
                self.send_once(call).await
            }
            other => other,
        }
    }

    async fn send_once(&self, call: &Call) -> Result<String, CallError> {
        let now = self.clock.now();
        let urgency = if call.method == Method::GET { Urgency::Question } else { Urgency::Command };
        let admitted = self.limiter.admit(now, urgency, call.weight, call.orders);
        admitted.map_err(|until| CallError::RateLimited { until })?;
        let (url, headers) = self.prepare(call, now)?;
        let request = self.http.request(call.method.clone(), url).headers(headers);
        let response = request.send().await.map_err(CallError::of_transport)?;
        let now = self.clock.now();
        let status = response.status().as_u16();
        self.learn_limits(response.headers(), now);
        let retry_after = number(response.headers().get(RETRY_AFTER));
        let body = response.text().await.map_err(CallError::of_transport)?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let error = CallError::of_answer(status, retry_after, &body, now);
        if let (CallError::RateLimited { until }, 403 | 418 | 429) = (&error, status) {
            self.limiter.ban(*until);
        }
        Err(error)
    }

    fn prepare(&self, call: &Call, now: Timestamp) -> Result<(String, HeaderMap), CallError> {
        let unsigned = |reason: String| CallError::NotSent(reason);
        let mut url = self.endpoints.rest(call.path);
        let mut headers = HeaderMap::new();
        let mut parameters = call.parameters.clone();
        let mut signature = None;
        if call.security != Security::Nobody {
            let credentials = self.credentials.as_ref().ok_or_else(|| {
                unsigned("there is no API key: name its variable or file".to_owned())
            })?;
            let key = HeaderValue::from_str(credentials.key().expose());
            let mut key = key.map_err(|_| {
                unsigned("the API key has characters that cannot be sent".to_owned())
            })?;
            key.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-mbx-apikey"), key);
            if call.security == Security::Signature {
                parameters =
                    parameters.with("recvWindow", RECV_WINDOW_MS).with("timestamp", now.as_ms());
                let payload = parameters.encode();
                let signed = credentials.sign(&payload);
                signature = Some(signed.map_err(|error| unsigned(error.to_string()))?);
            }
        }
        let query = parameters.encode();
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        if let Some(signature) = signature {
            url.push_str("&signature=");
            http::percent_encode(&signature, &mut url);
        }
        Ok((url, headers))
    }

    /// Headers such as `x-mbx-used-weight-1m` and `x-mbx-order-count-10s`.
    fn learn_limits(&self, headers: &HeaderMap, now: Timestamp) {
        for (name, value) in headers {
            let told =
                [("x-mbx-used-weight-", Limited::Weight), ("x-mbx-order-count-", Limited::Orders)];
            for (prefix, limited) in told {
                let window = name.as_str().strip_prefix(prefix).and_then(window_ms);
                if let (Some(window), Some(used)) = (window, number(Some(value))) {
                    self.limiter.told(now, limited, window, u64::try_from(used).unwrap_or(0));
                }
            }
        }
    }
}

/// The length of a window such as `10s` or `1m`, milliseconds.
fn window_ms(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let unit_ms = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    text.strip_suffix(unit)?.parse::<i64>().ok()?.checked_mul(unit_ms)
}

fn number(value: Option<&HeaderValue>) -> Option<i64> {
    value?.to_str().ok()?.trim().parse().ok()
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, CallError> {
    serde_json::from_str(body).map_err(|error| CallError::not_understood(body, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_from_the_names_of_headers() {
        for (text, ms) in [("1m", 60_000), ("10s", 10_000), ("1d", 86_400_000)] {
            assert_eq!(window_ms(text), Some(ms));
        }
        for text in ["", "m", "1x", "x1m"] {
            assert_eq!(window_ms(text), None, "{text}");
        }
    }
}

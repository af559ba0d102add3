use std::error::Error;
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::{Instant, timeout};

use super::breaker::Breaker;
use super::{RemoteError, RemoteSettings};

/// Longest answer that is read, bytes.
const MOST_BYTES: usize = 16 << 20;

/// Asks a server, within the deadline, unless it is left alone.
#[derive(Debug)]
pub(super) struct Client {
    settings: RemoteSettings,
    http: reqwest::Client,
    breaker: Breaker,
}

/// An answer with a status of success.
pub(super) struct Response {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Failure {
    /// Not within the deadline.
    Late,
    /// It is left alone, cannot be reached, or says that it cannot answer.
    Unavailable(String),
    /// It refuses the question, which says nothing about its health.
    Refused(String),
    /// It answered something else.
    Malformed(String),
}

impl Failure {
    /// In words.
    pub(super) fn reason(self) -> String {
        match self {
            Self::Late => "no answer in time".to_owned(),
            Self::Unavailable(reason) | Self::Refused(reason) | Self::Malformed(reason) => reason,
        }
    }
}

impl Client {
    pub(super) fn new(settings: RemoteSettings) -> Result<Self, RemoteError> {
        let error = |problem: String| RemoteError { url: settings.url.clone(), problem };
        let url = reqwest::Url::parse(&settings.url).map_err(|e| error(e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            return Err(error("expected an address such as http://127.0.0.1:8001".to_owned()));
        }
        // An error means that there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .user_agent(concat!("tradepulse/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| error(describe(&e)))?;
        let breaker = Breaker::new(settings.failures, settings.pause);
        Ok(Self { settings, http, breaker })
    }

    pub(super) fn url(&self) -> &str {
        &self.settings.url
    }

    pub(super) fn deadline_ms(&self) -> u64 {
        u64::try_from(self.settings.deadline.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.breaker.is_open()
    }

    pub(super) async fn get<T>(
        &self,
        path: &str,
        understand: impl Fn(&Response) -> Result<T, String>,
    ) -> Result<T, Failure> {
        self.ask(|| self.http.get(self.path(path)), understand).await
    }

    /// `json_length`: where JSON ends and bytes begin.
    pub(super) async fn post<T>(
        &self,
        path: &str,
        body: &[u8],
        json_length: Option<usize>,
        understand: impl Fn(&Response) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let request = || {
            let request = self.http.post(self.path(path)).body(body.to_vec());
            match json_length {
                None => request.header("content-type", "application/json"),
                Some(length) => request
                    .header("content-type", "application/octet-stream")
                    .header("inference-header-content-length", length),
            }
        };
        self.ask(request, understand).await
    }

    /// Asks for what takes long and must not be done twice: within `limit`, once, and whatever is
    /// known of the server's health.
    pub(super) async fn post_once(&self, path: &str, limit: Duration) -> Result<Response, Failure> {
        let asked = timeout(limit, once(self.http.post(self.path(path)))).await;
        asked.unwrap_or(Err(Failure::Late))
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.settings.url.trim_end_matches('/'))
    }

    async fn ask<T>(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
        understand: impl Fn(&Response) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let Some(permit) = self.breaker.permit(Instant::now()) else {
            let reason = format!("it failed {} times and is left alone", self.settings.failures);
            return Err(Failure::Unavailable(reason));
        };
        let tries = async {
            let first = once(request()).await;
            // A kept connection may be gone, a server may just have started: once more.
            let again = matches!(first, Err(Failure::Unavailable(_)));
            if again { once(request()).await } else { first }
        };
        let answered = timeout(self.settings.deadline, tries).await;
        let result = answered
            .unwrap_or(Err(Failure::Late))
            .and_then(|response| understand(&response).map_err(Failure::Malformed));
        match result {
            Ok(_) | Err(Failure::Refused(_)) => permit.succeeded(),
            Err(_) => permit.failed(Instant::now()),
        }
        result
    }
}

async fn once(request: reqwest::RequestBuilder) -> Result<Response, Failure> {
    let unavailable = |error: reqwest::Error| Failure::Unavailable(describe(&error));
    let mut answer = request.send().await.map_err(unavailable)?;
    let status = answer.status();
    let headers = std::mem::take(answer.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unavailable)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(Failure::Malformed(format!(
                "the answer is longer than {MOST_BYTES} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(Response { headers, body });
    }
    let text: String = String::from_utf8_lossy(&body).chars().take(300).collect();
    let told = format!("{status}: {}", text.trim());
    if status.is_client_error() {
        Err(Failure::Refused(told))
    } else {
        Err(Failure::Unavailable(told))
    }
}

/// The error and its causes.
fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;

use super::binance;
use super::coinbase;
use super::fault::HttpFault;
use super::hub::{Answered, Connection, Outgoing, UserSubscription};
use super::kraken;
use super::settings::Dialect;
use super::venue::{Shared, lock};

/// A request, in no framework's form.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: String,
    pub(super) api_key: Option<String>,
    pub(super) headers: HeaderMap,
}

/// What a request is answered with.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: serde_json::Value,
    pub(super) retry_after_s: Option<u32>,
}

/// Answers whatever comes.
pub(super) async fn serve(
    State(shared): State<Shared>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let query = uri.query().unwrap_or_default().to_owned();
    if let Ok(upgrade) = upgrade {
        // It listens from the moment it is answered: nothing that happens then may be missed.
        let Some(listener) = Listener::connect(&shared, &path, &query) else {
            // No such stream, or its key has expired.
            return StatusCode::BAD_REQUEST.into_response();
        };
        return upgrade.on_upgrade(move |socket| listener.serve(socket));
    }
    let api_key = headers.get("x-mbx-apikey").and_then(|key| key.to_str().ok());
    let api_key = api_key.map(str::to_owned);
    let body = String::from_utf8_lossy(&body).into_owned();
    let dialect = lock(&shared).dialect;
    let changes = match dialect {
        Dialect::Kraken => kraken::changes(&path),
        _ => {
            matches!(method, Method::POST | Method::DELETE)
                && (path.contains("rder") && !path.ends_with("test") && !path.ends_with("preview"))
        }
    };
    let request = Request { method, path, query, body, api_key, headers };
    let fault = if changes { lock(&shared).next_fault() } else { None };
    let failure = || Answer {
        status: 503,
        body: match dialect {
            Dialect::Coinbase => coinbase::failure(),
            _ => serde_json::json!({ "code": -1000, "msg": "Service Unavailable." }),
        },
        retry_after_s: None,
    };
    let limited = |status, retry_after_s| Answer {
        status,
        body: match dialect {
            Dialect::Coinbase => coinbase::limited(),
            _ => serde_json::json!({ "code": -1003, "msg": "Too many requests." }),
        },
        retry_after_s: Some(retry_after_s),
    };
    let now_ms = lock(&shared).now_ms();
    let answer = match fault {
        Some(
            fault @ (HttpFault::ErrorBefore
            | HttpFault::RateLimited { .. }
            | HttpFault::Banned { .. }),
        ) if dialect == Dialect::Kraken => kraken::failure(fault, now_ms),
        Some(HttpFault::ErrorBefore) => failure(),
        Some(HttpFault::RateLimited { retry_after_s }) => limited(429, retry_after_s),
        Some(HttpFault::Banned { retry_after_s }) => limited(418, retry_after_s),
        fault => {
            let answer = {
                let mut venue = lock(&shared);
                let answer = match dialect {
                    Dialect::Coinbase => coinbase::respond(&mut venue, &request),
                    Dialect::Kraken => kraken::respond(&mut venue, &request),
                    _ => binance::respond(&mut venue, &request),
                };
                venue.tell_happened();
                answer
            };
            match fault {
                Some(fault @ (HttpFault::ErrorAfter | HttpFault::TimeoutAfter))
                    if dialect == Dialect::Kraken =>
                {
                    kraken::failure(fault, now_ms)
                }
                Some(HttpFault::ErrorAfter) => failure(),
                Some(HttpFault::TimeoutAfter) if dialect == Dialect::Coinbase => {
                    Answer { status: 504, ..failure() }
                }
                Some(HttpFault::TimeoutAfter) => Answer {
                    status: 408,
                    body: serde_json::json!({
                        "code": -1007,
                        "msg": "Timeout waiting for response from backend server. Send status \
                                unknown; execution status unknown.",
                    }),
                    retry_after_s: None,
                },
                Some(HttpFault::AnswerLost) => {
                    // Long enough for any client to give up.
                    tokio::time::sleep(Duration::from_secs(3_600)).await;
                    answer
                }
                _ => answer,
            }
        }
    };
    respond(&shared, answer)
}

fn respond(shared: &Shared, answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (text, kind) = match answer.body {
        serde_json::Value::String(text) => (text, "text/plain"),
        body => (body.to_string(), "application/json"),
    };
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(seconds) = answer.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    let venue = lock(shared);
    if !matches!(venue.dialect, Dialect::Coinbase | Dialect::Kraken) {
        headers.insert("x-mbx-used-weight-1m", HeaderValue::from(venue.limits.weight));
        headers.insert("x-mbx-order-count-10s", HeaderValue::from(venue.limits.orders));
    }
    response
}

/// The near end of a stream.
struct Listener {
    shared: Shared,
    id: u64,
    path: String,
    to: mpsc::UnboundedSender<Outgoing>,
    outgoing: mpsc::UnboundedReceiver<Outgoing>,
    answered: Arc<Answered>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        lock(&self.shared).hub.remove(self.id);
    }
}

impl Listener {
    /// Takes a connection in. `None` if there is no such stream.
    fn connect(shared: &Shared, path: &str, query: &str) -> Option<Self> {
        let (to, outgoing) = mpsc::unbounded_channel();
        let answered = Arc::new(Answered::default());
        let mut venue = lock(shared);
        let mut connection = Connection {
            id: venue.next_connection,
            to: to.clone(),
            answered: Arc::clone(&answered),
            streams: BTreeSet::new(),
            combined: path.ends_with("/stream"),
            sequence: (venue.dialect == Dialect::Coinbase).then_some(0),
            user: None,
        };
        venue.next_connection += 1;
        let names = if connection.combined {
            let names = query.split('&').find_map(|pair| pair.strip_prefix("streams="));
            names.unwrap_or_default().replace("%40", "@").replace("%2F", "/")
        } else if venue.dialect == Dialect::Coinbase
            || ["/ws-api/v3", "/ws", "/v2"].iter().any(|end| path.ends_with(end))
        {
            String::new()
        } else {
            path.rsplit_once("/ws/")?.1.to_owned()
        };
        for name in names.split('/').filter(|name| !name.is_empty()) {
            if name.contains('@') {
                connection.streams.insert(name.to_owned());
            } else if venue.listen_keys.contains(name) {
                connection.user = Some(UserSubscription { wrapped: false, sequence: None });
            } else {
                return None;
            }
        }
        let id = connection.id;
        venue.hub.add(connection);
        let (shared, path) = (Arc::clone(shared), path.to_owned());
        Some(Self { shared, id, path, to, outgoing, answered })
    }

    /// Serves it until either side ends it.
    async fn serve(mut self, mut socket: WebSocket) {
        let mut pings = tokio::time::interval(Duration::from_secs(20));
        let mut heartbeats = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                message = self.outgoing.recv() => {
                    let sent = match message {
                        Some(Outgoing::Text(text)) => socket.send(Message::text(text)).await,
                        Some(Outgoing::Ping(number)) => {
                            socket.send(Message::Ping(number.to_string().into())).await
                        }
                        Some(Outgoing::Close) | None => {
                            let _ = socket.send(Message::Close(None)).await;
                            return;
                        }
                    };
                    if sent.is_err() {
                        return;
                    }
                }
                received = socket.recv() => match received {
                    Some(Ok(Message::Text(text))) => self.take(text.as_str()),
                    Some(Ok(Message::Pong(payload))) => {
                        let number = std::str::from_utf8(&payload).ok();
                        self.answered.up_to(number.and_then(|t| t.parse().ok()).unwrap_or(0));
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
                _ = heartbeats.tick() => coinbase::heartbeat(&mut lock(&self.shared), self.id),
                _ = pings.tick() => {
                    if socket.send(Message::Ping("0".into())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Answers a request that came by the stream.
    fn take(&self, text: &str) {
        let mut venue = lock(&self.shared);
        if venue.dialect == Dialect::Coinbase {
            return coinbase::hear(&mut venue, self.id, text);
        }
        if venue.dialect == Dialect::Kraken {
            for answer in kraken::hear(&mut venue, self.id, text) {
                let _ = self.to.send(Outgoing::Text(answer.to_string()));
            }
            return;
        }
        let answer = if self.path.ends_with("/ws-api/v3") {
            binance::call_by_stream(&mut venue, self.id, text)
        } else {
            binance::subscribe(&mut venue, self.id, text)
        };
        venue.tell_happened();
        let _ = self.to.send(Outgoing::Text(answer.to_string()));
    }
}

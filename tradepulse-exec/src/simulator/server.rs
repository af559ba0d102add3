use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::money::Price;
use tradepulse_core::simulation::SimulationError;

use super::binance;
use super::fault::HttpFault;
use super::hub::{self, Answered, Connection, Hub, Outgoing, UserSubscription};
use super::ledger::{Ledger, NewOrder, OrderType};
use super::market::Market;
use super::settings::{Dialect, SimulatorKey, SimulatorSettings};

/// A simulated venue that serves until it is dropped.
#[derive(Debug)]
pub struct VenueSimulator {
    address: SocketAddr,
    pub(super) shared: Shared,
    task: JoinHandle<()>,
}

pub(super) type Shared = Arc<Mutex<Venue>>;

pub(super) fn lock(shared: &Shared) -> MutexGuard<'_, Venue> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything a simulated venue is.
#[derive(Debug)]
pub(super) struct Venue {
    pub(super) dialect: Dialect,
    pub(super) key: Option<SimulatorKey>,
    pub(super) ledger: Ledger,
    pub(super) markets: Vec<Market>,
    pub(super) hub: Hub,
    pub(super) limits: Limits,
    pub(super) listen_keys: BTreeSet<String>,
    /// Of futures, by the venue's name of the market.
    pub(super) leverage: BTreeMap<String, u32>,
    pub(super) isolated: BTreeSet<String>,
    faults: VecDeque<HttpFault>,
    /// How far the venue's clock is ahead of the machine's, milliseconds.
    skew_ms: i64,
    next_connection: u64,
}

/// What has been used of the venue's limits.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) weight_limit: u64,
    minute: i64,
    weight: u64,
    ten_seconds: i64,
    orders: u64,
}

impl Limits {
    /// Counts a request. `false` if it is too much.
    pub(super) fn admit(&mut self, now_ms: i64, weight: u64, orders: u64) -> bool {
        let minute = now_ms.div_euclid(60_000);
        if minute != self.minute {
            (self.minute, self.weight) = (minute, 0);
        }
        let ten_seconds = now_ms.div_euclid(10_000);
        if ten_seconds != self.ten_seconds {
            (self.ten_seconds, self.orders) = (ten_seconds, 0);
        }
        self.weight += weight;
        self.orders += orders;
        self.weight <= self.weight_limit
    }
}

impl Venue {
    pub(super) fn now_ms(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let ms = i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
        ms.saturating_add(self.skew_ms)
    }

    pub(super) fn market(&self, name: &str) -> Option<&Market> {
        self.markets.iter().find(|market| market.name == name)
    }

    /// Tells the streams what has happened to orders.
    pub(super) fn tell_happened(&mut self) {
        let now_ms = self.now_ms();
        for happened in self.ledger.take_happened() {
            for event in binance::events(self, &happened, now_ms) {
                self.hub.tell_users(&event);
            }
        }
    }

    /// A candle has closed.
    pub(super) fn close_candle(
        &mut self,
        symbol: &Symbol,
        candle: Candle,
    ) -> Result<(), SimulationError> {
        let now_ms = self.now_ms();
        let at = self.markets.iter().position(|market| market.symbol == *symbol);
        let at = at.ok_or_else(|| SimulationError::UnknownMarket(symbol.clone()))?;
        let timeframe = self.markets[at].timeframe;
        self.ledger.meet(symbol, &candle, timeframe, now_ms)?;
        let market = &mut self.markets[at];
        market.candles.push(candle);
        market.forming = None;
        let (stream, event) = binance::kline_event(market, &candle, true, now_ms);
        self.hub.tell_market(&stream, &event);
        self.tell_happened();
        Ok(())
    }

    /// The candle that is still open has come so far.
    pub(super) fn form_candle(&mut self, symbol: &Symbol, candle: Candle) {
        let now_ms = self.now_ms();
        let Some(market) = self.markets.iter_mut().find(|market| market.symbol == *symbol) else {
            return;
        };
        market.forming = Some(candle);
        let (stream, event) = binance::kline_event(market, &candle, false, now_ms);
        self.hub.tell_market(&stream, &event);
    }
}

/// A simulated venue that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The address cannot be had.
    #[error("cannot serve a venue at {address}: {source}; choose another port")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The settings make no venue.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
}

impl VenueSimulator {
    /// Serves a venue at this address; port 0 takes a free one. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`SimulatorError`].
    pub async fn start(
        host: IpAddr,
        port: u16,
        settings: SimulatorSettings,
    ) -> Result<Self, SimulatorError> {
        let wanted = SocketAddr::new(host, port);
        let ledger = Ledger::new(&settings)?;
        let unavailable = |source| SimulatorError::Address { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let limits = Limits {
            weight_limit: settings.weight_limit,
            minute: 0,
            weight: 0,
            ten_seconds: 0,
            orders: 0,
        };
        let shared = Arc::new(Mutex::new(Venue {
            dialect: settings.dialect,
            key: settings.key,
            ledger,
            markets: settings.markets.into_iter().map(Market::new).collect(),
            hub: Hub::default(),
            limits,
            listen_keys: BTreeSet::new(),
            leverage: BTreeMap::new(),
            isolated: BTreeSet::new(),
            faults: VecDeque::new(),
            skew_ms: 0,
            next_connection: 0,
        }));
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // It serves until it is aborted; failed connections are its own business.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, task })
    }

    /// Where it serves.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base of its REST addresses.
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Base of its stream addresses.
    pub fn stream_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// A candle closes in a market: what rests meets it.
    ///
    /// # Errors
    /// For a market it does not have, and prices that cannot be.
    pub fn trade(&self, symbol: &Symbol, candle: Candle) -> Result<(), SimulationError> {
        lock(&self.shared).close_candle(symbol, candle)
    }

    /// The newest candle, which is still open, has come so far. Nothing fills.
    pub fn form(&self, symbol: &Symbol, candle: Candle) {
        lock(&self.shared).form_candle(symbol, candle);
    }

    /// Puts a limit order under somebody else's name into the book, far below the market. Its
    /// number; `None` if the venue refuses it.
    pub fn place_foreign(&self, symbol: &Symbol, client_id: &str) -> Option<String> {
        let mut venue = lock(&self.shared);
        let now_ms = venue.now_ms();
        let market = venue.markets.iter().find(|market| market.symbol == *symbol)?;
        let last = market.last()?;
        let tick = market.rules.price_tick;
        let half = Price::from_f64(last.to_f64() / 2.0).ok()?;
        let order = NewOrder {
            client_id: client_id.to_owned(),
            symbol: symbol.clone(),
            side: tradepulse_core::order::Side::Long,
            kind: OrderType::Limit,
            time_in_force: "GTC",
            quantity: "1".parse().ok()?,
            price: Some(tick.map_or(half, |tick| half.floor_to(tick))),
            trigger: None,
            reduce_only: false,
        };
        let number = venue.ledger.place(order, last, now_ms).ok()?;
        venue.tell_happened();
        Some(number.to_string())
    }

    /// The next request that changes something goes wrong so; several are taken in turn.
    pub fn fault(&self, fault: HttpFault) {
        lock(&self.shared).faults.push_back(fault);
    }

    /// Sets the venue's clock ahead of the machine's, or back.
    pub fn skew_clock(&self, ms: i64) {
        lock(&self.shared).skew_ms = ms;
    }

    /// Ends all streams.
    pub fn disconnect(&self) {
        lock(&self.shared).hub.close_all();
    }

    /// Streams of the account stay open and say nothing, or speak again.
    pub fn silence(&self, silent: bool) {
        lock(&self.shared).hub.silent = silent;
    }

    /// Waits until everybody who listens has read all that was sent.
    pub async fn settle(&self) {
        let pings = lock(&self.shared).hub.ping();
        hub::wait_for(pings).await;
    }

    /// How many streams are open.
    pub fn connections(&self) -> usize {
        lock(&self.shared).hub.ping().len()
    }
}

impl Drop for VenueSimulator {
    fn drop(&mut self) {
        lock(&self.shared).hub.close_all();
        self.task.abort();
    }
}

/// A request, in no framework's form.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: String,
    pub(super) api_key: Option<String>,
}

/// What a request is answered with.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: serde_json::Value,
    pub(super) retry_after_s: Option<u32>,
}

async fn serve(
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
        return upgrade.on_upgrade(move |socket| connection(socket, shared, path, query));
    }
    let api_key = headers.get("x-mbx-apikey").and_then(|key| key.to_str().ok());
    let api_key = api_key.map(str::to_owned);
    let body = String::from_utf8_lossy(&body).into_owned();
    let changes = matches!(method, Method::POST | Method::DELETE)
        && (path.contains("rder") && !path.ends_with("test"));
    let request = Request { method, path, query, body, api_key };
    let fault = if changes { lock(&shared).faults.pop_front() } else { None };
    let failure = || Answer {
        status: 503,
        body: serde_json::json!({ "code": -1000, "msg": "Service Unavailable." }),
        retry_after_s: None,
    };
    let limited = |status, retry_after_s| Answer {
        status,
        body: serde_json::json!({ "code": -1003, "msg": "Too many requests." }),
        retry_after_s: Some(retry_after_s),
    };
    let answer = match fault {
        Some(HttpFault::ErrorBefore) => failure(),
        Some(HttpFault::RateLimited { retry_after_s }) => limited(429, retry_after_s),
        Some(HttpFault::Banned { retry_after_s }) => limited(418, retry_after_s),
        fault => {
            let answer = {
                let mut venue = lock(&shared);
                let answer = binance::respond(&mut venue, &request);
                venue.tell_happened();
                answer
            };
            match fault {
                Some(HttpFault::ErrorAfter) => failure(),
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
    let mut response = (status, answer.body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = answer.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    let (weight, orders) = {
        let limits = &lock(shared).limits;
        (limits.weight, limits.orders)
    };
    headers.insert("x-mbx-used-weight-1m", HeaderValue::from(weight));
    headers.insert("x-mbx-order-count-10s", HeaderValue::from(orders));
    response
}

/// Serves a stream until either side ends it.
async fn connection(mut socket: WebSocket, shared: Shared, path: String, query: String) {
    let (to, mut outgoing) = mpsc::unbounded_channel();
    let answered = Arc::new(Answered::default());
    let Some(id) = connect(&shared, &to, &answered, &path, &query) else {
        // No such stream, or its key has expired.
        return;
    };
    let mut pings = tokio::time::interval(Duration::from_secs(20));
    loop {
        tokio::select! {
            message = outgoing.recv() => {
                let sent = match message {
                    Some(Outgoing::Text(text)) => socket.send(Message::text(text)).await,
                    Some(Outgoing::Ping(number)) => {
                        socket.send(Message::Ping(number.to_string().into())).await
                    }
                    Some(Outgoing::Close) | None => {
                        let _ = socket.send(Message::Close(None)).await;
                        break;
                    }
                };
                if sent.is_err() {
                    break;
                }
            }
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    let mut venue = lock(&shared);
                    let answer = if path.ends_with("/ws-api/v3") {
                        binance::call_by_stream(&mut venue, id, text.as_str())
                    } else {
                        binance::subscribe(&mut venue, id, text.as_str())
                    };
                    venue.tell_happened();
                    let _ = to.send(Outgoing::Text(answer.to_string()));
                }
                Some(Ok(Message::Pong(payload))) => {
                    let number = std::str::from_utf8(&payload).ok();
                    answered.up_to(number.and_then(|text| text.parse().ok()).unwrap_or(0));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            _ = pings.tick() => {
                if socket.send(Message::Ping("0".into())).await.is_err() {
                    break;
                }
            }
        }
    }
    lock(&shared).hub.remove(id);
}

/// Takes a connection in. `None` if there is no such stream.
fn connect(
    shared: &Shared,
    to: &mpsc::UnboundedSender<Outgoing>,
    answered: &Arc<Answered>,
    path: &str,
    query: &str,
) -> Option<u64> {
    let mut venue = lock(shared);
    let mut connection = Connection {
        id: venue.next_connection,
        to: to.clone(),
        answered: Arc::clone(answered),
        streams: BTreeSet::new(),
        combined: path.ends_with("/stream"),
        user: None,
    };
    venue.next_connection += 1;
    let names = if connection.combined {
        let names = query.split('&').find_map(|pair| pair.strip_prefix("streams="));
        names.unwrap_or_default().replace("%40", "@").replace("%2F", "/")
    } else if path.ends_with("/ws-api/v3") || path.ends_with("/ws") {
        String::new()
    } else {
        path.rsplit_once("/ws/")?.1.to_owned()
    };
    for name in names.split('/').filter(|name| !name.is_empty()) {
        if name.contains('@') {
            connection.streams.insert(name.to_owned());
        } else if venue.listen_keys.contains(name) {
            connection.user = Some(UserSubscription { wrapped: false });
        } else {
            return None;
        }
    }
    let id = connection.id;
    venue.hub.add(connection);
    Some(id)
}

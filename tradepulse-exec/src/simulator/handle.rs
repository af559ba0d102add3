use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::money::Price;
use tradepulse_core::order::Side;
use tradepulse_core::simulation::SimulationError;

use super::coinbase;
use super::fault::HttpFault;
use super::hub;
use super::kraken;
use super::ledger::{NewOrder, OrderType};
use super::server::serve;
use super::settings::{Dialect, SimulatorSettings};
use super::venue::{Shared, Venue, lock};
use crate::private_key::{PrivateKey, PrivateKeyError};

/// A simulated venue that serves until it is dropped.
#[derive(Debug)]
pub struct VenueSimulator {
    address: SocketAddr,
    pub(super) shared: Shared,
    task: JoinHandle<()>,
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
    /// The venue's requests are signed with a private key, and the account has none.
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
    /// The venue's requests are signed with a secret that is written as base64.
    #[error("the API secret is not base64, as those of kraken are")]
    Secret,
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
        let unavailable = |source| SimulatorError::Address { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let private_key = match (&settings.key, settings.dialect) {
            (Some(key), Dialect::Coinbase) => Some(PrivateKey::read(&key.secret)?),
            (Some(key), Dialect::Kraken) if BASE64.decode(key.secret.expose()).is_err() => {
                return Err(SimulatorError::Secret);
            }
            _ => None,
        };
        let shared = Venue::shared(settings)?;
        lock(&shared).private_key = private_key;
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
            side: Side::Long,
            kind: OrderType::Limit,
            time_in_force: "GTC",
            quantity: "1".parse().ok()?,
            price: Some(tick.map_or(half, |tick| half.floor_to(tick))),
            trigger: None,
            reduce_only: false,
        };
        let number = venue.ledger.place(order, last, now_ms).ok()?;
        venue.tell_happened();
        Some(match venue.dialect {
            Dialect::Coinbase => coinbase::order_id(number),
            Dialect::Kraken => kraken::order_id(number),
            _ => number.to_string(),
        })
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

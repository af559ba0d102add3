//! Binance, Binance.US and Binance USD-M futures.
//!
//! [`BinanceMarketData`] needs no key; [`BinanceExchange`] trades.
//!
//! ```no_run
//! use tradepulse_core::exchange::MarketData;
//! use tradepulse_core::time::{Timeframe, Timestamp};
//! use tradepulse_exec::exchange::binance::{BinanceMarketData, BinanceSettings, BinanceVenue};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = BinanceSettings::new(BinanceVenue::Spot);
//! let data = BinanceMarketData::connect(settings).await?;
//! let from: Timestamp = "2024-01-01".parse()?;
//! let candles = data.candles(&"BTC/USDT".parse()?, Timeframe::H1, from, 500).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What is peculiar to these venues, and how it is met:
//!
//! - An id is free again once its order has ended. The adapter asks before it sends an id for the
//!   second time, and refuses it if the order was there.
//! - An answer of 5xx, and `-1007`, say nothing of what became of an order: its outcome is unknown.
//! - Stops of USD-M futures are orders of another service (`algoOrder`), with ids of their own. What
//!   becomes of one after it was triggered is [told when it has
//!   finished](https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams/Event-Algo-Order-Update);
//!   the whole of it is asked for then, under our id.
//! - A futures account in hedge mode is refused: our orders belong to no side's position.
//! - The newest candle of an answer is still open and is dropped.

mod capabilities;
mod client;
mod endpoints;
mod errors;
mod futures_orders;
mod kline_stream;
mod market_data;
mod messages;
mod signing;
mod spot_orders;
mod symbols;
mod trading;
mod user_events;
pub mod wire;
#[cfg(test)]
mod wire_tests;

use std::sync::Arc;
use std::time::Duration;

pub use endpoints::BinanceVenue;
pub use futures_orders::MarginMode;
pub use market_data::BinanceMarketData;
pub use signing::{Credentials, SigningError};
pub use symbols::venue_symbol;
pub use trading::BinanceExchange;

use client::{Call, Client};
use endpoints::Endpoints;
use errors::{CallError, ErrorMessage};
use messages::ExchangeInfo;

use super::parameters::Parameters;

/// Which venue, and how to reach it.
#[derive(Debug)]
pub struct BinanceSettings {
    /// The venue.
    pub venue: BinanceVenue,
    /// Its test network in its place.
    pub testnet: bool,
    /// Base of REST addresses; `None` is the venue's own.
    pub rest_url: Option<String>,
    /// Base of stream addresses; `None` is the venue's own.
    pub stream_url: Option<String>,
    /// The account's key. Market data needs none.
    pub credentials: Option<Credentials>,
    /// How long an answer may take before it counts as lost.
    pub timeout: Duration,
}

impl BinanceSettings {
    /// The venue itself, without a key.
    pub const fn new(venue: BinanceVenue) -> Self {
        Self {
            venue,
            testnet: false,
            rest_url: None,
            stream_url: None,
            credentials: None,
            timeout: Duration::from_secs(10),
        }
    }
}

/// A connection that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BinanceError {
    /// The client could not be made.
    #[error("no client for {venue}: {reason}")]
    Client {
        /// The venue.
        venue: BinanceVenue,
        /// Why.
        reason: String,
    },
    /// The venue has no test network.
    #[error("{0} has no test network: set testnet to false, or choose another venue")]
    NoTestnet(BinanceVenue),
    /// A key is needed.
    #[error("trading at {0} needs an API key: name its variables or files")]
    NoKey(BinanceVenue),
    /// The venue did not answer, or not what was asked.
    #[error("{venue} cannot be reached: {reason}")]
    Unreachable {
        /// The venue.
        venue: BinanceVenue,
        /// Why.
        reason: String,
    },
}

/// A client that has asked the venue for its time and its limits.
async fn connected(settings: BinanceSettings) -> Result<Arc<Client>, BinanceError> {
    let BinanceSettings { venue, testnet, rest_url, stream_url, credentials, timeout } = settings;
    if testnet && rest_url.is_none() && !venue.capabilities().testnet {
        return Err(BinanceError::NoTestnet(venue));
    }
    let endpoints = Endpoints::new(venue, testnet, rest_url.as_deref(), stream_url.as_deref());
    let client = Client::new(endpoints, credentials, timeout)
        .map_err(|reason| BinanceError::Client { venue, reason })?;
    let unreachable =
        |error: CallError| BinanceError::Unreachable { venue, reason: error.to_string() };
    client.synchronise().await.map_err(unreachable)?;
    // Of one market: the list of all is long. The limits are the same.
    let parameters = Parameters::new().with("symbol", "BTCUSDT");
    let info: Result<ExchangeInfo, _> =
        client.call(&Call::ask("exchangeInfo", 20, parameters)).await;
    match info {
        Ok(info) => client.limiter.set_limits(&info.limits()),
        // A venue without that market has the limits of the documentation.
        Err(CallError::Refused(ErrorMessage { code: -1121, .. })) => {}
        Err(error) => return Err(unreachable(error)),
    }
    Ok(Arc::new(client))
}

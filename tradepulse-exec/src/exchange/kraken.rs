//! Kraken, spot.
//!
//! [`KrakenMarketData`] needs no key; [`KrakenExchange`] trades.
//!
//! ```no_run
//! use tradepulse_core::exchange::MarketData;
//! use tradepulse_core::time::{Timeframe, Timestamp};
//! use tradepulse_exec::exchange::kraken::{KrakenMarketData, KrakenSettings};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let data = KrakenMarketData::connect(KrakenSettings::default()).await?;
//! let from = Timestamp::from_ms(data.time().await?.as_ms() - 100 * 3_600_000);
//! let candles = data.candles(&"BTC/USD".parse()?, Timeframe::H1, from, 100).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What is peculiar to this venue, and how it is met:
//!
//! - Errors come with HTTP 200: every answer is looked at for them.
//! - No more than the latest 720 candles of a length can be had, and the newest is still open. What
//!   is older is refused.
//! - `BTC` is `XBT` or `XXBT` there, `BTC/USD` is `XBTUSD` or `XXBTZUSD`, and an answer may use
//!   another name than the question.
//! - Nonces must arrive in rising order: signed requests leave one after the other.
//! - An order bears a deadline, after which it is not taken any more.
//! - An id is [free again once its order has
//!   ended](https://docs.kraken.com/exchange/guides/general/clordid). The adapter asks before it sends
//!   an id for the second time, and refuses it if the order was there.
//! - There are no pairs of which one fills: the stop rests, the target is watched.

mod capabilities;
mod client;
mod endpoints;
mod errors;
mod market_data;
mod messages;
mod ohlc_stream;
mod orders;
mod registry;
mod signing;
mod symbols;
mod trading;
mod user_events;
pub mod wire;
#[cfg(test)]
mod wire_tests;

use std::sync::Arc;
use std::time::Duration;

pub use capabilities::{NAME, capabilities};
pub use market_data::KrakenMarketData;
pub use signing::Credentials;
pub use symbols::venue_symbol;
pub use trading::KrakenExchange;

use client::Client;

use crate::exchange::rate_limit::FallingCounter;

/// How to reach the venue.
#[derive(Debug)]
pub struct KrakenSettings {
    /// Base of REST addresses; `None` is the venue's own.
    pub rest_url: Option<String>,
    /// Base of stream addresses; `None` is the venue's own.
    pub stream_url: Option<String>,
    /// The account's key. Market data needs none.
    pub credentials: Option<Credentials>,
    /// How long an answer may take before it counts as lost.
    pub timeout: Duration,
    /// The venue's limit on questions about the account, which depends on its tier.
    pub account_limit: FallingCounter,
    /// The venue's limit on questions about markets.
    pub market_limit: FallingCounter,
}

impl KrakenSettings {
    /// Limit of an account of the lowest tier.
    pub const STARTER: FallingCounter = FallingCounter { most: 15.0, per_second: 0.33 };
    /// Limit of an account of the middle tier.
    pub const INTERMEDIATE: FallingCounter = FallingCounter { most: 20.0, per_second: 0.5 };
    /// Limit of an account of the highest tier.
    pub const PRO: FallingCounter = FallingCounter { most: 20.0, per_second: 1.0 };
}

impl Default for KrakenSettings {
    /// The venue itself, without a key, within the limits of the lowest tier.
    fn default() -> Self {
        Self {
            rest_url: None,
            stream_url: None,
            credentials: None,
            timeout: Duration::from_secs(10),
            account_limit: Self::STARTER,
            market_limit: FallingCounter { most: 15.0, per_second: 1.0 },
        }
    }
}

/// A connection that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KrakenError {
    /// The client could not be made.
    #[error("no client for kraken: {0}")]
    Client(String),
    /// The venue has no test network.
    #[error(
        "kraken has no test network: set testnet to false, or name the address of a simulated \
         kraken (tradepulse simulator --venue kraken)"
    )]
    NoTestnet,
    /// A key is needed.
    #[error("trading at kraken needs an API key: name its variables or files")]
    NoKey,
    /// The secret is none of the venue's. The error has nothing of it.
    #[error("the API secret is not base64: give the private key as kraken shows it")]
    Secret,
    /// The venue did not answer, or not what was asked.
    #[error("kraken cannot be reached: {0}")]
    Unreachable(String),
}

/// A client that has asked the venue for its time.
async fn connected(settings: KrakenSettings) -> Result<Arc<Client>, KrakenError> {
    let client = Client::new(settings).map_err(KrakenError::Client)?;
    let answered = client.synchronise().await;
    answered.map_err(|error| KrakenError::Unreachable(error.to_string()))?;
    Ok(Arc::new(client))
}

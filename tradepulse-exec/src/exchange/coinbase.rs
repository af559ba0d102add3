//! Coinbase Advanced Trade: spot.
//!
//! [`CoinbaseMarketData`] needs no key; [`CoinbaseExchange`] trades.
//!
//! ```no_run
//! use tradepulse_core::exchange::MarketData;
//! use tradepulse_core::time::{Timeframe, Timestamp};
//! use tradepulse_exec::exchange::coinbase::{CoinbaseMarketData, CoinbaseSettings};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let data = CoinbaseMarketData::connect(CoinbaseSettings::default()).await?;
//! let from: Timestamp = "2024-01-01".parse()?;
//! let candles = data.candles(&"BTC/USD".parse()?, Timeframe::H1, from, 300).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What is peculiar to this venue, and how it is met:
//!
//! - Candles come newest first, at most 350 at once, and not at all for a time without trades. The
//!   adapter asks for 300, turns them around, drops the one that is still open, and looks further
//!   on where a page is empty. The stream has candles of five minutes only: others are asked for.
//! - An answer of 200 with `success: false` is a refusal.
//! - An id that was used brings back the order that it was used for: nothing is ever doubled. The
//!   adapter looks at what it gets back, and says that the id was used.
//! - Orders are asked for by the venue's id. The adapter keeps it, and where it does not know it,
//!   searches the orders of the market.
//! - **Pairs are one order of the venue**, a trigger bracket: a limit order that turns into a stop
//!   on the other side. It sells; a pair that buys is not supported. The adapter tells of its two
//!   sides as of two orders, and which of them filled by the price of the fill.
//! - Market orders that buy [may name what is
//!   bought](https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/guides/orders), as ours do,
//!   or what is spent.
//! - **Stops have a limit**: there are no stop-market orders. The venue gives the stop of a bracket
//!   a limit 5% beyond its trigger, and the adapter does the same for stops by themselves. A price
//!   that jumps over that leaves the order resting at its limit.
//! - Events of orders have no executions: these are asked for.
//! - Fees are taken in the quote currency.

mod account;
mod candle_stream;
mod capabilities;
mod client;
mod endpoints;
mod errors;
mod market_data;
mod messages;
mod orders;
mod signing;
mod trading;
mod user_events;
pub mod wire;
#[cfg(test)]
mod wire_tests;

use std::sync::Arc;
use std::time::Duration;

pub use capabilities::capabilities;
pub use market_data::CoinbaseMarketData;
pub use signing::Credentials;
pub use trading::CoinbaseExchange;

use capabilities::{PRIVATE_REQUESTS, PUBLIC_REQUESTS};
use client::Client;
use endpoints::Endpoints;

/// The venue's name.
pub const NAME: &str = "coinbase";

/// How to reach the venue.
#[derive(Debug)]
pub struct CoinbaseSettings {
    /// Base of REST addresses; `None` is the venue's own.
    pub rest_url: Option<String>,
    /// Base of stream addresses; `None` is the venue's own.
    pub stream_url: Option<String>,
    /// The account's key. Market data needs none.
    pub credentials: Option<Credentials>,
    /// How long an answer may take before it counts as lost.
    pub timeout: Duration,
    /// Most requests in a second; `None` is what the venue allows: 10 without a key, 30 with one.
    pub requests_per_second: Option<u64>,
}

impl Default for CoinbaseSettings {
    /// The venue itself, without a key.
    fn default() -> Self {
        Self {
            rest_url: None,
            stream_url: None,
            credentials: None,
            timeout: Duration::from_secs(10),
            requests_per_second: None,
        }
    }
}

/// A connection that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoinbaseError {
    /// The client could not be made.
    #[error("no client for coinbase: {0}")]
    Client(String),
    /// A key is needed.
    #[error("trading at coinbase needs an API key: name its variables or files")]
    NoKey,
    /// There is no test network.
    #[error(
        "coinbase has no test network: set testnet to false, or name the address of a simulated \
         coinbase (tradepulse simulator --venue coinbase)"
    )]
    NoTestnet,
    /// The venue did not answer, or not what was asked.
    #[error("coinbase cannot be reached: {0}")]
    Unreachable(String),
}

/// A client that has asked the venue for its time.
async fn connected(settings: CoinbaseSettings) -> Result<Arc<Client>, CoinbaseError> {
    let CoinbaseSettings { rest_url, stream_url, credentials, timeout, requests_per_second } =
        settings;
    let endpoints = Endpoints::new(rest_url.as_deref(), stream_url.as_deref());
    let allowed = if credentials.is_some() { PRIVATE_REQUESTS } else { PUBLIC_REQUESTS };
    let requests = requests_per_second.unwrap_or(allowed);
    let client = Client::new(endpoints, credentials, timeout, requests);
    let client = client.map_err(CoinbaseError::Client)?;
    let asked = client.synchronise().await;
    asked.map_err(|error| CoinbaseError::Unreachable(error.to_string()))?;
    Ok(Arc::new(client))
}

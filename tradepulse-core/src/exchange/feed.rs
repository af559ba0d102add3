use async_trait::async_trait;

use crate::market::{Candle, Symbol};
use crate::strategy::Quote;
use crate::time::{Timeframe, Timestamp};

/// What a feed tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FeedEvent {
    /// A candle has closed.
    Candle {
        /// Its market.
        symbol: Symbol,
        /// Its length.
        timeframe: Timeframe,
        /// The candle.
        candle: Candle,
    },
    /// Best bid and ask have changed.
    Quote {
        /// The market.
        symbol: Symbol,
        /// The quote.
        quote: Quote,
        /// When.
        at: Timestamp,
    },
    /// Nothing new for longer than there should be; the feed goes on trying.
    Stale {
        /// The market.
        symbol: Symbol,
        /// Length of the candles that are missing.
        timeframe: Timeframe,
        /// When the last candle closed.
        since: Timestamp,
    },
    /// Something failed that delays what comes; the feed goes on trying.
    Trouble {
        /// What.
        reason: String,
    },
}

/// Candles and quotes as they come: a stream of a venue, polling, or a replay.
///
/// Candles of a market and timeframe come in order, each once, without holes that the venue could
/// fill. The time of events never falls, except that a market whose candles are late holds the
/// others up for a while only.
#[async_trait]
pub trait Feed: Send {
    /// The next event; `None` once the feed has ended, which a live one never does. Dropping the
    /// future loses nothing.
    ///
    /// # Errors
    /// [`FeedError`]: the feed cannot go on.
    async fn next(&mut self) -> Result<Option<FeedEvent>, FeedError>;
}

/// A feed that cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the feed of {feed} cannot go on: {reason}")]
pub struct FeedError {
    /// Which feed.
    pub feed: String,
    /// Why.
    pub reason: String,
}

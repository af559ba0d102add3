use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use tradepulse_core::ensemble::Absence;
use tradepulse_core::inference::{Action, Prediction};
use tradepulse_core::time::Timestamp;

use super::snapshot::MarketSnapshot;

/// A model that is asked about markets, wherever it is.
#[async_trait]
pub trait MarketModel: Send + Sync {
    /// What it says about the last candle of `snapshot`. Nothing is checked: see
    /// [`Prediction::flaw`].
    ///
    /// # Errors
    /// Why it says nothing.
    async fn ask(&self, snapshot: &MarketSnapshot<'_>) -> Result<Prediction, Absence>;

    /// Tells it how a trade ended that was entered with its advice or against it. A model that
    /// does not learn passes it over.
    ///
    /// # Errors
    /// Why it could not be told, in words.
    async fn learn(&self, feedback: &Feedback) -> Result<(), String> {
        let _ = feedback;
        Ok(())
    }

    /// Asks it to train now, and waits `limit` at most for what comes of it; `None` if it is no
    /// model that learns.
    ///
    /// # Errors
    /// Why it did not, in words.
    async fn retrain(&self, limit: Duration) -> Result<Option<Retrained>, String> {
        let _ = limit;
        Ok(None)
    }
}

/// What a training came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Retrained {
    /// Whether a challenger was made.
    pub trained: bool,
    /// Whether it serves now.
    pub replaced: bool,
    /// Why not, if not.
    pub reason: Option<String>,
    /// What the model that serves calls itself.
    pub model_name: String,
    /// Its version.
    pub model_version: u64,
    /// All that was answered, with the scores.
    pub answer: Value,
}

/// How a trade ended, and what was known when it was entered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Feedback {
    /// What was done.
    pub decision: Action,
    /// What came of it.
    pub outcome: TradeOutcome,
    /// The snapshot that models were asked about, as it was sent.
    pub snapshot: Value,
}

/// What came of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TradeOutcome {
    /// Profit after costs, quote currency.
    pub pnl: f64,
    /// The same in percent of the notional at the entry.
    pub pnl_percent: f64,
    /// Whether it is above zero.
    pub success: bool,
    /// When the trade closed, to the candle.
    pub closed_at: Timestamp,
}

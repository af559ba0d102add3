use tradepulse_core::desk::Notice;
use tradepulse_core::store::trading::TradeRecord;

use crate::coordinator::{Counters, Ended};

/// What became of the run of one wallet.
#[derive(Clone, Debug)]
pub struct WalletOutcome {
    /// The run.
    pub run: String,
    /// The wallet.
    pub wallet: String,
    /// Why it ended.
    pub ended: Ended,
    /// Whether it holds positions or has orders at the venue: it goes on with its next start.
    pub goes_on: bool,
    /// Events it was told of, over all of its processes.
    pub events: u64,
    /// What the run began with, quote currency.
    pub capital: f64,
    /// Equity at the end, quote currency.
    pub equity: f64,
    /// Trades that ended in this process.
    pub trades: Vec<TradeRecord>,
    /// What the run has done, over all of its processes.
    pub counters: Counters,
    /// The newest thousand notices of this process.
    pub notices: Vec<Notice>,
}

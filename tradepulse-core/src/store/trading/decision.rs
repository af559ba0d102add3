use serde::{Deserialize, Serialize};

use super::record::record;
use crate::market::Symbol;
use crate::store::{Json, RecordId};
use crate::time::{Timeframe, Timestamp};

/// What a decision came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionOutcome {
    /// A position is wanted.
    Enter,
    /// The position shall be closed.
    Exit,
    /// Nothing changes.
    Hold,
    /// An entry was wanted and not allowed.
    Refused,
}

impl DecisionOutcome {
    /// Its word: `enter`, `exit`, `hold` or `refused`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::Exit => "exit",
            Self::Hold => "hold",
            Self::Refused => "refused",
        }
    }
}

record! {
    /// What was decided for a configuration at a candle, and why.
    DecisionRecord: Decision in "decisions",
    key ["run", "configuration_id", "at"], time "at", changes [],
    {
        /// The run.
        run: String,
        /// The configuration.
        configuration_id: RecordId,
        /// Close time of the candle, ms.
        at: Timestamp,
        /// The wallet.
        wallet: String,
        /// The market.
        symbol: Symbol,
        /// The length of a candle.
        timeframe: Timeframe,
        /// What the strategy wanted; `None` if it wanted nothing.
        signal: Option<Json>,
        /// What the models said and how it was put together; `None` if none was asked.
        votes: Option<Json>,
        /// What it came to.
        outcome: DecisionOutcome,
        /// Why, in words.
        reason: String,
    }
}

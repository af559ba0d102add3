use serde::{Deserialize, Serialize};

use super::record::record;
use crate::market::ExchangeName;
use crate::order::RunTag;
use crate::store::Json;
use crate::time::Timestamp;

/// What a run's orders are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    /// Paper: live market data, simulated fills.
    #[doc(alias = "paper")]
    DryRun,
    /// The venue's test network.
    Testnet,
    /// Real money.
    Live,
}

impl RunMode {
    /// Its word: `dry_run`, `testnet` or `live`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DryRun => "dry_run",
            Self::Testnet => "testnet",
            Self::Live => "live",
        }
    }
}

record! {
    /// A run: one wallet traded by one configuration of the program, with a journal of its own. It
    /// goes on after a crash.
    RunRecord: Run in "runs",
    key ["id"], time "started_at", changes ["ended_at", "ending"],
    {
        /// Its id.
        id: String,
        /// Its name in the ids of its orders.
        tag: RunTag,
        /// The wallet it trades. What a wallet did is counted over all of its runs, so a wallet
        /// for paper needs another name than one for money.
        wallet: String,
        /// Paper, test network or money.
        mode: RunMode,
        /// Where it trades.
        exchange: ExchangeName,
        /// Its configuration, without secrets.
        config: Json,
        /// Version of the engine.
        engine_version: String,
        /// When it began, ms.
        started_at: Timestamp,
        /// When it ended, ms; `None` while it goes on or is to go on with the next start.
        ended_at: Option<Timestamp>,
        /// How it ended; where only the process did and left something for the next one, how that
        /// ended. `None` while a process trades it, or if it died.
        ending: Option<String>,
    }
}

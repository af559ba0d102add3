use super::record::record;
use crate::store::Json;
use crate::time::Timestamp;

record! {
    /// The risk counters and breakers of a wallet, so that a restart resets nothing.
    RiskStateRecord: RiskState in "risk_state",
    key ["wallet"], time "created_at", changes ["counters", "updated_at"],
    {
        /// The wallet.
        wallet: String,
        /// The counters, as the risk gate saves them.
        counters: Json,
        /// When it was first stored, ms.
        created_at: Timestamp,
        /// When it last changed, ms.
        updated_at: Timestamp,
    }
}

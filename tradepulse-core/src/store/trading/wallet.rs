use super::record::record;
use crate::market::ExchangeName;
use crate::time::Timestamp;

record! {
    /// A wallet: an account at an exchange, and the share of it that may be traded.
    WalletRecord: Wallet in "wallets",
    key ["name"], time "created_at", changes ["exchange", "allocation", "enabled", "updated_at"],
    {
        /// Its name.
        name: String,
        /// Where it is.
        exchange: ExchangeName,
        /// Share of the account that may be traded, 0..1.
        allocation: f64,
        /// Whether it may be traded.
        enabled: bool,
        /// When it was first stored, ms.
        created_at: Timestamp,
        /// When it last changed, ms.
        updated_at: Timestamp,
    }
}

use super::record::record;
use crate::time::Timestamp;

record! {
    /// A point of a wallet's equity curve, in quote currency.
    EquityPoint: Equity in "equity",
    key ["run", "at"], time "at", changes [],
    {
        /// The run that measured it.
        run: String,
        /// The wallet.
        wallet: String,
        /// When, ms.
        at: Timestamp,
        /// Cash plus unrealised profit.
        equity: f64,
        /// Capital plus realised profit, less fees and funding.
        cash: f64,
        /// Notional of the open positions.
        exposure: f64,
    }
}

use super::record::record;
use crate::market::{ExchangeName, Symbol};
use crate::money::{Price, Quantity};
use crate::order::Side;
use crate::store::RecordId;
use crate::time::Timestamp;

record! {
    /// A net holding of one configuration in one market, open or closed. Once it is closed, the
    /// trade of the same run and sequence number says what it earned.
    PositionRecord: Position in "positions",
    key ["run", "sequence"], time "opened_at",
    changes ["quantity", "entry_price", "stop", "target", "updated_at", "ended_at"],
    {
        /// The run that opened it.
        run: String,
        /// Place among the positions of this run, counted from 1.
        sequence: u64,
        /// The wallet that holds it.
        wallet: String,
        /// The configuration it comes from.
        configuration_id: RecordId,
        /// Where it is held.
        exchange: ExchangeName,
        /// The market.
        symbol: Symbol,
        /// Long or short.
        side: Side,
        /// Base currency held; zero once it is closed.
        quantity: Quantity,
        /// Average price of what was bought (sold, for a short), in quote currency.
        entry_price: f64,
        /// Price of its protective stop, where there is one.
        stop: Option<Price>,
        /// Price of its target, where there is one.
        target: Option<Price>,
        /// When its first fill happened, ms.
        opened_at: Timestamp,
        /// When it last changed, ms.
        updated_at: Timestamp,
        /// When it was closed, ms; `None` while it is open.
        ended_at: Option<Timestamp>,
    }
}

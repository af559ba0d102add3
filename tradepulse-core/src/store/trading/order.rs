use serde::{Deserialize, Serialize};

use super::record::record;
use crate::market::Symbol;
use crate::money::{Price, Quantity};
use crate::order::{ClientOrderId, OrderState, RequestKind, Side};
use crate::store::RecordId;
use crate::time::Timestamp;

/// The kind of an order, without its prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderType {
    /// At once, at the price there is.
    Market,
    /// At its price or better.
    Limit,
    /// A market order once the trigger is reached.
    Stop,
    /// A limit order once the trigger is reached.
    StopLimit,
    /// A stop and a target of which at most one fills.
    Oco,
}

record! {
    /// An order and how far it has come; of a protective pair each leg is one.
    OrderRecord: Order in "orders",
    key ["id"], time "created_at",
    changes ["venue_id", "state", "filled", "reason", "updated_at", "ended_at"],
    {
        /// Our id of it.
        id: ClientOrderId,
        /// The run that decided it.
        run: String,
        /// The wallet it is for.
        wallet: String,
        /// The configuration it comes from.
        configuration_id: RecordId,
        /// The market.
        symbol: Symbol,
        /// `Long` buys, `Short` sells.
        side: Side,
        /// Its kind.
        kind: OrderType,
        /// Limit price, in quote currency: of a limit order, or of the target of a pair.
        price: Option<Price>,
        /// Price that sets it off, in quote currency: of a stop, alone or in a pair.
        trigger: Option<Price>,
        /// Base currency ordered.
        quantity: Quantity,
        /// It may make a position smaller only.
        reduce_only: bool,
        /// The venue's id of it, once it told one.
        venue_id: Option<String>,
        /// How far it has come.
        state: OrderState,
        /// Base currency filled.
        filled: Quantity,
        /// Why it was refused or ended, in the venue's words or ours.
        reason: Option<String>,
        /// When it was decided, ms.
        created_at: Timestamp,
        /// When it last changed, ms.
        updated_at: Timestamp,
        /// When it came to its end, ms; `None` while something may still happen to it.
        ended_at: Option<Timestamp>,
    }
}

impl OrderType {
    /// Its word: `market`, `limit`, `stop`, `stop_limit` or `oco`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit => "limit",
            Self::Stop => "stop",
            Self::StopLimit => "stop_limit",
            Self::Oco => "oco",
        }
    }

    /// The kind of a request, its limit price and its trigger.
    ///
    /// ```
    /// use tradepulse_core::order::RequestKind;
    /// use tradepulse_core::store::trading::OrderType;
    /// let stop = RequestKind::Stop { trigger: "95.5".parse()? };
    /// assert_eq!(OrderType::of(&stop), (OrderType::Stop, None, Some("95.5".parse()?)));
    /// # Ok::<(), tradepulse_core::money::MoneyError>(())
    /// ```
    pub const fn of(request: &RequestKind) -> (Self, Option<Price>, Option<Price>) {
        match *request {
            RequestKind::Market => (Self::Market, None, None),
            RequestKind::Limit { price } => (Self::Limit, Some(price), None),
            RequestKind::Stop { trigger } => (Self::Stop, None, Some(trigger)),
            RequestKind::StopLimit { trigger, price } => {
                (Self::StopLimit, Some(price), Some(trigger))
            }
            RequestKind::Oco { stop, target } => (Self::Oco, Some(target), Some(stop)),
        }
    }
}

use super::record::record;
use crate::market::Symbol;
use crate::money::{Amount, Price, Quantity};
use crate::order::{ClientOrderId, Liquidity, Moment, Side};
use crate::time::Timestamp;

record! {
    /// An order, or part of it, executed. Its order need not be stored: a venue may tell of
    /// executions first.
    FillRecord: Fill in "fills",
    key ["order_id", "execution_id"], time "at", changes [],
    {
        /// Our id of the order.
        order_id: ClientOrderId,
        /// The venue's id of the execution, unique within the order.
        execution_id: String,
        /// The run whose order it is.
        run: String,
        /// The wallet.
        wallet: String,
        /// The market.
        symbol: Symbol,
        /// `Long` bought, `Short` sold.
        side: Side,
        /// Price paid or received, in quote currency.
        price: Price,
        /// Base currency executed.
        quantity: Quantity,
        /// Fee, in `fee_currency`; negative for a rebate.
        fee: Amount,
        /// What the fee was taken in.
        fee_currency: String,
        /// Took or made liquidity.
        liquidity: Liquidity,
        /// When, by the venue's clock, ms.
        at: Timestamp,
        /// Price without slippage; simulated fills only.
        reference: Option<Price>,
        /// Whether the candle could as well have reached the other leg first; simulated fills
        /// only.
        ambiguous: Option<bool>,
        /// Where within the candle; simulated fills only.
        moment: Option<Moment>,
    }
}

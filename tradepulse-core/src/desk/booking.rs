//! From what a venue says to what an engine books.

use rust_decimal::Decimal;

use crate::market::Symbol;
use crate::money::{Price, Quantity};
use crate::order::{Execution, Fill, Leg, Liquidity, Moment, OrderId, Side};

/// What a booked fill was of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Booking<'a> {
    pub(super) symbol: &'a Symbol,
    pub(super) order: OrderId,
    pub(super) side: Side,
    pub(super) leg: Option<Leg>,
    /// Price reckoned with when the order was decided: what slippage is measured against where the
    /// venue does not tell.
    pub(super) decided: f64,
    /// Quantities are held in multiples of this, if given.
    pub(super) step: Option<Quantity>,
}

impl Booking<'_> {
    /// One fill of all executions, of which there is at least one. A fee taken in base currency
    /// makes the quantity bought smaller and counts at the execution's price; what is then less
    /// than a step cannot be sold again and counts as a fee too.
    ///
    /// The second value names currencies of fees that could not be counted.
    pub(super) fn fill(&self, executions: &[Execution]) -> Option<(Fill, Vec<String>)> {
        let (first, last) = (executions.first()?, executions.last()?);
        let mut strange = Vec::new();
        let (mut bought, mut spent, mut fee) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        let mut base_fee = Decimal::ZERO;
        for execution in executions {
            let (quantity, price) =
                (Decimal::from(execution.quantity), Decimal::from(execution.price));
            bought = bought.checked_add(quantity)?;
            spent = spent.checked_add(quantity.checked_mul(price)?)?;
            let charged = Decimal::from(execution.fee);
            if execution.fee_currency == self.symbol.quote() {
                fee += charged;
            } else if execution.fee_currency == self.symbol.base() {
                fee = fee.checked_add(charged.checked_mul(price)?)?;
                if self.side == Side::Long {
                    base_fee += charged;
                }
            } else if !charged.is_zero() {
                strange.push(execution.fee_currency.clone());
            }
        }
        // The average of one execution is its price, to the bit.
        let price = match executions {
            [one] => one.price,
            _ => Price::try_from(spent.checked_div(bought)?).ok()?,
        };
        let mut quantity = Quantity::try_from(bought).ok()?;
        if !base_fee.is_zero() {
            let net = Quantity::try_from((bought - base_fee).max(Decimal::ZERO)).ok()?;
            quantity = self.step.map_or(net, |step| net.floor_to(step));
            let dust = Decimal::from(net) - Decimal::from(quantity);
            fee = fee.checked_add(dust.checked_mul(price.into())?)?;
        }
        let simulated = first.simulated;
        let fill = Fill {
            order: self.order,
            side: self.side,
            quantity: quantity.to_f64(),
            price: price.to_f64(),
            reference: simulated.map_or(self.decided, |s| s.reference.to_f64()),
            fee: match executions {
                [one] if one.fee_currency == self.symbol.quote() => one.fee.to_f64(),
                _ => crate::money::Amount::from(fee).to_f64(),
            },
            liquidity: if executions.iter().all(|e| e.liquidity == Liquidity::Maker) {
                Liquidity::Maker
            } else {
                Liquidity::Taker
            },
            leg: self.leg,
            ambiguous: executions.iter().any(|e| e.simulated.is_some_and(|s| s.ambiguous)),
            time_ms: last.at.as_ms(),
            moment: simulated.map_or_else(
                || if self.leg.is_some() { Moment::Inside } else { Moment::Open },
                |s| s.moment,
            ),
        };
        Some((fill, strange))
    }
}

use serde::{Deserialize, Serialize};

use super::{Costs, LegFill};
use crate::market::Candle;
use crate::order::{Leg, Liquidity, Moment, Side};

/// On what terms an order executes. Both simulated venues take them from here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// Price paid or received.
    pub(crate) price: f64,
    /// Price without slippage.
    pub(crate) reference: f64,
    /// Took or made liquidity.
    pub(crate) liquidity: Liquidity,
    /// Whether the candle could as well have reached the other leg first.
    pub(crate) ambiguous: bool,
    /// Where in the candle.
    pub(crate) moment: Moment,
}

impl Costs {
    /// The terms of a market order of `side` at the reference price.
    pub(crate) fn market_terms(
        &self,
        reference: f64,
        side: Side,
        quantity: f64,
        candle: &Candle,
        moment: Moment,
    ) -> Terms {
        let price = self.market_price(reference, side, quantity, candle);
        Terms { price, reference, liquidity: Liquidity::Taker, ambiguous: false, moment }
    }

    /// The terms of a leg that `candle` reaches: the stop is a market order, the target rested.
    pub(crate) fn leg_terms(
        &self,
        met: &LegFill,
        side: Side,
        quantity: f64,
        candle: &Candle,
    ) -> Terms {
        let LegFill { reference, moment, ambiguous, .. } = *met;
        match met.leg {
            Leg::Stop => {
                Terms { ambiguous, ..self.market_terms(reference, side, quantity, candle, moment) }
            }
            Leg::Target => {
                let liquidity = Liquidity::Maker;
                Terms { price: reference, reference, liquidity, ambiguous, moment }
            }
        }
    }
}

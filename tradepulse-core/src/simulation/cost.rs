use serde::{Deserialize, Serialize};

use crate::market::Candle;
use crate::order::{Liquidity, Side};

/// How much worse than the reference price a market order fills.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum Slippage {
    /// The same fraction of the price always (0.0005 is 5 bps).
    Fixed {
        /// Fraction of the price.
        fraction: f64,
    },
    /// Grows with the share of the candle's volume that the order takes:
    /// `fraction + impact × share²`, with `share = min(quantity / volume, 1)`, and 1 where the
    /// candle has no volume. The quadratic form is that of Zipline's `VolumeShareSlippage`.
    VolumeShare {
        /// Fraction of the price for the smallest order.
        fraction: f64,
        /// Additional fraction of the price for an order as large as the candle's volume.
        impact: f64,
    },
}

impl Slippage {
    /// The part that does not depend on the order: what sizing and the edge test reckon with.
    #[inline]
    pub fn expected(self) -> f64 {
        match self {
            Self::Fixed { fraction } | Self::VolumeShare { fraction, .. } => fraction,
        }
    }

    #[inline]
    fn of(self, quantity: f64, candle: &Candle) -> f64 {
        match self {
            Self::Fixed { fraction } => fraction,
            Self::VolumeShare { fraction, impact } => {
                let share =
                    if candle.volume > 0.0 { (quantity / candle.volume).min(1.0) } else { 1.0 };
                fraction + impact * share * share
            }
        }
    }
}

/// What trading costs.
///
/// ```
/// use tradepulse_core::simulation::Costs;
/// let costs = Costs::default();
/// assert_eq!(costs.round_trip(), 2.0 * (0.001 + 0.0005));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Fee of an order that takes liquidity, as a fraction of its notional.
    pub taker_fee: f64,
    /// Fee of an order that makes liquidity, as a fraction of its notional.
    pub maker_fee: f64,
    /// Slippage of market orders and triggered stops.
    pub slippage: Slippage,
}

impl Default for Costs {
    /// 0.1 % taker and maker, 0.05 % slippage.
    fn default() -> Self {
        Self { taker_fee: 0.001, maker_fee: 0.001, slippage: Slippage::Fixed { fraction: 0.0005 } }
    }
}

impl Costs {
    /// Free trading.
    pub const FREE: Self =
        Self { taker_fee: 0.0, maker_fee: 0.0, slippage: Slippage::Fixed { fraction: 0.0 } };

    /// Cost of getting in and out again by market orders, as a fraction of the price.
    #[inline]
    pub fn round_trip(&self) -> f64 {
        2.0 * (self.taker_fee + self.slippage.expected())
    }

    /// The price of a market order of `side` (`Long` buys) at the reference price.
    #[inline]
    pub(crate) fn market_price(
        &self,
        reference: f64,
        side: Side,
        quantity: f64,
        candle: &Candle,
    ) -> f64 {
        let slippage = self.slippage.of(quantity, candle);
        match side {
            Side::Long => reference * (1.0 + slippage),
            Side::Short => reference * (1.0 - slippage),
        }
    }

    /// The fee of an execution.
    #[inline]
    pub(crate) fn fee(&self, price: f64, quantity: f64, liquidity: Liquidity) -> f64 {
        let rate = match liquidity {
            Liquidity::Taker => self.taker_fee,
            Liquidity::Maker => self.maker_fee,
        };
        price * quantity * rate
    }
}

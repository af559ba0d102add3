//! Position sizing: how much of an intent's entry to buy or sell.

use serde::{Deserialize, Serialize};

use crate::market::Instrument;
use crate::simulation::Costs;

/// How the quantity of an entry is found, before limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sizing {
    /// A loss at the stop costs this fraction of equity: `equity × risk / |price − stop|`.
    FixedRisk {
        /// Fraction of equity at risk.
        risk: f64,
    },
    /// As much as the leverage limit allows.
    AllIn,
    /// `equity × fraction / price`.
    FixedFraction {
        /// Fraction of equity.
        fraction: f64,
    },
    /// `amount / price`.
    FixedAmount {
        /// Quote currency per trade.
        amount: f64,
    },
    /// A share of the Kelly fraction `f = (p × b − (1 − p)) / b` of the trades settled so far
    /// (`p` their win rate, `b` average win over average loss), clamped to 0..=1:
    /// `equity × f × share / price`. With fewer than 30 trades, or without both a win and a loss,
    /// as [`FixedRisk`](Self::FixedRisk) with `risk`. Kelly 1956; Thorp 1969.
    Kelly {
        /// Share of the Kelly fraction, customarily 0.25.
        share: f64,
        /// Fraction of equity at risk until there is evidence.
        risk: f64,
    },
    /// `equity × daily_volatility / volatility / price`, with `volatility = ATR / price ×
    /// √(candles per day)`, so that a position moves about as much in a day whatever is traded.
    /// Without an ATR yet there is no size. The ATR has [`ATR_PERIOD`](Self::ATR_PERIOD) candles.
    VolatilityTarget {
        /// Fraction of equity that a position is to move in a day.
        daily_volatility: f64,
    },
}

impl Default for Sizing {
    /// 2 % of equity at risk.
    fn default() -> Self {
        Self::FixedRisk { risk: 0.02 }
    }
}

/// Wins and losses of the trades settled so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TradeRecord {
    wins: u32,
    losses: u32,
    won: f64,
    lost: f64,
}

impl TradeRecord {
    /// Trades needed before a Kelly fraction is believed.
    pub const KELLY_MIN_TRADES: u32 = 30;

    /// Adds the profit of a settled trade, in percent of its notional.
    pub fn add(&mut self, profit_pct: f64) {
        if profit_pct > 0.0 {
            self.wins += 1;
            self.won += profit_pct;
        } else {
            self.losses += 1;
            self.lost -= profit_pct;
        }
    }

    /// The Kelly fraction, clamped to 0..=1; `None` without enough trades. Without a win it is 0, and
    /// where nothing was lost the share of wins: what the formula tends to.
    pub fn kelly_fraction(&self) -> Option<f64> {
        let trades = self.wins + self.losses;
        if trades < Self::KELLY_MIN_TRADES {
            return None;
        }
        let p = f64::from(self.wins) / f64::from(trades);
        if self.wins == 0 || self.lost <= 0.0 {
            return Some(p);
        }
        let b = (self.won / f64::from(self.wins)) / (self.lost / f64::from(self.losses));
        Some(((p * b - (1.0 - p)) / b).clamp(0.0, 1.0))
    }
}

/// Everything a size depends on, as known at the close on which it is decided.
#[derive(Clone, Copy, Debug)]
pub struct SizeRequest<'a> {
    /// Cash plus unrealised profit at `price`.
    pub equity: f64,
    /// The close.
    pub price: f64,
    /// The entry's stop.
    pub stop: f64,
    /// Notional may be this many times equity.
    pub max_leverage: f64,
    /// Costs, which count against the leverage limit.
    pub costs: &'a Costs,
    /// The market's steps and minimums.
    pub instrument: &'a Instrument,
    /// Trades settled so far.
    pub record: &'a TradeRecord,
    /// Average true range of [`Sizing::ATR_PERIOD`] candles, quote currency; `None` while it is
    /// not known.
    pub atr: Option<f64>,
    /// Candles in a day.
    pub candles_per_day: f64,
    /// Smallest notional wanted, quote currency.
    pub min_notional: Option<f64>,
    /// Largest notional allowed, quote currency.
    pub max_notional: Option<f64>,
}

/// Why an entry has no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SizeRefusal {
    /// Nothing is left after rounding down to the step.
    BelowStep,
    /// Less than the smallest order of the market, or than the smallest notional wanted.
    BelowMinimum,
    /// The method needs the average true range, which is not known.
    UnknownVolatility,
}

impl Sizing {
    /// Candles of the average true range of [`VolatilityTarget`](Self::VolatilityTarget).
    pub const ATR_PERIOD: usize = 14;

    /// Whether the method needs the average true range.
    pub const fn needs_atr(&self) -> bool {
        matches!(self, Self::VolatilityTarget { .. })
    }

    /// The quantity to trade: the method's, at most what
    /// `quantity × price × (1 + slippage + fee) <= equity × max_leverage` and the largest
    /// notional allow, rounded down to the instrument's step.
    ///
    /// # Errors
    /// If that is nothing, below the instrument's minimums or the smallest notional, or if the
    /// method lacks a figure.
    ///
    /// ```
    /// use tradepulse_core::{market::Instrument, simulation::Costs};
    /// use tradepulse_core::sizing::{SizeRequest, Sizing, TradeRecord};
    /// let request = SizeRequest {
    ///     equity: 100_000.0,
    ///     price: 50_000.0,
    ///     stop: 48_000.0,
    ///     max_leverage: 1.0,
    ///     costs: &Costs::default(),
    ///     instrument: &Instrument::default(),
    ///     record: &TradeRecord::default(),
    ///     atr: None,
    ///     candles_per_day: 288.0,
    ///     min_notional: None,
    ///     max_notional: None,
    /// };
    /// assert_eq!(Sizing::FixedRisk { risk: 0.02 }.quantity(&request), Ok(1.0));
    /// ```
    #[inline]
    pub fn quantity(&self, request: &SizeRequest<'_>) -> Result<f64, SizeRefusal> {
        let SizeRequest { equity, price, stop, max_leverage, costs, instrument, record, .. } =
            *request;
        let at_risk = |risk: f64| equity * risk / (price - stop).abs();
        let wanted = match *self {
            Self::FixedRisk { risk } => at_risk(risk),
            Self::AllIn => f64::INFINITY,
            Self::FixedFraction { fraction } => equity * fraction / price,
            Self::FixedAmount { amount } => amount / price,
            Self::Kelly { share, risk } => match record.kelly_fraction() {
                Some(fraction) => equity * fraction * share / price,
                None => at_risk(risk),
            },
            Self::VolatilityTarget { daily_volatility } => {
                let atr = request.atr.filter(|atr| *atr > 0.0 && atr.is_finite());
                let atr = atr.ok_or(SizeRefusal::UnknownVolatility)?;
                let volatility = atr / price * request.candles_per_day.sqrt();
                equity * daily_volatility / volatility / price
            }
        };
        if wanted.is_nan() {
            // The smaller of NaN and the limit would be the limit.
            return Err(SizeRefusal::BelowStep);
        }
        let limit =
            equity * max_leverage / (price * (1.0 + costs.slippage.expected() + costs.taker_fee));
        let limit = match request.max_notional.map(|notional| notional / price) {
            Some(most) if most.is_nan() || most <= limit => most,
            _ => limit,
        };
        let most = if wanted < limit { wanted } else { limit };
        let quantity = instrument.floor_quantity(most).ok_or(SizeRefusal::BelowStep)?;
        let enough = request.min_notional.is_none_or(|min| quantity * price >= min);
        if !(enough && instrument.reaches_minimum(quantity, price)) {
            return Err(SizeRefusal::BelowMinimum);
        }
        Ok(quantity)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizings() -> impl Strategy<Value = Sizing> {
        prop_oneof![
            (0.0..0.5_f64).prop_map(|risk| Sizing::FixedRisk { risk }),
            Just(Sizing::AllIn),
            (0.0..3.0_f64).prop_map(|fraction| Sizing::FixedFraction { fraction }),
            (0.0..1e6_f64).prop_map(|amount| Sizing::FixedAmount { amount }),
            (0.0..1.0_f64).prop_map(|share| Sizing::Kelly { share, risk: 0.02 }),
            (0.0..0.5_f64).prop_map(|v| Sizing::VolatilityTarget { daily_volatility: v }),
        ]
    }

    proptest! {
        /// No method, price or record makes an order above the leverage limit, off the step or
        /// below the minimum.
        #[test]
        fn never_above_limits(
            sizing in sizings(),
            equity in -1e3..1e7_f64,
            price in 1e-4..1e5_f64,
            stop_distance in 1e-4..0.5_f64,
            max_leverage in 0.1..5.0_f64,
            profits in prop::collection::vec(-5.0..5.0_f64, 0..60),
            step in prop::option::of(0_u32..8),
            min in prop::option::of(0_u32..4),
            atr in prop::option::of(1e-5..1e3_f64),
            (min_notional, max_notional) in
                (prop::option::of(0.0..1e4_f64), prop::option::of(0.0..1e5_f64)),
        ) {
            let mut record = TradeRecord::default();
            profits.iter().for_each(|p| record.add(*p));
            let unit = |scale: u32| format!("{:.*}", scale as usize, 0.1_f64.powi(scale as i32));
            let instrument = Instrument {
                quantity_step: step.map(|s| unit(s).parse().unwrap()),
                min_notional: min.map(|s| unit(s).parse().unwrap()),
                ..Instrument::default()
            };
            let costs = Costs::default();
            let request = SizeRequest {
                equity, price, stop: price * (1.0 - stop_distance), max_leverage,
                costs: &costs, instrument: &instrument, record: &record,
                atr, candles_per_day: 24.0, min_notional, max_notional,
            };
            if let Ok(quantity) = sizing.quantity(&request) {
                prop_assert!(quantity > 0.0);
                prop_assert!(quantity * price * 1.0015 <= equity * max_leverage * (1.0 + 1e-12));
                prop_assert!(min_notional.is_none_or(|min| quantity * price >= min));
                prop_assert!(max_notional.is_none_or(|max| quantity * price <= max * (1.0 + 1e-12)));
                if let Some(min) = instrument.min_notional {
                    prop_assert!(quantity * price >= min.to_f64());
                }
                prop_assert_eq!(instrument.floor_quantity(quantity), Some(quantity));
                if let Sizing::FixedRisk { risk } = sizing {
                    prop_assert!(quantity * price * stop_distance <= equity * risk * (1.0 + 1e-9));
                }
            }
        }
    }

    const REQUEST: SizeRequest<'_> = SizeRequest {
        equity: 1000.0,
        price: 10.0,
        stop: 9.0,
        max_leverage: 1.0,
        costs: &Costs::FREE,
        instrument: &Instrument {
            kind: crate::market::InstrumentKind::Spot,
            quantity_step: None,
            min_quantity: None,
            min_notional: None,
        },
        record: &TradeRecord { wins: 0, losses: 0, won: 0.0, lost: 0.0 },
        atr: None,
        candles_per_day: 4.0,
        min_notional: None,
        max_notional: None,
    };

    #[test]
    fn a_size_that_is_no_number_is_refused() {
        let sizing = Sizing::FixedRisk { risk: f64::NAN };
        assert_eq!(sizing.quantity(&REQUEST), Err(SizeRefusal::BelowStep));
        let request = SizeRequest { max_notional: Some(f64::NAN), ..REQUEST };
        assert_eq!(Sizing::AllIn.quantity(&request), Err(SizeRefusal::BelowStep));
    }

    #[test]
    fn a_volatility_target_counts_candles_of_a_day() {
        let sizing = Sizing::VolatilityTarget { daily_volatility: 0.02 };
        assert_eq!(sizing.quantity(&REQUEST), Err(SizeRefusal::UnknownVolatility));
        // 2.5 % a candle, 5 % a day: 1000 × 0.02 / 0.05 / 10.
        let request = SizeRequest { atr: Some(0.25), ..REQUEST };
        assert!((sizing.quantity(&request).unwrap() - 40.0).abs() < 1e-12);
        let calmer = SizeRequest { atr: Some(0.125), ..REQUEST };
        assert!((sizing.quantity(&calmer).unwrap() - 80.0).abs() < 1e-12);
    }

    #[test]
    fn notionals_have_limits() {
        let capped = SizeRequest { max_notional: Some(50.0), ..REQUEST };
        assert_eq!(Sizing::AllIn.quantity(&capped), Ok(5.0));
        let small = SizeRequest { min_notional: Some(1001.0), ..REQUEST };
        assert_eq!(Sizing::AllIn.quantity(&small), Err(SizeRefusal::BelowMinimum));
    }

    #[test]
    fn kelly_needs_evidence() {
        let mut record = TradeRecord::default();
        for i in 0..29 {
            record.add(if i % 2 == 0 { 2.0 } else { -1.0 });
        }
        assert_eq!(record.kelly_fraction(), None);
        record.add(-1.0);
        assert_eq!(record.kelly_fraction(), Some((0.5 * 2.0 - 0.5) / 2.0));
        let mut losing = TradeRecord::default();
        for i in 0..30 {
            losing.add(if i == 0 { 1.0 } else { -1.0 });
        }
        assert_eq!(losing.kelly_fraction(), Some(0.0));
        let (mut never, mut always) = (TradeRecord::default(), TradeRecord::default());
        (0..30).for_each(|_| never.add(-1.0));
        (0..30).for_each(|_| always.add(1.0));
        assert_eq!((never.kelly_fraction(), always.kelly_fraction()), (Some(0.0), Some(1.0)));
        always.add(0.0);
        assert_eq!(always.kelly_fraction(), Some(30.0 / 31.0));
    }
}

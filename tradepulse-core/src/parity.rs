//! What made a run earn other than the simulator does: the difference, in parts that add up.
//!
//! Three lists of trades are compared, each in quote currency after fees and funding:
//!
//! - *recorded* (R): what the run did;
//! - *seen* (V): what the simulator makes of the candles that the run saw;
//! - *stored* (S): what it makes of the stored candles of the same time.
//!
//! A recorded trade and one of V are the same trade if they are of one configuration and side and
//! enter in the same candle; then, of those that are left, if the recorded one enters in the candle
//! after. With `s` +1 for a long and −1 for a short, `e` and `x` the prices of entry and exit, `q`
//! the quantity, and `m` the price that the market had without slippage, the parts are:
//!
//! | part | of | formula |
//! |---|---|---|
//! | `data` | all | Σ profit(V) − Σ profit(S) |
//! | `signal` | trades only one side made | Σ profit(R only) − Σ profit(V only) |
//! | `fee` | pairs | (fees + funding) of V − (fees + funding) of R |
//! | `size` | pairs | s · (x_V − e_V) · (q_R − q_V) |
//! | `latency` | pairs | s · [(m_R − m_V) at the exit − (m_R − m_V) at the entry] · q_R, each where its candle is another |
//! | `fill` | pairs | s · [(x_R − x_V) − (e_R − e_V)] · q_R − `latency`: slippage at equal time |
//!
//! Their sum is Σ profit(R) − Σ profit(S), to the last digit: sums are kept in units of 10⁻⁸ of the
//! quote currency, to which each profit is rounded once, and `fill` takes what rounding leaves. A
//! delay within one candle counts as `fill`: candles do not tell what the price was inside.

#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeMap;

use serde::Serialize;

use self::units::Units;
use crate::account::Trade;
use crate::money::Amount;
use crate::order::Side;
use crate::time::Timeframe;

/// A trade, and what is to be known of it besides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParityTrade {
    /// Whose it is: only trades of the same configuration are compared.
    pub configuration: String,
    /// Length of its candles.
    pub timeframe: Timeframe,
    /// The trade.
    pub trade: Trade,
    /// Price of the market when the entry filled, without slippage, where it is known.
    pub entry_reference: Option<f64>,
    /// The same of the exit.
    pub exit_reference: Option<f64>,
}

/// The parts of a difference in profit, exact, quote currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Trades that only one side made.
    pub signal: Amount,
    /// Candles that the run saw otherwise than they are stored.
    pub data: Amount,
    /// Another quantity.
    pub size: Amount,
    /// Another price because it was another candle.
    pub latency: Amount,
    /// Another price in the same candle.
    pub fill: Amount,
    /// Fees and funding.
    pub fee: Amount,
}

/// The same trade on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// As the run made it.
    pub recorded: ParityTrade,
    /// As the simulator makes it.
    pub simulated: ParityTrade,
    /// Why they differ; `signal` and `data` are zero.
    pub parts: Parts,
}

/// A difference in profit, taken apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parity {
    /// Profit of the recorded trades.
    pub recorded: Amount,
    /// Profit of the simulated trades on the candles that the run saw.
    pub seen: Amount,
    /// Profit of the simulated trades on the stored candles.
    pub stored: Amount,
    /// `recorded` − `stored`: the sum of the parts.
    pub difference: Amount,
    /// Of what it is made.
    pub parts: Parts,
    /// Trades of both sides.
    pub pairs: Vec<Pair>,
    /// Trades that only the run made.
    pub only_recorded: Vec<ParityTrade>,
    /// Trades that only the simulator made, on the candles that the run saw.
    pub only_simulated: Vec<ParityTrade>,
}

/// Trades that cannot be compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParityError {
    /// A figure too large to be counted exactly, or none.
    #[error("{figure} cannot be counted to 10⁻⁸: at most 10¹⁸ either way can")]
    Figure {
        /// The figure.
        figure: f64,
    },
}

impl Parity {
    /// Compares. `seen` and `stored` are the same trades where the candles are.
    ///
    /// # Errors
    /// [`ParityError::Figure`].
    pub fn new(
        recorded: &[ParityTrade],
        seen: &[ParityTrade],
        stored: &[ParityTrade],
    ) -> Result<Self, ParityError> {
        let [r, v, s] = [profit(recorded)?, profit(seen)?, profit(stored)?];
        let partner = matched(recorded, seen);
        let mut taken = vec![false; seen.len()];
        let mut sums = Sums { data: v - s, ..Sums::default() };
        let (mut pairs, mut only_recorded) = (Vec::new(), Vec::new());
        for (trade, partner) in recorded.iter().zip(partner) {
            let Some(i) = partner else {
                sums.signal += Units::of(trade.trade.profit)?;
                only_recorded.push(trade.clone());
                continue;
            };
            taken[i] = true;
            let own = Sums::of(trade, &seen[i])?;
            sums.add(&own);
            let (recorded, simulated) = (trade.clone(), seen[i].clone());
            pairs.push(Pair { recorded, simulated, parts: own.parts() });
        }
        let mut only_simulated = Vec::new();
        for (trade, _) in seen.iter().zip(&taken).filter(|(_, taken)| !**taken) {
            sums.signal -= Units::of(trade.trade.profit)?;
            only_simulated.push(trade.clone());
        }
        Ok(Self {
            recorded: r.amount(),
            seen: v.amount(),
            stored: s.amount(),
            difference: (r - s).amount(),
            parts: sums.parts(),
            pairs,
            only_recorded,
            only_simulated,
        })
    }
}

fn profit(trades: &[ParityTrade]) -> Result<Units, ParityError> {
    let mut sum = Units::default();
    for trade in trades {
        sum += Units::of(trade.trade.profit)?;
    }
    Ok(sum)
}

/// Number of the candle that an instant lies in.
fn candle(timeframe: Timeframe, ms: i64) -> i64 {
    ms.div_euclid(timeframe.as_ms())
}

/// For each recorded trade the place of the same one in `seen`, each used once.
fn matched(recorded: &[ParityTrade], seen: &[ParityTrade]) -> Vec<Option<usize>> {
    let mut places: BTreeMap<(&str, bool, i64), Vec<usize>> = BTreeMap::new();
    for (i, trade) in seen.iter().enumerate().rev() {
        places.entry(key_of(trade)).or_default().push(i);
    }
    let mut partner = vec![None; recorded.len()];
    for delay in 0..=1 {
        for (trade, partner) in recorded.iter().zip(&mut partner) {
            let (configuration, is_long, candle) = key_of(trade);
            if partner.is_none() {
                *partner =
                    places.get_mut(&(configuration, is_long, candle - delay)).and_then(Vec::pop);
            }
        }
    }
    partner
}

/// What both sides of a trade have in common: configuration, side, candle of the entry.
fn key_of(trade: &ParityTrade) -> (&str, bool, i64) {
    let entered = candle(trade.timeframe, trade.trade.entry_time_ms);
    (&trade.configuration, trade.trade.side == Side::Long, entered)
}

/// Parts while they are counted.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    signal: Units,
    data: Units,
    size: Units,
    latency: Units,
    fill: Units,
    fee: Units,
}

impl Sums {
    /// The parts of a pair.
    fn of(recorded: &ParityTrade, simulated: &ParityTrade) -> Result<Self, ParityError> {
        let (r, v) = (&recorded.trade, &simulated.trade);
        let sign = v.side.sign();
        // Where both are in one candle, what differs is the fill.
        let moved = |times: [i64; 2], prices: [Option<f64>; 2]| match prices {
            [Some(r), Some(v)] if times[0] != times[1] => r - v,
            _ => 0.0,
        };
        let candles = |of: fn(&Trade) -> i64| {
            [candle(recorded.timeframe, of(r)), candle(simulated.timeframe, of(v))]
        };
        let entry = moved(
            candles(|t| t.entry_time_ms),
            [recorded.entry_reference, simulated.entry_reference],
        );
        let exit =
            moved(candles(|t| t.exit_time_ms), [recorded.exit_reference, simulated.exit_reference]);
        let size = Units::of(sign * (v.exit_price - v.entry_price) * (r.quantity - v.quantity))?;
        let latency = Units::of(sign * (exit - entry) * r.quantity)?;
        let fee = Units::of((v.fees + v.funding) - (r.fees + r.funding))?;
        let all = Units::of(r.profit)? - Units::of(v.profit)?;
        let fill = all - size - latency - fee;
        Ok(Self { size, latency, fill, fee, ..Self::default() })
    }

    fn add(&mut self, other: &Self) {
        self.signal += other.signal;
        self.data += other.data;
        self.size += other.size;
        self.latency += other.latency;
        self.fill += other.fill;
        self.fee += other.fee;
    }

    fn parts(&self) -> Parts {
        Parts {
            signal: self.signal.amount(),
            data: self.data.amount(),
            size: self.size.amount(),
            latency: self.latency.amount(),
            fill: self.fill.amount(),
            fee: self.fee.amount(),
        }
    }
}

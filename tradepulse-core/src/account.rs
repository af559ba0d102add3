//! Accounts: cash, one position, and the trades they become.

use serde::{Deserialize, Serialize};

use crate::order::{ExitReason, Fill, Side};

/// A net holding, made of fills.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Long or short.
    pub side: Side,
    /// Base currency held, always positive.
    pub quantity: f64,
    /// Average price of what was bought (sold, for a short).
    pub entry_price: f64,
    /// Time of the first fill, milliseconds since the Unix epoch.
    pub entry_time_ms: i64,
    opened: f64,
    exited: f64,
    exit_price: f64,
    realised: f64,
    fees: f64,
    slippage: f64,
    funding: f64,
}

impl Position {
    fn open(fill: &Fill, quantity: f64, fee: f64, slippage: f64) -> Self {
        Self {
            side: fill.side,
            quantity,
            entry_price: fill.price,
            entry_time_ms: fill.time_ms,
            opened: quantity,
            exited: 0.0,
            exit_price: 0.0,
            realised: 0.0,
            fees: fee,
            slippage,
            funding: 0.0,
        }
    }

    /// Profit of the open quantity if it were closed at `price`, before fees.
    #[inline]
    pub fn unrealised(&self, price: f64) -> f64 {
        self.side.sign() * (price - self.entry_price) * self.quantity
    }

    fn add(&mut self, fill: &Fill) {
        let total = self.quantity + fill.quantity;
        self.entry_price = (self.entry_price * self.quantity + fill.price * fill.quantity) / total;
        self.quantity = total;
        self.opened += fill.quantity;
    }

    /// Closes `quantity` at `price` and returns the profit of that part before fees.
    fn reduce(&mut self, quantity: f64, price: f64) -> f64 {
        let profit = self.side.sign() * (price - self.entry_price) * quantity;
        let exited = self.exited + quantity;
        self.exit_price = if self.exited == 0.0 {
            price
        } else {
            (self.exit_price * self.exited + price * quantity) / exited
        };
        self.exited = exited;
        self.quantity -= quantity;
        self.realised += profit;
        profit
    }

    fn close(&self, fill: &Fill) -> Closed {
        Closed {
            side: self.side,
            quantity: self.opened,
            entry_price: self.entry_price,
            entry_time_ms: self.entry_time_ms,
            exit_price: self.exit_price,
            exit_time_ms: fill.time_ms,
            fees: self.fees,
            slippage: self.slippage,
            funding: self.funding,
            profit: self.realised - self.fees - self.funding,
        }
    }
}

/// A position that has come to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Closed {
    /// Long or short.
    pub side: Side,
    /// Base currency bought (sold, for a short) in all.
    pub quantity: f64,
    /// Average entry price.
    pub entry_price: f64,
    /// Time of the first entry fill.
    pub entry_time_ms: i64,
    /// Average exit price.
    pub exit_price: f64,
    /// Time of the last exit fill.
    pub exit_time_ms: i64,
    /// Fees of all its fills.
    pub fees: f64,
    /// Slippage of all its fills, in quote currency.
    pub slippage: f64,
    /// Funding paid; negative if more was received.
    pub funding: f64,
    /// What it earned, after fees and funding.
    pub profit: f64,
}

/// Cash and at most one net position.
///
/// Cash moves by realised profit, fees and funding only, as in a margin account: buying does not
/// spend it. So `equity = cash + unrealised profit`, and whatever the order of fills,
/// `cash = capital + realised profit − fees − funding`.
///
/// ```
/// use tradepulse_core::account::Account;
/// let account = Account::new(10_000.0);
/// assert_eq!(account.equity(123.0), 10_000.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    capital: f64,
    cash: f64,
    position: Option<Position>,
}

impl Account {
    /// An account with `capital` in quote currency.
    pub fn new(capital: f64) -> Self {
        Self { capital, cash: capital, position: None }
    }

    /// What it started with.
    pub fn capital(&self) -> f64 {
        self.capital
    }

    /// Capital, plus realised profits, less fees and funding.
    pub fn cash(&self) -> f64 {
        self.cash
    }

    /// What it holds.
    #[inline]
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Cash plus the unrealised profit at `price`.
    #[inline]
    pub fn equity(&self, price: f64) -> f64 {
        match &self.position {
            None => self.cash,
            Some(position) => self.cash + position.unrealised(price),
        }
    }

    /// Books a fill. Buying while short (selling while long) reduces the position, and beyond its
    /// size opens the other side. Returns the position that this fill brought to its end.
    pub fn apply(&mut self, fill: &Fill) -> Option<Closed> {
        let slippage = (fill.price - fill.reference).abs() * fill.quantity;
        let Some(position) = self.position.as_mut() else {
            self.cash -= fill.fee;
            self.position = Some(Position::open(fill, fill.quantity, fill.fee, slippage));
            return None;
        };
        if position.side == fill.side {
            self.cash -= fill.fee;
            position.fees += fill.fee;
            position.slippage += slippage;
            position.add(fill);
            return None;
        }
        let closing = fill.quantity.min(position.quantity);
        let share = if closing == fill.quantity { 1.0 } else { closing / fill.quantity };
        self.cash += position.reduce(closing, fill.price);
        self.cash -= fill.fee;
        position.fees += fill.fee * share;
        position.slippage += slippage * share;
        if position.quantity > 0.0 {
            return None;
        }
        let closed = position.close(fill);
        let rest = fill.quantity - closing;
        self.position = (rest > 0.0).then(|| {
            Position::open(fill, rest, fill.fee * (1.0 - share), slippage * (1.0 - share))
        });
        Some(closed)
    }

    /// Books a funding payment of what is held: with a positive rate a long pays and a short
    /// receives `rate × quantity × mark price`. Nothing happens without a position.
    pub fn pay_funding(&mut self, funding: &Funding) {
        if let Some(position) = &mut self.position {
            let notional = position.quantity * funding.mark_price;
            let paid = position.side.sign() * funding.rate * notional;
            self.cash -= paid;
            position.funding += paid;
        }
    }
}

/// A funding payment of a perpetual, as the venue announces it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Funding {
    /// When it is due, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Fraction of the notional; positive if longs pay shorts.
    pub rate: f64,
    /// The price at which the notional is reckoned.
    pub mark_price: f64,
}

/// A round trip: entry fills to exit fills.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// Long or short.
    pub side: Side,
    /// Open time of the candle in which the entry filled, milliseconds since the Unix epoch.
    pub entry_time_ms: i64,
    /// Entry price, slippage included.
    pub entry_price: f64,
    /// Open time of the candle in which the exit filled; for `end_of_data` the last candle's close
    /// time.
    pub exit_time_ms: i64,
    /// Exit price, slippage included.
    pub exit_price: f64,
    /// Base currency traded.
    pub quantity: f64,
    /// Fees of entry and exit in quote currency.
    pub fees: f64,
    /// `side × (exit − entry) × quantity − fees − funding`, in quote currency.
    pub profit: f64,
    /// Profit in percent of the entry's notional.
    pub profit_pct: f64,
    /// Why it ended.
    pub exit_reason: ExitReason,
    /// Candles in the position; the entry candle counts, a candle exited at its open does not.
    pub holding: u32,
    /// Whether stop and target both lay in the candle that ended it.
    pub ambiguous: bool,
    /// Slippage of entry and exit in quote currency.
    pub slippage: f64,
    /// Funding paid in quote currency; negative if more was received. Left out of JSON where it is
    /// zero, as on every spot market.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub funding: f64,
}

pub(crate) fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::order::{Liquidity, Moment, OrderId};

    fn fill(side: Side, quantity: f64, price: f64, fee: f64) -> Fill {
        Fill {
            order: OrderId(0),
            side,
            quantity,
            price,
            reference: price,
            fee,
            liquidity: Liquidity::Taker,
            leg: None,
            ambiguous: false,
            time_ms: 0,
            moment: Moment::Open,
        }
    }

    #[test]
    fn a_round_trip() {
        let mut account = Account::new(1000.0);
        assert_eq!(account.apply(&fill(Side::Short, 2.0, 100.0, 1.0)), None);
        assert_eq!(account.equity(90.0), 1019.0);
        let closed = account.apply(&fill(Side::Long, 2.0, 95.0, 0.5)).unwrap();
        assert_eq!((closed.profit, closed.fees, closed.quantity), (8.5, 1.5, 2.0));
        assert_eq!((account.cash(), account.position()), (1008.5, None));
    }

    #[test]
    fn a_fill_beyond_the_position_turns_it() {
        let mut account = Account::new(1000.0);
        account.apply(&fill(Side::Long, 1.0, 100.0, 0.0));
        let closed = account.apply(&fill(Side::Short, 3.0, 110.0, 3.0)).unwrap();
        assert_eq!((closed.profit, closed.fees), (9.0, 1.0));
        let position = account.position().unwrap();
        assert_eq!((position.side, position.quantity), (Side::Short, 2.0));
        assert_eq!(position.fees, 2.0);
    }

    proptest! {
        /// Whatever is filled, with funding after each fill: equity = capital − fees − funding +
        /// the sum over fills of their gain at the last price, and the profits of closed positions
        /// add up to the change of cash.
        #[test]
        fn cash_is_conserved(
            fills in prop::collection::vec(
                (any::<bool>(), 1_u32..50, 50.0..150.0_f64, -0.01..0.01_f64), 1..60,
            ),
            last in 50.0..150.0_f64,
        ) {
            let mut account = Account::new(10_000.0);
            let (mut gain, mut fees, mut settled) = (0.0, 0.0, 0.0);
            let (mut held, mut funding, mut settled_funding) = (0.0, 0.0, 0.0);
            for (long, quantity, price, rate) in fills {
                let side = if long { Side::Long } else { Side::Short };
                let quantity = f64::from(quantity) / 8.0;
                let fee = quantity * price * 0.001;
                gain += side.sign() * (last - price) * quantity;
                fees += fee;
                if let Some(closed) = account.apply(&fill(side, quantity, price, fee)) {
                    settled += closed.profit;
                    settled_funding += closed.funding;
                }
                held += side.sign() * quantity;
                funding += held * price * rate;
                account.pay_funding(&Funding { time_ms: 0, rate, mark_price: price });
            }
            let expected = 10_000.0 + gain - fees - funding;
            prop_assert!((account.equity(last) - expected).abs() < 1e-6);
            let position = account.position();
            let open = position.map_or(0.0, |p| p.realised - p.fees - p.funding);
            prop_assert!((account.cash() - 10_000.0 - settled - open).abs() < 1e-6);
            let open_funding = position.map_or(0.0, |p| p.funding);
            prop_assert!((settled_funding + open_funding - funding).abs() < 1e-6);
        }
    }
}

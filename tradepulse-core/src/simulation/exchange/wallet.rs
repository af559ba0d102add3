use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::exchange::VenuePosition;
use crate::market::Symbol;
use crate::money::{Amount, Price, Quantity};
use crate::order::Side;

/// What the account holds, exactly.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Wallet {
    /// By currency: what is held in all, bound or free. In a margin account it can be negative.
    held: BTreeMap<String, Amount>,
    /// Positions of a margin account.
    positions: BTreeMap<Symbol, Holding>,
}

/// A position: both figures are negative for a short.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Holding {
    quantity: Decimal,
    /// What was paid for it.
    cost: Decimal,
}

/// An execution as it is booked.
pub(super) struct Booking<'a> {
    pub(super) symbol: &'a Symbol,
    pub(super) side: Side,
    pub(super) quantity: Quantity,
    pub(super) price: Price,
    pub(super) fee: Amount,
    pub(super) fee_currency: &'a str,
}

impl Wallet {
    pub(super) fn new(balances: &BTreeMap<String, Quantity>) -> Self {
        let held = balances.iter().map(|(currency, q)| (currency.clone(), amount(*q))).collect();
        Self { held, positions: BTreeMap::new() }
    }

    pub(super) fn held(&self, currency: &str) -> Amount {
        self.held.get(currency).copied().unwrap_or_default()
    }

    pub(super) fn currencies(&self) -> impl Iterator<Item = (&str, Amount)> {
        self.held.iter().map(|(currency, held)| (currency.as_str(), *held))
    }

    fn add(&mut self, currency: &str, change: Amount) {
        let held = self.held(currency).plus(change);
        self.held.insert(currency.to_owned(), held);
    }

    /// Base currency held in a margin account, negative for a short.
    pub(super) fn position(&self, symbol: &Symbol) -> Decimal {
        self.positions.get(symbol).map_or(Decimal::ZERO, |holding| holding.quantity)
    }

    /// What the position would earn if it were closed at `price`.
    pub(super) fn unrealised(&self, symbol: &Symbol, price: Price) -> Amount {
        let Some(holding) = self.positions.get(symbol) else { return Amount::ZERO };
        let worth = times(holding.quantity, price.into());
        Amount::from(worth).plus(-Amount::from(holding.cost))
    }

    pub(super) fn positions(&self) -> Vec<VenuePosition> {
        let open = |(symbol, holding): (&Symbol, &Holding)| {
            let side = if holding.quantity > Decimal::ZERO { Side::Long } else { Side::Short };
            let average = holding.cost.checked_div(holding.quantity)?;
            Some(VenuePosition {
                symbol: symbol.clone(),
                side,
                quantity: holding.quantity.abs().try_into().ok()?,
                entry_price: average.try_into().ok()?,
            })
        };
        self.positions.iter().filter_map(open).collect()
    }

    /// Exchanges one currency for the other.
    pub(super) fn book_spot(&mut self, booking: &Booking<'_>) {
        let Booking { symbol, side, quantity, price, fee, fee_currency } = *booking;
        let (base, quote) = (amount(quantity), quantity.times(price));
        let (base, quote) = match side {
            Side::Long => (base, -quote),
            Side::Short => (-base, quote),
        };
        self.add(symbol.base(), base);
        self.add(symbol.quote(), quote);
        self.add(fee_currency, -fee);
    }

    /// Makes, enlarges, reduces or turns a position.
    pub(super) fn book_margin(&mut self, booking: &Booking<'_>) {
        let Booking { symbol, side, quantity, price, fee, fee_currency } = *booking;
        let price = Decimal::from(price);
        let traded = match side {
            Side::Long => Decimal::from(quantity),
            Side::Short => -Decimal::from(quantity),
        };
        let mut holding = self.positions.remove(symbol).unwrap_or_default();
        let opposite = holding.quantity.is_sign_negative() != traded.is_sign_negative();
        let mut opening = traded;
        if opposite && !holding.quantity.is_zero() {
            let whole = traded.abs() >= holding.quantity.abs();
            let closing = if whole { -holding.quantity } else { traded };
            let cost = if whole {
                holding.cost
            } else {
                let each = holding.cost.checked_div(holding.quantity).unwrap_or_default();
                times(each, -closing)
            };
            let realised = Amount::from(times(-closing, price)).plus(-Amount::from(cost));
            self.add(symbol.quote(), realised);
            holding.quantity += closing;
            holding.cost -= cost;
            opening = traded - closing;
        }
        holding.quantity += opening;
        holding.cost = plus(holding.cost, times(opening, price));
        if !holding.quantity.is_zero() {
            self.positions.insert(symbol.clone(), holding);
        }
        self.add(fee_currency, -fee);
    }
}

pub(super) fn amount(quantity: Quantity) -> Amount {
    Decimal::from(quantity).into()
}

/// The product; the largest decimal where it does not fit.
fn times(a: Decimal, b: Decimal) -> Decimal {
    a.checked_mul(b).unwrap_or(Decimal::MAX)
}

fn plus(a: Decimal, b: Decimal) -> Decimal {
    a.checked_add(b).unwrap_or(Decimal::MAX)
}

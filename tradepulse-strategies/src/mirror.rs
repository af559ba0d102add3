//! One formulation for both sides: a short is a long in a mirror.

use tradepulse_core::order::Side;
use tradepulse_core::strategy::{Entry, Input, View};

/// The market as one side sees it, so that every rule is written once, for longs.
///
/// For shorts all prices are negated: a low is the negated high, and lower is better. Negation is
/// exact, and so are differences, midpoints and comparisons of negated prices: they give the very
/// bits of the rule written out for shorts. Where the mirror image is not the negation (a
/// percentage of a price, the RSI) there is a method, or the strategy writes both sides out.
#[derive(Clone, Copy)]
pub(crate) struct Mirror<'a> {
    view: &'a View<'a>,
    side: Side,
}

impl<'a> Mirror<'a> {
    #[inline]
    pub(crate) fn new(view: &'a View<'a>, side: Side) -> Self {
        Self { view, side }
    }

    #[inline]
    pub(crate) fn side(self) -> Side {
        self.side
    }

    /// Number of this candle since the start of the history.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.view.index()
    }

    #[inline]
    pub(crate) fn open(self, ago: usize) -> f64 {
        self.side.sign() * self.view.open(ago)
    }

    #[inline]
    pub(crate) fn high(self, ago: usize) -> f64 {
        match self.side {
            Side::Long => self.view.high(ago),
            Side::Short => -self.view.low(ago),
        }
    }

    #[inline]
    pub(crate) fn low(self, ago: usize) -> f64 {
        match self.side {
            Side::Long => self.view.low(ago),
            Side::Short => -self.view.high(ago),
        }
    }

    #[inline]
    pub(crate) fn close(self, ago: usize) -> f64 {
        self.side.sign() * self.view.close(ago)
    }

    #[inline]
    pub(crate) fn volume(self, ago: usize) -> f64 {
        self.view.volume(ago)
    }

    /// The close lies above the open.
    #[inline]
    pub(crate) fn is_bullish(self) -> bool {
        self.close(0) > self.open(0)
    }

    /// The last `count` highs, oldest first.
    #[inline]
    pub(crate) fn highs(
        self,
        count: usize,
    ) -> Option<impl DoubleEndedIterator<Item = f64> + ExactSizeIterator + Clone + 'a> {
        let column = match self.side {
            Side::Long => self.view.highs(count)?,
            Side::Short => self.view.lows(count)?,
        };
        Some(column.iter().map(move |price| self.side.sign() * price))
    }

    /// The last `count` lows, oldest first.
    #[inline]
    pub(crate) fn lows(
        self,
        count: usize,
    ) -> Option<impl DoubleEndedIterator<Item = f64> + ExactSizeIterator + Clone + 'a> {
        let column = match self.side {
            Side::Long => self.view.lows(count)?,
            Side::Short => self.view.highs(count)?,
        };
        Some(column.iter().map(move |price| self.side.sign() * price))
    }

    /// The low `STRENGTH` candles back, if this candle makes it known as a swing low: strictly
    /// below the lows of `STRENGTH` candles on each side.
    #[inline]
    pub(crate) fn swing_low<const STRENGTH: usize>(self) -> Option<f64> {
        let lows = self.lows(2 * STRENGTH + 1)?;
        let low = self.low(STRENGTH);
        // The low itself is the only one not above. No branch for each: it would often go wrong.
        let not_above: usize = lows.map(|other| usize::from(other <= low)).sum();
        (not_above == 1).then_some(low)
    }

    /// The value of a declared input, which no mirror changes.
    #[inline]
    pub(crate) fn input(self, input: Input, ago: usize) -> Option<f64> {
        self.view.input(input, ago)
    }

    /// Distance of bid and ask in basis points, where known.
    #[inline]
    pub(crate) fn spread_bps(self) -> Option<f64> {
        self.view.quote().map(|quote| quote.spread_bps())
    }

    /// `price × (1 − percent/100)`, and for shorts the mirror image of
    /// `price × (1 + percent/100)`.
    #[inline]
    pub(crate) fn below(self, price: f64, percent: f64) -> f64 {
        match self.side {
            Side::Long => price * (1.0 - percent / 100.0),
            Side::Short => price * (1.0 + percent / 100.0),
        }
    }

    /// A price of the mirror as it is quoted; and back.
    #[inline]
    pub(crate) fn quoted(self, price: f64) -> f64 {
        self.side.sign() * price
    }

    /// The entry with this stop and target.
    pub(crate) fn entry(self, stop: f64, target: f64, max_holding: u32) -> Entry {
        Entry {
            side: self.side,
            stop: self.quoted(stop),
            target: Some(self.quoted(target)),
            max_holding: Some(max_holding),
        }
    }

    /// The entry with this stop and a target `risk_reward` times as far from the close.
    pub(crate) fn entry_at_risk_reward(
        self,
        stop: f64,
        risk_reward: f64,
        max_holding: u32,
    ) -> Entry {
        let close = self.close(0);
        self.entry(stop, close + risk_reward * (close - stop), max_holding)
    }
}

/// What is wanted at a close where each side may have confirmed: the entry of the one that did, if
/// its stop and target lie on their sides of the close. Both at once cancel each other.
#[inline]
pub(crate) fn only_one(
    view: &View<'_>,
    long: Option<Entry>,
    short: Option<Entry>,
) -> Option<Entry> {
    match (long, short) {
        (None, None) | (Some(_), Some(_)) => None,
        (Some(entry), None) | (None, Some(entry)) => {
            Some(entry).filter(|entry| entry.is_consistent_with(view.close(0)))
        }
    }
}

use std::collections::{BTreeMap, VecDeque};

use tradepulse_core::exchange::FeedEvent;
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};

/// One market of a feed: which candle comes next, and what is there of it and of later ones. It
/// asks nobody and knows no clock; times are milliseconds.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) symbol: Symbol,
    pub(super) timeframe: Timeframe,
    /// Open time of the candle that is wanted next.
    next_open: i64,
    /// In order, ready to be handed out.
    ready: VecDeque<Candle>,
    /// Behind a hole, by open time.
    ahead: BTreeMap<i64, Candle>,
    /// Since when the venue, asked, does not have the candle wanted next though it has closed.
    missing_since: Option<i64>,
    /// Since when, and how often, its answers had later candles and not that one.
    hole: Option<(i64, u32)>,
    /// When somebody was told last that candles are missing.
    told_stale_at: Option<i64>,
}

impl Market {
    /// A market whose candles are wanted from the one that opens at `from` on.
    pub(super) fn new(symbol: Symbol, timeframe: Timeframe, from: Timestamp) -> Self {
        let floor = timeframe.floor(from).as_ms();
        let next_open = if floor < from.as_ms() { floor + timeframe.as_ms() } else { floor };
        Self {
            symbol,
            timeframe,
            next_open,
            ready: VecDeque::new(),
            ahead: BTreeMap::new(),
            missing_since: None,
            hole: None,
            told_stale_at: None,
        }
    }

    /// Open time of the candle that is wanted next.
    pub(super) fn wanted(&self) -> Timestamp {
        Timestamp::from_ms(self.next_open)
    }

    /// When that candle closes.
    pub(super) fn next_close(&self) -> i64 {
        self.next_open + self.timeframe.as_ms()
    }

    /// Whether later candles are there than the one that is wanted.
    pub(super) fn has_hole(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Takes a candle: one that came already is passed over, one behind a hole is kept until that
    /// is filled. Whether the market got further.
    pub(super) fn offer(&mut self, candle: Candle) -> bool {
        let open = candle.open_time.as_ms();
        if open < self.next_open || !self.timeframe.is_aligned(candle.open_time) {
            return false;
        }
        self.ahead.entry(open).or_insert(candle);
        self.advance()
    }

    fn advance(&mut self) -> bool {
        let before = self.next_open;
        while let Some(candle) = self.ahead.remove(&self.next_open) {
            self.ready.push_back(candle);
            self.next_open += self.timeframe.as_ms();
        }
        let moved = self.next_open != before;
        if moved {
            self.missing_since = None;
            self.hole = None;
            self.told_stale_at = None;
        }
        moved
    }

    /// The venue was asked for the wanted candle at `now`, and does not have it, or did not
    /// answer.
    pub(super) fn missed(&mut self, now: i64) {
        if self.next_close() <= now {
            self.missing_since.get_or_insert(now);
        }
    }

    /// The venue answered at `now`, and got this market no further. If it has had later candles for
    /// `patience`, asked again and again, and not the wanted one, then there is none: whether the
    /// market got further so.
    pub(super) fn answered_in_vain(&mut self, now: i64, patience: i64) -> bool {
        const SIGHTINGS: u32 = 3;
        let Some(first) = self.ahead.keys().next().copied() else { return false };
        let (since, sightings) = self.hole.map_or((now, 1), |(since, n)| (since, n + 1));
        self.hole = Some((since, sightings));
        if now - since < patience || sightings < SIGHTINGS {
            return false;
        }
        self.next_open = first;
        self.advance()
    }

    /// Whether somebody has to be told that candles are missing: for longer than `patience`, and
    /// again after `every`.
    pub(super) fn is_stale(&mut self, now: i64, patience: i64, every: i64) -> bool {
        let missing = self.held_until(patience).is_some_and(|until| until <= now);
        let stale = missing && self.told_stale_at.is_none_or(|told| now - told >= every);
        if stale {
            self.told_stale_at = Some(now);
        }
        stale
    }

    /// All that is there, holes passed over.
    pub(super) fn into_candles(self) -> Vec<Candle> {
        self.ready.into_iter().chain(self.ahead.into_values()).collect()
    }

    /// When others go on without this market.
    fn held_until(&self, patience: i64) -> Option<i64> {
        self.missing_since.map(|since| since + patience)
    }

    /// When it is worth a look again: others wait for it until then, and then somebody is told.
    pub(super) fn wakes_at(&self, patience: i64, every: i64) -> Option<i64> {
        let held_until = self.held_until(patience)?;
        Some(self.told_stale_at.map_or(held_until, |told| told + every))
    }
}

/// The next candle of all markets, by close time, symbol and timeframe: the same order however
/// they came. A market whose candle should be there is waited for, for `patience` at most.
pub(super) fn next(markets: &mut [Market], now: i64, patience: i64) -> Option<FeedEvent> {
    let closes = |market: &Market| {
        let candle = market.ready.front()?;
        Some(candle.open_time.as_ms() + market.timeframe.as_ms())
    };
    let (i, close) =
        markets.iter().enumerate().filter_map(|(i, market)| Some((i, closes(market)?))).min_by(
            |(i, a), (j, b)| {
                let key = |i: usize| (&markets[i].symbol, markets[i].timeframe);
                a.cmp(b).then_with(|| key(*i).cmp(&key(*j)))
            },
        )?;
    let holds_up = |other: &Market| {
        other.ready.is_empty()
            && other.next_close() <= close
            && other.held_until(patience).is_none_or(|until| now < until)
    };
    if markets.iter().any(holds_up) {
        return None;
    }
    let market = &mut markets[i];
    let candle = market.ready.pop_front()?;
    Some(FeedEvent::Candle { symbol: market.symbol.clone(), timeframe: market.timeframe, candle })
}

use serde::{Deserialize, Serialize};

use super::{CircuitBreaker, RiskGate, RiskRules};
use crate::market::Symbol;
use crate::time::Timestamp;

/// What the gate remembers. It is stored, or [rebuilt](Self::rebuild) from what was stored, so that
/// a restart resets nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RiskState {
    /// The UTC day that the figures of a day belong to, days since the Unix epoch.
    pub day: Option<i64>,
    /// Equity when that day was first marked, quote currency.
    pub day_start_equity: Option<f64>,
    /// Entries of that day.
    pub daily_trades: u32,
    /// Profit of the trades that ended on that day, quote currency.
    pub daily_profit: f64,
    /// When the last entry was made.
    pub last_entry_at: Option<Timestamp>,
    /// Its market, where there is more than one.
    pub last_entry_symbol: Option<Symbol>,
    /// The circuit breaker.
    pub breaker: CircuitBreaker,
    /// Highest equity so far, quote currency.
    pub peak_equity: Option<f64>,
    /// The emergency shutdown, until a person resets it.
    pub shutdown: Option<Shutdown>,
    /// Whether a person has paused entries.
    pub paused: bool,
}

/// Equity has fallen too far: cancel the orders, close the positions, stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shutdown {
    /// When.
    pub at: Timestamp,
    /// Equity then, quote currency.
    pub equity: f64,
    /// Its peak before, quote currency.
    pub peak: f64,
    /// How far it has fallen, a fraction of the peak.
    pub drawdown: f64,
}

impl std::fmt::Display for Shutdown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { equity, peak, drawdown, .. } = self;
        write!(f, "equity {equity:.2} is {:.1} % below its peak {peak:.2}", drawdown * 100.0)
    }
}

/// A stored trade, as far as the counters depend on it.
#[derive(Clone, Debug, PartialEq)]
pub struct PastTrade {
    /// When its entry was made.
    pub entered_at: Timestamp,
    /// Its market.
    pub symbol: Symbol,
    /// When it ended and what it earned, quote currency; `None` while it is open.
    pub closed: Option<(Timestamp, f64)>,
}

/// What else the state depends on, as it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RiskMark {
    /// Equity was marked.
    Equity {
        /// When.
        at: Timestamp,
        /// Quote currency.
        equity: f64,
    },
    /// A person reset the circuit breaker.
    BreakerReset {
        /// When.
        at: Timestamp,
    },
    /// A person reset the emergency shutdown.
    EmergencyReset {
        /// When.
        at: Timestamp,
    },
    /// A person paused entries.
    Paused {
        /// When.
        at: Timestamp,
    },
    /// A person let entries go on.
    Resumed {
        /// When.
        at: Timestamp,
    },
}

impl RiskMark {
    /// When it was recorded.
    pub const fn at(&self) -> Timestamp {
        match *self {
            Self::Equity { at, .. }
            | Self::BreakerReset { at }
            | Self::EmergencyReset { at }
            | Self::Paused { at }
            | Self::Resumed { at } => at,
        }
    }
}

/// What happened, in the order in which things of the same instant are taken.
enum Past<'a> {
    Closed(f64),
    Entered(&'a Symbol),
    ClosedAtOnce(f64),
    Mark(RiskMark),
}

impl Past<'_> {
    const fn rank(&self) -> u8 {
        match self {
            Self::Closed(_) => 0,
            Self::Entered(_) => 1,
            Self::ClosedAtOnce(_) => 2,
            Self::Mark(_) => 3,
        }
    }
}

impl RiskState {
    /// The state at `now` that `trades` and `marks` lead to, both in any order: the same as that of
    /// a gate that was told of everything when it happened. Of one instant, trades that end come
    /// before trades that begin, and marks come last. What is later than `now` is left out.
    pub fn rebuild(
        rules: &RiskRules,
        trades: &[PastTrade],
        marks: &[RiskMark],
        now: Timestamp,
    ) -> Self {
        let mut past = Vec::with_capacity(2 * trades.len() + marks.len());
        for trade in trades {
            past.push((trade.entered_at, Past::Entered(&trade.symbol)));
            if let Some((at, profit)) = trade.closed {
                let at_once = at <= trade.entered_at;
                let what = if at_once { Past::ClosedAtOnce(profit) } else { Past::Closed(profit) };
                past.push((at, what));
            }
        }
        past.extend(marks.iter().map(|mark| (mark.at(), Past::Mark(*mark))));
        past.retain(|(at, _)| *at <= now);
        past.sort_by_key(|(at, what)| (*at, what.rank()));
        let mut gate = RiskGate::new(*rules);
        for (at, what) in past {
            match what {
                Past::Entered(symbol) => gate.entered(at, symbol),
                Past::Closed(profit) | Past::ClosedAtOnce(profit) => gate.closed(at, profit),
                Past::Mark(RiskMark::Equity { equity, .. }) => {
                    gate.equity(at, equity);
                }
                Past::Mark(RiskMark::BreakerReset { .. }) => gate.reset_breaker(at),
                Past::Mark(RiskMark::EmergencyReset { .. }) => gate.reset_emergency(at),
                Past::Mark(RiskMark::Paused { .. }) => gate.pause(),
                Past::Mark(RiskMark::Resumed { .. }) => gate.resume(),
            }
        }
        gate.into_state()
    }

    /// Begins the day of `at`, if it is a later one than that of the figures.
    pub(super) fn begin_day(&mut self, at: Timestamp) {
        let day = at.utc_day();
        if self.day.is_none_or(|known| known < day) {
            self.day = Some(day);
            self.day_start_equity = None;
            self.daily_trades = 0;
            self.daily_profit = 0.0;
        }
    }

    /// Whether the figures are those of the day of `at`.
    pub(super) fn is_of(&self, at: Timestamp) -> bool {
        self.day == Some(at.utc_day())
    }
}

//! The engine: events in, actions out.
//!
//! One [`Engine`] runs one configuration: it asks the strategy at each close, sizes what the
//! strategy wants, protects what was filled, and books what has ended. It knows no clock, no venue
//! and no data source; whoever drives it delivers [`Event`]s and carries out [`Action`]s.

use serde::{Deserialize, Serialize};

use crate::account::{Account, Funding, Trade};
use crate::market::Instrument;
use crate::order::{ExitReason, Fill, Leg, Moment, Order, OrderId, OrderKind, Side};
use crate::simulation::Costs;
use crate::sizing::{SizeRefusal, SizeRequest, Sizing, TradeRecord};
use crate::strategy::{Entry, Intent, Strategy, View};

/// What the engine is told.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A candle has closed.
    Candle(&'a View<'a>),
    /// An order was executed.
    Fill(&'a Fill),
    /// A funding payment of the venue is due.
    Funding(&'a Funding),
    /// Get out: close what is open, for this reason.
    Liquidate(ExitReason),
}

/// What the engine wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Give this order to the venue.
    Submit(Order),
    /// Take this order back.
    Cancel(OrderId),
    /// Record a finished trade.
    Settle(Trade),
    /// Record an entry that was not made.
    Refuse(Refusal),
}

/// Why an entry was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalReason {
    /// Stop or target is not on its proper side of the close.
    WrongSide,
    /// The target is not worth the costs.
    Edge,
    /// Entries are not allowed on this candle ([`Engine::allow_entries`]).
    NotAllowed,
    /// There is no equity to trade with.
    NoEquity,
    /// The size rounds to nothing.
    BelowStep,
    /// The size is below the market's minimum.
    BelowMinimum,
}

impl RefusalReason {
    /// The name in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongSide => "wrong_side",
            Self::Edge => "edge",
            Self::NotAllowed => "not_allowed",
            Self::NoEquity => "no_equity",
            Self::BelowStep => "below_step",
            Self::BelowMinimum => "below_minimum",
        }
    }
}

/// An entry that was not made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Open time of the candle on which it was wanted, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Side of the entry.
    pub side: Side,
    /// Why.
    pub reason: RefusalReason,
    /// The figure that did not suffice: reward in percent for `edge`, quantity or equity else.
    pub figure: f64,
    /// What it was held against.
    pub limit: f64,
}

/// How the engine turns intents into orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Sizing method.
    pub sizing: Sizing,
    /// Notional may be this many times equity.
    pub max_leverage: f64,
    /// An entry's target must be at least this many round-trip costs away; 0 turns it off.
    pub min_edge: f64,
    /// Whether profit changes the size of later trades; if not, sizes come from the capital.
    pub compounding: bool,
    /// Costs reckoned with when sizing and when judging the edge.
    pub costs: Costs,
    /// The market's steps and minimums.
    pub instrument: Instrument,
}

impl Default for Rules {
    /// 2 % risk, no leverage, a target worth two round trips, compounding.
    fn default() -> Self {
        Self {
            sizing: Sizing::default(),
            max_leverage: 1.0,
            min_edge: 2.0,
            compounding: true,
            costs: Costs::default(),
            instrument: Instrument::default(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct PendingEntry {
    order: OrderId,
    entry: Entry,
}

#[derive(Clone, Copy, Debug)]
struct PendingExit {
    order: OrderId,
    reason: ExitReason,
}

/// One configuration at work.
#[derive(Clone, Debug)]
pub struct Engine<S> {
    strategy: S,
    rules: Rules,
    account: Account,
    record: TradeRecord,
    pending_entry: Option<PendingEntry>,
    pending_exit: Option<PendingExit>,
    protective: Option<OrderId>,
    max_holding: u32,
    held: u32,
    next_order: u64,
    entries_allowed: bool,
}

impl<S: Strategy> Engine<S> {
    /// An engine with `capital` in quote currency.
    pub fn new(strategy: S, rules: Rules, capital: f64) -> Self {
        Self {
            strategy,
            rules,
            account: Account::new(capital),
            record: TradeRecord::default(),
            pending_entry: None,
            pending_exit: None,
            protective: None,
            max_holding: u32::MAX,
            held: 0,
            next_order: 0,
            entries_allowed: true,
        }
    }

    /// The strategy.
    pub fn strategy(&self) -> &S {
        &self.strategy
    }

    /// Lets the strategy see a candle without acting on it: how its state is warmed up.
    #[inline]
    pub fn warm_up(&mut self, view: &View<'_>) {
        self.strategy.on_candle(view);
    }

    /// Whether entries may be made from now on. Exits always run: where entries are not allowed an
    /// opposite entry still closes the position.
    #[inline]
    pub fn allow_entries(&mut self, allowed: bool) {
        self.entries_allowed = allowed;
    }

    /// The account.
    #[inline]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Takes one event; what it wants is appended to `actions`, in the order to be carried out.
    #[inline(always)]
    pub fn step(&mut self, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Candle(view) => self.on_candle(view, actions),
            Event::Fill(fill) => self.on_fill(fill, actions),
            Event::Funding(funding) => self.account.pay_funding(funding),
            Event::Liquidate(reason) => self.liquidate(reason, actions),
        }
    }

    #[inline(always)]
    fn on_candle(&mut self, view: &View<'_>, actions: &mut Vec<Action>) {
        let intent = self.strategy.on_candle(view);
        let Some(position) = self.account.position() else {
            if let Some(Intent::Enter(entry)) = intent
                && self.pending_entry.is_none()
            {
                self.enter(entry, view, actions);
            }
            return;
        };
        self.held += 1;
        let side = position.side;
        let opposite = match intent {
            Some(Intent::Enter(entry)) if entry.side != side => Some(entry),
            _ => None,
        };
        let reason = if self.held >= self.max_holding {
            ExitReason::MaxHolding
        } else if opposite.is_some() || intent == Some(Intent::Exit) {
            ExitReason::Signal
        } else {
            return;
        };
        if self.pending_exit.is_none() {
            self.exit(reason, actions);
            if let Some(entry) = opposite {
                self.enter(entry, view, actions);
            }
        }
    }

    #[cold]
    fn exit(&mut self, reason: ExitReason, actions: &mut Vec<Action>) {
        if let Some(&position) = self.account.position() {
            let order = self.market_order(position.side.opposite(), position.quantity);
            self.pending_exit = Some(PendingExit { order: order.id, reason });
            actions.push(Action::Submit(order));
        }
    }

    #[cold]
    fn liquidate(&mut self, reason: ExitReason, actions: &mut Vec<Action>) {
        for order in [
            self.pending_entry.take().map(|e| e.order),
            self.pending_exit.take().map(|e| e.order),
            self.protective.take(),
        ] {
            actions.extend(order.map(Action::Cancel));
        }
        self.exit(reason, actions);
    }

    #[cold]
    fn enter(&mut self, entry: Entry, view: &View<'_>, actions: &mut Vec<Action>) {
        let close = view.close(0);
        match self.size(&entry, close) {
            Ok(quantity) => {
                let order = self.market_order(entry.side, quantity);
                self.pending_entry = Some(PendingEntry { order: order.id, entry });
                actions.push(Action::Submit(order));
            }
            Err((reason, figure, limit)) => actions.push(Action::Refuse(Refusal {
                time_ms: view.open_time().as_ms(),
                side: entry.side,
                reason,
                figure,
                limit,
            })),
        }
    }

    fn size(&self, entry: &Entry, close: f64) -> Result<f64, (RefusalReason, f64, f64)> {
        if !entry.is_consistent_with(close) {
            return Err((RefusalReason::WrongSide, entry.stop, close));
        }
        if let Some(target) = entry.target {
            let reward = (target - close).abs() / close;
            let needed = self.rules.min_edge * self.rules.costs.round_trip();
            if reward < needed {
                return Err((RefusalReason::Edge, reward * 100.0, needed * 100.0));
            }
        }
        if !self.entries_allowed {
            return Err((RefusalReason::NotAllowed, 0.0, 0.0));
        }
        let marked = self.account.equity(close);
        if marked <= 0.0 {
            return Err((RefusalReason::NoEquity, marked, 0.0));
        }
        let equity = if self.rules.compounding { marked } else { self.account.capital() };
        let request = SizeRequest {
            equity,
            price: close,
            stop: entry.stop,
            max_leverage: self.rules.max_leverage,
            costs: &self.rules.costs,
            instrument: &self.rules.instrument,
            record: &self.record,
        };
        self.rules.sizing.quantity(&request).map_err(|refusal| match refusal {
            SizeRefusal::BelowStep => (RefusalReason::BelowStep, 0.0, 0.0),
            SizeRefusal::BelowMinimum => (RefusalReason::BelowMinimum, 0.0, 0.0),
        })
    }

    fn market_order(&mut self, side: Side, quantity: f64) -> Order {
        Order { id: self.number(), side, quantity, kind: OrderKind::Market }
    }

    fn number(&mut self) -> OrderId {
        self.next_order += 1;
        OrderId(self.next_order)
    }

    #[inline(never)]
    fn on_fill(&mut self, fill: &Fill, actions: &mut Vec<Action>) {
        if let Some(pending) = self.pending_entry.filter(|p| p.order == fill.order) {
            self.pending_entry = None;
            self.account.apply(fill);
            self.held = 0;
            self.max_holding = pending.entry.max_holding.unwrap_or(u32::MAX);
            let id = self.number();
            self.protective = Some(id);
            let Entry { stop, target, .. } = pending.entry;
            actions.push(Action::Submit(Order {
                id,
                side: fill.side.opposite(),
                quantity: fill.quantity,
                kind: OrderKind::Oco { stop, target },
            }));
            return;
        }
        let reason = match fill.leg {
            Some(Leg::Stop) => ExitReason::Stop,
            Some(Leg::Target) => ExitReason::Target,
            None => self.pending_exit.map_or(ExitReason::Signal, |exit| exit.reason),
        };
        if let Some(closed) = self.account.apply(fill) {
            let trade = Trade {
                side: closed.side,
                entry_time_ms: closed.entry_time_ms,
                entry_price: closed.entry_price,
                exit_time_ms: closed.exit_time_ms,
                exit_price: closed.exit_price,
                quantity: closed.quantity,
                fees: closed.fees,
                profit: closed.profit,
                profit_pct: closed.profit / (closed.entry_price * closed.quantity) * 100.0,
                exit_reason: reason,
                holding: self.held + u32::from(fill.moment == Moment::Inside),
                ambiguous: fill.ambiguous,
                slippage: closed.slippage,
                funding: closed.funding,
            };
            self.record.add(trade.profit_pct);
            self.pending_exit = None;
            if let Some(order) = self.protective.take().filter(|id| *id != fill.order) {
                actions.push(Action::Cancel(order));
            }
            actions.push(Action::Settle(trade));
        }
    }
}

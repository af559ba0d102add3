//! The engine: events in, actions out.
//!
//! One [`Engine`] runs one configuration: it asks the strategy at each close, sizes what the
//! strategy wants, protects what was filled, and books what has ended. It knows no clock, no venue
//! and no data source; whoever drives it delivers [`Event`]s and carries out [`Action`]s.

mod any_engine;
mod end_reason;
mod protection;
mod quiet;
mod refusal;
mod rules;
#[cfg(test)]
mod tests;

pub use any_engine::{AnyEngine, EngineError, StreamingEngine};
pub use end_reason::EndReason;
use protection::{Protection, StopMove};
pub use refusal::{Refusal, RefusalReason};
pub use rules::Rules;

use crate::account::{Account, Closed, Funding, Trade};
use crate::order::{ExitReason, Fill, Leg, Moment, Order, OrderId, OrderKind, Side};
use crate::sizing::{SizeRefusal, SizeRequest, Sizing, TradeRecord};
use crate::strategy::{Entry, Input, Inputs, Intent, Strategy, View};
use crate::time::DAY_MS;

/// What the engine is told.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A candle has closed.
    Candle(&'a View<'a>),
    /// An order was executed.
    ///
    /// An entry comes as one fill, of all that was bought of it, perhaps less than was ordered.
    /// Exits may come in parts. Where a position is turned, the old one's exit comes before the new
    /// one's entry.
    Fill(&'a Fill),
    /// An order ended without filling, or without filling any further. What is not known any more
    /// is ignored.
    ///
    /// - An entry is forgotten, and the refusal recorded.
    /// - An exit is forgotten: the next close decides again. If nothing protects the position, the
    ///   next close exits for the same reason.
    /// - A protective pair leaves the position without a stop: it is closed at market.
    Ended {
        /// The order.
        order: OrderId,
        /// Why.
        reason: EndReason,
    },
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

#[derive(Clone, Copy, Debug)]
struct PendingEntry {
    order: OrderId,
    entry: Entry,
    /// Open time of the candle on which it was wanted.
    time_ms: i64,
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
    /// Of an open position whose stop may move.
    protection: Option<Protection>,
    /// An exit that ended unfilled while nothing protects the position.
    must_exit: Option<ExitReason>,
    deadline_ms: i64,
    max_holding: u32,
    held: u32,
    next_order: u64,
    entries_allowed: bool,
    allocation: Option<f64>,
    other_equity: f64,
    atr: Option<Input>,
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
            protection: None,
            must_exit: None,
            deadline_ms: i64::MAX,
            max_holding: u32::MAX,
            held: 0,
            next_order: 0,
            entries_allowed: true,
            allocation: None,
            other_equity: 0.0,
            atr: None,
        }
    }

    /// The same engine with what its sizing needs declared on the strategy's `inputs`. Without
    /// this, a size that needs the average true range is refused.
    #[must_use]
    pub fn with_inputs(mut self, inputs: &mut Inputs) -> Self {
        self.atr = self.rules.sizing.needs_atr().then(|| inputs.atr(Sizing::ATR_PERIOD));
        self
    }

    /// The strategy.
    pub fn strategy(&self) -> &S {
        &self.strategy
    }

    /// Lets the strategy see a candle without acting on it: how its state is warmed up.
    #[inline(never)]
    pub fn warm_up(&mut self, view: &View<'_>) {
        self.strategy.on_candle(view);
    }

    /// Whether entries may be made from now on. Exits always run: where entries are not allowed an
    /// opposite entry still closes the position.
    #[inline]
    pub fn allow_entries(&mut self, allowed: bool) {
        self.entries_allowed = allowed;
    }

    /// The largest fraction of equity that an entry's notional may have from now on, such as that
    /// of the configuration's stage ([`Stage::max_allocation`](crate::lifecycle::Stage)). `None` is
    /// no limit; 0 refuses every entry.
    pub fn set_allocation(&mut self, allocation: Option<f64>) {
        self.allocation = allocation;
    }

    /// Equity of the wallet outside this engine's account, quote currency, which sizing reckons
    /// with from now on; 0 at the start.
    pub fn set_other_equity(&mut self, equity: f64) {
        self.other_equity = equity;
    }

    /// The account.
    #[inline]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Whether `order` is an entry that has neither filled nor ended: what the risk gate judges.
    #[inline]
    pub fn is_entry(&self, order: OrderId) -> bool {
        self.pending_entry.is_some_and(|pending| pending.order == order)
    }

    /// Whether an exit is under way.
    #[inline]
    pub fn is_closing(&self) -> bool {
        self.pending_exit.is_some()
    }

    /// Takes one event; what it wants is appended to `actions`, in the order to be carried out.
    #[inline(always)]
    pub fn step(&mut self, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Candle(view) => self.on_candle(view, actions),
            Event::Fill(fill) => self.on_fill(fill, actions),
            Event::Ended { order, reason } => self.on_ended(order, reason, actions),
            Event::Funding(funding) => self.account.pay_funding(funding),
            Event::Liquidate(reason) => self.liquidate(reason, actions),
        }
    }

    #[inline(always)]
    fn on_candle(&mut self, view: &View<'_>, actions: &mut Vec<Action>) {
        let intent = self.strategy.on_candle(view);
        self.decide(intent, view, actions);
    }

    /// Does what `intent` and the rules want at a close.
    #[inline(always)]
    pub(crate) fn decide(
        &mut self,
        intent: Option<Intent>,
        view: &View<'_>,
        actions: &mut Vec<Action>,
    ) {
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
        let reason = if let Some(reason) = self.must_exit {
            reason
        } else if self.held >= self.max_holding {
            ExitReason::MaxHolding
        } else if self.deadline_ms != i64::MAX && self.is_past_deadline(view) {
            ExitReason::MaxDuration
        } else if opposite.is_some() || intent == Some(Intent::Exit) {
            ExitReason::Signal
        } else {
            if self.protection.is_some() {
                self.manage(view, actions);
            }
            return;
        };
        if self.pending_exit.is_none() {
            self.must_exit = None;
            self.exit(reason, actions);
            if let Some(entry) = opposite
                && self.pending_entry.is_none()
            {
                self.enter(entry, view, actions);
            }
        }
    }

    #[cold]
    fn is_past_deadline(&self, view: &View<'_>) -> bool {
        view.open_time().as_ms() + view.timeframe().as_ms() >= self.deadline_ms
    }

    /// Moves the stop of an open position: the old pair is taken back, then a new one given.
    #[inline(never)]
    fn manage(&mut self, view: &View<'_>, actions: &mut Vec<Action>) {
        let (Some(protection), Some(old)) = (&mut self.protection, self.protective) else { return };
        let Some(&position) = self.account.position() else { return };
        if self.pending_exit.is_some() {
            return;
        }
        let (high, low, close) = (view.high(0), view.low(0), view.close(0));
        match protection.at_close(&self.rules, high, low, close) {
            StopMove::Stay => {}
            StopMove::Crossed => self.exit(ExitReason::Stop, actions),
            StopMove::To(stop) => {
                let target = protection.target;
                actions.push(Action::Cancel(old));
                self.protect(position.side, position.quantity, stop, target, actions);
            }
        }
    }

    /// Gives a protective pair for a position of `side`.
    fn protect(
        &mut self,
        side: Side,
        quantity: f64,
        stop: f64,
        target: Option<f64>,
        actions: &mut Vec<Action>,
    ) {
        let id = self.number();
        self.protective = Some(id);
        let kind = OrderKind::Oco { stop, target };
        actions.push(Action::Submit(Order { id, side: side.opposite(), quantity, kind }));
    }

    /// Forgets an order that has ended.
    #[cold]
    fn on_ended(&mut self, order: OrderId, reason: EndReason, actions: &mut Vec<Action>) {
        if let Some(PendingEntry { entry, time_ms, .. }) =
            self.pending_entry.take_if(|pending| pending.order == order)
        {
            let (reason, figure, limit) = reason.refusal();
            let side = entry.side;
            actions.push(Action::Refuse(Refusal { time_ms, side, reason, figure, limit }));
        } else if let Some(exit) = self.pending_exit.take_if(|exit| exit.order == order) {
            if self.account.position().is_some() {
                if self.protective.is_none() {
                    self.must_exit = Some(exit.reason);
                }
                // Without the exit, the entry of the other side would only net with what is held.
                actions.extend(self.pending_entry.map(|entry| Action::Cancel(entry.order)));
            }
        } else if self.protective == Some(order) {
            self.protective = None;
            self.flatten_unprotected(actions);
        }
    }

    /// Closes a position that nothing protects and nothing closes.
    fn flatten_unprotected(&mut self, actions: &mut Vec<Action>) {
        if self.protective.is_none() && self.pending_exit.is_none() {
            self.exit(ExitReason::Unprotected, actions);
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
        self.must_exit = None;
        self.exit(reason, actions);
    }

    #[cold]
    fn enter(&mut self, entry: Entry, view: &View<'_>, actions: &mut Vec<Action>) {
        let entry = self.rules.entry_on_tick(entry);
        match self.size(&entry, view) {
            Ok(quantity) => {
                let order = self.market_order(entry.side, quantity);
                let time_ms = view.open_time().as_ms();
                self.pending_entry = Some(PendingEntry { order: order.id, entry, time_ms });
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

    fn size(&self, entry: &Entry, view: &View<'_>) -> Result<f64, (RefusalReason, f64, f64)> {
        let close = view.close(0);
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
        let share = self.rules.decision.judge(entry.side, view.advice()).map_err(|veto| {
            (veto.into(), view.advice().map_or(0.0, |advice| advice.confidence), 0.0)
        })?;
        let marked = self.account.equity(close) + self.other_equity;
        if marked.is_nan() || marked <= 0.0 {
            return Err((RefusalReason::NoEquity, marked, 0.0));
        }
        let equity = if self.rules.compounding {
            marked
        } else {
            self.account.capital() + self.other_equity
        };
        let equity = equity * share;
        let mut max_notional = self.rules.max_notional;
        if let Some(allocation) = self.allocation {
            if allocation.is_nan() || allocation <= 0.0 {
                return Err((RefusalReason::Allocation, allocation, 0.0));
            }
            let most = equity * allocation;
            max_notional =
                Some(max_notional.map_or(most, |limit| if limit < most { limit } else { most }));
        }
        let request = SizeRequest {
            equity,
            price: close,
            stop: entry.stop,
            max_leverage: self.rules.max_leverage,
            costs: &self.rules.costs,
            instrument: &self.rules.instrument,
            record: &self.record,
            atr: self.atr.and_then(|input| view.input(input, 0)),
            candles_per_day: DAY_MS as f64 / view.timeframe().as_ms() as f64,
            min_notional: self.rules.min_notional,
            max_notional,
        };
        self.rules.sizing.quantity(&request).map_err(|refusal| match refusal {
            SizeRefusal::BelowStep => (RefusalReason::BelowStep, 0.0, 0.0),
            SizeRefusal::BelowMinimum => (RefusalReason::BelowMinimum, 0.0, 0.0),
            SizeRefusal::UnknownVolatility => (RefusalReason::UnknownVolatility, 0.0, 0.0),
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
        if let Some(pending) = self.pending_entry.take_if(|pending| pending.order == fill.order) {
            self.on_entry(&pending.entry, fill, actions);
            return;
        }
        let reason = match fill.leg {
            Some(Leg::Stop) => ExitReason::Stop,
            Some(Leg::Target) => ExitReason::Target,
            None => self.pending_exit.map_or(ExitReason::Signal, |exit| exit.reason),
        };
        if let Some(closed) = self.account.apply(fill) {
            self.settle(&closed, reason, fill, actions);
        }
        if self.account.position().is_some() {
            // What came of an order that is not known any more has no stop.
            self.flatten_unprotected(actions);
        }
    }

    fn on_entry(&mut self, entry: &Entry, fill: &Fill, actions: &mut Vec<Action>) {
        self.account.apply(fill);
        self.held = 0;
        self.max_holding = entry.max_holding.unwrap_or(u32::MAX);
        let longest = self.rules.max_duration_ms.unwrap_or(i64::MAX);
        self.deadline_ms = fill.time_ms.saturating_add(longest);
        if self.rules.moves_stops() {
            self.protection = Some(Protection::new(entry, fill.price));
        }
        self.protect(fill.side, fill.quantity, entry.stop, entry.target, actions);
    }

    fn settle(
        &mut self,
        closed: &Closed,
        reason: ExitReason,
        fill: &Fill,
        actions: &mut Vec<Action>,
    ) {
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
        self.protection = None;
        self.must_exit = None;
        self.deadline_ms = i64::MAX;
        self.max_holding = u32::MAX;
        self.held = 0;
        let exit = self.pending_exit.take().map(|exit| exit.order);
        for order in [exit, self.protective.take()] {
            actions.extend(order.filter(|id| *id != fill.order).map(Action::Cancel));
        }
        actions.push(Action::Settle(trade));
    }
}

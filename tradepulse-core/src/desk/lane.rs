mod settle;

use super::booking::Booking;
use super::command::{Command, NoticeKind, Record};
use super::context::Context;
use super::event::{AskAnswer, CancelAnswer, SubmitAnswer};
use super::guard::{Guard, Plan};
use super::placement::{Executed, Placement, later};
use super::ticket::{EntryTicket, ExitTicket};
use super::{LaneId, LaneSetup, Level};
use crate::account::Position;
use crate::engine::{Action, AnyEngine, EndReason, Event, Refusal};
use crate::market::Candle;
use crate::money::{Price, Quantity};
use crate::order::{
    ClientOrderId, ExitReason, Fill, Leg, Order, OrderId, OrderKind, OrderReport, OrderRequest,
    RequestKind, Side,
};
use crate::regime::{Regime, RegimeRule};
use crate::risk::{Approved, EntryContext};
use crate::store::RegimeScope;
use crate::strategy::Quote;
use crate::time::Timestamp;

/// One configuration at its venue: the engine that decides, and the orders that carry it out.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) id: LaneId,
    pub(super) setup: LaneSetup,
    pub(super) engine: Box<dyn AnyEngine>,
    pub(super) last_price: f64,
    pub(super) last_close: Option<Timestamp>,
    quote: Option<Quote>,
    /// Labels candles, where entries depend on it.
    regime: Option<(RegimeRule, Regime)>,
    entry: Option<EntryTicket>,
    exit: Option<ExitTicket>,
    guard: Option<Guard>,
    next_guard: Option<Plan>,
    rearmed: u32,
    naked_since: Option<Timestamp>,
    beyond_since: Option<Timestamp>,
    pub(super) opened_at: Option<Timestamp>,
    /// Why the entry that is about to be refused is refused, in words.
    why: Option<String>,
    actions: Vec<Action>,
}

/// Which of a lane's orders something is about.
#[derive(Clone, Copy)]
enum Which {
    Entry,
    Exit,
    Guard,
}

impl Lane {
    pub(super) fn new(id: LaneId, setup: LaneSetup, engine: Box<dyn AnyEngine>) -> Self {
        let wanted = match setup.regime {
            RegimeScope::Any => None,
            RegimeScope::Bull => Some(Regime::Bull),
            RegimeScope::Bear => Some(Regime::Bear),
            RegimeScope::Sideways => Some(Regime::Sideways),
        };
        // A window of days never is too long or too short for a candle.
        let rule = RegimeRule::over_days(LaneSetup::REGIME_DAYS, setup.timeframe).ok();
        let regime = rule.zip(wanted);
        Self {
            id,
            setup,
            engine,
            last_price: f64::NAN,
            last_close: None,
            quote: None,
            regime,
            entry: None,
            exit: None,
            guard: None,
            next_guard: None,
            rearmed: 0,
            naked_since: None,
            beyond_since: None,
            opened_at: None,
            why: None,
            actions: Vec::new(),
        }
    }

    pub(super) fn position(&self) -> Option<&Position> {
        self.engine.account().position()
    }

    /// Whether it holds nothing and wants nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.entry.is_none()
            && self.exit.is_none()
            && self.guard.is_none()
            && self.position().is_none()
    }

    /// Whether the position, if there is one, is about to be closed.
    pub(super) fn is_exiting(&self) -> bool {
        self.exit.is_some()
    }

    /// Cash plus unrealised profit at the last price.
    pub(super) fn equity(&self) -> f64 {
        self.engine.account().equity(self.last_price)
    }

    /// Side, notional and time of what it holds, or of the entry that it has sent; not of what is
    /// about to be closed.
    pub(super) fn holds(&self) -> Option<(Side, f64, Timestamp)> {
        if let Some(ticket) = &self.entry {
            let request = ticket.placement.request();
            let notional = request.quantity.to_f64() * ticket.decided;
            return Some((request.side, notional, ticket.created));
        }
        let position = self.position().filter(|_| !self.is_exiting())?;
        let opened_at = self.opened_at.unwrap_or(Timestamp::from_ms(position.entry_time_ms));
        Some((position.side, position.quantity * self.last_price, opened_at))
    }

    /// Whether the position's protection is in force, or there is nothing to protect.
    pub(super) fn is_protected(&self) -> bool {
        self.position().is_none() || self.guard.as_ref().is_some_and(Guard::is_working)
    }

    pub(super) fn placements(&self) -> impl Iterator<Item = &Placement> {
        let entry = self.entry.iter().map(|ticket| &ticket.placement);
        let exit = self.exit.iter().filter_map(|ticket| ticket.placement.as_ref());
        entry.chain(exit).chain(self.guard.iter().flat_map(Guard::placements))
    }

    /// A candle of the past.
    pub(super) fn warm_up(&mut self, candle: &Candle) {
        self.label(candle);
        self.engine.warm_up(*candle);
    }

    /// Lets entries happen in the regime that they are for, and in no other.
    fn label(&mut self, candle: &Candle) {
        if let Some((rule, wanted)) = &mut self.regime {
            let label = rule.next(candle.close);
            self.engine.allow_entries(label == Some(*wanted));
        }
    }

    pub(super) fn candle(&mut self, candle: &Candle, close: Timestamp, context: &mut Context<'_>) {
        self.last_price = candle.close;
        self.last_close = Some(close);
        self.label(candle);
        let fired = self.price(candle.low, candle.high, candle.close, context);
        let mut actions = std::mem::take(&mut self.actions);
        self.engine.on_candle(*candle, self.quote, &mut actions);
        if fired || !actions.is_empty() {
            self.carry_out(&mut actions, context);
            self.settle(context);
        }
        self.actions = actions;
    }

    pub(super) fn quoted(&mut self, quote: Quote, context: &mut Context<'_>) {
        self.quote = Some(quote);
        let Some(position) = self.position() else { return };
        // What the position could be closed at.
        let price = match position.side {
            Side::Long => quote.bid,
            Side::Short => quote.ask,
        };
        self.last_price = price;
        self.price(price, price, price, context);
        self.settle(context);
    }

    /// Looks at a price range: is the price beyond the stop, is a watched leg reached? If so, the
    /// exit is begun.
    fn price(&mut self, low: f64, high: f64, last: f64, context: &mut Context<'_>) -> bool {
        let Some(guard) = &self.guard else { return false };
        if self.exit.is_some() || guard.is_leaving() || self.position().is_none() {
            return false;
        }
        let plan = guard.plan;
        let protection = context.capabilities.protection;
        if let Some(leg) = plan.reached(low, high)
            && guard.watches(protection, leg)
        {
            let decided = if leg == Leg::Stop { plan.stop } else { plan.target.unwrap_or(last) };
            self.exit = Some(ExitTicket::new(plan.order, Some(leg), decided));
            self.leave_guard(context);
            return true;
        }
        if plan.reached(last, last) == Some(Leg::Stop) {
            self.beyond_since.get_or_insert(context.now);
        } else {
            self.beyond_since = None;
        }
        false
    }

    fn leave_guard(&mut self, context: &mut Context<'_>) {
        if let Some(guard) = &mut self.guard {
            guard.leave(context);
        }
    }

    /// Gets out, for this reason.
    pub(super) fn liquidate(&mut self, reason: ExitReason, context: &mut Context<'_>) {
        self.step(Event::Liquidate(reason), context);
        self.settle(context);
    }

    fn step(&mut self, event: Event<'_>, context: &mut Context<'_>) {
        let mut actions = Vec::new();
        self.engine.step(event, &mut actions);
        self.carry_out(&mut actions, context);
    }

    fn carry_out(&mut self, actions: &mut Vec<Action>, context: &mut Context<'_>) {
        for action in actions.drain(..) {
            match action {
                Action::Submit(order) => self.submit(order, context),
                Action::Cancel(order) => self.cancel(order, context),
                Action::Settle(trade) => {
                    context.gate.closed(context.now, trade.profit);
                    let lane = self.id;
                    context.commands.push(Command::Record(Record::Trade { lane, trade }));
                }
                Action::Refuse(refusal) => {
                    let lane = self.id;
                    let text = self.why.take().unwrap_or_else(|| words(&refusal));
                    context.commands.push(Command::Record(Record::Refusal { lane, refusal, text }));
                }
            }
        }
    }

    fn submit(&mut self, order: Order, context: &mut Context<'_>) {
        match order.kind {
            OrderKind::Oco { stop, target } => {
                let quantity = self.on_grid(order.quantity);
                let plan = Plan { order: order.id, side: order.side, quantity, stop, target };
                if self.guard.is_some() {
                    self.next_guard = Some(plan);
                } else {
                    self.place_guard(plan, context);
                }
            }
            OrderKind::Market => {
                if self.engine.is_entry(order.id) {
                    self.enter(order, context);
                    return;
                }
                match &mut self.exit {
                    // The engine wants what is already on its way.
                    Some(ticket) if ticket.leg.is_some() => {}
                    Some(ticket) => ticket.order = order.id,
                    None => {
                        self.exit = Some(ExitTicket::new(order.id, None, self.last_price));
                        self.leave_guard(context);
                    }
                }
            }
        }
    }

    fn on_grid(&self, quantity: f64) -> Quantity {
        let quantity = Quantity::from_f64(quantity).unwrap_or_default();
        self.setup.rules.instrument.quantity_step.map_or(quantity, |step| quantity.floor_to(step))
    }

    fn place_guard(&mut self, plan: Plan, context: &mut Context<'_>) {
        match Guard::place(plan, &self.setup.symbol, context) {
            Ok(guard) => self.guard = Some(guard),
            Err(error) => self.unprotected(&error.to_string(), context),
        }
    }

    fn enter(&mut self, order: Order, context: &mut Context<'_>) {
        let request = OrderRequest {
            id: context.ids.next(),
            symbol: self.setup.symbol.clone(),
            side: order.side,
            quantity: self.on_grid(order.quantity),
            kind: RequestKind::Market,
            reduce_only: false,
        };
        match self.judge(request, context) {
            Ok(approved) => {
                let ticket = EntryTicket::new(order.id, approved, self.last_price, context.now);
                self.entry = Some(ticket);
            }
            Err((reason, why)) => {
                self.why = Some(why);
                self.step(Event::Ended { order: order.id, reason }, context);
            }
        }
    }

    fn judge(
        &self,
        request: OrderRequest,
        context: &Context<'_>,
    ) -> Result<Approved<OrderRequest>, (EndReason, String)> {
        let price = Price::from_f64(self.last_price)
            .map_err(|error| (EndReason::Rejected, error.to_string()))?;
        if request.quantity.is_zero() {
            return Err((EndReason::Rejected, "the size rounds to nothing".to_owned()));
        }
        let positions = context.wallet.positions(self.id.0 as usize);
        let entry = EntryContext {
            at: context.now,
            last_price: Some(self.last_price),
            candle_closed_at: self.last_close,
            timeframe: self.setup.timeframe,
            quote: self.quote,
            spread_tolerance_bps: self.setup.max_spread_bps,
            equity: Some(context.wallet.equity()).filter(|equity| equity.is_finite()),
            free_balance: context.wallet.free,
            leverage: self.setup.leverage,
            positions: Some(&positions),
        };
        let judged = context.gate.judge(request, price, &entry);
        judged.map_err(|refusal| (EndReason::from(&refusal), refusal.to_string()))
    }

    fn cancel(&mut self, order: OrderId, context: &mut Context<'_>) {
        if let Some(ticket) = self.entry.as_mut().filter(|t| t.order == order) {
            ticket.placement.cancel(context);
        }
        if self.next_guard.is_some_and(|plan| plan.order == order) {
            self.next_guard = None;
        }
        if self.guard.as_ref().is_some_and(|guard| guard.plan.order == order) {
            self.leave_guard(context);
        }
        // An exit that was sent is not taken back: it stands for the next one.
        let unsent = |ticket: &ExitTicket| ticket.order == order && ticket.placement.is_none();
        if self.exit.as_ref().is_some_and(unsent) {
            self.exit = None;
        }
    }

    fn which(&self, id: ClientOrderId) -> Option<Which> {
        if self.entry.as_ref().is_some_and(|t| t.placement.owns(id)) {
            Some(Which::Entry)
        } else if self.exit.as_ref().and_then(|t| t.placement.as_ref()).is_some_and(|p| p.owns(id))
        {
            Some(Which::Exit)
        } else {
            let owned = self.guard.as_ref()?.placements().any(|p| p.owns(id));
            owned.then_some(Which::Guard)
        }
    }

    fn placement(&mut self, which: Which, id: ClientOrderId) -> Option<&mut Placement> {
        match which {
            Which::Entry => self.entry.as_mut().map(|ticket| &mut ticket.placement),
            Which::Exit => self.exit.as_mut().and_then(|ticket| ticket.placement.as_mut()),
            Which::Guard => self.guard.as_mut().and_then(|guard| guard.placement(id)),
        }
    }

    pub(super) fn owns(&self, id: ClientOrderId) -> bool {
        self.which(id).is_some()
    }

    pub(super) fn told(&mut self, id: ClientOrderId, told: Told<'_>, context: &mut Context<'_>) {
        let Some(which) = self.which(id) else { return };
        let waits = self.entry_waits();
        if let Some(ticket) = &mut self.entry {
            ticket.placement.held = waits;
        }
        let Some(placement) = self.placement(which, id) else { return };
        let executed = match told {
            Told::Report(report) => placement.report(report, context),
            Told::Submitted(answer) => placement.submit_answered(answer, context),
            Told::Cancelled(answer) => placement.cancel_answered(answer, context),
            Told::Asked(answer) => placement.asked(id, answer, context),
        };
        self.executed(which, executed, context);
        self.settle(context);
    }

    fn executed(&mut self, which: Which, executed: Vec<Executed>, context: &mut Context<'_>) {
        match which {
            Which::Entry => {
                if let Some(ticket) = &mut self.entry {
                    ticket.collect(executed);
                }
            }
            Which::Exit => {
                let Some(ticket) = &self.exit else { return };
                let (order, leg, decided) = (ticket.order, ticket.leg, ticket.decided);
                for (_, execution) in executed {
                    self.book(&[execution], order, leg, decided, context);
                }
            }
            Which::Guard => {
                for executed in executed {
                    let Some(guard) = &self.guard else { return };
                    let (plan, leg) = (guard.plan, guard.leg_of(&executed));
                    let decided = match leg {
                        Some(Leg::Target) => plan.target.unwrap_or(plan.stop),
                        _ => plan.stop,
                    };
                    self.book(&[executed.1], plan.order, leg, decided, context);
                }
            }
        }
    }

    /// Tells the engine of executions that reduce the position.
    fn book(
        &mut self,
        executions: &[crate::order::Execution],
        order: OrderId,
        leg: Option<Leg>,
        decided: f64,
        context: &mut Context<'_>,
    ) {
        let Some(side) = self.position().map(|p| p.side.opposite()) else {
            let text = format!("{}: an execution without a position", self.setup.symbol);
            context.unexplained(text);
            return;
        };
        if let Some(fill) = self.fill(executions, order, side, leg, decided, context) {
            self.step(Event::Fill(&fill), context);
        }
    }

    fn fill(
        &self,
        executions: &[crate::order::Execution],
        order: OrderId,
        side: Side,
        leg: Option<Leg>,
        decided: f64,
        context: &mut Context<'_>,
    ) -> Option<Fill> {
        let symbol = &self.setup.symbol;
        let step = self.setup.rules.instrument.quantity_step;
        let booking = Booking { symbol, order, side, leg, decided, step };
        let Some((fill, strange)) = booking.fill(executions) else {
            context.unexplained(format!("{symbol}: executions that make no fill"));
            return None;
        };
        for currency in strange {
            let text = format!("{symbol}: a fee in {currency} is not counted");
            context.notice(Level::Warning, NoticeKind::FeeUnknown, text);
        }
        Some(fill)
    }

    /// When it wants to be called again.
    pub(super) fn due(&self, context: &Context<'_>) -> Option<Timestamp> {
        let settings = context.settings;
        let placements = self.placements().filter_map(|p| p.due(settings.order_check_ms));
        let naked = self.naked_since.filter(|_| self.exit.is_none());
        let beyond = self.beyond_since.filter(|_| self.exit.is_none());
        let entry = self.entry.as_ref().filter(|t| !t.placement.is_leaving()).map(|t| t.created);
        placements
            .chain(naked.map(|at| later(at, settings.naked_limit_ms)))
            .chain(beyond.map(|at| later(at, settings.watchdog_grace_ms)))
            .chain(entry.map(|at| later(at, settings.entry_patience_ms)))
            .chain(self.exit.as_ref().and_then(|ticket| ticket.retry_at))
            .min()
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, context: &mut Context<'_>) {
        let (now, settings) = (context.now, context.settings);
        let waits = self.entry_waits();
        if let Some(ticket) = &mut self.entry {
            ticket.placement.held = waits;
            ticket.placement.tick(context);
            let patient_until = later(ticket.created, settings.entry_patience_ms);
            if now >= patient_until && !ticket.placement.is_gone() {
                ticket.placement.cancel(context);
            }
        }
        if let Some(placement) = self.exit.as_mut().and_then(|ticket| ticket.placement.as_mut()) {
            placement.tick(context);
        }
        for placement in self.guard.iter_mut().flat_map(Guard::placements_mut) {
            placement.tick(context);
        }
        self.settle(context);
        let passed = |since: Option<Timestamp>, limit_ms| {
            since.is_some_and(|since| now >= later(since, limit_ms))
        };
        if self.exit.is_none() && passed(self.naked_since, settings.naked_limit_ms) {
            let text = format!("{} ms without a protective order", settings.naked_limit_ms);
            self.unprotected(&text, context);
            self.settle(context);
        }
        if self.exit.is_none() && passed(self.beyond_since, settings.watchdog_grace_ms) {
            let text = format!("{}: price beyond the stop, which did not fire", self.setup.symbol);
            context.notice(Level::Error, NoticeKind::Watchdog, text);
            self.liquidate(ExitReason::Watchdog, context);
        }
    }

    /// Reports may have been lost: asks for everything that may be live. `all`: also for what was
    /// just sent, whose answer died with the process that sent it.
    pub(super) fn ask_all(&mut self, all: bool, context: &mut Context<'_>) {
        let entry = self.entry.iter_mut().map(|ticket| &mut ticket.placement);
        let exit = self.exit.iter_mut().filter_map(|ticket| ticket.placement.as_mut());
        let guard = self.guard.iter_mut().flat_map(Guard::placements_mut);
        for placement in exit.chain(guard).chain(entry) {
            if all {
                placement.recover(context);
            } else if placement.lives().iter().any(|life| life.may_be_live()) {
                placement.ask(context);
            }
        }
        self.settle(context);
    }
}

/// What a lane can be told of its orders.
#[derive(Clone, Copy)]
pub(super) enum Told<'a> {
    Report(&'a OrderReport),
    Submitted(&'a SubmitAnswer),
    Cancelled(&'a CancelAnswer),
    Asked(&'a AskAnswer),
}

/// A refusal of the engine's own, in words.
fn words(refusal: &Refusal) -> String {
    let Refusal { reason, figure, limit, .. } = refusal;
    format!("{}: {figure} against {limit}", reason.name())
}

mod carry_out;
mod settle;
mod told;

pub(super) use self::told::Told;
use super::command::NoticeKind;
use super::context::Context;
use super::guard::{Guard, Plan};
use super::placement::{Placement, later};
use super::ticket::{EntryTicket, ExitTicket};
use super::{LaneId, LaneSetup, Level};
use crate::account::Position;
use crate::engine::{Action, AnyEngine, Event};
use crate::ensemble::Advice;
use crate::market::Candle;
use crate::order::{ExitReason, Leg, Side};
use crate::regime::{Regime, RegimeRule};
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

    /// Whether an entry is on its way.
    pub(super) fn is_entering(&self) -> bool {
        self.entry.is_some()
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

    /// A candle has closed, about which nothing is decided yet.
    pub(super) fn closing(&mut self, candle: &Candle, context: &mut Context<'_>) {
        self.last_price = candle.close;
        if self.price(candle.low, candle.high, candle.close, context) {
            self.settle(context);
        }
    }

    pub(super) fn candle(
        &mut self,
        candle: &Candle,
        close: Timestamp,
        advice: Option<Advice>,
        context: &mut Context<'_>,
    ) {
        self.last_price = candle.close;
        self.last_close = Some(close);
        self.label(candle);
        let fired = self.price(candle.low, candle.high, candle.close, context);
        let mut actions = std::mem::take(&mut self.actions);
        self.engine.on_candle(*candle, self.quote, advice, &mut actions);
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

use super::command::{Command, Record};
use super::context::Context;
use super::event::{AskAnswer, CancelAnswer, SubmitAnswer};
use crate::exchange::RejectKind;
use crate::order::{ClientOrderId, Execution, OrderLife, OrderReport, OrderRequest, OrderState};
use crate::risk::Approved;
use crate::time::Timestamp;

/// What to do when the venue turns out not to have an order whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Let it be, unless it is young and a second order of its id is impossible (entries).
    GiveUp,
    /// Send the same order again at once: while it rests, a second one of its id is refused
    /// (protective orders).
    ResendAtOnce,
    /// Send the same order again once it is certain that the first cannot arrive any more (exits).
    ResendLater,
}

/// Which answer is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Nothing,
    Submit,
    Ask,
}

/// One request on its way to a venue and there: sends, asks, cancels and tries again until it is
/// known what became of it.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    approved: Approved<OrderRequest>,
    lives: Vec<OrderLife>,
    missing: Missing,
    waiting: Waiting,
    /// It is certain that the venue does not have it.
    absent: bool,
    created: Timestamp,
    /// Until then a sending whose answer was lost may still arrive.
    unknown_until: Option<Timestamp>,
    /// It is not sent again, whatever the venue says.
    given_up: bool,
    sent_at: Option<Timestamp>,
    heard_at: Timestamp,
    tries: u32,
    send_at: Option<Timestamp>,
    ask_at: Option<Timestamp>,
    cancel_at: Option<Timestamp>,
    cancel_wanted: bool,
    /// Something else has to reach the venue before it is sent, or sent again.
    pub(super) held: bool,
    /// Why it ended, in the venue's words.
    pub(super) reason: Option<String>,
    /// How the venue refused it, if it did.
    pub(super) rejected: Option<RejectKind>,
}

/// An execution and the order, or leg, that it belongs to.
pub(super) type Executed = (ClientOrderId, Execution);

impl Placement {
    pub(super) fn new(approved: Approved<OrderRequest>, missing: Missing, now: Timestamp) -> Self {
        let request = approved.get();
        let lives = request.reported_as().map(|id| OrderLife::new(id, request.quantity)).collect();
        Self {
            approved,
            lives,
            missing,
            waiting: Waiting::Nothing,
            absent: true,
            created: now,
            unknown_until: None,
            given_up: false,
            sent_at: None,
            heard_at: now,
            tries: 0,
            send_at: None,
            ask_at: None,
            cancel_at: None,
            cancel_wanted: false,
            held: false,
            reason: None,
            rejected: None,
        }
    }

    pub(super) fn request(&self) -> &OrderRequest {
        self.approved.get()
    }

    pub(super) fn lives(&self) -> &[OrderLife] {
        &self.lives
    }

    pub(super) fn is_sent(&self) -> bool {
        self.sent_at.is_some()
    }

    /// Whether it, or a leg of it, is the order `id`.
    pub(super) fn owns(&self, id: ClientOrderId) -> bool {
        self.request().id == id || self.lives.iter().any(|life| life.id() == id)
    }

    /// Whether nothing more will happen to it, and everything that did is known.
    pub(super) fn is_gone(&self) -> bool {
        self.lives.iter().all(OrderLife::is_settled)
    }

    /// Whether the venue has said that all of it rests there.
    pub(super) fn is_resting(&self) -> bool {
        self.lives
            .iter()
            .all(|l| matches!(l.state(), OrderState::Accepted | OrderState::PartiallyFilled))
    }

    /// Whether a part of it has filled.
    pub(super) fn has_filled(&self) -> bool {
        self.lives.iter().any(|life| !life.filled().is_zero())
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.cancel_wanted
    }

    /// When it wants to be called again.
    pub(super) fn due(&self, order_check_ms: i64) -> Option<Timestamp> {
        let quiet = self.waiting != Waiting::Submit && order_check_ms > 0;
        let check = (quiet && self.lives.iter().any(OrderLife::may_be_live))
            .then(|| later(self.heard_at, order_check_ms));
        let send_at = self.send_at.filter(|_| !self.held);
        [send_at, self.ask_at, self.cancel_at, check].into_iter().flatten().min()
    }

    pub(super) fn send(&mut self, context: &mut Context<'_>) {
        self.send_at = None;
        self.sent_at = Some(context.now);
        self.heard_at = context.now;
        self.waiting = Waiting::Submit;
        self.absent = false;
        self.change(OrderLife::sent, context);
        context.commands.push(Command::Submit(self.approved.clone()));
    }

    pub(super) fn submit_answered(
        &mut self,
        answer: &SubmitAnswer,
        context: &mut Context<'_>,
    ) -> Vec<Executed> {
        if self.waiting == Waiting::Submit {
            self.waiting = Waiting::Nothing;
        }
        self.heard_at = context.now;
        let mut executed = Vec::new();
        match answer {
            SubmitAnswer::Accepted { reports } => {
                for report in reports {
                    executed.extend(self.report(report, context));
                }
                if self.cancel_wanted && !self.is_gone() {
                    self.cancel_now(context);
                }
            }
            SubmitAnswer::Rejected { kind: RejectKind::Duplicate, reason } => {
                // An earlier sending arrived after all.
                self.reason = Some(reason.clone());
                self.lose(context);
            }
            SubmitAnswer::Rejected { kind, reason } => {
                self.reason = Some(reason.clone());
                self.rejected = Some(*kind);
                if self.may_arrive(context) {
                    // That was the answer to the second sending.
                    self.given_up = true;
                    self.ask_later(context);
                } else {
                    self.refuse(context);
                }
            }
            SubmitAnswer::NotSent { until, reason } => {
                self.reason = Some(reason.clone());
                self.absent = !self.may_arrive(context);
                if self.cancel_wanted && self.absent {
                    self.refuse(context);
                } else if self.cancel_wanted {
                    self.ask_later(context);
                } else {
                    let pause = later(context.now, context.settings.pause_ms(self.tries));
                    self.send_at = Some(until.map_or(pause, |until| until.max(pause)));
                    self.tries += 1;
                }
            }
            SubmitAnswer::Unknown { reason } => {
                self.reason = Some(reason.clone());
                context.outcome_unknown(self.request(), reason);
                self.lose(context);
            }
        }
        executed
    }

    /// Another process took over: whatever was on its way may be lost.
    pub(super) fn recover(&mut self, context: &mut Context<'_>) {
        self.tries = 0;
        self.lose(context);
    }

    /// The answer to sending it was lost: asks for it.
    fn lose(&mut self, context: &mut Context<'_>) {
        if self.is_gone() || !self.is_sent() {
            return;
        }
        self.change(OrderLife::lost, context);
        let sent_at = self.sent_at.unwrap_or(context.now);
        self.unknown_until = Some(later(sent_at, context.capabilities.arrival_window_ms));
        self.send_at = None;
        self.ask(context);
    }

    pub(super) fn ask(&mut self, context: &mut Context<'_>) {
        if !self.is_sent() {
            return;
        }
        self.ask_at = None;
        self.heard_at = context.now;
        self.waiting = Waiting::Ask;
        let symbol = self.request().symbol.clone();
        for life in self.lives.iter().filter(|life| !life.is_settled()) {
            context.commands.push(Command::Ask { symbol: symbol.clone(), id: life.id() });
        }
    }

    pub(super) fn asked(
        &mut self,
        id: ClientOrderId,
        answer: &AskAnswer,
        context: &mut Context<'_>,
    ) -> Vec<Executed> {
        self.heard_at = context.now;
        match answer {
            AskAnswer::Found { report } => {
                self.waiting = Waiting::Nothing;
                let executed = self.report(report, context);
                if self.cancel_wanted && !self.is_gone() && self.cancel_at.is_none() {
                    self.cancel_now(context);
                }
                return executed;
            }
            AskAnswer::NotFound if self.waiting == Waiting::Ask => self.not_found(id, context),
            AskAnswer::NotFound => {}
            AskAnswer::Failed { .. } => self.ask_later(context),
        }
        Vec::new()
    }

    fn not_found(&mut self, id: ClientOrderId, context: &mut Context<'_>) {
        let was_there = self.lives.iter().any(|l| {
            !matches!(l.state(), OrderState::Intended | OrderState::Sent | OrderState::Unknown)
        });
        if was_there {
            // The venue had it and has forgotten it: venues forget orders that ended.
            let vanish = |life: &mut OrderLife| {
                if life.id() == id {
                    life.vanished();
                }
            };
            self.change(vanish, context);
            return;
        }
        let arrival_ms = context.capabilities.arrival_window_ms;
        let certain_at = later(self.sent_at.unwrap_or(context.now), arrival_ms);
        let certain = context.now >= certain_at;
        let remembers = context.capabilities.remembers_ids;
        // While it is what it was decided for.
        let young = context.now < later(self.created, context.settings.entry_patience_ms);
        let resend = !self.cancel_wanted
            && !self.given_up
            && match self.missing {
                Missing::GiveUp => remembers && young,
                Missing::ResendAtOnce => true,
                Missing::ResendLater => remembers || certain,
            };
        if resend {
            self.waiting = Waiting::Nothing;
            self.send_at = Some(if self.tries == 0 {
                context.now
            } else {
                later(context.now, context.settings.pause_ms(self.tries))
            });
            self.tries += 1;
            self.tick(context);
        } else if certain {
            self.reason.get_or_insert_with(|| "it never arrived".to_owned());
            self.refuse(context);
        } else {
            let pause = later(context.now, context.settings.pause_ms(self.tries));
            self.tries += 1;
            self.ask_at = Some(pause.min(certain_at).max(later(context.now, 1)));
        }
    }

    pub(super) fn cancel(&mut self, context: &mut Context<'_>) {
        if self.cancel_wanted || self.is_gone() {
            return;
        }
        self.cancel_wanted = true;
        if self.absent {
            self.refuse(context);
        } else {
            self.cancel_now(context);
        }
    }

    fn cancel_now(&mut self, context: &mut Context<'_>) {
        self.cancel_at = None;
        let OrderRequest { symbol, id, .. } = self.request();
        let (symbol, id) = (symbol.clone(), *id);
        context.commands.push(Command::Cancel { symbol, id });
    }

    pub(super) fn cancel_answered(
        &mut self,
        answer: &CancelAnswer,
        context: &mut Context<'_>,
    ) -> Vec<Executed> {
        self.heard_at = context.now;
        let mut executed = Vec::new();
        match answer {
            CancelAnswer::Ended { reports } => {
                for report in reports {
                    executed.extend(self.report(report, context));
                }
                if !self.is_gone() {
                    self.ask(context);
                }
            }
            CancelAnswer::NotFound => {
                // Gone, or not there yet.
                if !self.is_gone() && self.waiting != Waiting::Submit {
                    self.ask(context);
                }
            }
            CancelAnswer::Failed { .. } => {
                self.cancel_at = Some(later(context.now, context.settings.pause_ms(self.tries)));
                self.tries += 1;
            }
        }
        executed
    }

    /// Takes what is new in a report of one of its orders.
    pub(super) fn report(
        &mut self,
        report: &OrderReport,
        context: &mut Context<'_>,
    ) -> Vec<Executed> {
        let Some(life) = self.lives.iter_mut().find(|life| life.id() == report.id) else {
            return Vec::new();
        };
        self.heard_at = context.now;
        self.absent = false;
        let before = life.state();
        let new: Vec<Executed> =
            life.report(report).into_iter().map(|e| (report.id, e.clone())).collect();
        let (after, misses) = (life.state(), life.misses_executions());
        if after == OrderState::Rejected {
            self.rejected.get_or_insert(RejectKind::Other);
        }
        if report.reason.is_some() {
            self.reason.clone_from(&report.reason);
        }
        let side = self.request().side;
        for (id, execution) in &new {
            let (lane, id, execution) = (context.lane, *id, execution.clone());
            let record = Record::Execution { lane, id, side, execution };
            context.commands.push(Command::Record(record));
        }
        if after != before || !new.is_empty() {
            self.record(report.id, context);
        }
        let one_filled = self.lives.iter().any(|l| l.state() == OrderState::Filled);
        if misses || (one_filled && !self.is_gone()) {
            // Executions, or the end of the other leg, are about to be told; if not, ask.
            self.ask_at.get_or_insert(later(context.now, context.settings.retry_pause_ms));
        }
        new
    }

    /// Whether a sending whose answer was lost may still arrive.
    fn may_arrive(&self, context: &Context<'_>) -> bool {
        self.unknown_until.is_some_and(|until| context.now < until)
    }

    /// It is certain that the venue does not have it and will not get it.
    fn refuse(&mut self, context: &mut Context<'_>) {
        self.absent = true;
        self.waiting = Waiting::Nothing;
        (self.send_at, self.ask_at, self.cancel_at) = (None, None, None);
        self.change(OrderLife::refused, context);
    }

    fn ask_later(&mut self, context: &mut Context<'_>) {
        self.ask_at = Some(later(context.now, context.settings.pause_ms(self.tries)));
        self.tries += 1;
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        if self.is_gone() {
            (self.send_at, self.ask_at, self.cancel_at) = (None, None, None);
            return;
        }
        if !self.held && self.send_at.is_some_and(|at| at <= now) {
            self.send(context);
        }
        if self.cancel_at.is_some_and(|at| at <= now) {
            self.cancel_now(context);
        }
        let check = context.settings.order_check_ms;
        let quiet = check > 0
            && self.waiting != Waiting::Submit
            && self.lives.iter().any(OrderLife::may_be_live)
            && later(self.heard_at, check) <= now;
        if quiet || self.ask_at.is_some_and(|at| at <= now) {
            self.ask(context);
        }
    }

    /// Changes each order of it, and records those that came to another state.
    fn change(&mut self, change: impl Fn(&mut OrderLife), context: &mut Context<'_>) {
        for i in 0..self.lives.len() {
            let before = self.lives[i].state();
            change(&mut self.lives[i]);
            if self.lives[i].state() != before {
                self.record(self.lives[i].id(), context);
            }
        }
    }

    fn record(&self, id: ClientOrderId, context: &mut Context<'_>) {
        let Some(life) = self.lives.iter().find(|life| life.id() == id) else { return };
        context.commands.push(Command::Record(Record::Order {
            lane: context.lane,
            request: self.request().clone(),
            id,
            state: life.state(),
            filled: life.filled(),
            venue_id: life.venue_id().map(str::to_owned),
            reason: life.state().is_final().then(|| self.reason.clone()).flatten(),
        }));
    }
}

/// `ms` milliseconds after `at`.
pub(super) fn later(at: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_ms(at.as_ms().saturating_add(ms))
}

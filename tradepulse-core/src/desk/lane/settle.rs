//! How a lane comes as far as it can: what has ended is booked, what waited for it goes on.

use super::super::Level;
use super::super::command::NoticeKind;
use super::super::context::Context;
use super::super::guard::Plan;
use super::super::placement::{Placement, later};
use super::super::ticket::ExitTicket;
use super::Lane;
use crate::engine::{EndReason, Event};
use crate::order::{ExitReason, OrderLife, OrderRequest, OrderState, RequestKind};

impl Lane {
    /// Brings everything as far as it can come now.
    pub(in crate::desk) fn settle(&mut self, context: &mut Context<'_>) {
        while self.settle_guard(context) | self.settle_exit(context) | self.settle_entry(context) {}
        if self.position().is_none() {
            self.opened_at = None;
            self.beyond_since = None;
            self.rearmed = 0;
        }
        if self.is_protected() {
            self.naked_since = None;
        } else {
            self.naked_since.get_or_insert(context.now);
        }
    }

    fn settle_guard(&mut self, context: &mut Context<'_>) -> bool {
        let flat = self.position().is_none();
        let Some(guard) = &mut self.guard else {
            return false;
        };
        guard.keep_pair(context);
        if flat && !guard.is_leaving() && !guard.is_gone() {
            guard.leave(context);
        }
        if !guard.is_gone() {
            return false;
        }
        let (plan, refusal, wanted) = (guard.plan, guard.refusal(), guard.is_leaving());
        if let Some(guard) = self.guard.take() {
            guard.retire(context);
        }
        if flat || self.exit.is_some() {
            self.next_guard = None;
            return true;
        }
        if let Some(next) = self.next_guard.take() {
            self.place_guard(next, context);
            return true;
        }
        // The protection is gone and the position is there: protect what is left of it, twice.
        if let Some(reason) = refusal {
            let text = format!("{}: protective orders refused: {reason}", self.setup.symbol);
            context.notice(Level::Error, NoticeKind::OrderRejected, text);
        }
        if self.rearmed >= 2 && !wanted {
            self.unprotected("protective orders do not stay", context);
            return true;
        }
        self.rearmed += 1;
        let quantity = self.position().map_or(0.0, |p| p.quantity);
        let quantity = self.on_grid(quantity);
        self.place_guard(Plan { quantity, ..plan }, context);
        true
    }

    /// The position cannot be protected: it is closed.
    pub(super) fn unprotected(&mut self, why: &str, context: &mut Context<'_>) {
        let text = format!("{}: position without protection ({why}): closing", self.setup.symbol);
        context.notice(Level::Error, NoticeKind::Unprotected, text);
        self.step(Event::Liquidate(ExitReason::Unprotected), context);
    }

    fn settle_exit(&mut self, context: &mut Context<'_>) -> bool {
        let position = self.position().map(|p| (p.side.opposite(), p.quantity));
        if self.guard.is_some() {
            return false;
        }
        let quantity = position.map(|(side, quantity)| (side, self.on_grid(quantity)));
        let Some(ticket) = &mut self.exit else { return false };
        if let Some(placement) = ticket.placement.as_ref().filter(|p| p.is_gone()) {
            context.ended.add(placement.lives());
        }
        let ended = ticket.placement.as_ref().is_none_or(Placement::is_gone);
        let Some((side, quantity)) = quantity.filter(|_| ended) else {
            if ended {
                self.exit = None;
            }
            return ended;
        };
        if let Some(placement) = &ticket.placement
            && ticket.retry_at.is_none()
        {
            // It ended, and something is left.
            let reason = placement.reason.clone().unwrap_or_else(|| "it ended early".to_owned());
            let pause = context.settings.pause_ms(ticket.tries);
            let partly = placement.has_filled();
            ticket.retry_at = Some(if partly { context.now } else { later(context.now, pause) });
            let text = format!("{}: closing order: {reason}; trying again", self.setup.symbol);
            context.notice(Level::Error, NoticeKind::OrderRejected, text);
        }
        if ticket.retry_at.is_some_and(|at| at > context.now) {
            return false;
        }
        let request = OrderRequest {
            id: context.ids.next(),
            symbol: self.setup.symbol.clone(),
            side,
            quantity,
            kind: RequestKind::Market,
            reduce_only: context.capabilities.reduce_only,
        };
        let id = request.id;
        ticket.send(request, id, context);
        true
    }

    /// Whether an entry has to wait: the position that it turns around is not yet on its way out.
    pub(super) fn entry_waits(&self) -> bool {
        let rests =
            |ticket: &ExitTicket| ticket.placement.as_ref().is_some_and(Placement::is_resting);
        self.guard.is_some() || self.exit.as_ref().is_some_and(|ticket| !rests(ticket))
    }

    fn settle_entry(&mut self, context: &mut Context<'_>) -> bool {
        let waits = self.entry_waits();
        let Some(ticket) = &mut self.entry else { return false };
        if ticket.placement.held && !waits {
            ticket.placement.held = false;
            ticket.placement.tick(context);
        }
        if !ticket.placement.is_sent() && !ticket.placement.is_gone() {
            if waits {
                return false;
            }
            ticket.placement.send(context);
            context.gate.entered(context.now, &self.setup.symbol);
            return true;
        }
        // The other side's position is closed first.
        if !ticket.placement.is_gone() || self.exit.is_some() {
            return false;
        }
        let Some(ticket) = self.entry.take() else { return false };
        context.ended.add(ticket.placement.lives());
        let (order, side) = (ticket.order, ticket.placement.request().side);
        if ticket.executions.is_empty() {
            if ticket.placement.is_sent() {
                context.gate.abandoned(context.now);
            }
            let reason = match ticket.placement.lives().first().map(OrderLife::state) {
                Some(OrderState::Rejected) => EndReason::Rejected,
                Some(OrderState::Expired) => EndReason::Expired,
                _ => EndReason::Cancelled,
            };
            let why = ticket.placement.reason.clone();
            let why = why.unwrap_or_else(|| "it did not fill".to_owned());
            if !ticket.placement.is_leaving() {
                let text = format!("{}: entry: {why}", self.setup.symbol);
                context.notice(Level::Warning, NoticeKind::OrderRejected, text);
            }
            self.why = Some(why);
            self.step(Event::Ended { order, reason }, context);
            return true;
        }
        let executions = &ticket.executions;
        let Some(fill) = self.fill(executions, order, side, None, ticket.decided, context) else {
            return true;
        };
        self.opened_at = Some(context.now);
        self.rearmed = 0;
        self.naked_since = Some(context.now);
        self.step(Event::Fill(&fill), context);
        if self.position().is_some() && self.guard.is_none() && self.exit.is_none() {
            // It filled after it had been given up.
            self.unprotected("the entry filled late", context);
        }
        true
    }
}

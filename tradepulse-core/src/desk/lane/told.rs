//! How a lane takes what it is told of its orders, and books what was executed.

use super::super::Level;
use super::super::booking::Booking;
use super::super::command::NoticeKind;
use super::super::context::Context;
use super::super::event::{AskAnswer, CancelAnswer, SubmitAnswer};
use super::super::placement::{Executed, Placement};
use super::Lane;
use crate::engine::Event;
use crate::order::{ClientOrderId, Execution, Fill, Leg, OrderId, OrderReport, Side};

/// What a lane can be told of its orders.
#[derive(Clone, Copy)]
pub(in crate::desk) enum Told<'a> {
    Report(&'a OrderReport),
    Submitted(&'a SubmitAnswer),
    Cancelled(&'a CancelAnswer),
    Asked(&'a AskAnswer),
}

/// Which of a lane's orders something is about.
#[derive(Clone, Copy)]
enum Which {
    Entry,
    Exit,
    Guard,
}

impl Lane {
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

    pub(in crate::desk) fn owns(&self, id: ClientOrderId) -> bool {
        self.which(id).is_some()
    }

    pub(in crate::desk) fn told(
        &mut self,
        id: ClientOrderId,
        told: Told<'_>,
        context: &mut Context<'_>,
    ) {
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
        executions: &[Execution],
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

    pub(super) fn fill(
        &self,
        executions: &[Execution],
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
}

//! How a lane carries out what its engine wants.

use super::super::command::{Command, Record};
use super::super::context::Context;
use super::super::guard::{Guard, Plan};
use super::super::ticket::{EntryTicket, ExitTicket};
use super::Lane;
use crate::engine::{Action, EndReason, Event, Refusal};
use crate::money::{Price, Quantity};
use crate::order::{Order, OrderId, OrderKind, OrderRequest, RequestKind};
use crate::risk::{Approved, EntryContext};

impl Lane {
    pub(super) fn carry_out(&mut self, actions: &mut Vec<Action>, context: &mut Context<'_>) {
        for action in actions.drain(..) {
            match action {
                Action::Submit(order) => self.submit(order, context),
                Action::Cancel(order) => self.cancel(order, context),
                Action::Settle(trade) => {
                    context.trade_ended(trade.profit);
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

    pub(super) fn on_grid(&self, quantity: f64) -> Quantity {
        let quantity = Quantity::from_f64(quantity).unwrap_or_default();
        self.setup.rules.instrument.quantity_step.map_or(quantity, |step| quantity.floor_to(step))
    }

    pub(super) fn place_guard(&mut self, plan: Plan, context: &mut Context<'_>) {
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
}

/// A refusal of the engine's own, in words.
fn words(refusal: &Refusal) -> String {
    let Refusal { reason, figure, limit, .. } = refusal;
    format!("{}: {figure} against {limit}", reason.name())
}

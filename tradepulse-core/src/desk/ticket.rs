use super::context::Context;
use super::placement::{Executed, Missing, Placement};
use crate::order::{ClientOrderId, Execution, Leg, OrderId, OrderRequest, RequestKind};
use crate::risk::Approved;
use crate::time::Timestamp;

/// An entry on its way: one market order, booked as one fill once it has ended.
#[derive(Clone, Debug)]
pub(super) struct EntryTicket {
    /// The engine's number.
    pub(super) order: OrderId,
    pub(super) placement: Placement,
    /// Price it was decided at.
    pub(super) decided: f64,
    pub(super) created: Timestamp,
    pub(super) executions: Vec<Execution>,
}

impl EntryTicket {
    pub(super) fn new(
        order: OrderId,
        approved: Approved<OrderRequest>,
        decided: f64,
        now: Timestamp,
    ) -> Self {
        let placement = Placement::new(approved, Missing::GiveUp, now);
        Self { order, placement, decided, created: now, executions: Vec::new() }
    }

    pub(super) fn collect(&mut self, executed: Vec<Executed>) {
        self.executions.extend(executed.into_iter().map(|(_, execution)| execution));
    }
}

/// An exit on its way: market orders, one after the other, until the position is flat.
#[derive(Clone, Debug)]
pub(super) struct ExitTicket {
    /// The engine's number.
    pub(super) order: OrderId,
    /// The leg it stands for, where the leg was watched by us.
    pub(super) leg: Option<Leg>,
    /// Price it was decided at.
    pub(super) decided: f64,
    /// The order at the venue; `None` while protective orders are still being taken back.
    pub(super) placement: Option<Placement>,
    pub(super) tries: u32,
    pub(super) retry_at: Option<Timestamp>,
}

impl ExitTicket {
    pub(super) fn new(order: OrderId, leg: Option<Leg>, decided: f64) -> Self {
        Self { order, leg, decided, placement: None, tries: 0, retry_at: None }
    }

    pub(super) fn send(
        &mut self,
        mut request: OrderRequest,
        id: ClientOrderId,
        context: &mut Context<'_>,
    ) {
        request.id = id;
        request.kind = RequestKind::Market;
        let approved = context.gate.pass(request);
        let mut placement = Placement::new(approved, Missing::ResendLater, context.now);
        placement.send(context);
        self.placement = Some(placement);
        self.tries += 1;
        self.retry_at = None;
    }
}

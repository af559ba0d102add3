use super::context::Context;
use super::placement::{Executed, Missing, Placement};
use crate::exchange::Protection;
use crate::market::Symbol;
use crate::money::{MoneyError, Price, Quantity};
use crate::order::{
    ClientOrderId, Leg, OrderId, OrderLife, OrderRequest, OrderState, RequestKind, Side,
};

/// The protection an engine asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    /// The engine's number of the pair.
    pub(super) order: OrderId,
    /// Of the orders: the opposite of the position's.
    pub(super) side: Side,
    pub(super) quantity: Quantity,
    pub(super) stop: f64,
    pub(super) target: Option<f64>,
}

impl Plan {
    /// The leg that a price, or a range of prices, has reached; the stop if both.
    pub(super) fn reached(&self, low: f64, high: f64) -> Option<Leg> {
        let (stop, target) = match self.side {
            Side::Short => (low <= self.stop, self.target.is_some_and(|t| high >= t)),
            Side::Long => (high >= self.stop, self.target.is_some_and(|t| low <= t)),
        };
        if stop { Some(Leg::Stop) } else { target.then_some(Leg::Target) }
    }
}

#[derive(Clone, Debug)]
struct Piece {
    /// The leg it is; `None` for a pair of the venue's own.
    leg: Option<Leg>,
    placement: Placement,
}

/// The protective orders of one position, in the way its venue allows: a pair of the venue's own,
/// two orders of which the other is cancelled when one fills, a resting stop with a watched
/// target, or two watched prices.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) plan: Plan,
    pieces: Vec<Piece>,
    leaving: bool,
}

impl Guard {
    /// Sends what protects a position. With nothing to send (both legs watched) the guard works at
    /// once.
    pub(super) fn place(
        plan: Plan,
        symbol: &Symbol,
        context: &mut Context<'_>,
    ) -> Result<Self, MoneyError> {
        let stop = Price::from_f64(plan.stop)?;
        let target = plan.target.map(Price::from_f64).transpose()?;
        let limit = |price| (Some(Leg::Target), RequestKind::Limit { price });
        let resting_stop = (Some(Leg::Stop), RequestKind::Stop { trigger: stop });
        let kinds = match (context.capabilities.protection, target) {
            (Protection::NativeOco, Some(target)) => {
                vec![(None, RequestKind::Oco { stop, target })]
            }
            (Protection::TwoOrders, Some(target)) => vec![resting_stop, limit(target)],
            (Protection::Watched, _) => Vec::new(),
            (_, _) => vec![resting_stop],
        };
        let mut pieces = Vec::new();
        for (leg, kind) in kinds {
            let request = OrderRequest {
                id: context.ids.next(),
                symbol: symbol.clone(),
                side: plan.side,
                quantity: plan.quantity,
                kind,
                reduce_only: context.capabilities.reduce_only,
            };
            let approved = context.gate.pass(request);
            let mut placement = Placement::new(approved, Missing::ResendAtOnce, context.now);
            placement.send(context);
            pieces.push(Piece { leg, placement });
        }
        Ok(Self { plan, pieces, leaving: false })
    }

    /// Whether everything that shall rest at the venue rests there.
    pub(super) fn is_working(&self) -> bool {
        !self.leaving && self.pieces.iter().all(|piece| piece.placement.is_resting())
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Whether it has ended: nothing of it is at the venue, and everything that filled is known.
    pub(super) fn is_gone(&self) -> bool {
        self.pieces.iter().all(|piece| piece.placement.is_gone())
            && (self.leaving || !self.pieces.is_empty())
    }

    /// Which legs nobody but us watches.
    pub(super) fn watches(&self, protection: Protection, leg: Leg) -> bool {
        match protection {
            Protection::Watched => true,
            Protection::StopOnly => leg == Leg::Target,
            Protection::NativeOco | Protection::TwoOrders => false,
        }
    }

    /// The venue's refusal, if it refused a part of it.
    pub(super) fn refusal(&self) -> Option<String> {
        let refused = self.pieces.iter().find(|piece| piece.placement.rejected.is_some())?;
        Some(refused.placement.reason.clone().unwrap_or_else(|| "refused".to_owned()))
    }

    /// Takes it back. A venue's own pair of which one leg has filled ends by itself.
    pub(super) fn leave(&mut self, context: &mut Context<'_>) {
        self.leaving = true;
        for piece in &mut self.pieces {
            let filled = |life: &OrderLife| life.state() == OrderState::Filled;
            if !piece.placement.lives().iter().any(filled) {
                piece.placement.cancel(context);
            }
        }
    }

    /// Once one of two orders has ended, however it did, the other one goes too.
    pub(super) fn keep_pair(&mut self, context: &mut Context<'_>) {
        if self.pieces.len() < 2 || self.leaving {
            return;
        }
        let ended =
            |piece: &Piece| piece.placement.lives().iter().any(|life| life.state().is_final());
        if self.pieces.iter().any(ended) {
            self.leave(context);
        }
    }

    pub(super) fn placement(&mut self, id: ClientOrderId) -> Option<&mut Placement> {
        self.pieces.iter_mut().map(|piece| &mut piece.placement).find(|p| p.owns(id))
    }

    pub(super) fn placements(&self) -> impl Iterator<Item = &Placement> {
        self.pieces.iter().map(|piece| &piece.placement)
    }

    pub(super) fn placements_mut(&mut self) -> impl Iterator<Item = &mut Placement> {
        self.pieces.iter_mut().map(|piece| &mut piece.placement)
    }

    /// It is gone: what it was is remembered for a while.
    pub(super) fn retire(self, context: &mut Context<'_>) {
        for piece in &self.pieces {
            context.ended.add(piece.placement.lives());
        }
    }

    /// Which leg an execution belongs to.
    pub(super) fn leg_of(&self, executed: &Executed) -> Option<Leg> {
        let piece = self.pieces.iter().find(|piece| piece.placement.owns(executed.0))?;
        piece.leg.or(executed.0.which_leg())
    }
}

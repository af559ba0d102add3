use std::sync::Arc;

use super::scene::{Scene, scene};
use super::{ExchangeFactory, Failure, case_table, ensure};
use crate::exchange::{CancelOutcome, Exchange, ExchangeError, VenueEvent};
use crate::order::{OrderLife, OrderRequest, OrderState, RequestKind, Side};
use crate::random::Seed;
use crate::simulation::fault::{Call, Fault, FaultPlan, FaultRates, FaultyExchange};
use crate::time::Timestamp;

case_table! {
    "fault/the-answer-is-lost" if |_| true => answer_lost,
    "fault/the-venue-fails-before" if |_| true => error_before,
    "fault/the-venue-fails-after" if |_| true => error_after,
    "fault/not-sent" if |_| true => not_sent,
    "fault/rate-limited" if |_| true => rate_limited,
    "fault/the-clock-is-off" if |_| true => clock_skew,
    "fault/a-late-arrival" if |_| true => late,
    "fault/a-slow-answer" if |_| true => slow,
    "fault/a-cancel-crosses" if |_| true => crossing,
    "fault/events-twice" if |_| true => duplicated,
    "fault/events-out-of-order" if |_| true => reordered,
    "fault/events-late" if |_| true => delayed,
    "fault/events-lost" if |_| true => lost,
    "fault/disconnected" if |_| true => disconnected,
    "fault/everything-at-once" if |_| true => everything,
}

/// Calls after which a late request has arrived, and questions are no longer left unanswered.
const PATIENCE: usize = 200;

/// Follows orders through a venue that misbehaves, as the contract tells a caller to.
struct Caller {
    scene: Scene,
    life: OrderLife,
}

impl Caller {
    async fn new(
        factory: &dyn ExchangeFactory,
        plan: FaultPlan,
    ) -> Result<(Self, OrderRequest), Failure> {
        let mut scene = scene(factory).await?;
        scene.exchange = Arc::new(FaultyExchange::new(scene.venue.exchange(), plan));
        let request = scene.request(1, Side::Long, "1", RequestKind::Market)?;
        let life = OrderLife::new(request.id, request.quantity);
        Ok((Self { scene, life }, request))
    }

    /// Sends the order until the venue has it, and asks where that is not known.
    async fn send(&mut self, request: &OrderRequest) -> Result<(), Failure> {
        self.life.sent();
        for _ in 0..PATIENCE {
            match self.scene.submit(request).await {
                Ok(reports) => {
                    reports.iter().for_each(|report| drop(self.life.report(report)));
                    return Ok(());
                }
                Err(error) if error.outcome_is_unknown() => {
                    self.life.lost();
                    if self.ask_often().await? {
                        return Ok(());
                    }
                    // Past the window in which it could arrive: it never will.
                }
                Err(ExchangeError::Unsupported(what)) => {
                    return Err(Failure(format!("{what} is not supported any more")));
                }
                Err(_) => {}
            }
        }
        Err(Failure(format!("{} could not be sent", request.id)))
    }

    /// Asks until a late request must have arrived. Whether the venue knows the order.
    async fn ask_often(&mut self) -> Result<bool, Failure> {
        for _ in 0..PATIENCE {
            if self.ask().await? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the venue knows the order; `None` without an answer.
    async fn ask(&mut self) -> Result<Option<bool>, Failure> {
        match self.scene.exchange.order(&self.scene.symbol, self.life.id()).await {
            Ok(Some(report)) => {
                self.life.report(&report);
                Ok(Some(true))
            }
            Ok(None) => Ok(Some(false)),
            Err(ExchangeError::Unavailable(_) | ExchangeError::RateLimited { .. }) => Ok(None),
            Err(error) => Err(Failure(format!("asking for an order: {error:?}"))),
        }
    }

    /// Takes what is told, and asks where something may be missing.
    async fn listen(&mut self) -> Result<(), Failure> {
        for _ in 0..PATIENCE {
            let events = self.scene.drain().await;
            for event in &events {
                match event {
                    VenueEvent::Order(report) if report.id == self.life.id() => {
                        self.life.report(report);
                    }
                    VenueEvent::Order(_) => {}
                    VenueEvent::Gap { .. } => {
                        self.ask_often().await?;
                    }
                }
            }
            if self.life.is_settled() {
                return Ok(());
            }
        }
        Err(Failure(format!("the reports are not complete in the end: {:?}", self.life)))
    }

    /// The truth is what the venue says without faults.
    async fn agrees(&self) -> Result<(), Failure> {
        let venue = self.scene.venue.exchange();
        let report = venue.order(&self.scene.symbol, self.life.id()).await?;
        let report = report.ok_or_else(|| Failure("the order is gone".to_owned()))?;
        let same = self.life.filled() == report.filled;
        ensure!(same, "{:?} is known, {report:?} is true", self.life);
        Ok(())
    }
}

/// A market order under this plan, from its submission to its end.
async fn follow(factory: &dyn ExchangeFactory, plan: FaultPlan) -> Result<(), Failure> {
    let (mut caller, request) = Caller::new(factory, plan).await?;
    caller.send(&request).await?;
    caller.scene.trade([100.0; 4]).await.map(drop)?;
    // What that drained may have been all: the answer of a question has it too.
    caller.ask_often().await?;
    caller.listen().await?;
    let filled = caller.life.state() == OrderState::Filled;
    ensure!(filled, "a market order ends as {:?}", caller.life);
    caller.agrees().await
}

/// The first submission goes wrong.
async fn submission(factory: &dyn ExchangeFactory, fault: Fault) -> Result<(), Failure> {
    follow(factory, FaultPlan::script().at(Call::Submit, 1, fault)).await
}

/// Events alone lead to the end, however they come.
async fn events(factory: &dyn ExchangeFactory, fault: Fault) -> Result<(), Failure> {
    for number in 1..=3 {
        let plan = FaultPlan::script().at(Call::Event, number, fault);
        let (mut caller, request) = Caller::new(factory, plan).await?;
        caller.send(&request).await?;
        caller.scene.venue.trade(100.0, 100.0, 100.0, 100.0).await?;
        caller.listen().await?;
        caller.agrees().await?;
    }
    Ok(())
}

async fn answer_lost(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    submission(factory, Fault::AnswerLost).await
}

async fn error_before(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    submission(factory, Fault::ErrorBefore).await
}

async fn error_after(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    submission(factory, Fault::ErrorAfter).await
}

async fn not_sent(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    submission(factory, Fault::NotSent).await
}

async fn rate_limited(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    submission(factory, Fault::RateLimited { until: Timestamp::from_ms(1) }).await
}

async fn clock_skew(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    submission(factory, Fault::ClockSkew).await
}

async fn late(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    submission(factory, Fault::Late { calls: 3 }).await
}

async fn slow(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    submission(factory, Fault::Slow { polls: 3 }).await
}

async fn crossing(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let plan = FaultPlan::script().at(Call::Cancel, 1, Fault::Crossing);
    let (mut caller, request) = Caller::new(factory, plan).await?;
    caller.send(&request).await?;
    caller.scene.drain().await;
    caller.scene.venue.trade(100.0, 100.0, 100.0, 100.0).await?;
    let outcome = caller.scene.exchange.cancel(&caller.scene.symbol, request.id).await?;
    let (CancelOutcome::Cancelled(reports) | CancelOutcome::TooLate(reports)) = &outcome else {
        return Err(Failure(format!("a cancel that crosses a fill: {outcome:?}")));
    };
    reports.iter().for_each(|report| drop(caller.life.report(report)));
    caller.listen().await?;
    caller.agrees().await
}

async fn duplicated(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    events(factory, Fault::Duplicated).await
}

async fn reordered(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    events(factory, Fault::Reordered).await
}

async fn delayed(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    events(factory, Fault::Delayed { drains: 3 }).await
}

async fn lost(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    events(factory, Fault::Lost).await
}

async fn disconnected(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    events(factory, Fault::Disconnected { drains: 3 }).await
}

async fn everything(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    for seed in 0..20 {
        follow(factory, FaultPlan::random(FaultRates::all(0.06), Seed(seed))).await?;
    }
    Ok(())
}

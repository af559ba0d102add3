use super::scene::{id, limit, scene};
use super::{ExchangeFactory, Failure, case_table, ensure, ensure_eq};
use crate::exchange::VenueEvent;
use crate::order::{OrderLife, OrderState, RequestKind, Side};

case_table! {
    "events/tell-of-a-fill" if |_| true => tell_of_a_fill,
    "events/tell-of-a-cancel" if |can| can.limit => tell_of_a_cancel,
    "events/are-told-once-drained" if |_| true => drained,
}

/// Whether the events lead this life to the end by themselves, or say that something is missing.
fn lead(life: &mut OrderLife, events: &[VenueEvent]) -> bool {
    let mut gap = false;
    for event in events {
        match event {
            VenueEvent::Order(report) if report.id == life.id() => {
                life.report(report);
            }
            VenueEvent::Gap { .. } => gap = true,
            VenueEvent::Order(_) => {}
        }
    }
    gap || life.is_settled()
}

async fn tell_of_a_fill(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    let request = scene.request(1, Side::Long, "1", RequestKind::Market)?;
    let mut life = OrderLife::new(request.id, request.quantity);
    life.sent();
    scene.submit(&request).await?;
    let mut events = scene.drain().await;
    events.extend(scene.trade([100.0; 4]).await?);
    ensure!(lead(&mut life, &events), "{events:?} leave the order at {life:?}");
    Ok(())
}

async fn tell_of_a_cancel(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    let request = scene.request(1, Side::Long, "1", limit("90")?)?;
    let mut life = OrderLife::new(request.id, request.quantity);
    life.sent();
    scene.submit(&request).await?;
    scene.exchange.cancel(&scene.symbol, id(1)).await?;
    let events = scene.drain().await;
    ensure!(lead(&mut life, &events), "{events:?} leave the order at {life:?}");
    let gap = events.iter().any(|event| matches!(event, VenueEvent::Gap { .. }));
    ensure!(gap || life.state() == OrderState::Cancelled, "{events:?} lead to {life:?}");
    Ok(())
}

async fn drained(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    scene.submit(&scene.request(1, Side::Long, "1", RequestKind::Market)?).await?;
    scene.trade([100.0; 4]).await?;
    ensure_eq!(scene.drain().await, [], "what is told when nothing happens");
    scene.submit(&scene.request(2, Side::Long, "1", RequestKind::Market)?).await?;
    scene.exchange.wait().await;
    ensure!(!scene.drain().await.is_empty(), "waiting ended with nothing to tell");
    Ok(())
}

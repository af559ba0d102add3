use super::scene::{Scene, id, limit, scene, stop};
use super::{ExchangeFactory, Failure, case_table, ensure, ensure_eq};
use crate::exchange::{CancelOutcome, Protection};
use crate::order::{OrderStatus, RequestKind, Side};

case_table! {
    "cancel/a-resting-order" if |can| can.limit || can.protection != Protection::Watched => resting,
    "cancel/too-late" if |_| true => too_late,
    "cancel/unknown" if |_| true => unknown,
    "order/unknown" if |_| true => unknown_order,
    "order/has-all-executions" if |_| true => all_executions,
    "open-orders/ours" if |can| can.limit => ours,
    "open-orders/foreign" if |_| true => foreign,
}

/// An order that rests.
async fn rest(scene: &Scene, sequence: u32) -> Result<(), Failure> {
    let request = if scene.can.limit {
        scene.request(sequence, Side::Long, "1", limit("90")?)?
    } else {
        scene.hold(sequence + 100, "1").await?;
        scene.exit(sequence, "1", stop("90")?)?
    };
    scene.submit(&request).await?;
    Ok(())
}

async fn resting(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    rest(&scene, 1).await?;
    let outcome = scene.exchange.cancel(&scene.symbol, id(1)).await?;
    match &outcome {
        CancelOutcome::Cancelled(reports) => {
            ensure_eq!(reports.len(), 1, "the number of reports");
            ensure_eq!(reports[0].status, OrderStatus::Cancelled, "the status");
        }
        other => return Err(Failure(format!("a resting order: {other:?}"))),
    }
    // It stays out.
    scene.trade([100.0, 100.0, 85.0, 85.0]).await?;
    scene.unfilled(id(1), OrderStatus::Cancelled).await?;
    ensure!(scene.open().await?.ours.is_empty(), "a cancelled order is in the book");
    let again = scene.exchange.cancel(&scene.symbol, id(1)).await?;
    ensure!(matches!(again, CancelOutcome::TooLate(_)), "cancelled twice: {again:?}");
    Ok(())
}

async fn too_late(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    scene.submit(&scene.request(1, Side::Long, "1", RequestKind::Market)?).await?;
    scene.trade([100.0; 4]).await?;
    match scene.exchange.cancel(&scene.symbol, id(1)).await? {
        CancelOutcome::TooLate(reports) => {
            ensure_eq!(reports.len(), 1, "the number of reports");
            ensure_eq!(reports[0].status, OrderStatus::Filled, "the status");
            Ok(())
        }
        other => Err(Failure(format!("a filled order: {other:?}"))),
    }
}

async fn unknown(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    let outcome = scene.exchange.cancel(&scene.symbol, id(99)).await?;
    ensure_eq!(outcome, CancelOutcome::NotFound, "an order that never was");
    Ok(())
}

async fn unknown_order(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    let found = scene.exchange.order(&scene.symbol, id(99)).await?;
    ensure_eq!(found, None, "an order that never was");
    Ok(())
}

async fn all_executions(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    scene.submit(&scene.request(1, Side::Long, "2", RequestKind::Market)?).await?;
    scene.trade([100.0; 4]).await?;
    let report = scene.filled(id(1), 100.0).await?;
    ensure_eq!(report.filled, "2".parse()?, "what is filled");
    let mut ids: Vec<_> = report.executions.iter().map(|e| e.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ensure_eq!(ids.len(), report.executions.len(), "the ids of executions");
    Ok(())
}

async fn ours(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    rest(&scene, 1).await?;
    rest(&scene, 2).await?;
    let mut ids: Vec<_> = scene.open().await?.ours.iter().map(|report| report.id).collect();
    ids.sort_unstable();
    ensure_eq!(ids, [id(1), id(2)], "the open orders");
    scene.exchange.cancel(&scene.symbol, id(1)).await?;
    let ids: Vec<_> = scene.open().await?.ours.iter().map(|report| report.id).collect();
    ensure_eq!(ids, [id(2)], "the open orders after a cancel");
    Ok(())
}

async fn foreign(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    let Some(venue_id) = scene.venue.place_foreign().await? else { return Ok(()) };
    let open = scene.open().await?;
    ensure_eq!(open.foreign, [venue_id], "the foreign orders");
    ensure!(open.ours.is_empty(), "a foreign order is taken for ours: {open:?}");
    Ok(())
}

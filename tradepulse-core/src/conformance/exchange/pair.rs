use rand::RngExt;

use super::scene::{Scene, id, oco, scene};
use super::{ExchangeFactory, Failure, case_table, ensure, ensure_eq};
use crate::exchange::{CancelOutcome, Capabilities, Protection, RejectKind};
use crate::order::{Leg, OrderStatus};
use crate::random::Seed;

case_table! {
    "oco/the-stop-fills" if native => the_stop_fills,
    "oco/the-target-fills" if native => the_target_fills,
    "oco/cancelled-by-any-of-its-ids" if native => cancelled_by_any_id,
    "oco/an-id-once" if native => an_id_once,
    "oco/binds-once" if native => binds_once,
    "oco/at-most-one-fills" if native => at_most_one_fills,
}

fn native(can: &Capabilities) -> bool {
    can.protection == Protection::NativeOco
}

async fn with_pair(factory: &dyn ExchangeFactory) -> Result<Scene, Failure> {
    let scene = scene(factory).await?;
    scene.hold(1, "2").await?;
    let reports = scene.submit(&scene.exit(2, "2", oco("95", "105")?)?).await?;
    let mut ids: Vec<_> = reports.iter().map(|report| report.id).collect();
    ids.sort_unstable();
    ensure_eq!(ids, [id(2).leg(Leg::Stop), id(2).leg(Leg::Target)], "the ids of the answer");
    Ok(scene)
}

async fn one_fills(factory: &dyn ExchangeFactory, leg: Leg) -> Result<(), Failure> {
    let scene = with_pair(factory).await?;
    scene.trade([100.0, 104.0, 96.0, 100.0]).await?;
    for leg in [Leg::Stop, Leg::Target] {
        scene.unfilled(id(2).leg(leg), OrderStatus::Open).await?;
    }
    let (path, other, at) = match leg {
        Leg::Stop => ([100.0, 100.0, 95.0, 95.0], Leg::Target, 95.0),
        Leg::Target => ([100.0, 105.01, 100.0, 105.0], Leg::Stop, 105.0),
    };
    scene.trade(path).await?;
    scene.filled(id(2).leg(leg), at).await?;
    let report = scene.order(id(2).leg(other)).await?;
    ensure!(report.status.is_final() && report.filled.is_zero(), "the other leg: {report:?}");
    ensure_eq!(scene.order(id(2)).await?.id, id(2).leg(Leg::Stop), "the order of the pair's id");
    // Whatever comes, the other one does not fill.
    scene.trade([100.0, 110.0, 90.0, 100.0]).await?;
    ensure!(scene.order(id(2).leg(other)).await?.filled.is_zero(), "both legs filled");
    let late = scene.exchange.cancel(&scene.symbol, id(2)).await?;
    ensure!(matches!(late, CancelOutcome::TooLate(_)), "cancelling a filled pair: {late:?}");
    Ok(())
}

async fn the_stop_fills(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    one_fills(factory, Leg::Stop).await
}

async fn the_target_fills(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    one_fills(factory, Leg::Target).await
}

async fn cancelled_by_any_id(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    for by in [id(2), id(2).leg(Leg::Stop), id(2).leg(Leg::Target)] {
        let scene = with_pair(factory).await?;
        match scene.exchange.cancel(&scene.symbol, by).await? {
            CancelOutcome::Cancelled(reports) => {
                ensure_eq!(reports.len(), 2, "the number of reports");
            }
            other => return Err(Failure(format!("cancelling {by}: {other:?}"))),
        }
        scene.trade([100.0, 110.0, 90.0, 100.0]).await?;
        for leg in [Leg::Stop, Leg::Target] {
            let report = scene.order(id(2).leg(leg)).await?;
            let gone = report.status.is_final() && report.filled.is_zero();
            ensure!(gone, "cancelled by {by}: {report:?}");
        }
        ensure!(scene.open().await?.ours.is_empty(), "a leg is left in the book");
    }
    Ok(())
}

async fn an_id_once(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = with_pair(factory).await?;
    let again = scene.exit(2, "2", oco("94", "106")?)?;
    scene.refused(&again, RejectKind::Duplicate).await?;
    scene.exchange.cancel(&scene.symbol, id(2)).await?;
    scene.refused(&again, RejectKind::Duplicate).await
}

async fn binds_once(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = with_pair(factory).await?;
    if scene.is_spot() {
        ensure_eq!(scene.balance("BTC").await?, (8.0, 2.0), "with a pair");
    }
    Ok(())
}

async fn at_most_one_fills(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    for path in 0..20 {
        let scene = with_pair(factory).await?;
        let mut random = Seed(path).stream("paths past a pair");
        for _ in 0..6 {
            let [open, close] = [0; 2].map(|_| f64::from(random.random_range(90..110)));
            let high = open.max(close) + f64::from(random.random_range(0..8));
            let low = open.min(close) - f64::from(random.random_range(0..8));
            scene.trade([open, high, low, close]).await?;
        }
        let stop = scene.order(id(2).leg(Leg::Stop)).await?;
        let target = scene.order(id(2).leg(Leg::Target)).await?;
        let both = !stop.filled.is_zero() && !target.filled.is_zero();
        ensure!(!both, "path {path}: both legs filled: {stop:?} {target:?}");
        let one = stop.status.is_final() == target.status.is_final();
        ensure!(one, "path {path}: one leg is left: {stop:?} {target:?}");
    }
    Ok(())
}

use super::scene::{id, limit, oco, scene, stop};
use super::{ExchangeFactory, Failure, case_table, ensure, ensure_eq};
use crate::exchange::{ExchangeError, Protection, RejectKind};
use crate::order::{Liquidity, OrderRequest, OrderStatus, RequestKind, Side};

case_table! {
    "submit/market-fills" if |_| true => market_fills,
    "submit/limit-waits-for-its-price" if |can| can.limit => limit_waits,
    "submit/stop-waits-for-its-trigger" if |can| can.protection != Protection::Watched => stop_waits,
    "submit/stop-limit-keeps-its-limit" if |can| can.stop_limit => stop_limit_keeps,
    "submit/an-id-once" if |_| true => an_id_once,
    "submit/filters" if |_| true => filters,
    "submit/balance" if |_| true => balance,
    "submit/no-such-market" if |_| true => no_such_market,
    "submit/what-is-not-declared" if |_| true => not_declared,
    "submit/reduce-only-never-turns" if |can| can.reduce_only => reduce_only,
}

async fn market_fills(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    for (sequence, side) in [(1, Side::Long), (2, Side::Short)] {
        let request = scene.request(sequence, side, "1.5", RequestKind::Market)?;
        let reports = scene.submit(&request).await?;
        let ids: Vec<_> = reports.iter().map(|report| report.id).collect();
        ensure_eq!(ids, [id(sequence)], "the ids of the answer");
        scene.trade([100.0; 4]).await?;
        let report = scene.filled(id(sequence), 100.0).await?;
        ensure_eq!(report.filled, "1.5".parse()?, "what is filled");
        let taker = report.executions.iter().all(|e| e.liquidity == Liquidity::Taker);
        ensure!(taker, "a market order made liquidity: {report:?}");
    }
    Ok(())
}

async fn limit_waits(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    scene.submit(&scene.request(1, Side::Long, "1", limit("95")?)?).await?;
    scene.trade([100.0, 101.0, 96.0, 100.0]).await?;
    scene.unfilled(id(1), OrderStatus::Open).await?;
    scene.trade([100.0, 100.0, 94.0, 96.0]).await?;
    let report = scene.filled(id(1), 95.0).await?;
    let limit = "95".parse()?;
    let kept = report.executions.iter().all(|execution| execution.price <= limit);
    ensure!(kept, "bought above its limit: {report:?}");
    Ok(())
}

async fn stop_waits(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    scene.hold(1, "1").await?;
    scene.submit(&scene.exit(2, "1", stop("95")?)?).await?;
    scene.trade([100.0, 101.0, 96.0, 100.0]).await?;
    scene.unfilled(id(2), OrderStatus::Open).await?;
    scene.trade([100.0, 100.0, 95.0, 95.0]).await?;
    scene.filled(id(2), 95.0).await?;
    Ok(())
}

async fn stop_limit_keeps(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    scene.hold(1, "1").await?;
    let kind = RequestKind::StopLimit { trigger: "95".parse()?, price: "94.5".parse()? };
    scene.submit(&scene.exit(2, "1", kind)?).await?;
    // Beyond the limit at once: it must wait for the price to come back.
    scene.trade([90.0, 90.0, 90.0, 90.0]).await?;
    scene.unfilled(id(2), OrderStatus::Open).await?;
    scene.trade([90.0, 95.0, 90.0, 95.0]).await?;
    let report = scene.filled(id(2), 94.5).await?;
    let limit = "94.5".parse()?;
    let kept = report.executions.iter().all(|execution| execution.price >= limit);
    ensure!(kept, "sold below its limit: {report:?}");
    Ok(())
}

async fn an_id_once(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    let request = scene.request(1, Side::Long, "1", RequestKind::Market)?;
    scene.submit(&request).await?;
    scene.refused(&request, RejectKind::Duplicate).await?;
    scene.trade([100.0; 4]).await?;
    // It has ended, and its id is still used.
    scene.refused(&request, RejectKind::Duplicate).await?;
    scene.trade([100.0; 4]).await?;
    ensure_eq!(scene.filled(id(1), 100.0).await?.filled, "1".parse()?, "what is filled");
    Ok(())
}

async fn filters(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    let market = RequestKind::Market;
    let mut refused = vec![("1.0005", market), ("0.0001", market), ("0.04", market)];
    if scene.can.limit {
        refused.extend([("1", limit("95.005")?), ("0.05", limit("95")?)]);
    }
    for (quantity, kind) in refused {
        let request = scene.request(1, Side::Long, quantity, kind)?;
        scene.refused(&request, RejectKind::Filter).await?;
    }
    Ok(())
}

async fn balance(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    let request = scene.request(1, Side::Long, "100000", RequestKind::Market)?;
    scene.refused(&request, RejectKind::Balance).await?;
    if scene.is_spot() {
        let request = scene.request(1, Side::Short, "10.001", RequestKind::Market)?;
        scene.refused(&request, RejectKind::Balance).await?;
    }
    ensure!(scene.open().await?.ours.is_empty(), "a refused order is in the book");
    Ok(())
}

async fn no_such_market(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    let request = scene.request(1, Side::Long, "1", RequestKind::Market)?;
    let request = OrderRequest { symbol: "NOSUCH/USDT".parse()?, ..request };
    scene.refused(&request, RejectKind::Symbol).await
}

async fn not_declared(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    scene.hold(1, "1").await?;
    let stop_limit = RequestKind::StopLimit { trigger: "95".parse()?, price: "94".parse()? };
    let protection = scene.can.protection;
    for (declared, kind) in [
        (scene.can.limit, limit("105")?),
        (scene.can.stop_limit, stop_limit),
        (protection != Protection::Watched, stop("95")?),
        (protection == Protection::NativeOco, oco("95", "105")?),
    ] {
        if !declared {
            let answer = scene.submit(&scene.request(2, Side::Short, "1", kind)?).await;
            let refused = matches!(answer, Err(ExchangeError::Unsupported(_)));
            ensure!(refused, "{kind:?} is not declared, and the answer is {answer:?}");
        }
    }
    Ok(())
}

async fn reduce_only(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    if scene.is_spot() {
        return Ok(());
    }
    scene.hold(1, "1").await?;
    let request = scene.exit(2, "3", RequestKind::Market)?;
    // Refused or cut to size: both keep the promise.
    let answer = scene.submit(&request).await;
    let fine = matches!(&answer, Ok(_) | Err(ExchangeError::Rejected { .. }));
    ensure!(fine, "an exit larger than the position: {answer:?}");
    scene.trade([100.0; 4]).await?;
    let positions = scene.exchange.positions().await?;
    ensure!(positions.iter().all(|p| p.side == Side::Long), "turned: {positions:?}");
    Ok(())
}

use super::scene::{id, limit, scene};
use super::{ExchangeFactory, Failure, case_table, ensure, ensure_eq};
use crate::market::InstrumentKind;
use crate::order::{RequestKind, Side};

case_table! {
    "balances/bound-and-freed" if |can| can.kind == InstrumentKind::Spot && can.limit => bound,
    "balances/exchanged" if |can| can.kind == InstrumentKind::Spot => exchanged,
    "positions/opened-and-closed" if |can| can.kind == InstrumentKind::Perpetual => positions,
}

async fn bound(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    ensure_eq!(scene.balance("BTC").await?, (10.0, 0.0), "at first");
    scene.submit(&scene.request(1, Side::Short, "4", limit("110")?)?).await?;
    ensure_eq!(scene.balance("BTC").await?, (6.0, 4.0), "with an order to sell");
    scene.submit(&scene.request(2, Side::Long, "10", limit("90")?)?).await?;
    let (free, locked) = scene.balance("USDT").await?;
    ensure_eq!(free + locked, 10_000.0, "what is held");
    ensure!((900.0..=910.0).contains(&locked), "{locked} bound by an order worth 900");
    for sequence in [1, 2] {
        scene.exchange.cancel(&scene.symbol, id(sequence)).await?;
    }
    ensure_eq!(scene.balance("BTC").await?, (10.0, 0.0), "after both are cancelled");
    ensure_eq!(scene.balance("USDT").await?, (10_000.0, 0.0), "after both are cancelled");
    Ok(())
}

async fn exchanged(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    scene.submit(&scene.request(1, Side::Long, "2", RequestKind::Market)?).await?;
    scene.trade([100.0; 4]).await?;
    let report = scene.filled(id(1), 100.0).await?;
    let (mut base, mut quote) = (10.0, 10_000.0);
    for execution in &report.executions {
        base += execution.quantity.to_f64();
        quote -= execution.quantity.to_f64() * execution.price.to_f64();
        match execution.fee_currency.as_str() {
            "BTC" => base -= execution.fee.to_f64(),
            "USDT" => quote -= execution.fee.to_f64(),
            _ => {}
        }
    }
    for (currency, expected) in [("BTC", base), ("USDT", quote)] {
        let (free, locked) = scene.balance(currency).await?;
        let close = (free - expected).abs() < 1e-6 && locked == 0.0;
        ensure!(close, "{free} and {locked} {currency}, by the executions {expected}");
    }
    Ok(())
}

async fn positions(factory: &dyn ExchangeFactory) -> Result<(), Failure> {
    let scene = scene(factory).await?;
    ensure!(scene.exchange.positions().await?.is_empty(), "positions at first");
    scene.submit(&scene.request(1, Side::Short, "2", RequestKind::Market)?).await?;
    scene.trade([100.0; 4]).await?;
    let positions = scene.exchange.positions().await?;
    let [position] = &positions[..] else {
        return Err(Failure(format!("not one position: {positions:?}")));
    };
    ensure_eq!((position.side, position.quantity), (Side::Short, "2".parse()?), "the position");
    let entry = position.entry_price.to_f64();
    ensure!((entry - 100.0).abs() < 1.0, "the entry price is {entry}");
    scene.submit(&scene.request(2, Side::Long, "2", RequestKind::Market)?).await?;
    scene.trade([100.0; 4]).await?;
    ensure!(scene.exchange.positions().await?.is_empty(), "positions after closing");
    Ok(())
}

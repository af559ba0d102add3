//! The test networks of exchanges, where there are keys for them: `TRADEPULSE_TESTNET_BINANCE_KEY`
//! and `…_SECRET`, `TRADEPULSE_TESTNET_BINANCEUSDM_KEY` and so on; `…_URL` names another address,
//! such as that of a simulated exchange. Without a key it says what it skips.
//!
//! Prices of a test network are nobody's to move, so this is not the whole suite: an order rests, is
//! found, is not doubled, and is cancelled; a small one fills, and is told of.

#![cfg(feature = "venues")]
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::Duration;

use tradepulse_core::exchange::{Exchange, ExchangeError, TradingRules, VenueEvent};
use tradepulse_core::market::Symbol;
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::order::{ClientOrderId, OrderRequest, OrderStatus, RequestKind, RunTag, Side};
use tradepulse_core::risk::{Approved, RiskGate, RiskRules};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::exchange::venue::{ApiKey, Venue, VenueAccess};
use tradepulse_exec::secret::Secret;

const PATIENCE: Duration = Duration::from_secs(30);

fn key(venue: Venue) -> Option<ApiKey> {
    let name = venue.name().to_uppercase();
    let variable = |what: &str| std::env::var(format!("TRADEPULSE_TESTNET_{name}_{what}")).ok();
    let (Some(key), Some(secret)) = (variable("KEY"), variable("SECRET")) else {
        println!("skipped: TRADEPULSE_TESTNET_{name}_KEY and _SECRET name no key of {venue}");
        return None;
    };
    Some(ApiKey { key: Secret::new(key), secret: Secret::new(secret) })
}

fn approved(order: OrderRequest) -> Approved<OrderRequest> {
    RiskGate::new(RiskRules::default()).pass(order)
}

/// A quantity worth `times` the least that the venue takes, and more than any usual least.
fn quantity(rules: &TradingRules, price: f64, times: f64) -> Quantity {
    let least = rules.instrument.min_notional.map_or(0.0, |least| least.to_f64());
    let wanted = Quantity::from_f64(times * least.max(60.0) / price).unwrap();
    rules.instrument.quantity_step.map_or(wanted, |step| wanted.floor_to(step))
}

async fn try_out(venue: Venue, key: ApiKey) {
    let name = venue.name().to_uppercase();
    let rest_url = std::env::var(format!("TRADEPULSE_TESTNET_{name}_URL")).ok();
    let access = VenueAccess { testnet: true, rest_url, key: Some(key), ..VenueAccess::default() };
    let symbol: Symbol = "BTC/USDT".parse().unwrap();
    let data = venue.market_data(access.clone()).await.unwrap();
    let now: Timestamp = data.time().await.unwrap();
    let (rules, quote) =
        (data.trading_rules(&symbol).await.unwrap(), data.quote(&symbol).await.unwrap());
    let exchange = venue.exchange(access).await.unwrap();
    // Ids of this run alone.
    let run = RunTag::new(now.as_ms().unsigned_abs());
    let far = Price::from_f64(quote.bid * 0.8).unwrap();
    let far = rules.price_tick.map_or(far, |tick| far.floor_to(tick));
    let order = |sequence, side, kind| OrderRequest {
        id: ClientOrderId::new(run, sequence),
        symbol: symbol.clone(),
        side,
        // What is sold is what was bought, less a fee in coins.
        quantity: quantity(&rules, far.to_f64(), if side == Side::Long { 2.0 } else { 1.8 }),
        kind,
        reduce_only: false,
    };

    let resting = order(1, Side::Long, RequestKind::Limit { price: far });
    exchange.submit(&approved(resting.clone())).await.unwrap();
    let open = exchange.open_orders(&symbol).await.unwrap();
    assert!(open.ours.iter().any(|report| report.id == resting.id), "{open:?}");
    let again = exchange.submit(&approved(resting.clone())).await;
    assert!(matches!(again, Err(ExchangeError::Rejected { .. })), "{again:?}");
    exchange.cancel(&symbol, resting.id).await.unwrap();
    let found = exchange.order(&symbol, resting.id).await.unwrap().unwrap();
    assert_eq!(found.status, OrderStatus::Cancelled);

    for (sequence, side) in [(2, Side::Long), (3, Side::Short)] {
        let market = order(sequence, side, RequestKind::Market);
        exchange.submit(&approved(market.clone())).await.unwrap();
        told(&*exchange, market.id).await;
        let found = exchange.order(&symbol, market.id).await.unwrap().unwrap();
        assert_eq!(found.status, OrderStatus::Filled, "{found:?}");
    }
}

/// Waits until the account's events tell of an order, or of a gap.
async fn told(exchange: &dyn Exchange, id: ClientOrderId) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        for event in exchange.drain() {
            match event {
                VenueEvent::Order(report) if report.id == id => return,
                VenueEvent::Gap { .. } => return,
                _ => {}
            }
        }
        let waited = tokio::time::timeout_at(deadline, exchange.wait()).await;
        assert!(waited.is_ok(), "nothing was told of order {id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_networks_take_orders() {
    for venue in Venue::all().into_iter().filter(|venue| venue.capabilities().testnet) {
        if let Some(key) = key(venue) {
            try_out(venue, key).await;
        }
    }
}

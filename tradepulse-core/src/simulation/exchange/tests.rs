mod accounts;
mod orders;
mod parity;
mod properties;

use super::*;
use crate::exchange::{Protection, RejectKind, TradingRules};
use crate::market::InstrumentKind;
use crate::money::{Price, Quantity};
use crate::order::{Execution, RequestKind, RunTag, Side};
use crate::simulation::{Costs, Slippage};

fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn settings(account: AccountKind) -> SimulatedExchangeSettings {
    let kind = match account {
        AccountKind::Spot => InstrumentKind::Spot,
        AccountKind::Margin { .. } => InstrumentKind::Perpetual,
    };
    let capabilities = Capabilities::full("simulated".parse().unwrap(), kind);
    let slippage = Slippage::Fixed { fraction: 0.01 };
    let costs = Costs { taker_fee: 0.002, maker_fee: 0.001, slippage };
    let settings = SimulatedExchangeSettings::new(capabilities, account);
    SimulatedExchangeSettings { costs, ..settings }
        .market(symbol(), TradingRules::default())
        .market("ETH/USDT".parse().unwrap(), TradingRules::default())
        .balance("USDT", quantity("1000"))
        .balance("BTC", quantity(if account == AccountKind::Spot { "10" } else { "0" }))
}

/// A venue whose markets stand at 100, at minute 1.
fn venue(settings: SimulatedExchangeSettings) -> SimulatedExchange {
    let venue = SimulatedExchange::new(settings).unwrap();
    for symbol in [symbol(), "ETH/USDT".parse().unwrap()] {
        venue.begin(&symbol, &candle(0, [100.0; 4]), Timeframe::M1).unwrap();
    }
    assert_eq!(venue.drain(), []);
    venue
}

fn spot() -> SimulatedExchange {
    venue(settings(AccountKind::Spot))
}

fn margin() -> SimulatedExchange {
    venue(settings(AccountKind::Margin { leverage: 5.0 }))
}

fn candle(minute: i64, [open, high, low, close]: [f64; 4]) -> Candle {
    let open_time = Timestamp::from_ms(minute * 60_000);
    Candle { open_time, open, high, low, close, volume: 10.0 }
}

fn id(sequence: u32) -> ClientOrderId {
    ClientOrderId::new(RunTag::new(1), sequence)
}

fn request(sequence: u32, side: Side, size: &str, kind: RequestKind) -> OrderRequest {
    let (id, quantity) = (id(sequence), quantity(size));
    OrderRequest { id, symbol: symbol(), side, quantity, kind, reduce_only: false }
}

fn limit(at: &str) -> RequestKind {
    RequestKind::Limit { price: price(at) }
}

fn stop(at: &str) -> RequestKind {
    RequestKind::Stop { trigger: price(at) }
}

fn stop_limit(trigger: &str, at: &str) -> RequestKind {
    RequestKind::StopLimit { trigger: price(trigger), price: price(at) }
}

fn oco(stop: &str, target: &str) -> RequestKind {
    RequestKind::Oco { stop: price(stop), target: price(target) }
}

fn submit(
    venue: &SimulatedExchange,
    request: OrderRequest,
) -> Result<Vec<OrderReport>, ExchangeError> {
    pollster::block_on(venue.submit(&Approved::new(request)))
}

fn refusal(venue: &SimulatedExchange, request: OrderRequest) -> RejectKind {
    match submit(venue, request) {
        Err(ExchangeError::Rejected { kind, .. }) => kind,
        other => panic!("not refused: {other:?}"),
    }
}

fn cancel(venue: &SimulatedExchange, id: ClientOrderId) -> CancelOutcome {
    pollster::block_on(venue.cancel(&symbol(), id)).unwrap()
}

fn order(venue: &SimulatedExchange, id: ClientOrderId) -> OrderReport {
    pollster::block_on(venue.order(&symbol(), id)).unwrap().unwrap()
}

/// Free and locked.
fn balance(venue: &SimulatedExchange, currency: &str) -> (String, String) {
    let balances = pollster::block_on(venue.balances()).unwrap();
    let found = balances.into_iter().find(|balance| balance.currency == currency);
    found.map_or(("0".into(), "0".into()), |b| (b.free.to_string(), b.locked.to_string()))
}

/// Meets a candle of an hour without acting on what it gives; the executions, in order.
fn meet(
    venue: &SimulatedExchange,
    minute: i64,
    prices: [f64; 4],
) -> Vec<(ClientOrderId, Execution)> {
    venue.begin(&symbol(), &candle(minute, prices), Timeframe::M1).unwrap();
    executions(venue)
}

fn executions(venue: &SimulatedExchange) -> Vec<(ClientOrderId, Execution)> {
    let mut all = Vec::new();
    loop {
        let events = venue.drain();
        if events.is_empty() {
            return all;
        }
        for event in events {
            let VenueEvent::Order(report) = event else { panic!("{event:?}") };
            all.extend(report.executions.into_iter().map(|e| (report.id, e)));
        }
    }
}

/// The only execution: price, reference, fee, whether it took liquidity, time in minutes.
fn only(executions: &[(ClientOrderId, Execution)]) -> (String, String, String, bool, i64) {
    let [(_, e)] = executions else { panic!("not one execution: {executions:?}") };
    let reference = e.simulated.unwrap().reference.to_string();
    let taker = e.liquidity == crate::order::Liquidity::Taker;
    (e.price.to_string(), reference, e.fee.to_string(), taker, e.at.as_ms() / 60_000)
}

fn filled(
    price: &str,
    reference: &str,
    fee: &str,
    taker: bool,
    minute: i64,
) -> (String, String, String, bool, i64) {
    (price.into(), reference.into(), fee.into(), taker, minute)
}

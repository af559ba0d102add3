//! The exchange and the venue of backtests give the same fills, bit for bit.

use proptest::prelude::*;

use super::*;
use crate::order::{Fill, Order, OrderId, OrderKind};
use crate::simulation::{Priority, Venue};

/// What is submitted at a close, or in answer to a fill.
#[derive(Clone, Copy, Debug)]
struct Wish {
    long: bool,
    size: f64,
    /// Distances of a pair's stop and target from the close, if it is one.
    pair: Option<(f64, Option<f64>)>,
}

fn wish() -> impl Strategy<Value = Wish> {
    let pair = prop::option::of((0.0..0.04_f64, prop::option::of(0.0..0.04_f64)));
    let parts = (any::<bool>(), 0.001..3.0_f64, pair);
    parts.prop_map(|(long, size, pair)| Wish { long, size, pair })
}

fn candles() -> impl Strategy<Value = Vec<Candle>> {
    let step = (-0.03..0.03_f64, -0.03..0.03_f64, 0.0..0.03_f64, 0.0..0.03_f64, 0.0..20.0_f64);
    prop::collection::vec(step, 2..30).prop_map(|steps| {
        let mut close = 100.0_f64;
        let mut candles = Vec::new();
        for (minute, (gap, body, up, down, volume)) in (0..).zip(steps) {
            let open = close * (1.0 + gap);
            close = open * (1.0 + body);
            let (high, low) = (open.max(close) * (1.0 + up), open.min(close) * (1.0 - down));
            let volume = if volume < 1.0 { 0.0 } else { volume };
            candles.push(Candle { volume, ..candle(minute, [open, high, low, close]) });
        }
        candles
    })
}

/// The order as the venue of backtests gets it.
fn order_of(number: u32, wish: Wish, close: f64) -> Order {
    let side = if wish.long { Side::Long } else { Side::Short };
    let away = -side.sign();
    let kind = match wish.pair {
        None => OrderKind::Market,
        Some((stop, target)) => OrderKind::Oco {
            stop: close * (1.0 - away * stop),
            target: target.map(|target| close * (1.0 + away * (target + 1e-6))),
        },
    };
    Order { id: OrderId(number.into()), side, quantity: wish.size, kind }
}

/// The same order, exact.
fn request_of(number: u32, order: &Order) -> OrderRequest {
    let exact = |value: f64| Price::from_f64(value).unwrap();
    let kind = match order.kind {
        OrderKind::Market => RequestKind::Market,
        OrderKind::Oco { stop, target: None } => RequestKind::Stop { trigger: exact(stop) },
        OrderKind::Oco { stop, target: Some(target) } => {
            RequestKind::Oco { stop: exact(stop), target: exact(target) }
        }
    };
    let quantity = Quantity::from_f64(order.quantity).unwrap();
    OrderRequest {
        id: id(number),
        symbol: symbol(),
        side: order.side,
        quantity,
        kind,
        reduce_only: false,
    }
}

/// Every figure of a fill, as bits.
fn bits(fill: &Fill) -> impl PartialEq + std::fmt::Debug + use<> {
    let floats = [fill.quantity, fill.price, fill.reference, fill.fee].map(f64::to_bits);
    (
        fill.order,
        fill.side,
        floats,
        fill.liquidity,
        fill.leg,
        fill.ambiguous,
        fill.time_ms,
        fill.moment,
    )
}

/// The fills that a report tells of.
fn fills_of(report: &OrderReport, orders: &[Order]) -> Vec<Fill> {
    let sequence = report.id.sequence();
    let order = &orders[sequence as usize];
    let leg = match order.kind {
        OrderKind::Oco { .. } => report.id.which_leg().or(Some(Leg::Stop)),
        OrderKind::Market => None,
    };
    let fill = |e: &Execution| Fill {
        order: OrderId(sequence.into()),
        side: order.side,
        quantity: e.quantity.to_f64(),
        price: e.price.to_f64(),
        reference: e.simulated.unwrap().reference.to_f64(),
        fee: e.fee.to_f64(),
        liquidity: e.liquidity,
        leg,
        ambiguous: e.simulated.unwrap().ambiguous,
        time_ms: e.at.as_ms(),
        moment: e.simulated.unwrap().moment,
    };
    report.executions.iter().map(fill).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn fills_are_the_same(
        candles in candles(),
        wishes in prop::collection::vec((0..30_usize, wish()), 1..25),
        answers in prop::collection::vec(wish(), 25),
        target_first in any::<bool>(),
        volume_share in any::<bool>(),
    ) {
        let priority = if target_first { Priority::TargetFirst } else { Priority::StopFirst };
        let slippage = if volume_share {
            Slippage::VolumeShare { fraction: 0.0005, impact: 0.1 }
        } else {
            Slippage::Fixed { fraction: 0.0007 }
        };
        let costs = Costs { taker_fee: 0.00075, maker_fee: 0.0002, slippage };
        let settings = settings(AccountKind::Margin { leverage: 1e6 });
        let exchange = SimulatedExchange::new(SimulatedExchangeSettings { costs, priority, ..settings }).unwrap();
        let mut venue = Venue::new(costs, priority);
        let mut orders: Vec<Order> = Vec::new();
        let mut answers = answers.into_iter();
        let send = |orders: &mut Vec<Order>, venue: &mut Venue<'_>, wish: Wish, close: f64| {
            let number = u32::try_from(orders.len()).unwrap();
            let order = order_of(number, wish, close);
            orders.push(order);
            venue.submit(order);
            submit(&exchange, request_of(number, &order)).unwrap();
        };
        for (at, candle) in candles.iter().enumerate() {
            let close_ms = candle.open_time.as_ms() + 60_000;
            exchange.begin(&symbol(), candle, Timeframe::M1).unwrap();
            loop {
                let events = exchange.drain();
                if events.is_empty() {
                    prop_assert_eq!(venue.next_fill(candle, close_ms), None);
                    break;
                }
                for event in events {
                    let VenueEvent::Order(report) = event else { continue };
                    for fill in fills_of(&report, &orders) {
                        let expected = venue.next_fill(candle, close_ms).unwrap();
                        prop_assert_eq!(bits(&fill), bits(&expected));
                        // A market order is answered with a pair, as an engine does.
                        if fill.leg.is_none() && let Some(answer) = answers.next() {
                            let pair = answer.pair.or(Some((0.01, Some(0.01))));
                            send(&mut orders, &mut venue, Wish { pair, ..answer }, fill.price);
                        }
                    }
                }
            }
            for (_, wish) in wishes.iter().filter(|(when, _)| *when == at) {
                send(&mut orders, &mut venue, *wish, candle.close);
            }
        }
        let last = candles.last().unwrap();
        let order = order_of(u32::try_from(orders.len()).unwrap(), Wish { long: true, size: 1.5, pair: None }, 0.0);
        submit(&exchange, request_of(u32::try_from(orders.len()).unwrap(), &order)).unwrap();
        orders.push(order);
        // Those that were waiting fill too.
        exchange.fill_at_close(&symbol(), Timestamp::from_ms(77)).unwrap();
        let mut ended = Vec::new();
        for event in exchange.drain() {
            if let VenueEvent::Order(report) = event {
                ended.extend(fills_of(&report, &orders));
            }
        }
        let expected = venue.fill_at_close(&order, last, 77);
        prop_assert_eq!(bits(ended.last().unwrap()), bits(&expected));
    }
}

//! Each kind of order, with stated figures. Taker fee 0.2 %, maker 0.1 %, slippage 1 %.

use super::*;

#[test]
fn market_orders_fill_at_the_next_open() {
    let venue = spot();
    let report = submit(&venue, request(1, Side::Long, "2", RequestKind::Market)).unwrap();
    assert_eq!(report[0].status, OrderStatus::Open);
    assert_eq!(report[0].at, Timestamp::from_ms(60_000));
    submit(&venue, request(2, Side::Short, "3", RequestKind::Market)).unwrap();
    let fills = meet(&venue, 1, [200.0, 210.0, 190.0, 205.0]);
    assert_eq!(fills.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(1), id(2)]);
    assert_eq!(only(&fills[..1]), filled("202", "200", "0.808", true, 1));
    assert_eq!(only(&fills[1..]), filled("198", "200", "1.188", true, 1));
    let report = order(&venue, id(1));
    assert_eq!((report.status, report.filled), (OrderStatus::Filled, quantity("2")));
    assert_eq!(report.executions.len(), 1);
}

#[test]
fn market_orders_that_come_during_a_candle_wait() {
    let venue = spot();
    submit(&venue, request(1, Side::Short, "1", RequestKind::Market)).unwrap();
    venue.drain();
    venue.begin(&symbol(), &candle(1, [100.0, 101.0, 99.0, 100.0]), Timeframe::M1).unwrap();
    assert_eq!(venue.drain().len(), 1);
    submit(&venue, request(2, Side::Short, "1", RequestKind::Market)).unwrap();
    assert_eq!(executions(&venue), []);
    assert_eq!(only(&meet(&venue, 2, [110.0; 4])).1, "110");
}

#[test]
fn limit_orders_get_their_price_or_better() {
    let venue = spot();
    submit(&venue, request(1, Side::Long, "1", limit("95"))).unwrap();
    submit(&venue, request(2, Side::Short, "1", limit("105"))).unwrap();
    assert_eq!(meet(&venue, 1, [100.0, 104.9, 95.1, 100.0]), []);
    let fills = meet(&venue, 2, [100.0, 101.0, 95.0, 100.0]);
    assert_eq!(only(&fills), filled("95", "95", "0.095", false, 2));
    let fills = meet(&venue, 3, [106.0, 107.0, 100.0, 100.0]);
    assert_eq!(only(&fills), filled("106", "106", "0.106", false, 3));
    // One that crosses the market as it arrives takes liquidity.
    submit(&venue, request(3, Side::Long, "1", limit("102"))).unwrap();
    let fills = meet(&venue, 4, [101.0, 103.0, 100.0, 100.0]);
    assert_eq!(only(&fills), filled("101", "101", "0.202", true, 4));
}

#[test]
fn stops_fill_at_their_trigger_and_pay_gaps() {
    let venue = spot();
    submit(&venue, request(1, Side::Short, "1", stop("90"))).unwrap();
    submit(&venue, request(2, Side::Long, "1", stop("110"))).unwrap();
    let fills = meet(&venue, 1, [100.0, 109.0, 90.0, 100.0]);
    assert_eq!(only(&fills), filled("89.1", "90", "0.1782", true, 1));
    let fills = meet(&venue, 2, [120.0, 121.0, 119.0, 120.0]);
    assert_eq!(only(&fills), filled("121.2", "120", "0.2424", true, 2));
}

#[test]
fn stop_limits_never_fill_beyond_their_limit() {
    let sell = |kind, prices| {
        let venue = spot();
        submit(&venue, request(1, Side::Short, "1", kind)).unwrap();
        let fills = meet(&venue, 1, prices);
        (fills, venue)
    };
    // Slippage takes 95 to 94.05; the limit holds it.
    let (fills, _) = sell(stop_limit("95", "94.5"), [100.0, 101.0, 94.0, 100.0]);
    assert_eq!(only(&fills), filled("94.5", "95", "0.189", true, 1));
    // A gap beyond the limit: it rests, and fills when the candle comes back to it.
    let (fills, _) = sell(stop_limit("95", "94"), [90.0, 94.5, 89.0, 90.0]);
    assert_eq!(only(&fills), filled("94", "94", "0.094", false, 1));
    // Or in a later candle.
    let (fills, venue) = sell(stop_limit("95", "94"), [90.0, 93.0, 89.0, 90.0]);
    assert_eq!(fills, []);
    assert_eq!(meet(&venue, 2, [90.0, 93.0, 89.0, 90.0]), []);
    assert_eq!(only(&meet(&venue, 3, [91.0, 96.0, 90.0, 91.0])).0, "94");
    // Triggered inside with the limit away: a high from before the trigger does not fill it.
    let (fills, venue) = sell(stop_limit("95", "97"), [100.0, 101.0, 94.0, 96.0]);
    assert_eq!(fills, []);
    assert_eq!(only(&meet(&venue, 2, [96.0, 97.0, 95.5, 96.0])).0, "97");
    let (fills, _) = sell(stop_limit("95", "97"), [100.0, 101.0, 94.0, 98.0]);
    assert_eq!(only(&fills).0, "97");
    // Not triggered.
    let (fills, venue) = sell(stop_limit("95", "94"), [100.0, 101.0, 95.1, 96.0]);
    assert_eq!(fills, []);
    assert_eq!(meet(&venue, 2, [96.0, 97.0, 95.5, 96.0]), []);
}

#[test]
fn one_leg_cancels_the_other() {
    let venue = spot();
    let legs = submit(&venue, request(1, Side::Short, "2", oco("95", "105"))).unwrap();
    let ids: Vec<_> = legs.iter().map(|leg| leg.id).collect();
    assert_eq!(ids, [id(1).leg(Leg::Stop), id(1).leg(Leg::Target)]);
    // A pair binds its quantity once.
    assert_eq!(balance(&venue, "BTC"), ("8".into(), "2".into()));
    let fills = meet(&venue, 1, [100.0, 106.0, 94.0, 100.0]);
    assert_eq!(only(&fills), filled("94.05", "95", "0.3762", true, 1));
    assert_eq!(fills[0].0, id(1).leg(Leg::Stop));
    assert!(fills[0].1.simulated.unwrap().ambiguous);
    assert_eq!(order(&venue, id(1).leg(Leg::Target)).status, OrderStatus::Cancelled);
    assert_eq!(order(&venue, id(1)).id, id(1).leg(Leg::Stop));
    assert_eq!(balance(&venue, "BTC"), ("8".into(), "0".into()));
}

#[test]
fn a_pair_is_cancelled_by_either_leg_or_its_own_id() {
    let one = id(1);
    for by in [one, one.leg(Leg::Stop), one.leg(Leg::Target)] {
        let venue = spot();
        submit(&venue, request(1, Side::Short, "2", oco("95", "105"))).unwrap();
        let CancelOutcome::Cancelled(reports) = cancel(&venue, by) else { panic!() };
        assert_eq!(reports.len(), 2);
        assert!(reports.iter().all(|report| report.status == OrderStatus::Cancelled));
        assert!(matches!(cancel(&venue, by), CancelOutcome::TooLate(_)));
        assert_eq!(meet(&venue, 1, [100.0, 106.0, 94.0, 100.0]), []);
    }
    assert_eq!(cancel(&spot(), one), CancelOutcome::NotFound);
}

#[test]
fn an_answer_to_a_fill_meets_the_same_candle() {
    let venue = margin();
    submit(&venue, request(1, Side::Long, "1", RequestKind::Market)).unwrap();
    venue.drain();
    venue.begin(&symbol(), &candle(1, [100.0, 106.0, 99.0, 100.0]), Timeframe::M1).unwrap();
    assert_eq!(venue.drain().len(), 1);
    submit(&venue, request(2, Side::Short, "1", oco("95", "105"))).unwrap();
    let fills = executions(&venue);
    assert_eq!(only(&fills), filled("105", "105", "0.105", false, 1));
}

#[test]
fn an_order_does_not_meet_a_candle_older_than_itself() {
    let venue = spot();
    submit(&venue, request(1, Side::Long, "1", limit("95"))).unwrap();
    venue.drain();
    // Minute 0 again, as an hour: it holds a low from before the order came.
    let hour = candle(0, [100.0, 101.0, 90.0, 100.0]);
    venue.begin(&symbol(), &hour, Timeframe::H1).unwrap();
    assert_eq!(executions(&venue), []);
}

#[test]
fn latency_keeps_an_order_from_the_next_candle() {
    let latency_ms = 1;
    let venue = venue(SimulatedExchangeSettings { latency_ms, ..settings(AccountKind::Spot) });
    submit(&venue, request(1, Side::Long, "1", RequestKind::Market)).unwrap();
    assert_eq!(meet(&venue, 1, [100.0; 4]), []);
    assert_eq!(only(&meet(&venue, 2, [102.0; 4])).1, "102");
}

#[test]
fn quotes_fill_between_candles() {
    let venue = spot();
    let at = |second: i64| Timestamp::from_ms(60_000 + second * 1000);
    let quote = |bid, ask, second| {
        venue.quote(&symbol(), Quote { bid, ask }, at(second)).unwrap();
        executions(&venue)
    };
    submit(&venue, request(1, Side::Long, "1", RequestKind::Market)).unwrap();
    submit(&venue, request(2, Side::Short, "1", stop("95"))).unwrap();
    submit(&venue, request(3, Side::Short, "1", limit("105"))).unwrap();
    submit(&venue, request(4, Side::Short, "1", stop_limit("98", "97"))).unwrap();
    let fills = quote(100.0, 101.0, 1);
    assert_eq!((fills[0].1.price, fills[0].1.at), (price("101"), at(1)));
    assert_eq!(only(&fills).2, "0.202");
    assert_eq!(quote(96.5, 97.0, 2), []);
    assert_eq!(only(&quote(97.5, 98.0, 3)).0, "97");
    assert_eq!(only(&quote(105.5, 106.0, 4)).0, "105");
    assert_eq!(only(&quote(94.0, 95.5, 5)).0, "94");
}

#[test]
fn a_run_ends_at_the_close() {
    let venue = spot();
    meet(&venue, 1, [110.0, 111.0, 99.0, 100.0]);
    submit(&venue, request(1, Side::Short, "1", RequestKind::Market)).unwrap();
    venue.drain();
    venue.fill_at_close(&symbol(), Timestamp::from_ms(120_000)).unwrap();
    let fills = executions(&venue);
    assert_eq!(only(&fills), filled("99", "100", "0.198", true, 2));
    assert_eq!(fills[0].1.simulated.unwrap().moment, crate::order::Moment::Close);
}

#[test]
fn a_market_order_fills_in_parts() {
    let partial_fills = Some(PartialFills { parts: 3, seed: crate::random::Seed(5) });
    let settings = settings(AccountKind::Margin { leverage: 5.0 });
    let venue = venue(SimulatedExchangeSettings { partial_fills, ..settings });
    submit(&venue, request(1, Side::Long, "1", RequestKind::Market)).unwrap();
    venue.drain();
    venue.begin(&symbol(), &candle(1, [100.0; 4]), Timeframe::M1).unwrap();
    let mut sum = Quantity::ZERO;
    for part in 1..=3 {
        let events = venue.drain();
        let [VenueEvent::Order(report)] = &events[..] else { panic!("{events:?}") };
        sum = sum.plus(report.executions[0].quantity);
        assert_eq!(report.filled, sum);
        assert_eq!(report.status.is_final(), part == 3);
    }
    assert_eq!(sum, quantity("1"));
    assert_eq!(executions(&venue), []);
    // Cancelled after its first part, an order keeps it.
    submit(&venue, request(2, Side::Long, "1", RequestKind::Market)).unwrap();
    venue.drain();
    venue.begin(&symbol(), &candle(2, [100.0; 4]), Timeframe::M1).unwrap();
    venue.drain();
    let CancelOutcome::Cancelled(reports) = cancel(&venue, id(2)) else { panic!() };
    assert!(!reports[0].filled.is_zero() && reports[0].filled < quantity("1"));
    assert_eq!(executions(&venue), []);
}

#[test]
fn waiting_ends_with_news() {
    use std::task::{Context, Waker};
    let venue = spot();
    let mut context = Context::from_waker(Waker::noop());
    let mut wait = venue.wait();
    assert!(wait.as_mut().poll(&mut context).is_pending());
    submit(&venue, request(1, Side::Long, "1", limit("95"))).unwrap();
    assert!(wait.as_mut().poll(&mut context).is_ready());
    venue.drain();
    let mut wait = venue.wait();
    venue.begin(&symbol(), &candle(1, [100.0; 4]), Timeframe::M1).unwrap();
    assert!(wait.as_mut().poll(&mut context).is_pending());
    venue.begin(&symbol(), &candle(2, [95.0; 4]), Timeframe::M1).unwrap();
    assert!(wait.as_mut().poll(&mut context).is_ready());
}

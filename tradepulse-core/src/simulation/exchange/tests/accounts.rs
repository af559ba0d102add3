//! Money: balances, what orders bind, what is refused.

use super::*;
use crate::exchange::VenuePosition;
use crate::market::Instrument;

fn pair(free: &str, locked: &str) -> (String, String) {
    (free.into(), locked.into())
}

#[test]
fn spot_orders_bind_and_exchange_money() {
    let venue = spot();
    submit(&venue, request(1, Side::Long, "2", limit("90"))).unwrap();
    // 2 × 90, and 0.2 % of it.
    assert_eq!(balance(&venue, "USDT"), pair("819.64", "180.36"));
    assert_eq!(refusal(&venue, request(2, Side::Long, "10", limit("90"))), RejectKind::Balance);
    assert_eq!(refusal(&venue, request(2, Side::Short, "11", limit("110"))), RejectKind::Balance);
    meet(&venue, 1, [100.0, 100.0, 80.0, 85.0]);
    // It rests from the open on: 90, and 0.1 %.
    assert_eq!(balance(&venue, "USDT"), pair("819.82", "0"));
    assert_eq!(balance(&venue, "BTC"), pair("12", "0"));
}

#[test]
fn fees_can_be_taken_in_what_is_received() {
    let fee_currency = FeeCurrency::Received;
    let venue = venue(SimulatedExchangeSettings { fee_currency, ..settings(AccountKind::Spot) });
    submit(&venue, request(1, Side::Long, "2", RequestKind::Market)).unwrap();
    let fills = meet(&venue, 1, [100.0; 4]);
    assert_eq!((fills[0].1.fee_currency.as_str(), only(&fills).2.as_str()), ("BTC", "0.004"));
    assert_eq!(balance(&venue, "BTC"), pair("11.996", "0"));
    assert_eq!(balance(&venue, "USDT"), pair("798", "0"));
    submit(&venue, request(2, Side::Short, "1", RequestKind::Market)).unwrap();
    let fills = meet(&venue, 2, [100.0; 4]);
    assert_eq!((fills[0].1.fee_currency.as_str(), only(&fills).2.as_str()), ("USDT", "0.198"));
}

#[test]
fn what_cannot_be_paid_when_it_executes_expires() {
    let venue = spot();
    submit(&venue, request(1, Side::Long, "9", RequestKind::Market)).unwrap();
    assert_eq!(meet(&venue, 1, [150.0; 4]), []);
    let report = order(&venue, id(1));
    assert_eq!(report.status, OrderStatus::Expired);
    assert!(report.reason.unwrap().contains("did not suffice"));
    assert_eq!(balance(&venue, "USDT"), pair("1000", "0"));
}

#[test]
fn margin_accounts_hold_positions() {
    let venue = margin();
    let position = |venue: &SimulatedExchange| {
        let positions = pollster::block_on(venue.positions()).unwrap();
        positions.first().cloned()
    };
    submit(&venue, request(1, Side::Short, "10", RequestKind::Market)).unwrap();
    assert_eq!(balance(&venue, "USDT"), pair("800", "200"));
    meet(&venue, 1, [100.0; 4]);
    let held = |side, size: &str, at: &str| {
        let (quantity, entry_price) = (quantity(size), price(at));
        Some(VenuePosition { symbol: symbol(), side, quantity, entry_price })
    };
    assert_eq!(position(&venue), held(Side::Short, "10", "99"));
    // A fee of 0.002 × 990 was paid.
    assert_eq!(balance(&venue, "USDT"), pair("798.02", "200"));
    assert_eq!(pollster::block_on(venue.balances()).unwrap().len(), 1);
    // Closed and turned: (99 − 90.9) × 10 earned, 0.002 × 90.9 × 15 paid.
    submit(&venue, request(2, Side::Long, "15", RequestKind::Market)).unwrap();
    meet(&venue, 2, [90.0; 4]);
    assert_eq!(position(&venue), held(Side::Long, "5", "90.9"));
    assert_eq!(balance(&venue, "USDT"), pair("986.293", "90"));
    submit(&venue, request(3, Side::Short, "5", RequestKind::Market)).unwrap();
    meet(&venue, 3, [90.0; 4]);
    assert_eq!(position(&venue), None);
}

#[test]
fn leverage_is_limited() {
    let venue = margin();
    assert_eq!(
        refusal(&venue, request(1, Side::Long, "50.1", RequestKind::Market)),
        RejectKind::Balance
    );
    submit(&venue, request(1, Side::Long, "50", RequestKind::Market)).unwrap();
    assert_eq!(refusal(&venue, request(2, Side::Long, "0.1", limit("90"))), RejectKind::Balance);
    // The other side offsets what is pending.
    submit(&venue, request(2, Side::Short, "50", limit("110"))).unwrap();
}

#[test]
fn reduce_only_reduces() {
    let venue = margin();
    let reduce =
        |n, side, size, kind| OrderRequest { reduce_only: true, ..request(n, side, size, kind) };
    let refused = refusal(&venue, reduce(1, Side::Short, "1", RequestKind::Market));
    assert_eq!(refused, RejectKind::Balance);
    submit(&venue, request(1, Side::Long, "2", RequestKind::Market)).unwrap();
    meet(&venue, 1, [100.0; 4]);
    assert_eq!(refusal(&venue, reduce(2, Side::Long, "1", stop("110"))), RejectKind::Balance);
    submit(&venue, reduce(2, Side::Short, "3", stop("90"))).unwrap();
    submit(&venue, reduce(3, Side::Short, "2", limit("110"))).unwrap();
    let fills = meet(&venue, 2, [80.0, 115.0, 75.0, 80.0]);
    assert_eq!((fills.len(), fills[0].1.quantity), (1, quantity("2")));
    assert_eq!(order(&venue, id(2)).status, OrderStatus::Expired);
    let other = order(&venue, id(3));
    assert_eq!((other.status, other.filled), (OrderStatus::Expired, Quantity::ZERO));
    assert_eq!(pollster::block_on(venue.positions()).unwrap(), []);
}

#[test]
fn filters_refuse() {
    let instrument = Instrument {
        quantity_step: Some(quantity("0.1")),
        min_quantity: Some(quantity("0.2")),
        min_notional: Some(quantity("50")),
        ..Instrument::default()
    };
    let rules = TradingRules { instrument, price_tick: Some(price("0.5")) };
    let venue = venue(settings(AccountKind::Spot).market(symbol(), rules));
    for (size, kind) in [
        ("0", RequestKind::Market),
        ("1.05", RequestKind::Market),
        ("0.1", RequestKind::Market),
        ("0.4", RequestKind::Market),
        ("1", limit("100.3")),
        ("1", stop("90.1")),
        ("1", oco("90", "110.2")),
        ("0.5", oco("90", "110")),
    ] {
        assert_eq!(
            refusal(&venue, request(1, Side::Short, size, kind)),
            RejectKind::Filter,
            "{size} {kind:?}"
        );
    }
    let turned = request(1, Side::Short, "1", oco("110", "90"));
    assert_eq!(refusal(&venue, turned), RejectKind::Other);
    submit(&venue, request(1, Side::Short, "0.5", RequestKind::Market)).unwrap();
}

#[test]
fn an_id_is_used_once() {
    let venue = spot();
    submit(&venue, request(1, Side::Short, "1", RequestKind::Market)).unwrap();
    submit(&venue, request(2, Side::Short, "1", oco("90", "110"))).unwrap();
    meet(&venue, 1, [100.0; 4]);
    for sequence in [1, 2] {
        for kind in [RequestKind::Market, oco("90", "110")] {
            let again = request(sequence, Side::Short, "1", kind);
            assert_eq!(refusal(&venue, again), RejectKind::Duplicate);
        }
    }
    // A refused order was never there.
    assert_eq!(refusal(&venue, request(3, Side::Short, "99", limit("110"))), RejectKind::Balance);
    submit(&venue, request(3, Side::Short, "1", limit("110"))).unwrap();
}

#[test]
fn what_is_not_declared_is_not_supported() {
    let with = |change: fn(&mut Capabilities)| {
        let mut settings = settings(AccountKind::Margin { leverage: 5.0 });
        change(&mut settings.capabilities);
        let venue = venue(settings);
        submit(&venue, request(1, Side::Long, "1", RequestKind::Market)).unwrap();
        meet(&venue, 1, [100.0; 4]);
        venue
    };
    let unsupported = |venue: &SimulatedExchange, kind| {
        let answer = submit(venue, request(2, Side::Short, "1", kind));
        assert!(matches!(answer, Err(ExchangeError::Unsupported(_))), "{kind:?}: {answer:?}");
    };
    let venue = with(|can| can.protection = Protection::TwoOrders);
    unsupported(&venue, oco("90", "110"));
    submit(&venue, request(2, Side::Short, "1", stop("90"))).unwrap();
    let venue = with(|can| can.protection = Protection::Watched);
    unsupported(&venue, stop("90"));
    let venue = with(|can| {
        can.protection = Protection::StopOnly;
        (can.limit, can.stop_limit, can.reduce_only) = (false, false, false);
    });
    unsupported(&venue, limit("90"));
    unsupported(&venue, stop_limit("90", "89"));
    let reduce = OrderRequest { reduce_only: true, ..request(2, Side::Short, "1", stop("90")) };
    assert!(matches!(submit(&venue, reduce), Err(ExchangeError::Unsupported(_))));
}

#[test]
fn markets_are_told_apart() {
    let venue = spot();
    let eth: Symbol = "ETH/USDT".parse().unwrap();
    let order =
        OrderRequest { symbol: eth.clone(), ..request(1, Side::Long, "1", RequestKind::Market) };
    submit(&venue, order.clone()).unwrap();
    assert_eq!(meet(&venue, 1, [100.0; 4]), []);
    assert_eq!(cancel(&venue, id(1)), CancelOutcome::NotFound);
    assert_eq!(pollster::block_on(venue.open_orders(&symbol())).unwrap(), OpenOrders::default());
    venue.place_foreign(&eth, "web-1").unwrap();
    let open = pollster::block_on(venue.open_orders(&eth)).unwrap();
    assert_eq!((open.ours.len(), open.foreign), (1, vec!["web-1".to_owned()]));
    let nowhere: Symbol = "DOGE/USDT".parse().unwrap();
    let elsewhere = OrderRequest { symbol: nowhere.clone(), id: id(9), ..order };
    assert_eq!(refusal(&venue, elsewhere), RejectKind::Symbol);
    let quote = Quote { bid: 1.0, ask: 1.0 };
    let error = venue.quote(&nowhere, quote, Timestamp::default()).unwrap_err();
    assert_eq!(error, SimulationError::UnknownMarket(nowhere));
    assert!(venue.begin(&eth, &candle(1, [1.0, 0.5, 1.0, 1.0]), Timeframe::M1).is_err());
    let fresh = SimulatedExchange::new(settings(AccountKind::Spot)).unwrap();
    assert_eq!(
        refusal(&fresh, request(1, Side::Short, "1", RequestKind::Market)),
        RejectKind::Closed
    );
}

#[test]
fn settings_that_contradict_themselves_are_refused() {
    let refused = |account, change: fn(&mut SimulatedExchangeSettings)| {
        let mut settings = settings(account);
        change(&mut settings);
        assert!(SimulatedExchange::new(settings).is_err());
    };
    let margin = AccountKind::Margin { leverage: 1.0 };
    refused(AccountKind::Spot, |s| s.capabilities.kind = InstrumentKind::Perpetual);
    refused(AccountKind::Spot, |s| s.capabilities.protection = Protection::TwoOrders);
    refused(AccountKind::Margin { leverage: 0.0 }, |_| {});
    refused(margin, |s| s.fee_currency = FeeCurrency::Received);
    refused(margin, |s| s.costs.slippage = Slippage::Fixed { fraction: 1.0 });
    refused(margin, |s| s.costs.taker_fee = f64::NAN);
    refused(margin, |s| s.latency_ms = -1);
}

#[test]
fn an_account_goes_on_under_other_settings() {
    let venue = spot();
    submit(&venue, request(1, Side::Long, "1", RequestKind::Market)).unwrap();
    meet(&venue, 1, [100.0; 4]);
    let state = venue.snapshot();
    let sol: Symbol = "SOL/USDT".parse().unwrap();
    let changed = settings(AccountKind::Spot).market(sol.clone(), TradingRules::default());
    let costs = Costs::FREE;
    let changed = SimulatedExchangeSettings { costs, ..changed };
    let again = SimulatedExchange::restore(state.clone().under(changed.clone()).unwrap());
    assert_eq!(balance(&again, "BTC"), pair("11", "0"));
    again.begin(&sol, &candle(2, [5.0; 4]), Timeframe::M1).unwrap();
    submit(&again, request(2, Side::Long, "1", RequestKind::Market)).unwrap();
    again.begin(&symbol(), &candle(2, [100.0; 4]), Timeframe::M1).unwrap();
    assert_eq!(only(&executions(&again)).2, "0");
    let account = AccountKind::Margin { leverage: 1.0 };
    assert!(state.clone().under(SimulatedExchangeSettings { account, ..changed.clone() }).is_err());
    let mut fewer = changed;
    fewer.markets.remove(&symbol());
    assert!(state.under(fewer).is_err());
}

//! What goes wrong at this venue, a test each.

use std::time::Duration;

use tradepulse_core::exchange::{CancelOutcome, Exchange, ExchangeError, RejectKind, VenueEvent};
use tradepulse_core::order::{Leg, OrderStatus, RequestKind, Side};
use tradepulse_exec::exchange::coinbase::{CoinbaseError, CoinbaseExchange};
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{Dialect, HttpFault, SimulatorKey};

use crate::scene::{
    access, approved, at_hundred, candle, exchange, id, market, request, settings, start, symbol,
};
use crate::simulated::standing_at_hundred;
use crate::simulated::traps::{self, is_duplicate};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_answer_is_lost_is_there() {
    let (simulator, exchange) = at_hundred().await;
    traps::lost_answers(&simulator, &exchange).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_never_comes_is_an_unknown_outcome() {
    let simulator = standing_at_hundred(Dialect::Coinbase).await;
    let mut access = access(&simulator, Some(SimulatorKey::known(Dialect::Coinbase)));
    access.timeout = Duration::from_millis(400);
    let exchange = CoinbaseExchange::connect(access).await.unwrap();
    traps::an_answer_that_never_comes(&simulator, &exchange).await;
}

/// The venue answers an id that was used with the order that it was used for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_of_another_process_is_never_two_orders() {
    let (simulator, first) = at_hundred().await;
    first.submit(&market(1)).await.unwrap();
    let executions = first.order(&symbol(), id(1)).await.unwrap().unwrap().executions;
    // At once it is the order that was sent; after a while it is seen to be older.
    let second = exchange(&simulator).await.unwrap();
    let answer = second.submit(&market(1)).await.unwrap();
    assert_eq!((answer[0].status, &answer[0].executions), (OrderStatus::Filled, &executions));
    simulator.skew_clock(60_000);
    let third = exchange(&simulator).await.unwrap();
    let answer = third.submit(&market(1)).await;
    assert!(is_duplicate(&answer), "{answer:?}");
    let coins = third.balances().await.unwrap().into_iter().find(|b| b.currency == "BTC").unwrap();
    assert_eq!(coins.free, "11".parse().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_requests_stop_everything_until_then() {
    let (simulator, exchange) = at_hundred().await;
    let limited = HttpFault::RateLimited { retry_after_s: 120 };
    traps::a_limit_is_kept(&simulator, &exchange, limited).await;
}

/// The venue says no more than that the token is not accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_off_is_set_right() {
    let (simulator, exchange) = at_hundred().await;
    for (sequence, ms) in [(1, 3_600_000), (2, -3_600_000)] {
        simulator.skew_clock(ms);
        let answer = exchange.submit(&market(sequence)).await;
        assert!(answer.is_ok(), "{ms}: {answer:?}");
        assert!((exchange.clock_offset_ms() - ms).abs() < 5_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_refused_and_not_told() {
    let simulator = start(settings(vec![candle(0, [100.0; 4])])).await;
    let known = SimulatorKey::known(Dialect::Coinbase);
    let other = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    for key in [
        SimulatorKey { secret: Secret::new(other), ..known.clone() },
        SimulatorKey { key: "another".into(), ..known },
    ] {
        let refused = CoinbaseExchange::connect(access(&simulator, Some(key))).await.unwrap_err();
        let text = format!("{refused} {refused:?}");
        assert!(text.contains("authentication failure") && !text.contains(other), "{text}");
    }
    let none = CoinbaseExchange::connect(access(&simulator, None)).await;
    assert!(matches!(none, Err(CoinbaseError::NoKey)));
}

/// Keys of both kinds sign.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_the_other_kind_is_as_good() {
    let mut settings = settings(vec![candle(0, [100.0; 4])]);
    let pem = "-----BEGIN EC PRIVATE KEY-----\\n\
               MHcCAQEEIJWcJR30ToZwCaLcvvg9ezTJ46VdHxDXERbqfDXi1Kw6oAoGCCqGSM49\\n\
               AwEHoUQDQgAEFoAkS4i0t4Mcsyt8drEMe/IFDEqVBUe4jPkWms5so9bFWi6wdSOr\\n\
               PJMSrbZURU5tBksx3Ji1TQxBAWL4ZCmSaQ==\\n\
               -----END EC PRIVATE KEY-----\\n";
    let key = "organizations/o/apiKeys/k".to_owned();
    let key = SimulatorKey { key, secret: Secret::new(pem) };
    settings.key = Some(key.clone());
    let simulator = start(settings).await;
    let exchange = CoinbaseExchange::connect(access(&simulator, Some(key))).await.unwrap();
    let reports = exchange.submit(&market(1)).await.unwrap();
    assert_eq!(reports[0].status, OrderStatus::Filled);
    assert!(!format!("{exchange:?}").contains("MHcC"));
}

/// Refused orders are answered with 200 and `success: false`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_have_the_venues_names() {
    let (_simulator, exchange) = at_hundred().await;
    let limit = |price: &str| RequestKind::Limit { price: price.parse().unwrap() };
    let stop = RequestKind::Stop { trigger: "101".parse().unwrap() };
    let pair = RequestKind::Oco { stop: "101".parse().unwrap(), target: "105".parse().unwrap() };
    for (request, kind, code) in [
        (
            request(1, Side::Long, "1", limit("95.005")),
            RejectKind::Filter,
            "INVALID_PRICE_PRECISION",
        ),
        (
            request(2, Side::Long, "1.000001", limit("95")),
            RejectKind::Filter,
            "INVALID_SIZE_PRECISION",
        ),
        (
            request(3, Side::Long, "0.01", limit("95")),
            RejectKind::Filter,
            "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
        ),
        (request(4, Side::Long, "1000", limit("95")), RejectKind::Balance, "INSUFFICIENT_FUND"),
        (
            request(5, Side::Short, "1", stop),
            RejectKind::Other,
            "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE",
        ),
        (request(6, Side::Short, "1", pair), RejectKind::Other, "PREVIEW_INVALID_BRACKET_PRICES"),
    ] {
        let answer = exchange.submit(&approved(request.clone())).await;
        let Err(ExchangeError::Rejected { kind: told, code: Some(with), .. }) = &answer else {
            panic!("{request:?}: {answer:?}");
        };
        assert_eq!((*told, with.as_str()), (kind, code), "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_stream_comes_back_with_a_gap() {
    let (simulator, exchange) = at_hundred().await;
    traps::a_broken_stream(&simulator, &exchange).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_is_one_order_and_told_of_as_two() {
    let (simulator, exchange) = at_hundred().await;
    let pair = RequestKind::Oco { stop: "95".parse().unwrap(), target: "105".parse().unwrap() };
    let reports = exchange.submit(&approved(request(1, Side::Short, "2", pair))).await.unwrap();
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0].venue_id, reports[1].venue_id);
    let open = exchange.open_orders(&symbol()).await.unwrap();
    let ids: Vec<_> = open.ours.iter().map(|report| report.id).collect();
    assert_eq!(ids, [id(1).leg(Leg::Stop), id(1).leg(Leg::Target)]);
    simulator.settle().await;
    exchange.drain();
    simulator.trade(&symbol(), candle(1, [100.0, 106.0, 99.0, 104.0])).unwrap();
    simulator.settle().await;
    let told = exchange.drain();
    let filled = told.iter().any(|event| {
        matches!(event, VenueEvent::Order(report)
            if report.id == id(1).leg(Leg::Target)
                && report.status == OrderStatus::Filled
                && report.executions.len() == 1)
    });
    assert!(filled, "{told:?}");
    let target = exchange.order(&symbol(), id(1).leg(Leg::Target)).await.unwrap().unwrap();
    assert_eq!(target.executions[0].fee_currency, "USDT");
    let stop = exchange.order(&symbol(), id(1).leg(Leg::Stop)).await.unwrap().unwrap();
    assert_eq!((stop.status, stop.executions.len()), (OrderStatus::Expired, 0));
    // One that buys is none of the venue's.
    let buys = RequestKind::Oco { stop: "115".parse().unwrap(), target: "100".parse().unwrap() };
    let answer = exchange.submit(&approved(request(2, Side::Long, "1", buys))).await;
    assert!(matches!(answer, Err(ExchangeError::Unsupported(_))), "{answer:?}");
}

/// There are no stop-market orders: a stop has a limit 5% beyond its trigger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_is_jumped_over_rests_at_its_limit() {
    let (simulator, exchange) = at_hundred().await;
    let stop = RequestKind::Stop { trigger: "95".parse().unwrap() };
    exchange.submit(&approved(request(1, Side::Short, "1", stop))).await.unwrap();
    simulator.trade(&symbol(), candle(1, [90.0, 90.0, 89.0, 89.0])).unwrap();
    let report = exchange.order(&symbol(), id(1)).await.unwrap().unwrap();
    assert_eq!(report.status, OrderStatus::Open);
    simulator.trade(&symbol(), candle(2, [89.0, 91.0, 89.0, 91.0])).unwrap();
    let report = exchange.order(&symbol(), id(1)).await.unwrap().unwrap();
    assert_eq!(report.status, OrderStatus::Filled);
    assert_eq!(report.executions[0].price, "90.25".parse().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_is_lost_has_an_unknown_outcome() {
    let (simulator, exchange) = at_hundred().await;
    let limit = RequestKind::Limit { price: "90".parse().unwrap() };
    exchange.submit(&approved(request(1, Side::Long, "1", limit))).await.unwrap();
    simulator.fault(HttpFault::ErrorAfter);
    let answer = exchange.cancel(&symbol(), id(1)).await;
    assert!(matches!(answer, Err(ExchangeError::OutcomeUnknown(_))), "{answer:?}");
    let answer = exchange.cancel(&symbol(), id(1)).await.unwrap();
    assert!(matches!(answer, CancelOutcome::TooLate(_)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_tells_what_it_may_do() {
    let (_simulator, exchange) = at_hundred().await;
    let may = exchange.permissions().await.unwrap();
    assert_eq!((may.trade, may.withdraw), (Some(true), Some(false)));
}

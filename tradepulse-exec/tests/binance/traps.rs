//! What goes wrong at this venue, a test each.

use std::time::Duration;

use tradepulse_core::exchange::{CancelOutcome, Exchange, ExchangeError, RejectKind, VenueEvent};
use tradepulse_core::order::{Leg, OrderReport, OrderStatus, RequestKind, Side};
use tradepulse_core::random::Seed;
use tradepulse_exec::exchange::binance::{BinanceError, BinanceExchange, MarginMode};
use tradepulse_exec::simulator::{Dialect, HttpFault};

use crate::scene::{
    DIALECTS, SECRET, access, approved, at_hundred, candle, id, market, request, settings, start,
    symbol,
};
use crate::simulated::{standing_at_hundred, traps};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_answer_is_lost_is_there() {
    let (simulator, exchange) = at_hundred(Dialect::Binance).await;
    traps::lost_answers(&simulator, &exchange).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_never_comes_is_an_unknown_outcome() {
    let simulator = standing_at_hundred(Dialect::Binance).await;
    let mut access = access(Dialect::Binance, &simulator, Some(SECRET));
    access.timeout = Duration::from_millis(400);
    let exchange = BinanceExchange::connect(access).await.unwrap();
    traps::an_answer_that_never_comes(&simulator, &exchange).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_stops_everything_until_it_ends() {
    let (simulator, exchange) = at_hundred(Dialect::Binance).await;
    traps::a_limit_is_kept(&simulator, &exchange, HttpFault::Banned { retry_after_s: 120 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_off_is_set_right() {
    let (simulator, exchange) = at_hundred(Dialect::Binance).await;
    simulator.skew_clock(3_600_000);
    assert!(exchange.submit(&market(1)).await.is_ok());
    let offset = exchange.clock_offset_ms();
    assert!((3_595_000..3_605_000).contains(&offset), "{offset}");
    simulator.skew_clock(-3_600_000);
    assert!(exchange.submit(&market(2)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_refused_at_once_and_not_repeated() {
    for dialect in DIALECTS {
        let simulator = start(settings(dialect, vec![candle(0, [100.0; 4])])).await;
        let wrong = access(dialect, &simulator, Some("another-secret"));
        match BinanceExchange::connect(wrong).await {
            // The subscription is signed, or the first signed question is refused.
            Err(error) => {
                let text = format!("{error} {error:?}");
                assert!(matches!(error, BinanceError::Unreachable { .. }), "{text}");
                assert!(text.contains("-1022") && !text.contains("another-secret"), "{text}");
            }
            Ok(exchange) => {
                let answer = exchange.balances().await;
                let refused = matches!(
                    &answer,
                    Err(ExchangeError::Rejected { kind: RejectKind::Permission, code, .. })
                        if code.as_deref() == Some("-1022")
                );
                assert!(refused, "{answer:?}");
                assert!(!format!("{exchange:?}").contains("another-secret"));
            }
        }
        let without = access(dialect, &simulator, None);
        let none = BinanceExchange::connect(without).await;
        assert!(matches!(none, Err(BinanceError::NoKey(_))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_have_the_venues_codes() {
    let (_simulator, exchange) = at_hundred(Dialect::Binance).await;
    let limit = |price: &str| RequestKind::Limit { price: price.parse().unwrap() };
    for (request, kind, code) in [
        (request(1, Side::Long, "1", limit("95.005")), RejectKind::Filter, "-1013"),
        (request(2, Side::Long, "1000", limit("95")), RejectKind::Balance, "-2010"),
        (
            request(3, Side::Short, "1", RequestKind::Stop { trigger: "101".parse().unwrap() }),
            RejectKind::Other,
            "-2010",
        ),
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
    for dialect in DIALECTS {
        let (simulator, exchange) = at_hundred(dialect).await;
        traps::a_broken_stream(&simulator, &exchange).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_of_spot_is_one_and_takes_commission_in_coins() {
    for dialect in [Dialect::Binance, Dialect::BinanceUs] {
        let (simulator, exchange) = at_hundred(dialect).await;
        let bought = exchange.submit(&market(1)).await.unwrap();
        let execution = &bought[0].executions[0];
        assert_eq!(execution.fee_currency, "BTC", "{dialect}");
        assert_eq!(execution.fee, "0.001".parse().unwrap(), "{dialect}");
        let pair = RequestKind::Oco { stop: "95".parse().unwrap(), target: "105".parse().unwrap() };
        let reports = exchange.submit(&approved(request(2, Side::Short, "0.999", pair))).await;
        assert_eq!(reports.unwrap().len(), 2, "{dialect}");
        simulator.trade(&symbol(), candle(1, [100.0, 106.0, 99.0, 104.0])).unwrap();
        let target = exchange.order(&symbol(), id(2).leg(Leg::Target)).await.unwrap().unwrap();
        let stop = exchange.order(&symbol(), id(2).leg(Leg::Stop)).await.unwrap().unwrap();
        assert_eq!(target.status, OrderStatus::Filled, "{dialect}");
        assert_eq!(stop.status, OrderStatus::Expired, "{dialect}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_of_futures_are_orders_of_the_algo_service() {
    let (simulator, exchange) = at_hundred(Dialect::BinanceUsdM).await;
    exchange.submit(&market(1)).await.unwrap();
    let stop = RequestKind::Stop { trigger: "95".parse().unwrap() };
    let mut exit = request(2, Side::Short, "1", stop);
    exit.reduce_only = true;
    let reports = exchange.submit(&approved(exit.clone())).await.unwrap();
    assert_eq!((reports[0].id, reports[0].status), (id(2), OrderStatus::Open));
    let open = exchange.open_orders(&symbol()).await.unwrap();
    assert_eq!(open.ours.iter().map(|report| report.id).collect::<Vec<_>>(), [id(2)]);
    let cancelled = exchange.cancel(&symbol(), id(2)).await.unwrap();
    assert!(matches!(cancelled, CancelOutcome::Cancelled(_)), "{cancelled:?}");
    exit.id = id(3);
    exchange.submit(&approved(exit)).await.unwrap();
    simulator.settle().await;
    exchange.drain();
    simulator.trade(&symbol(), candle(1, [100.0, 100.0, 94.0, 94.5])).unwrap();
    simulator.settle().await;
    // In the book it has another id: it is told of under ours all the same.
    let told = exchange.drain();
    let filled = told.iter().any(|event| {
        matches!(event, VenueEvent::Order(report)
            if report.id == id(3)
                && report.status == OrderStatus::Filled
                && report.executions.len() == 1)
    });
    assert!(filled, "{told:?}");
    assert_eq!(exchange.positions().await, Ok(Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leverage_and_margin_mode_are_of_futures() {
    let (_simulator, exchange) = at_hundred(Dialect::BinanceUsdM).await;
    assert_eq!(exchange.set_leverage(&symbol(), 5).await, Ok(()));
    assert!(exchange.set_leverage(&symbol(), 500).await.is_err());
    for mode in [MarginMode::Isolated, MarginMode::Isolated, MarginMode::Crossed] {
        assert_eq!(exchange.set_margin_mode(&symbol(), mode).await, Ok(()), "{mode:?}");
    }
    let (_simulator, spot) = at_hundred(Dialect::Binance).await;
    let answer = spot.set_leverage(&symbol(), 5).await;
    assert_eq!(answer, Err(ExchangeError::Unsupported("leverage")));
}

/// What became of an order, however often its answer was lost.
async fn send_until_known(exchange: &BinanceExchange, sequence: u32) -> OrderReport {
    for _ in 0..20 {
        let order = approved(request(sequence, Side::Long, "0.1", RequestKind::Market));
        match exchange.submit(&order).await {
            Ok(_)
            | Err(ExchangeError::OutcomeUnknown(_))
            | Err(ExchangeError::Rejected { kind: RejectKind::Duplicate, .. }) => {}
            Err(error) => panic!("{error}"),
        }
        if let Some(report) = exchange.order(&symbol(), id(sequence)).await.unwrap() {
            return report;
        }
    }
    panic!("order {sequence} never arrived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_is_lost_or_doubled_by_chance() {
    let rates = "error-before=0.15,error-after=0.15,timeout-after=0.1,duplicated=0.2,\
                 reordered=0.2,disconnected=0.05";
    let mut settings = settings(Dialect::BinanceUsdM, vec![candle(0, [100.0; 4])]);
    (settings.faults, settings.fault_seed) = (Some(rates.parse().unwrap()), Seed(3));
    let simulator = start(settings).await;
    let exchange = crate::scene::exchange(Dialect::BinanceUsdM, &simulator).await.unwrap();
    let mut filled = 0.0;
    for sequence in 1..=40 {
        let report = send_until_known(&exchange, sequence).await;
        assert_eq!(report.status, OrderStatus::Filled, "{report:?}");
        filled += report.executions.iter().map(|part| part.quantity.to_f64()).sum::<f64>();
    }
    assert!((filled - 4.0).abs() < 1e-9, "{filled}");
    let held = exchange.positions().await.unwrap();
    assert_eq!(held[0].quantity, "4".parse().unwrap(), "{held:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_tells_what_it_may_do_where_the_venue_does() {
    for (dialect, trade) in [(Dialect::Binance, Some(true)), (Dialect::BinanceUsdM, None)] {
        let (_simulator, exchange) = at_hundred(dialect).await;
        let may = exchange.permissions().await.unwrap();
        assert_eq!((may.trade, may.withdraw), (trade, trade.map(|_| false)));
    }
}

//! What goes wrong at this venue, a test each.

use std::sync::Arc;
use std::time::Duration;

use tradepulse_core::exchange::{CancelOutcome, Exchange, ExchangeError, RejectKind, VenueEvent};
use tradepulse_core::order::{OrderStatus, RequestKind, Side};
use tradepulse_exec::exchange::kraken::{KrakenError, KrakenExchange};
use tradepulse_exec::simulator::{Dialect, HttpFault};

use crate::scene::{
    SECRET, access, approved, at_hundred, candle, id, market, request, settings, start, symbol,
};
use crate::simulated::{standing_at_hundred, traps};

/// Every question has a nonce above that of the question before it, however many are asked at once;
/// the venue would refuse all others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nonces_arrive_in_rising_order() {
    let (_simulator, exchange) = at_hundred().await;
    let exchange = Arc::new(exchange);
    let mut tasks = Vec::new();
    for sequence in 0..60 {
        let exchange = Arc::clone(&exchange);
        tasks.push(tokio::spawn(async move {
            let kind = RequestKind::Limit { price: "50".parse().unwrap() };
            let order = approved(request(sequence, Side::Long, "0.1", kind));
            let sent = exchange.submit(&order).await.map(|_| ());
            (sent, exchange.balances().await.map(|_| ()))
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), (Ok(()), Ok(())));
    }
    assert_eq!(exchange.open_orders(&symbol()).await.unwrap().ours.len(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_answer_is_lost_is_there() {
    let (simulator, exchange) = at_hundred().await;
    traps::lost_answers(&simulator, &exchange).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_never_comes_is_an_unknown_outcome() {
    let simulator = standing_at_hundred(Dialect::Kraken).await;
    let mut access = access(&simulator, Some(SECRET));
    access.timeout = Duration::from_millis(400);
    let exchange = KrakenExchange::connect(access).await.unwrap();
    traps::an_answer_that_never_comes(&simulator, &exchange).await;
}

/// The venue says how long it will take no request; nothing more leaves until then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttle_is_kept_until_it_ends() {
    let (simulator, exchange) = at_hundred().await;
    let limited = HttpFault::RateLimited { retry_after_s: 120 };
    let until = traps::a_limit_is_kept(&simulator, &exchange, limited).await;
    assert_eq!(until.as_ms() % 1_000, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_refused_at_once() {
    let simulator = start(settings(vec![candle(0, [100.0; 4])])).await;
    let wrong = KrakenExchange::connect(access(&simulator, Some("YW5vdGhlcg=="))).await;
    let error = wrong.map(|_| ()).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(matches!(error, KrakenError::Unreachable(_)), "{text}");
    assert!(text.contains("EAPI:Invalid signature") && !text.contains("YW5v"), "{text}");
    let none = KrakenExchange::connect(access(&simulator, None)).await;
    assert!(matches!(none, Err(KrakenError::NoKey)));
}

/// Refusals come with HTTP 200.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_with_http_200_are_refusals() {
    let (_simulator, exchange) = at_hundred().await;
    let limit = |price: &str| RequestKind::Limit { price: price.parse().unwrap() };
    for (request, kind, words) in [
        (
            request(1, Side::Long, "1", limit("95.005")),
            RejectKind::Filter,
            "Tick size check failed",
        ),
        (request(2, Side::Long, "1000", limit("95")), RejectKind::Balance, "Insufficient funds"),
        (request(3, Side::Long, "0.01", limit("95")), RejectKind::Filter, "Cost minimum not met"),
    ] {
        let answer = exchange.submit(&approved(request.clone())).await;
        let Err(ExchangeError::Rejected { kind: told, code, reason }) = &answer else {
            panic!("{request:?}: {answer:?}");
        };
        assert_eq!((*told, code.as_deref(), reason.as_str()), (kind, Some("EOrder"), words));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_are_not_taken_and_a_stop_rests_alone() {
    let (simulator, exchange) = at_hundred().await;
    let pair = RequestKind::Oco { stop: "95".parse().unwrap(), target: "105".parse().unwrap() };
    let refused = exchange.submit(&approved(request(1, Side::Short, "1", pair))).await;
    assert_eq!(refused, Err(ExchangeError::Unsupported("a native pair")));
    let stop = RequestKind::Stop { trigger: "95".parse().unwrap() };
    exchange.submit(&approved(request(2, Side::Short, "1", stop))).await.unwrap();
    simulator.trade(&symbol(), candle(1, [100.0, 100.0, 94.0, 94.5])).unwrap();
    let report = exchange.order(&symbol(), id(2)).await.unwrap().unwrap();
    assert_eq!((report.status, report.executions.len()), (OrderStatus::Filled, 1));
    // Fees are asked for in the quote currency, of sales as well.
    assert_eq!(report.executions[0].fee_currency, "USDT");
    let late = exchange.cancel(&symbol(), id(2)).await.unwrap();
    assert!(matches!(late, CancelOutcome::TooLate(_)), "{late:?}");
}

/// Every event is understood: nothing has to be asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_is_told_by_the_stream_alone() {
    let (simulator, exchange) = at_hundred().await;
    exchange.submit(&market(1)).await.unwrap();
    simulator.settle().await;
    let told: Vec<_> = exchange
        .drain()
        .into_iter()
        .map(|event| match event {
            VenueEvent::Order(report) => report,
            other => panic!("{other:?}"),
        })
        .collect();
    let executed = told.iter().find(|report| !report.executions.is_empty()).unwrap();
    let last = told.last().unwrap();
    assert_eq!((last.status, last.filled), (OrderStatus::Filled, "1".parse().unwrap()));
    let asked = exchange.order(&symbol(), id(1)).await.unwrap().unwrap();
    // The same execution, by the stream and by a question.
    assert_eq!(executed.executions[0].id, asked.executions[0].id);
    assert_eq!(executed.executions[0].fee, asked.executions[0].fee);
    assert_eq!(executed.executions[0].price, asked.executions[0].price);
    assert_eq!(executed.executions[0].quantity, asked.executions[0].quantity);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_stream_comes_back_with_a_gap() {
    let (simulator, exchange) = at_hundred().await;
    traps::a_broken_stream(&simulator, &exchange).await;
}

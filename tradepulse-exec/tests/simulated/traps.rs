//! What goes wrong at every venue.

use std::time::Duration;

use tradepulse_core::exchange::{Exchange, ExchangeError, RejectKind, VenueEvent};
use tradepulse_core::order::OrderStatus;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::simulator::{HttpFault, VenueSimulator};

use super::{id, market, symbol};

pub(crate) fn is_duplicate<T>(answer: &Result<T, ExchangeError>) -> bool {
    matches!(answer, Err(ExchangeError::Rejected { kind: RejectKind::Duplicate, .. }))
}

/// An order whose answer is lost is there, and is not sent twice; one that never arrived is not.
pub(crate) async fn lost_answers(simulator: &VenueSimulator, exchange: &dyn Exchange) {
    let mut sequence = 0;
    for fault in [HttpFault::ErrorAfter, HttpFault::TimeoutAfter] {
        sequence += 1;
        simulator.fault(fault);
        let answer = exchange.submit(&market(sequence)).await;
        assert!(matches!(answer, Err(ExchangeError::OutcomeUnknown(_))), "{fault:?}: {answer:?}");
        let found = exchange.order(&symbol(), id(sequence)).await.unwrap().unwrap();
        assert_eq!(found.status, OrderStatus::Filled, "{fault:?}");
        // The venue might take the id again, now that the order has ended.
        let again = exchange.submit(&market(sequence)).await;
        assert!(is_duplicate(&again), "{again:?}");
    }
    simulator.fault(HttpFault::ErrorBefore);
    let answer = exchange.submit(&market(9)).await;
    assert!(matches!(answer, Err(ExchangeError::OutcomeUnknown(_))), "{answer:?}");
    assert_eq!(exchange.order(&symbol(), id(9)).await, Ok(None));
    assert!(exchange.submit(&market(9)).await.is_ok());
}

/// An answer that never comes is an unknown outcome. The adapter waits for less than a second.
pub(crate) async fn an_answer_that_never_comes(
    simulator: &VenueSimulator,
    exchange: &dyn Exchange,
) {
    simulator.fault(HttpFault::AnswerLost);
    let answer = exchange.submit(&market(1)).await;
    assert!(matches!(answer, Err(ExchangeError::OutcomeUnknown(_))), "{answer:?}");
    let found = exchange.order(&symbol(), id(1)).await.unwrap().unwrap();
    assert_eq!(found.status, OrderStatus::Filled);
}

/// Where the venue takes no requests for a while, nothing more leaves; until when.
pub(crate) async fn a_limit_is_kept(
    simulator: &VenueSimulator,
    exchange: &dyn Exchange,
    fault: HttpFault,
) -> Timestamp {
    simulator.fault(fault);
    let answer = exchange.submit(&market(1)).await;
    let Err(ExchangeError::RateLimited { until }) = answer else { panic!("{answer:?}") };
    assert_eq!(exchange.balances().await, Err(ExchangeError::RateLimited { until }));
    until
}

/// A broken stream comes back with a gap, and tells of what happens then.
pub(crate) async fn a_broken_stream(simulator: &VenueSimulator, exchange: &dyn Exchange) {
    let before = simulator.connections();
    simulator.disconnect();
    let gap = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            exchange.wait().await;
            for event in exchange.drain() {
                if let VenueEvent::Gap { since } = event {
                    return since;
                }
            }
        }
    });
    assert!(gap.await.unwrap() > Timestamp::from_ms(0));
    assert_eq!(simulator.connections(), before);
    exchange.submit(&market(1)).await.unwrap();
    simulator.settle().await;
    let told = exchange.drain();
    assert!(told.iter().any(|event| matches!(event, VenueEvent::Order(_))), "{told:?}");
}

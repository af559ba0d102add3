use super::*;
use crate::exchange::{
    CancelOutcome, Capabilities, Exchange, ExchangeError, RejectKind, TradingRules, VenueEvent,
};
use crate::market::{Candle, InstrumentKind, Symbol};
use crate::order::{ClientOrderId, OrderRequest, OrderStatus, RequestKind, RunTag, Side};
use crate::random::Seed;
use crate::risk::Approved;
use crate::simulation::{AccountKind, SimulatedExchange, SimulatedExchangeSettings};
use crate::time::{Timeframe, Timestamp};

type Faulty = FaultyExchange<SimulatedExchange>;

fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

fn venue(plan: FaultPlan) -> Faulty {
    let capabilities = Capabilities::full("simulated".parse().unwrap(), InstrumentKind::Spot);
    let settings = SimulatedExchangeSettings::new(capabilities, AccountKind::Spot)
        .market(symbol(), TradingRules::default())
        .balance("BTC", "100".parse().unwrap());
    let venue = FaultyExchange::new(SimulatedExchange::new(settings).unwrap(), plan);
    candle(&venue, 0);
    assert_eq!(venue.inner().drain(), []);
    venue
}

fn candle(venue: &Faulty, minute: i64) {
    let open_time = Timestamp::from_ms(minute * 60_000);
    let (open, high, low, close) = (100.0, 100.0, 100.0, 100.0);
    let candle = Candle { open_time, open, high, low, close, volume: 1.0 };
    venue.inner().begin(&symbol(), &candle, Timeframe::M1).unwrap();
}

fn id(sequence: u32) -> ClientOrderId {
    ClientOrderId::new(RunTag::new(1), sequence)
}

/// Sells one at the market.
fn sell(venue: &Faulty, sequence: u32) -> Result<(), ExchangeError> {
    sell_as(venue, sequence, RequestKind::Market)
}

fn sell_as(venue: &Faulty, sequence: u32, kind: RequestKind) -> Result<(), ExchangeError> {
    let (side, quantity) = (Side::Short, "1".parse().unwrap());
    let (id, symbol) = (id(sequence), symbol());
    let request = OrderRequest { id, symbol, side, quantity, kind, reduce_only: false };
    pollster::block_on(venue.submit(&Approved::new(request))).map(drop)
}

/// Whether the venue behind has it.
fn has(venue: &Faulty, sequence: u32) -> bool {
    pollster::block_on(venue.inner().order(&symbol(), id(sequence))).unwrap().is_some()
}

/// The orders that events tell of, with the part of each that is filled; 0 for a gap.
fn told(venue: &Faulty) -> Vec<(u32, OrderStatus)> {
    let tell = |event| match event {
        VenueEvent::Order(report) => (report.id.sequence(), report.status),
        VenueEvent::Gap { .. } => (0, OrderStatus::Expired),
    };
    venue.drain().into_iter().map(tell).collect()
}

const GAP: (u32, OrderStatus) = (0, OrderStatus::Expired);

#[test]
fn what_a_caller_may_conclude_is_true() {
    let until = Timestamp::from_ms(5);
    let with = |fault| {
        let venue = venue(FaultPlan::script().at(Call::Submit, 2, fault));
        sell(&venue, 1).unwrap();
        let pair = RequestKind::Oco { stop: "90".parse().unwrap(), target: "110".parse().unwrap() };
        let error = sell_as(&venue, 2, pair).unwrap_err();
        (error, pollster::block_on(venue.inner().order(&symbol(), id(2))).unwrap().is_some())
    };
    assert!(matches!(with(Fault::NotSent), (ExchangeError::NotSent(_), false)));
    assert_eq!(with(Fault::RateLimited { until }), (ExchangeError::RateLimited { until }, false));
    for (fault, expected) in
        [(Fault::ClockSkew, RejectKind::Clock), (Fault::LegRefused, RejectKind::Other)]
    {
        let (error, there) = with(fault);
        assert!(matches!(error, ExchangeError::Rejected { kind, .. } if kind == expected));
        assert!(!there);
    }
    for (fault, there) in
        [(Fault::ErrorBefore, false), (Fault::ErrorAfter, true), (Fault::AnswerLost, true)]
    {
        let (error, found) = with(fault);
        assert!(matches!(error, ExchangeError::OutcomeUnknown(_)), "{fault:?}: {error}");
        assert_eq!(found, there, "{fault:?}");
    }
}

#[test]
fn late_requests_arrive_after_other_calls() {
    let venue = venue(FaultPlan::script().at(Call::Submit, 1, Fault::Late { calls: 2 }));
    assert!(sell(&venue, 1).unwrap_err().outcome_is_unknown());
    for _ in 0..2 {
        assert!(!has(&venue, 1));
        assert_eq!(pollster::block_on(venue.order(&symbol(), id(1))), Ok(None));
    }
    assert!(pollster::block_on(venue.order(&symbol(), id(1))).unwrap().is_some());
}

#[test]
fn slow_answers_have_an_unknown_outcome_if_nobody_waits() {
    use std::task::{Context, Waker};
    let venue = venue(FaultPlan::script().at(Call::Cancel, 1, Fault::Slow { polls: 2 }));
    sell(&venue, 1).unwrap();
    let symbol = symbol();
    let mut cancel = venue.cancel(&symbol, id(1));
    let mut context = Context::from_waker(Waker::noop());
    assert!(cancel.as_mut().poll(&mut context).is_pending());
    drop(cancel);
    let report = pollster::block_on(venue.order(&symbol, id(1))).unwrap().unwrap();
    assert_eq!(report.status, OrderStatus::Cancelled);
}

#[test]
fn a_cancel_crosses_a_fill() {
    let venue = venue(FaultPlan::script().at(Call::Cancel, 1, Fault::Crossing));
    sell(&venue, 1).unwrap();
    assert_eq!(told(&venue), [(1, OrderStatus::Open)]);
    candle(&venue, 1);
    let outcome = pollster::block_on(venue.cancel(&symbol(), id(1))).unwrap();
    assert!(matches!(outcome, CancelOutcome::TooLate(_)), "{outcome:?}");
    assert_eq!(told(&venue), [(1, OrderStatus::Filled)]);
    assert_eq!(told(&venue), []);
}

#[test]
fn questions_are_left_unanswered() {
    let venue = venue(FaultPlan::script().at(Call::Query, 1, Fault::AnswerLost));
    let answer = pollster::block_on(venue.balances());
    assert!(matches!(answer, Err(ExchangeError::Unavailable(_))), "{answer:?}");
    assert_eq!(pollster::block_on(venue.balances()).unwrap().len(), 1);
}

#[test]
fn events_come_twice_late_out_of_order_or_not_at_all() {
    use OrderStatus::Open;
    let with = |fault| {
        let venue = venue(FaultPlan::script().at(Call::Event, 1, fault));
        sell(&venue, 1).unwrap();
        sell(&venue, 2).unwrap();
        [told(&venue), told(&venue), told(&venue)]
    };
    let (one, two) = ((1, Open), (2, Open));
    assert_eq!(with(Fault::Duplicated), [vec![one, one, two], vec![], vec![]]);
    assert_eq!(with(Fault::Reordered), [vec![two, one], vec![], vec![]]);
    assert_eq!(with(Fault::Delayed { drains: 1 }), [vec![two], vec![one], vec![]]);
    assert_eq!(with(Fault::Lost), [vec![GAP, two], vec![], vec![]]);
    assert_eq!(with(Fault::Disconnected { drains: 2 }), [vec![], vec![GAP], vec![]]);
}

#[test]
fn nothing_leaves_while_disconnected() {
    let plan = FaultPlan::script().at(Call::Event, 1, Fault::Disconnected { drains: 2 });
    let venue = venue(plan);
    sell(&venue, 1).unwrap();
    assert_eq!(told(&venue), []);
    assert!(matches!(sell(&venue, 2), Err(ExchangeError::NotSent(_))));
    assert_eq!(told(&venue), [GAP]);
    sell(&venue, 2).unwrap();
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let run = |seed| {
        let venue = venue(FaultPlan::random(FaultRates::all(0.06), Seed(seed)));
        (1..60)
            .map(|sequence| {
                let answer = sell(&venue, sequence);
                candle(&venue, sequence.into());
                (answer, told(&venue))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    assert!(run(1).iter().any(|(answer, _)| answer.is_err()));
}

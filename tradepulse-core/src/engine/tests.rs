//! What the engine does with what becomes of its orders.

use super::*;
use crate::market::Candle;
use crate::order::Liquidity;
use crate::parameter::{ParameterError, Parameters};
use crate::risk::RiskRule;
use crate::simulation::Costs;
use crate::sizing::Sizing;
use crate::strategy::{About, History, Inputs};
use crate::time::{Timeframe, Timestamp};

/// Wants what the script says on each candle.
struct Script(Vec<Option<Intent>>);

impl Strategy for Script {
    fn about() -> About {
        About { name: "script", version: 1, summary: "", variables: &[], optional_inputs: &[] }
    }

    fn new(_: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
        Ok(Self(Vec::new()))
    }

    fn warm_up(&self) -> usize {
        0
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        self.0.get(view.index()).copied().flatten()
    }
}

/// An engine and the candles it has seen, one an hour, without costs.
struct Desk {
    engine: Engine<Script>,
    history: History,
    hour: i64,
}

impl Desk {
    fn new(script: &[Option<Intent>], rules: Rules) -> Self {
        let rules =
            Rules { sizing: Sizing::FixedAmount { amount: 100.0 }, costs: Costs::FREE, ..rules };
        let history = History::new(Timeframe::H1, &Inputs::default(), 1).unwrap();
        Self { engine: Engine::new(Script(script.to_vec()), rules, 1000.0), history, hour: 0 }
    }

    /// A long position of 1 at 100, its stop at 90, its target at 120.
    fn holding(script: &[Option<Intent>], rules: Rules) -> Self {
        let script: Vec<_> = [long()].into_iter().chain(script.iter().copied()).collect();
        let mut desk = Self::new(&script, rules);
        let entry = submitted(&desk.close(100.0))[0];
        let actions = desk.fill(&entry, 1.0, 100.0);
        assert_eq!(submitted(&actions)[0].kind, oco(90.0));
        desk
    }

    fn close(&mut self, close: f64) -> Vec<Action> {
        self.candle(close, close, close)
    }

    fn candle(&mut self, high: f64, low: f64, close: f64) -> Vec<Action> {
        let open_time = Timestamp::from_ms(self.hour * 3_600_000);
        self.hour += 1;
        let candle = Candle { open_time, open: close, high, low, close, volume: 1.0 };
        let mut actions = Vec::new();
        let view = self.history.push(candle, None);
        self.engine.step(Event::Candle(&view), &mut actions);
        actions
    }

    fn fill(&mut self, order: &Order, quantity: f64, price: f64) -> Vec<Action> {
        let leg = matches!(order.kind, OrderKind::Oco { .. }).then_some(Leg::Stop);
        let fill = Fill {
            order: order.id,
            side: order.side,
            quantity,
            price,
            reference: price,
            fee: 0.0,
            liquidity: Liquidity::Taker,
            leg,
            ambiguous: false,
            time_ms: self.hour * 3_600_000,
            moment: Moment::Open,
        };
        let mut actions = Vec::new();
        self.engine.step(Event::Fill(&fill), &mut actions);
        actions
    }

    fn end(&mut self, order: OrderId, reason: EndReason) -> Vec<Action> {
        let mut actions = Vec::new();
        self.engine.step(Event::Ended { order, reason }, &mut actions);
        actions
    }

    fn liquidate(&mut self, reason: ExitReason) -> Vec<Action> {
        let mut actions = Vec::new();
        self.engine.step(Event::Liquidate(reason), &mut actions);
        actions
    }
}

fn long() -> Option<Intent> {
    let (stop, target) = (90.0, Some(120.0));
    Some(Intent::Enter(Entry { side: Side::Long, stop, target, max_holding: None }))
}

fn short() -> Option<Intent> {
    let (stop, target) = (110.0, Some(80.0));
    Some(Intent::Enter(Entry { side: Side::Short, stop, target, max_holding: None }))
}

fn oco(stop: f64) -> OrderKind {
    OrderKind::Oco { stop, target: Some(120.0) }
}

fn submitted(actions: &[Action]) -> Vec<Order> {
    let orders = actions.iter().filter_map(|action| match action {
        Action::Submit(order) => Some(*order),
        _ => None,
    });
    orders.collect()
}

fn settled(actions: &[Action]) -> Vec<(ExitReason, f64, f64)> {
    let trades = actions.iter().filter_map(|action| match action {
        Action::Settle(trade) => Some((trade.exit_reason, trade.quantity, trade.profit)),
        _ => None,
    });
    trades.collect()
}

#[test]
fn an_entry_that_ended_is_a_refusal_and_the_next_may_come() {
    let mut desk = Desk::new(&[long(), long(), long()], Rules::default());
    let first = submitted(&desk.close(100.0))[0];
    assert!(desk.engine.is_entry(first.id));
    assert_eq!(desk.close(100.0), [], "one entry at a time");
    let rule = RiskRule::MaxDailyTrades;
    let reason = EndReason::Refused { rule, figure: Some(20.0), limit: Some(19.0) };
    let (side, time_ms) = (Side::Long, 0);
    let reason_told = RefusalReason::Risk(rule);
    let refusal = Refusal { time_ms, side, reason: reason_told, figure: 20.0, limit: 19.0 };
    assert_eq!(desk.end(first.id, reason), [Action::Refuse(refusal)]);
    assert!(!desk.engine.is_entry(first.id));
    assert_eq!(desk.end(first.id, reason), [], "it is forgotten");
    assert_eq!(submitted(&desk.close(100.0)).len(), 1);
}

#[test]
fn a_smaller_entry_is_protected_by_what_was_bought() {
    let mut desk = Desk::new(&[long()], Rules::default());
    let entry = submitted(&desk.close(100.0))[0];
    let pair = submitted(&desk.fill(&entry, 0.25, 100.0))[0];
    assert_eq!((pair.quantity, pair.side), (0.25, Side::Short));
    assert_eq!(desk.end(entry.id, EndReason::Expired), [], "the rest of it");
    assert_eq!(settled(&desk.fill(&pair, 0.25, 90.0)), [(ExitReason::Stop, 0.25, -2.5)]);
}

#[test]
fn an_exit_in_parts_settles_once_it_is_flat() {
    let mut desk = Desk::holding(&[Some(Intent::Exit)], Rules::default());
    let exit = submitted(&desk.close(104.0))[0];
    assert_eq!(desk.fill(&exit, 0.5, 104.0), []);
    let actions = desk.fill(&exit, 0.5, 102.0);
    assert_eq!(settled(&actions), [(ExitReason::Signal, 1.0, 3.0)]);
    assert!(matches!(actions[0], Action::Cancel(_)), "the pair is taken back");
}

#[test]
fn an_exit_that_ended_is_decided_again_at_the_next_close() {
    let exit = Some(Intent::Exit);
    let mut desk = Desk::holding(&[exit, None, exit], Rules::default());
    let first = submitted(&desk.close(100.0))[0];
    assert!(desk.engine.is_closing());
    assert_eq!(desk.end(first.id, EndReason::Rejected), []);
    assert_eq!(desk.close(100.0), [], "the stop protects it, and the strategy is content");
    assert_eq!(submitted(&desk.close(100.0)).len(), 1);
}

#[test]
fn without_a_stop_an_exit_is_tried_until_it_fills() {
    let mut desk = Desk::holding(&[], Rules::default());
    let actions = desk.liquidate(ExitReason::Emergency);
    assert!(matches!(actions[0], Action::Cancel(_)));
    let first = submitted(&actions)[0];
    desk.fill(&first, 0.5, 100.0);
    desk.end(first.id, EndReason::Cancelled);
    let again = submitted(&desk.close(100.0))[0];
    assert_eq!(again.quantity, 0.5);
    assert_eq!(desk.close(100.0), [], "one exit at a time");
    assert_eq!(settled(&desk.fill(&again, 0.5, 99.0)), [(ExitReason::Emergency, 1.0, -0.5)]);
}

#[test]
fn a_position_without_its_pair_is_closed_at_once() {
    let mut desk = Desk::new(&[long()], Rules::default());
    let entry = submitted(&desk.close(100.0))[0];
    let pair = submitted(&desk.fill(&entry, 1.0, 100.0))[0];
    let exit = submitted(&desk.end(pair.id, EndReason::Rejected))[0];
    assert_eq!((exit.kind, exit.quantity), (OrderKind::Market, 1.0));
    assert_eq!(desk.end(pair.id, EndReason::Rejected), []);
    assert_eq!(settled(&desk.fill(&exit, 1.0, 98.0)), [(ExitReason::Unprotected, 1.0, -2.0)]);
}

#[test]
fn a_stop_that_fills_takes_the_exit_back() {
    let mut desk = Desk::holding(&[Some(Intent::Exit)], Rules::default());
    let exit = submitted(&desk.close(95.0))[0];
    let pair = Order { id: OrderId(2), side: Side::Short, quantity: 1.0, kind: oco(90.0) };
    let actions = desk.fill(&pair, 1.0, 90.0);
    assert_eq!(actions[0], Action::Cancel(exit.id));
    assert_eq!(settled(&actions), [(ExitReason::Stop, 1.0, -10.0)]);
}

#[test]
fn what_fills_after_it_was_taken_back_does_not_stay_open() {
    let mut desk = Desk::new(&[long()], Rules::default());
    let entry = submitted(&desk.close(100.0))[0];
    assert_eq!(desk.liquidate(ExitReason::Manual), [Action::Cancel(entry.id)]);
    let exit = submitted(&desk.fill(&entry, 1.0, 100.0))[0];
    assert_eq!(exit.side, Side::Short);
    assert_eq!(settled(&desk.fill(&exit, 1.0, 100.0)), [(ExitReason::Unprotected, 1.0, 0.0)]);
}

#[test]
fn without_the_exit_a_position_is_not_turned() {
    let mut desk = Desk::holding(&[short()], Rules::default());
    let orders = submitted(&desk.close(100.0));
    let (exit, entry) = (orders[0], orders[1]);
    assert!(desk.engine.is_entry(entry.id) && !desk.engine.is_entry(exit.id));
    assert_eq!(desk.end(exit.id, EndReason::Rejected), [Action::Cancel(entry.id)]);
    assert!(matches!(desk.end(entry.id, EndReason::Cancelled)[..], [Action::Refuse(_)]));
}

#[test]
fn a_moved_stop_replaces_the_old_pair() {
    let rules = Rules { trailing_stop: Some(0.05), ..Rules::default() };
    let mut desk = Desk::holding(&[], rules);
    assert_eq!(desk.candle(100.0, 100.0, 100.0).len(), 2, "95 is nearer than 90");
    let actions = desk.candle(110.0, 101.0, 108.0);
    let pair = submitted(&actions)[0];
    assert_eq!(actions, [Action::Cancel(OrderId(3)), Action::Submit(pair)]);
    assert_eq!((pair.kind, pair.quantity), (oco(110.0 * 0.95), 1.0));
    assert_eq!(desk.end(OrderId(3), EndReason::Cancelled), [], "the old pair is forgotten");
    let crossed = submitted(&desk.candle(115.0, 100.0, 101.0))[0];
    assert_eq!(crossed.kind, OrderKind::Market);
    assert_eq!(settled(&desk.fill(&crossed, 1.0, 101.0)), [(ExitReason::Stop, 1.0, 1.0)]);
}

#[test]
fn held_for_so_long_is_closed() {
    let rules = Rules { max_duration_ms: Some(2 * 3_600_000), ..Rules::default() };
    let mut desk = Desk::holding(&[], rules);
    assert_eq!(desk.close(100.0), []);
    let exit = submitted(&desk.close(100.0))[0];
    assert_eq!(settled(&desk.fill(&exit, 1.0, 100.0)), [(ExitReason::MaxDuration, 1.0, 0.0)]);
}

/// Notional of the entry at 100, or why there is none.
fn notional(desk: &mut Desk) -> Result<f64, RefusalReason> {
    match desk.close(100.0)[..] {
        [Action::Submit(order)] => Ok(order.quantity * 100.0),
        [Action::Refuse(refusal)] => Err(refusal.reason),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn an_allocation_caps_the_notional_and_none_of_it_refuses() {
    let desk = |allocation| {
        let mut desk = Desk::new(&[long()], Rules::default());
        desk.engine.set_allocation(allocation);
        desk
    };
    assert_eq!(notional(&mut desk(None)), Ok(100.0));
    assert_eq!(notional(&mut desk(Some(0.5))), Ok(100.0));
    assert_eq!(notional(&mut desk(Some(0.05))), Ok(50.0));
    let mut shared = desk(Some(0.05));
    shared.engine.set_other_equity(600.0);
    assert_eq!(notional(&mut shared), Ok(80.0));
    for nothing in [0.0, -1.0, f64::NAN] {
        assert_eq!(notional(&mut desk(Some(nothing))), Err(RefusalReason::Allocation));
    }
}

#[test]
fn stops_and_targets_lie_on_the_tick() {
    let rules = Rules { price_tick: Some("7".parse().unwrap()), ..Rules::default() };
    let mut desk = Desk::new(&[long()], rules);
    let entry = submitted(&desk.close(100.0))[0];
    let pair = submitted(&desk.fill(&entry, 1.0, 100.0))[0];
    assert_eq!(pair.kind, OrderKind::Oco { stop: 91.0, target: Some(119.0) });
}

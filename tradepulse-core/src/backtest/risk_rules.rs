use crate::engine::{Action, Engine, Event};
use crate::market::Candle;
use crate::order::ExitReason;
use crate::risk::{Entry, EntryContext, RiskGate};
use crate::strategy::Strategy;
use crate::time::{Timeframe, Timestamp};

/// The risk rules at a close, before the strategy is asked: equity is marked, and a position that
/// may not be held any longer is closed.
#[cold]
pub(super) fn before_close<S: Strategy>(
    gate: &mut RiskGate,
    engine: &mut Engine<S>,
    candle: &Candle,
    close_ms: i64,
    actions: &mut Vec<Action>,
) {
    let now = Timestamp::from_ms(close_ms);
    let reason = if gate.equity(now, engine.account().equity(candle.close)).is_some() {
        ExitReason::Emergency
    } else {
        ExitReason::MaxDuration
    };
    let Some(position) = engine.account().position() else { return };
    let overdue = gate.overdue(Timestamp::from_ms(position.entry_time_ms), now);
    if (reason == ExitReason::Emergency || overdue) && !engine.is_closing() {
        engine.step(Event::Liquidate(reason), actions);
    }
}

/// The risk rules at a close, after the strategy was asked: the entry among `actions` is judged.
/// What is held when an entry is made is about to be closed, so nothing is held beside it, and the
/// whole equity is free.
#[cold]
pub(super) fn after_close<S: Strategy>(
    gate: &mut RiskGate,
    engine: &mut Engine<S>,
    candle: &Candle,
    timeframe: Timeframe,
    leverage: f64,
    actions: &mut Vec<Action>,
) {
    let entry = actions.iter().enumerate().find_map(|(slot, action)| match action {
        Action::Submit(order) if engine.is_entry(order.id) => Some((slot, *order)),
        _ => None,
    });
    let Some((slot, order)) = entry else { return };
    let at = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
    let equity = Some(engine.account().equity(candle.close));
    let context = EntryContext {
        at,
        last_price: Some(candle.close),
        candle_closed_at: Some(at),
        timeframe,
        quote: None,
        spread_tolerance_bps: None,
        equity,
        free_balance: equity,
        leverage,
        positions: Some(&[]),
    };
    let notional = order.quantity * candle.close;
    let entry = Entry { symbol: None, side: order.side, price: candle.close, notional };
    match gate.examine(&entry, &context) {
        Ok(()) => gate.entered_in(at, None),
        Err(refusal) => {
            actions.remove(slot);
            let reason = (&refusal).into();
            engine.step(Event::Ended { order: order.id, reason }, actions);
        }
    }
}

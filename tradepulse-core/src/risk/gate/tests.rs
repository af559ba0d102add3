use proptest::prelude::*;

use super::*;
use crate::order::{ClientOrderId, RequestKind, RunTag};
use crate::risk::{BreakerRules, OpenPosition, PastTrade, RiskMark};
use crate::strategy::Quote;
use crate::time::Timeframe;

const NOON: i64 = 12 * 3600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_ms(second * 1000)
}

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn order(quantity: &str) -> OrderRequest {
    OrderRequest {
        id: ClientOrderId::new(RunTag::new(1), 1),
        symbol: symbol("BTC/USDT"),
        side: Side::Long,
        quantity: quantity.parse().unwrap(),
        kind: RequestKind::Market,
        reduce_only: false,
    }
}

fn price() -> Price {
    "100".parse().unwrap()
}

/// A calm market, 10,000 in the wallet, nothing held.
fn calm(second: i64) -> EntryContext<'static> {
    EntryContext {
        at: at(second),
        last_price: Some(100.0),
        candle_closed_at: Some(at(second)),
        timeframe: Timeframe::M5,
        quote: Some(Quote { bid: 99.99, ask: 100.01 }),
        spread_tolerance_bps: Some(5.0),
        equity: Some(10_000.0),
        free_balance: Some(10_000.0),
        leverage: 1.0,
        positions: Some(&[]),
    }
}

fn held(market: &str, notional: f64, correlation: Option<f64>) -> OpenPosition {
    let (symbol, opened_at) = (symbol(market), at(0));
    OpenPosition { symbol, side: Side::Long, notional, opened_at, correlation }
}

fn refused(gate: &RiskGate, quantity: &str, context: &EntryContext<'_>) -> RiskRefusal {
    gate.judge(order(quantity), price(), context).unwrap_err()
}

fn passes(gate: &RiskGate, context: &EntryContext<'_>) -> bool {
    gate.judge(order("10"), price(), context).is_ok()
}

/// Rules that leave room for several positions.
fn roomy() -> RiskRules {
    RiskRules {
        max_open_positions: Some(3),
        max_open_positions_per_symbol: Some(2),
        ..RiskRules::default()
    }
}

#[test]
fn a_calm_entry_passes_and_is_the_order_that_was_judged() {
    let gate = RiskGate::new(RiskRules::default());
    let approved = gate.judge(order("10"), price(), &calm(NOON)).unwrap();
    assert_eq!(approved.into_inner(), order("10"));
}

#[test]
fn each_rule_refuses_with_figure_and_limit() {
    let gate = RiskGate::new(roomy());
    let calm = calm(NOON);
    let (one, three) =
        ([held("BTC/USDT", 10.0, None)], [(); 3].map(|()| held("A/B", 1.0, Some(0.1))));
    let (two, like) = ([(); 2].map(|()| one[0].clone()), [held("ETH/USDT", 10.0, Some(0.9))]);
    let much = [held("ETH/USDT", -4500.0, Some(0.0))];
    let old = at(NOON - 601);
    let cases: [(RiskRule, &str, EntryContext<'_>, &str); 9] = [
        (
            RiskRule::MaxOpenPositions,
            "10",
            EntryContext { positions: Some(&three), ..calm },
            "max_open_positions: 3 positions open, at most 3 allowed",
        ),
        (
            RiskRule::MaxOpenPositionsPerSymbol,
            "10",
            EntryContext { positions: Some(&two), ..calm },
            "max_open_positions_per_symbol: 2 positions open in this market, at most 2 allowed",
        ),
        (
            RiskRule::MaxCorrelation,
            "10",
            EntryContext { positions: Some(&like), ..calm },
            "max_correlation: returns correlate 0.90 with those of the position in ETH/USDT, at \
             most 0.8 allowed",
        ),
        (
            RiskRule::MaxTotalExposure,
            "10",
            EntryContext { positions: Some(&much), ..calm },
            "max_total_exposure: 5500.00 would be held in quote currency, at most 5000.00 allowed",
        ),
        (
            RiskRule::MaxLeverage,
            "10",
            EntryContext { equity: Some(150.0), ..calm },
            "max_leverage: 6.67 × the equity would be held, at most 5 × allowed",
        ),
        (
            RiskRule::BalanceBuffer,
            "10",
            EntryContext { free_balance: Some(1100.0), ..calm },
            "balance_buffer: 1000.00 of a free balance of 1100.00 in quote currency needed, at \
             most 990.00 may be used",
        ),
        (
            RiskRule::PriceSanity,
            "10",
            EntryContext { last_price: Some(102.1), ..calm },
            "price_sanity: 100 is 2.06 % from the last price 102.1, at most 2 % allowed",
        ),
        (
            RiskRule::StaleData,
            "10",
            EntryContext { candle_closed_at: Some(old), ..calm },
            "stale_data: the last candle closed 2.00 × 5m ago, at most 2 allowed",
        ),
        (
            RiskRule::Spread,
            "10",
            EntryContext { quote: Some(Quote { bid: 99.0, ask: 101.0 }), ..calm },
            "spread: the spread is 200.00 bps, at most 5.00 bps tolerated",
        ),
    ];
    for (rule, quantity, context, text) in cases {
        let refusal = refused(&gate, quantity, &context);
        assert_eq!((refusal.rule, refusal.to_string().as_str()), (rule, text));
        assert!(refusal.figure.is_some() && refusal.limit.is_some());
    }
    assert!(passes(&gate, &EntryContext { positions: Some(&one), ..calm }));
    let margin = EntryContext { free_balance: Some(1100.0), leverage: 2.0, ..calm };
    assert!(passes(&gate, &margin));
    let hedge = [OpenPosition { side: Side::Short, ..like[0].clone() }];
    assert!(passes(&gate, &EntryContext { positions: Some(&hedge), ..calm }));
}

#[test]
fn what_is_not_known_refuses_and_never_becomes_a_number() {
    let gate = RiskGate::new(roomy());
    let (calm, unlike) = (calm(NOON), [held("ETH/USDT", 10.0, None)]);
    for context in [
        EntryContext { equity: None, ..calm },
        EntryContext { equity: Some(f64::NAN), ..calm },
        EntryContext { free_balance: None, ..calm },
        EntryContext { last_price: None, ..calm },
        EntryContext { candle_closed_at: None, ..calm },
        EntryContext { quote: None, ..calm },
        EntryContext { positions: None, ..calm },
        EntryContext { positions: Some(&unlike), ..calm },
    ] {
        let refusal = refused(&gate, "10", &context);
        assert_eq!(refusal.figure, None);
        assert!(refusal.text.ends_with("is not known"), "{refusal}");
    }
    let unlimited = RiskGate::new(RiskRules::none());
    let blind = EntryContext {
        last_price: None,
        candle_closed_at: None,
        quote: None,
        equity: None,
        free_balance: None,
        positions: None,
        ..calm
    };
    assert!(passes(&unlimited, &blind), "no rule needs anything");
    let broken = RiskRules { max_total_exposure: Some(f64::NAN), ..RiskRules::none() };
    assert!(!passes(&RiskGate::new(broken), &calm), "a limit that is no number lets nothing pass");
}

#[test]
fn days_are_utc_days_and_have_so_many_trades() {
    let rules = RiskRules { max_daily_trades: Some(2), ..RiskRules::default() };
    let mut gate = RiskGate::new(rules);
    gate.entered(at(NOON), &symbol("BTC/USDT"));
    assert_eq!(refused(&gate, "1", &calm(NOON + 299)).rule, RiskRule::MinTradeInterval);
    assert!(passes(&gate, &calm(NOON + 300)));
    gate.entered(at(NOON + 300), &symbol("BTC/USDT"));
    let last_second = 86_399;
    assert_eq!(refused(&gate, "1", &calm(last_second)).rule, RiskRule::MaxDailyTrades);
    assert!(passes(&gate, &calm(last_second + 1)), "another day");
    gate.abandoned(at(NOON + 300));
    assert!(passes(&gate, &calm(last_second)), "it came to nothing");
}

#[test]
fn a_day_that_has_lost_enough_is_over() {
    let lossy = |equity, profit| {
        let mut gate = RiskGate::new(RiskRules::default());
        gate.equity(at(0), equity);
        gate.closed(at(10), profit);
        gate
    };
    let with = |equity| EntryContext { equity: Some(equity), ..calm(NOON) };
    assert!(passes(&lossy(10_000.0, -499.0), &with(9501.0)));
    let gate = lossy(10_000.0, -500.0);
    let refusal = refused(&gate, "1", &with(9500.0));
    assert_eq!(
        refusal.to_string(),
        "max_daily_loss: 500.00 lost today in quote currency, at most 500.00 allowed"
    );
    assert!(passes(&gate, &EntryContext { equity: Some(9500.0), ..calm(86_400) }), "the next day");
    let small = lossy(3000.0, -300.0);
    assert_eq!(refused(&small, "1", &with(2700.0)).rule, RiskRule::MaxDailyLoss, "10 %");
    let marked = refused(&lossy(10_000.0, 0.0), "1", &with(9500.0));
    assert_eq!(marked.rule, RiskRule::MaxDailyLoss, "what is held counts too");
    let mut blind = RiskGate::new(RiskRules::default());
    blind.closed(at(10), -1.0);
    assert!(refused(&blind, "1", &with(9000.0)).text.contains("the day began with"));
}

#[test]
fn five_losses_stop_trading_for_an_hour() {
    let mut gate = RiskGate::new(RiskRules::default());
    gate.equity(at(0), 10_000.0);
    (0..5).for_each(|i| gate.closed(at(NOON + i), -1.0));
    let refusal = refused(&gate, "1", &calm(NOON + 3603));
    assert_eq!(
        refusal.to_string(),
        "circuit_breaker: 5 losses in a row opened it at 1970-01-01T12:00:04Z; it is half-open \
         from 1970-01-01T13:00:04Z on"
    );
    assert!(passes(&gate, &calm(NOON + 3604)));
    gate.entered(at(NOON + 3604), &symbol("BTC/USDT"));
    assert_eq!(refused(&gate, "1", &calm(NOON + 9000)).rule, RiskRule::CircuitBreaker);
    gate.reset_breaker(at(NOON + 9000));
    assert!(passes(&gate, &calm(NOON + 9000)));
}

#[test]
fn an_emergency_is_said_once_and_needs_a_person() {
    let mut gate = RiskGate::new(RiskRules::default());
    assert_eq!(gate.equity(at(0), 10_000.0), None);
    assert_eq!(gate.equity(at(1), f64::NAN), None);
    assert_eq!(gate.equity(at(2), 8000.0), None, "20 % is the limit");
    let shutdown = gate.equity(at(3), 7999.0).unwrap();
    assert_eq!((shutdown.peak, shutdown.equity), (10_000.0, 7999.0));
    assert_eq!(gate.equity(at(4), 7000.0), None, "once");
    let recovered = EntryContext { equity: Some(12_000.0), ..calm(200_000) };
    let mut gate = RiskGate::restore(*gate.rules(), gate.state().clone());
    assert_eq!(refused(&gate, "1", &recovered).rule, RiskRule::EmergencyDrawdown);
    gate.reset_emergency(at(200_000));
    assert!(passes(&gate, &recovered));
    gate.equity(at(200_000), 12_000.0);
    let fallen = EntryContext { equity: Some(9000.0), ..calm(300_000) };
    assert_eq!(
        refused(&gate, "1", &fallen).rule,
        RiskRule::EmergencyDrawdown,
        "before it is marked"
    );
}

#[test]
fn people_can_pause_and_positions_grow_old() {
    let mut gate = RiskGate::new(RiskRules::none());
    gate.pause();
    assert_eq!(refused(&gate, "1", &calm(NOON)).rule, RiskRule::Paused);
    assert_eq!(gate.pass(order("1")).get(), &order("1"));
    gate.resume();
    assert!(passes(&gate, &calm(NOON)));
    assert!(!gate.overdue(at(0), at(1_000_000)));
    let gate = RiskGate::new(RiskRules::default());
    assert!(!gate.overdue(at(0), at(72 * 3600 - 1)) && gate.overdue(at(0), at(72 * 3600)));
}

/// What may happen in the next moment.
#[derive(Clone, Copy, Debug)]
enum Step {
    Enter { market: usize, side: Side, quantity: u32, blind: bool },
    Close { which: usize, profit: f64 },
    Equity(f64),
    ResetBreaker,
    ResetEmergency,
    Pause,
    Resume,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let side = prop_oneof![Just(Side::Long), Just(Side::Short)];
    let step = prop_oneof![
        6 => (0..3_usize, side, 1..60_u32, prop::bool::weighted(0.1)).prop_map(
            |(market, side, quantity, blind)| Step::Enter { market, side, quantity, blind }),
        5 => (0..8_usize, -150.0..100.0_f64)
            .prop_map(|(which, profit)| Step::Close { which, profit }),
        2 => (3000.0..12_000.0_f64).prop_map(Step::Equity),
        1 => Just(Step::ResetBreaker),
        1 => Just(Step::ResetEmergency),
        1 => prop_oneof![Just(Step::Pause), Just(Step::Resume)],
    ];
    prop::collection::vec((1..20_000_i64, step), 1..150)
}

const MARKETS: [&str; 3] = ["BTC/USDT", "ETH/USDT", "SOL/USDT"];

fn tight() -> RiskRules {
    RiskRules {
        max_open_positions: Some(3),
        max_open_positions_per_symbol: Some(2),
        max_daily_trades: Some(4),
        min_trade_interval_seconds: Some(900),
        max_daily_loss_quote: Some(200.0),
        circuit_breaker: Some(BreakerRules { consecutive_losses: 2, cool_down_seconds: 20_000 }),
        max_total_exposure: Some(8000.0),
        max_leverage: Some(1.5),
        ..RiskRules::default()
    }
}

/// How alike two markets are, in this test.
fn alike(a: usize, b: usize) -> f64 {
    if a + b == 1 { 0.95 } else { 0.2 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// No sequence of entries, closes, marks and resets gets past a limit, counted here from the
    /// list of what happened; exits always pass; and the state rebuilt from that list is the same.
    #[test]
    fn nothing_gets_past_a_limit(steps in steps()) {
        let rules = tight();
        let mut gate = RiskGate::new(rules);
        let mut trades: Vec<PastTrade> = Vec::new();
        let mut marks = Vec::new();
        let mut open: Vec<(usize, usize, OpenPosition)> = Vec::new();
        let (mut now, mut equity, mut paused) = (0, 10_000.0, false);
        for (wait, step) in steps {
            now += wait;
            let time = at(now);
            match step {
                Step::Enter { market, side, quantity, blind } => {
                    let name = symbol(MARKETS[market]);
                    let positions: Vec<_> = open.iter().map(|(_, other, position)| OpenPosition {
                        correlation: Some(alike(market, *other)), ..position.clone()
                    }).collect();
                    let context = EntryContext {
                        equity: (!blind).then_some(equity),
                        positions: Some(&positions),
                        ..calm(now)
                    };
                    let request = OrderRequest {
                        symbol: name.clone(), side, ..order(&quantity.to_string())
                    };
                    prop_assert_eq!(gate.pass(request.clone()).into_inner(), request.clone());
                    if gate.judge(request, price(), &context).is_err() { continue }
                    prop_assert!(!blind && !paused && gate.state().shutdown.is_none());
                    prop_assert!(open.len() < 3);
                    prop_assert!(open.iter().filter(|(_, m, _)| *m == market).count() < 2);
                    let today = |t: &Timestamp| t.utc_day() == time.utc_day();
                    let entries = trades.iter().map(|t| t.entered_at);
                    prop_assert!(entries.clone().filter(|t| today(t)).count() < 4);
                    prop_assert!(entries.max().is_none_or(|t| now - t.as_ms() / 1000 >= 900));
                    let ended = trades.iter().filter_map(|t| t.closed);
                    let profit: f64 = ended.filter(|(t, _)| today(t)).map(|(_, p)| p).sum();
                    prop_assert!(-profit < 200.0);
                    let held: f64 = open.iter().map(|(_, _, p)| p.notional).sum();
                    let notional = f64::from(quantity) * 100.0;
                    prop_assert!(held + notional <= 8000.0);
                    prop_assert!((held + notional) / equity <= 1.5);
                    let unlike = open.iter().all(|(_, other, p)| {
                        *other == market || alike(market, *other) <= 0.8 || p.side != side
                    });
                    prop_assert!(unlike);
                    prop_assert!(gate.state().breaker.permits(&rules.circuit_breaker.unwrap(), time));
                    gate.entered(time, &name);
                    let correlation = None;
                    let position =
                        OpenPosition { symbol: name.clone(), side, notional, opened_at: time, correlation };
                    open.push((trades.len(), market, position));
                    trades.push(PastTrade { entered_at: time, symbol: name, closed: None });
                }
                Step::Close { which, profit } => {
                    if open.is_empty() { continue }
                    let (trade, ..) = open.remove(which % open.len());
                    trades[trade].closed = Some((time, profit));
                    gate.closed(time, profit);
                    equity += profit;
                }
                Step::Equity(marked) => {
                    equity = marked;
                    marks.push(RiskMark::Equity { at: time, equity });
                    let shutdown = gate.equity(time, equity);
                    prop_assert!(shutdown.is_none_or(|s| s.drawdown > 0.2));
                }
                Step::ResetBreaker => {
                    marks.push(RiskMark::BreakerReset { at: time });
                    gate.reset_breaker(time);
                }
                Step::ResetEmergency => {
                    marks.push(RiskMark::EmergencyReset { at: time });
                    gate.reset_emergency(time);
                }
                Step::Pause => {
                    marks.push(RiskMark::Paused { at: time });
                    (paused, _) = (true, gate.pause());
                }
                Step::Resume => {
                    marks.push(RiskMark::Resumed { at: time });
                    (paused, _) = (false, gate.resume());
                }
            }
            let text = serde_json::to_string(gate.state()).unwrap();
            gate = RiskGate::restore(rules, serde_json::from_str(&text).unwrap());
        }
        trades.reverse();
        prop_assert_eq!(&RiskState::rebuild(&rules, &trades, &marks, at(now)), gate.state());
    }
}

//! A desk with a hundred configurations takes a candle.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use tokio::runtime::Runtime;
use tradepulse_core::desk::{
    AskAnswer, Command, Desk, DeskEvent, DeskEventKind, DeskSettings, LaneSetup, SubmitAnswer,
};
use tradepulse_core::engine::{Rules, StreamingEngine};
use tradepulse_core::exchange::{Capabilities, Exchange, TradingRules, VenueEvent};
use tradepulse_core::market::{InstrumentKind, Series, Symbol};
use tradepulse_core::order::RunTag;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::risk::{RiskGate, RiskRules};
use tradepulse_core::simulation::{AccountKind, SimulatedExchange, SimulatedExchangeSettings};
use tradepulse_core::store::RegimeScope;
use tradepulse_core::strategy::Strategy;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_strategies::EmaCross;

const CONFIGURATIONS: i64 = 100;
const CANDLES: usize = 50_000;

pub(crate) fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

pub(crate) fn venue() -> (SimulatedExchange, Capabilities) {
    let capabilities = Capabilities::full("simulated".parse().unwrap(), InstrumentKind::Perpetual);
    let margin = AccountKind::Margin { leverage: 1e9 };
    let settings = SimulatedExchangeSettings::new(capabilities.clone(), margin)
        .market(symbol(), TradingRules::default())
        .balance("USDT", "10000".parse().unwrap());
    (SimulatedExchange::new(settings).unwrap(), capabilities)
}

pub(crate) fn lane<S: Strategy + Send + std::fmt::Debug + 'static>(
    desk: &mut Desk,
    name: String,
    parameters: &Parameters,
) {
    let rules = Rules { min_edge: 0.0, ..Rules::default() };
    let engine = StreamingEngine::<S>::new(parameters, rules, 10_000.0, Timeframe::M5).unwrap();
    let setup = LaneSetup {
        name,
        symbol: symbol(),
        timeframe: Timeframe::M5,
        regime: RegimeScope::Any,
        rules: TradingRules::default(),
        leverage: 1.0,
        max_spread_bps: None,
    };
    desk.add(setup, Box::new(engine));
}

pub(crate) fn patient() -> DeskSettings {
    DeskSettings {
        entry_patience_ms: 2 * Timeframe::M5.as_ms(),
        order_check_ms: 0,
        ..DeskSettings::default()
    }
}

/// A desk at its venue, and the loop around both.
struct Floor {
    desk: Desk,
    venue: SimulatedExchange,
    series: Series,
    next: usize,
    commands: Vec<Command>,
    runtime: Runtime,
}

impl Floor {
    fn new(series: &Series) -> Self {
        let (venue, capabilities) = venue();
        // Limits that are judged and seldom reached.
        let rules = RiskRules {
            max_open_positions: Some(1_000),
            max_open_positions_per_symbol: Some(1_000),
            max_price_deviation: Some(0.02),
            ..RiskRules::none()
        };
        let gate = RiskGate::new(rules);
        let mut desk = Desk::new(RunTag::new(1), 10_000.0, capabilities, gate, patient());
        for i in 0..CONFIGURATIONS {
            let parameters = Parameters::defaults(EmaCross::about().variables)
                .with("fast", 5 + i % 25)
                .and_then(|p| p.with("slow", 40 + i))
                .unwrap();
            lane::<EmaCross>(&mut desk, format!("lane {i}"), &parameters);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (series, commands) = (series.clone(), Vec::new());
        Self { desk, venue, series, next: 0, commands, runtime }
    }

    fn tell(&mut self, at: Timestamp, kind: DeskEventKind) {
        self.desk.step(&DeskEvent { at, kind }, &mut self.commands);
        self.answer(at);
    }

    /// Carries out what the desk wants.
    fn answer(&mut self, at: Timestamp) {
        for command in std::mem::take(&mut self.commands) {
            let answer = match command {
                Command::Submit(order) => {
                    let answer = self.runtime.block_on(self.venue.submit(&order));
                    DeskEventKind::Submitted {
                        id: order.get().id,
                        answer: SubmitAnswer::from(answer),
                    }
                }
                Command::Cancel { symbol, id } => {
                    let answer = self.runtime.block_on(self.venue.cancel(&symbol, id)).into();
                    DeskEventKind::CancelAnswered { id, answer }
                }
                Command::Ask { symbol, id } => {
                    let answer = self.runtime.block_on(self.venue.order(&symbol, id));
                    DeskEventKind::Asked { id, answer: AskAnswer::from(answer) }
                }
                _ => continue,
            };
            self.tell(at, answer);
        }
    }

    /// Lets a candle happen; how long the desk took to take it. `None` when there are no more.
    fn candle(&mut self) -> Option<Duration> {
        if self.next == self.series.len() {
            return None;
        }
        let candle = self.series.candle(self.next);
        let at = self.series.close_time(self.next);
        self.next += 1;
        self.venue.begin(&symbol(), &candle, Timeframe::M5).unwrap();
        loop {
            let events = self.venue.drain();
            if events.is_empty() {
                break;
            }
            for event in events {
                if let VenueEvent::Order(report) = event {
                    self.tell(at, DeskEventKind::Report(report));
                }
            }
        }
        let kind = DeskEventKind::Candle {
            symbol: symbol(),
            timeframe: Timeframe::M5,
            candle,
            advice: None,
        };
        let event = DeskEvent { at, kind };
        let start = Instant::now();
        self.desk.step(&event, &mut self.commands);
        let took = start.elapsed();
        black_box(self.commands.len());
        self.answer(at);
        Some(took)
    }
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let series = tradepulse_benches::market(CANDLES).unwrap();
    criterion.bench_function("desk of 100 configurations, one candle", |bencher| {
        bencher.iter_custom(|candles| {
            let (mut floor, mut took) = (Floor::new(&series), Duration::ZERO);
            // The first candles warm the strategies up.
            for _ in 0..500 {
                floor.candle();
            }
            for _ in 0..candles {
                took += floor.candle().unwrap_or_else(|| {
                    floor = Floor::new(&series);
                    floor.candle().unwrap()
                });
            }
            took
        });
    });
    let mut floor = Floor::new(&series);
    let mut times = Vec::new();
    while let Some(took) = floor.candle() {
        times.push(took);
    }
    crate::wire::print("desk of 100 configurations, one candle", &mut times);
}

use std::collections::VecDeque;

use rand::RngExt;

use super::Dice;
use crate::account::Trade;
use crate::desk::{
    Command, Control, Desk, DeskEvent, DeskEventKind, DeskSettings, LaneSetup, Level, Notice,
    Record,
};
use crate::engine::{AnyEngine, Rules, StreamingEngine};
use crate::ensemble::Advice;
use crate::exchange::{Capabilities, Exchange, Protection, TradingRules, VenueEvent};
use crate::market::{Candle, InstrumentKind, Symbol};
use crate::order::RunTag;
use crate::parameter::Parameters;
use crate::random::Seed;
use crate::risk::{RiskGate, RiskRules};
use crate::simulation::{AccountKind, SimulatedExchange, SimulatedExchangeSettings};
use crate::store::RegimeScope;
use crate::time::{Timeframe, Timestamp};

/// A desk, its venue, and a loop around both, in lockstep and virtual time.
pub(super) struct Floor {
    pub(super) desk: Desk,
    pub(super) journal: Vec<DeskEvent>,
    pub(super) trades: Vec<Trade>,
    pub(super) notices: Vec<Notice>,
    queue: VecDeque<Command>,
    make: Box<dyn Fn() -> Desk>,
    crashes: Option<(rand_chacha::ChaCha8Rng, f64)>,
    pub(super) crashed: u32,
    /// What models advise at the next candle.
    pub(super) advice: Option<Advice>,
    symbol: Symbol,
    timeframe: Timeframe,
    now: Timestamp,
}

pub(super) const CAPITAL: f64 = 10_000.0;

impl Floor {
    pub(super) fn capabilities(protection: Protection) -> Capabilities {
        let name = "simulated".parse().unwrap();
        let full = Capabilities::full(name, InstrumentKind::Perpetual);
        Capabilities { protection, arrival_window_ms: 5_000, ..full }
    }

    pub(super) fn venue(capabilities: Capabilities, rules: &Rules) -> SimulatedExchange {
        let margin = AccountKind::Margin { leverage: 1e9 };
        let trading = TradingRules { instrument: rules.instrument, price_tick: None };
        let mut settings = SimulatedExchangeSettings::new(capabilities, margin)
            .market("BTC/USDT".parse().unwrap(), trading)
            .balance("USDT", "10000".parse().unwrap());
        settings.costs = rules.costs;
        SimulatedExchange::new(settings).unwrap()
    }

    pub(super) fn new(capabilities: Capabilities, parameters: &Parameters, rules: &Rules) -> Self {
        let (symbol, timeframe): (Symbol, _) = ("BTC/USDT".parse().unwrap(), Timeframe::M5);
        let settings = DeskSettings {
            entry_patience_ms: 2 * timeframe.as_ms(),
            order_check_ms: 60_000,
            ..DeskSettings::default()
        };
        let (parameters, rules) = (parameters.clone(), rules.clone());
        let lane_symbol = symbol.clone();
        let make = move || {
            let gate = RiskGate::new(RiskRules::none());
            let capabilities = capabilities.clone();
            let mut desk = Desk::new(RunTag::new(1), CAPITAL, capabilities, gate, settings.clone());
            let rules = rules.clone();
            let trading = TradingRules { instrument: rules.instrument, price_tick: None };
            let engine = StreamingEngine::<Dice>::new(&parameters, rules, CAPITAL, timeframe);
            let engine: Box<dyn AnyEngine> = Box::new(engine.unwrap());
            let setup = LaneSetup {
                name: "dice".into(),
                symbol: lane_symbol.clone(),
                timeframe,
                regime: RegimeScope::Any,
                rules: trading,
                leverage: 1.0,
                max_spread_bps: None,
            };
            desk.add(setup, engine);
            desk
        };
        Self {
            desk: make(),
            make: Box::new(make),
            crashes: None,
            crashed: 0,
            advice: None,
            journal: Vec::new(),
            trades: Vec::new(),
            notices: Vec::new(),
            queue: VecDeque::new(),
            symbol,
            timeframe,
            now: Timestamp::from_ms(0),
        }
    }

    /// From now on the process dies with this probability before each thing it does.
    pub(super) fn crash(&mut self, seed: u64, probability: f64) {
        self.crashes = Some((Seed(seed).stream("crashes"), probability));
    }

    fn dies(&mut self) -> bool {
        let Some((dice, probability)) = &mut self.crashes else { return false };
        dice.random_range(0.0..1.0) < *probability
    }

    /// The process died: what is left is the journal, and the venue. Another one takes over.
    fn recover(&mut self, venue: &dyn Exchange) {
        self.crashed += 1;
        self.queue.clear();
        self.desk = (self.make)();
        self.trades.clear();
        let mut commands = Vec::new();
        for event in &self.journal {
            self.desk.step(event, &mut commands);
        }
        for command in commands {
            if let Command::Record(Record::Trade { trade, .. }) = command {
                self.trades.push(trade);
            }
        }
        let open = loop {
            // A venue that cannot be asked is asked again. What it tells until then nobody hears.
            if let Ok(open) = pollster::block_on(venue.open_orders(&self.symbol)) {
                break open;
            }
            drop(venue.drain());
        };
        self.tell(venue, DeskEventKind::Recovered { open: open.ours, foreign: open.foreign });
    }

    /// Tells the desk one thing and carries out what comes of it.
    pub(super) fn tell(&mut self, venue: &dyn Exchange, kind: DeskEventKind) {
        self.take(kind);
        while let Some(command) = self.queue.pop_front() {
            if self.dies() {
                return self.recover(venue);
            }
            let answer = pollster::block_on(async {
                match &command {
                    Command::Submit(order) => DeskEventKind::Submitted {
                        id: order.get().id,
                        answer: venue.submit(order).await.into(),
                    },
                    Command::Cancel { symbol, id } => DeskEventKind::CancelAnswered {
                        id: *id,
                        answer: venue.cancel(symbol, *id).await.into(),
                    },
                    Command::Ask { symbol, id } => DeskEventKind::Asked {
                        id: *id,
                        answer: venue.order(symbol, *id).await.into(),
                    },
                    Command::Record(_) => unreachable!(),
                }
            });
            if self.dies() {
                return self.recover(venue);
            }
            self.take(answer);
        }
    }

    fn take(&mut self, kind: DeskEventKind) {
        let event = DeskEvent { at: self.now, kind };
        let mut commands = Vec::new();
        self.desk.step(&event, &mut commands);
        self.journal.push(event);
        for command in commands {
            match command {
                Command::Record(Record::Trade { trade, .. }) => self.trades.push(trade),
                Command::Record(Record::Notice(notice)) => self.notices.push(notice),
                Command::Record(_) => {}
                command => self.queue.push_back(command),
            }
        }
    }

    pub(super) fn drain(&mut self, venue: &dyn Exchange) {
        loop {
            let events = venue.drain();
            if events.is_empty() {
                return;
            }
            for event in events {
                if self.dies() {
                    // This event and those after it were heard by nobody.
                    self.recover(venue);
                    break;
                }
                let kind = match event {
                    VenueEvent::Order(report) => DeskEventKind::Report(report),
                    VenueEvent::Gap { .. } => DeskEventKind::Gap,
                };
                self.tell(venue, kind);
            }
        }
    }

    /// Lets one candle happen: the venue has begun to meet it.
    pub(super) fn candle(&mut self, venue: &dyn Exchange, candle: Candle) {
        self.drain(venue);
        let close = Timestamp::from_ms(candle.open_time.as_ms() + self.timeframe.as_ms());
        self.pass(venue, close);
        let (symbol, timeframe) = (self.symbol.clone(), self.timeframe);
        self.tell(venue, DeskEventKind::Candle { symbol, timeframe, candle, advice: self.advice });
    }

    /// Lets time pass until `at`.
    pub(super) fn pass(&mut self, venue: &dyn Exchange, at: Timestamp) {
        let mut ticks = 0;
        while let Some(due) = self.desk.due().filter(|due| *due < at) {
            ticks += 1;
            assert!(
                ticks < 10_000,
                "timers that never rest: {due} at {}: {:#?}",
                self.now,
                self.desk
            );
            let next = due.max(Timestamp::from_ms(self.now.as_ms() + 1));
            if next >= at {
                break;
            }
            self.now = next;
            self.tell(venue, DeskEventKind::Tick);
            self.drain(venue);
        }
        self.now = self.now.max(at);
    }

    /// Ends the run as a backtest does.
    pub(super) fn end(&mut self, venue: &SimulatedExchange) {
        self.tell(venue, DeskEventKind::Control(Control::EndOfData));
        venue.fill_at_close(&self.symbol, self.now).unwrap();
        self.drain(venue);
    }

    pub(super) fn problems(&self) -> Vec<&Notice> {
        self.notices.iter().filter(|notice| notice.level > Level::Info).collect()
    }
}

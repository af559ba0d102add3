//! The order desk of one wallet: engines decide, the desk carries out.
//!
//! A [`Desk`] has one lane for each configuration it trades: an engine, and the orders that carry
//! out what the engine wants. It turns intents that were sized into requests, passes entries
//! through the [risk gate](crate::risk), follows each order until it is known what became of it,
//! keeps stop and target in the way its venue allows, and tells the engine of fills.
//!
//! Like the engine it is a function of what it is told: [`DeskEvent`]s in, [`Command`]s out. Time
//! comes with the events. The same events give the same commands, ids included; a journal of the
//! events is all that has to survive a crash:
//!
//! 1. write the event to the journal, and see that it is on the disk if a command that leaves the
//!    process comes of it;
//! 2. [`Desk::step`];
//! 3. carry out the commands, and tell the desk the answers, as events.
//!
//! After a crash: step a fresh desk through the journal, dropping the commands; then tell it
//! [`DeskEventKind::Recovered`] with what rests at the venue, and carry on. It asks for everything
//! whose outcome it does not know, protects what is not protected, and reports what it cannot
//! explain.
//!
//! # What is certain
//!
//! - An order is sent under an id that was written down before, and again only under the same id:
//!   never as a second order.
//! - An order whose answer was lost is asked for until it is known. An entry that never arrived is
//!   given up; a protective order or an exit that never arrived is sent again.
//! - Protective orders are taken back, and known to be back, before the position is closed at
//!   market: never do both fill for more than the position.
//! - A position without a protective order at its venue for longer than
//!   [`DeskSettings::naked_limit_ms`] is closed. Where a target is replaced or a stop moved, the old
//!   pair is taken back first.

mod booking;
mod command;
mod context;
mod event;
mod guard;
mod lane;
mod placement;
mod settings;
#[cfg(test)]
mod tests;
mod ticket;
mod wallet;

use serde::{Deserialize, Serialize};

pub use crate::store::trading::EventLevel as Level;
pub use command::{Command, Notice, NoticeKind, Record};
pub use event::{AskAnswer, CancelAnswer, Control, DeskEvent, DeskEventKind, SubmitAnswer};
pub use settings::DeskSettings;

use self::context::{Context, Ended, IdSource};
use self::lane::{Lane, Told};
use self::wallet::Wallet;
use crate::account::Position;
use crate::engine::AnyEngine;
use crate::exchange::{Capabilities, TradingRules};
use crate::market::Symbol;
use crate::order::{ClientOrderId, ExitReason, OrderReport, RunTag};
use crate::risk::{RiskGate, RiskState};
use crate::store::RegimeScope;
use crate::time::{Timeframe, Timestamp};

/// Number of a lane within its desk, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaneId(pub u32);

/// Where and how a lane trades.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneSetup {
    /// What it is called: the id of its configuration, or a name.
    pub name: String,
    /// The market.
    pub symbol: Symbol,
    /// Length of the candles its engine sees.
    pub timeframe: Timeframe,
    /// The regime in which it may enter, by the base rule over
    /// [`REGIME_DAYS`](LaneSetup::REGIME_DAYS); exits run in all.
    pub regime: RegimeScope,
    /// The venue's rules for orders.
    pub rules: TradingRules,
    /// How many times its margin a position may be at the venue; 1 where it is paid in full.
    pub leverage: f64,
    /// Widest spread at which it enters, basis points.
    pub max_spread_bps: Option<f64>,
}

/// The order desk of one wallet.
#[derive(Debug)]
pub struct Desk {
    capabilities: Capabilities,
    settings: DeskSettings,
    gate: RiskGate,
    wallet: Wallet,
    ids: IdSource,
    ended: Ended,
    lanes: Vec<Lane>,
    halted: bool,
    now: Timestamp,
}

/// A lane as others may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneStatus<'a> {
    /// Its number.
    pub id: LaneId,
    /// Where and how it trades.
    pub setup: &'a LaneSetup,
    /// Its position, if it has one.
    pub position: Option<&'a Position>,
    /// Cash of its account plus unrealised profit at the last price.
    pub equity: f64,
    /// The last price it saw; NaN before the first.
    pub last_price: f64,
    /// Whether it holds nothing and has no order anywhere.
    pub is_idle: bool,
    /// Whether its position is protected at the venue, or there is none.
    pub is_protected: bool,
    /// Whether an entry is on its way.
    pub is_entering: bool,
}

impl Desk {
    /// A desk without lanes. `capital` is the wallet's, in quote currency.
    pub fn new(
        run: RunTag,
        capital: f64,
        capabilities: Capabilities,
        gate: RiskGate,
        settings: DeskSettings,
    ) -> Self {
        let correlates = gate.rules().max_correlation.is_some();
        Self {
            capabilities,
            settings,
            gate,
            wallet: Wallet::new(capital, correlates),
            ids: IdSource::new(run),
            ended: Ended::default(),
            lanes: Vec::new(),
            halted: false,
            now: Timestamp::EARLIEST,
        }
    }

    /// The same desk, whose gate goes on from what an earlier run left: a restart resets nothing.
    #[must_use]
    pub fn with_risk_state(mut self, state: RiskState) -> Self {
        self.gate = RiskGate::restore(*self.gate.rules(), state);
        self
    }

    /// Adds a configuration. Its engine's account begins with the wallet's capital: profit of the
    /// other lanes is added to what it sizes from.
    pub fn add(&mut self, setup: LaneSetup, engine: Box<dyn AnyEngine>) -> LaneId {
        let id = LaneId(self.lanes.len() as u32);
        self.wallet.add_lane(setup.symbol.clone());
        self.lanes.push(Lane::new(id, setup, engine));
        id
    }

    /// Takes one event; what it wants done is appended to `commands`.
    pub fn step(&mut self, event: &DeskEvent, commands: &mut Vec<Command>) {
        self.now = self.now.max(event.at);
        match &event.kind {
            DeskEventKind::WarmUp { symbol, timeframe, candle } => {
                for lane in self.lanes.iter_mut().filter(|l| l.setup.sees(symbol, *timeframe)) {
                    lane.warm_up(candle);
                }
            }
            DeskEventKind::Closing { symbol, timeframe, candle } => {
                self.tick(commands);
                for i in 0..self.lanes.len() {
                    if self.lanes[i].setup.sees(symbol, *timeframe) {
                        self.with(i, commands, |lane, context| lane.closing(candle, context));
                    }
                }
            }
            DeskEventKind::Candle { symbol, timeframe, candle, advice } => {
                self.tick(commands);
                let close = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
                self.wallet.price(symbol, candle.close, close);
                for i in 0..self.lanes.len() {
                    if self.lanes[i].setup.sees(symbol, *timeframe) {
                        self.fund(i);
                        self.with(i, commands, |lane, context| {
                            lane.candle(candle, close, *advice, context);
                        });
                    }
                }
                self.mark(commands);
            }
            DeskEventKind::Quote { symbol, quote } => {
                self.tick(commands);
                for i in 0..self.lanes.len() {
                    if self.lanes[i].setup.symbol == *symbol {
                        self.with(i, commands, |lane, context| lane.quoted(*quote, context));
                    }
                }
            }
            DeskEventKind::Report(report) => {
                if !self.tell(report.id, commands, Told::Report(report)) {
                    self.stray(report, commands);
                }
                self.tick(commands);
            }
            DeskEventKind::Submitted { id, answer } => {
                self.tell(*id, commands, Told::Submitted(answer));
            }
            DeskEventKind::CancelAnswered { id, answer } => {
                self.tell(*id, commands, Told::Cancelled(answer));
            }
            DeskEventKind::Asked { id, answer } => {
                self.tell(*id, commands, Told::Asked(answer));
            }
            DeskEventKind::Gap => self.ask_all(false, commands),
            DeskEventKind::Free { free, .. } => self.wallet.free = *free,
            DeskEventKind::Tick => self.tick(commands),
            DeskEventKind::Recovered { open, foreign } => self.recover(open, foreign, commands),
            DeskEventKind::Control(control) => self.control(control, commands),
        }
    }

    /// When [`DeskEventKind::Tick`] should be told at the latest; `None`: not before something
    /// else happens.
    pub fn due(&mut self) -> Option<Timestamp> {
        let mut due: Option<Timestamp> = None;
        for i in 0..self.lanes.len() {
            let mut nothing = Vec::new();
            let at = self.with(i, &mut nothing, |lane, context| lane.due(context));
            due = [due, at].into_iter().flatten().min();
        }
        due
    }

    /// The lanes.
    pub fn lanes(&self) -> impl Iterator<Item = LaneStatus<'_>> {
        self.lanes.iter().map(|lane| LaneStatus {
            id: lane.id,
            setup: &lane.setup,
            position: lane.position(),
            equity: lane.equity(),
            last_price: lane.last_price,
            is_idle: lane.is_idle(),
            is_protected: lane.is_protected(),
            is_entering: lane.is_entering(),
        })
    }

    /// The risk gate.
    pub fn gate(&self) -> &RiskGate {
        &self.gate
    }

    /// Whether entries are stopped because something could not be explained.
    pub fn is_halted(&self) -> bool {
        self.halted
    }

    /// Capital plus profit of all lanes, realised and not.
    pub fn equity(&self) -> f64 {
        self.wallet.equity()
    }

    /// The time of the last event.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets lane `i` do something.
    fn with<T>(
        &mut self,
        i: usize,
        commands: &mut Vec<Command>,
        act: impl FnOnce(&mut Lane, &mut Context<'_>) -> T,
    ) -> T {
        let lane = &mut self.lanes[i];
        let mut context = Context {
            now: self.now,
            lane: lane.id,
            settings: &self.settings,
            capabilities: &self.capabilities,
            gate: &mut self.gate,
            wallet: &self.wallet,
            ids: &mut self.ids,
            ended: &mut self.ended,
            halted: &mut self.halted,
            commands,
        };
        let result = act(lane, &mut context);
        self.wallet.note(i, lane);
        result
    }

    /// Tells lane `i`'s engine what the others have earned.
    fn fund(&mut self, i: usize) {
        let others = self.wallet.profit_of_others(i);
        self.lanes[i].engine.set_other_equity(others);
    }

    fn tell(&mut self, id: ClientOrderId, commands: &mut Vec<Command>, told: Told<'_>) -> bool {
        let Some(i) = self.lanes.iter().position(|lane| lane.owns(id)) else { return false };
        self.with(i, commands, |lane, context| lane.told(id, told, context));
        true
    }

    /// A report of an order that no lane has, any more or at all.
    fn stray(&mut self, report: &OrderReport, commands: &mut Vec<Command>) {
        let (symbol, id) = (report.symbol.clone(), report.id);
        let whose = if self.ids.gave(id) { "of this run" } else { "of another run" };
        let (executed, rests) = match self.ended.get(id) {
            Some(life) => (!life.report(report).is_empty(), !life.state().is_final()),
            None => (self.ids.gave(id) && !report.filled.is_zero(), !report.status.is_final()),
        };
        if self.lanes.is_empty() || !(executed || rests) {
            return;
        }
        self.with(0, commands, |_, context| {
            if executed {
                context.unexplained(format!("{symbol}: order {id} filled after it had ended"));
            }
            if rests {
                context.unexplained(format!("{symbol}: order {id} {whose} rests at the venue"));
                context.commands.push(Command::Cancel { symbol, id });
            }
        });
    }

    fn tick(&mut self, commands: &mut Vec<Command>) {
        for i in 0..self.lanes.len() {
            if !self.lanes[i].is_idle() {
                self.with(i, commands, |lane, context| {
                    if lane.due(context).is_some_and(|due| due <= context.now) {
                        lane.tick(context);
                    }
                });
            }
        }
        for i in 0..self.lanes.len() {
            let opened = self.lanes[i].opened_at;
            if let Some(opened) = opened
                && !self.lanes[i].is_exiting()
                && self.gate.overdue(opened, self.now)
            {
                self.with(i, commands, |lane, context| {
                    let text = format!("{}: position since {opened}", lane.setup.symbol);
                    context.notice(Level::Warning, NoticeKind::Overdue, text);
                    lane.liquidate(ExitReason::MaxDuration, context);
                });
            }
        }
    }

    /// Marks the wallet, and stops everything if it has lost too much.
    fn mark(&mut self, commands: &mut Vec<Command>) {
        let equity = self.wallet.equity();
        if let Some(shutdown) = self.gate.equity(self.now, equity) {
            self.stop(&shutdown.to_string(), commands);
        }
    }

    fn stop(&mut self, why: &str, commands: &mut Vec<Command>) {
        for i in 0..self.lanes.len() {
            self.with(i, commands, |lane, context| {
                if i == 0 {
                    let text = format!("emergency stop: {why}; entries wait for a person's reset");
                    context.notice(Level::Error, NoticeKind::Emergency, text);
                }
                lane.liquidate(ExitReason::Emergency, context);
            });
        }
    }

    fn ask_all(&mut self, all: bool, commands: &mut Vec<Command>) {
        for i in 0..self.lanes.len() {
            self.with(i, commands, |lane, context| lane.ask_all(all, context));
        }
    }

    fn recover(&mut self, open: &[OrderReport], foreign: &[String], commands: &mut Vec<Command>) {
        for report in open {
            if !self.tell(report.id, commands, Told::Report(report)) {
                self.stray(report, commands);
            }
        }
        if !foreign.is_empty() && !self.lanes.is_empty() {
            self.with(0, commands, |_, context| {
                let text = format!("orders at the venue that are not ours: {}", foreign.join(", "));
                context.notice(Level::Warning, NoticeKind::Foreign, text);
            });
        }
        self.ask_all(true, commands);
        self.tick(commands);
    }

    fn control(&mut self, control: &Control, commands: &mut Vec<Command>) {
        match control {
            Control::Pause => self.gate.pause(),
            Control::Resume => {
                self.gate.resume();
                self.halted = false;
            }
            Control::Close { symbol } => {
                self.liquidate(symbol.as_ref(), ExitReason::Manual, commands)
            }
            Control::EmergencyStop => {
                self.gate.stop(self.now, self.wallet.equity());
                self.stop("by hand", commands);
            }
            Control::ResetEmergency => self.gate.reset_emergency(self.now),
            Control::ResetBreaker => self.gate.reset_breaker(self.now),
            Control::EndOfData => self.liquidate(None, ExitReason::EndOfData, commands),
        }
        if *control != Control::EndOfData && !self.lanes.is_empty() {
            self.with(0, commands, |_, context| {
                context.notice(Level::Info, NoticeKind::Control, format!("{control:?}"));
            });
        }
    }

    fn liquidate(
        &mut self,
        symbol: Option<&Symbol>,
        reason: ExitReason,
        commands: &mut Vec<Command>,
    ) {
        for i in 0..self.lanes.len() {
            if symbol.is_none_or(|symbol| self.lanes[i].setup.symbol == *symbol) {
                self.with(i, commands, |lane, context| lane.liquidate(reason, context));
            }
        }
    }
}

impl LaneSetup {
    /// Window of the regime rule, days: that of training.
    pub const REGIME_DAYS: f64 = 7.0;

    fn sees(&self, symbol: &Symbol, timeframe: Timeframe) -> bool {
        self.timeframe == timeframe && self.symbol == *symbol
    }
}

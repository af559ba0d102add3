use super::LaneId;
use std::collections::BTreeMap;

use super::Level;
use super::command::{Command, Notice, NoticeKind, Record};
use super::settings::DeskSettings;
use crate::exchange::Capabilities;
use crate::order::{ClientOrderId, OrderLife, OrderRequest, RunTag};
use crate::risk::{CircuitBreaker, RiskGate};
use crate::time::Timestamp;

/// What the parts of a desk share while an event is taken.
pub(super) struct Context<'a> {
    pub(super) now: Timestamp,
    pub(super) lane: LaneId,
    pub(super) settings: &'a DeskSettings,
    pub(super) capabilities: &'a Capabilities,
    pub(super) gate: &'a mut RiskGate,
    pub(super) wallet: &'a super::wallet::Wallet,
    pub(super) ids: &'a mut IdSource,
    pub(super) ended: &'a mut Ended,
    pub(super) halted: &'a mut bool,
    pub(super) commands: &'a mut Vec<Command>,
}

impl Context<'_> {
    pub(super) fn notice(&mut self, level: Level, kind: NoticeKind, text: String) {
        let notice = Notice { level, kind, lane: Some(self.lane), text };
        self.commands.push(Command::Record(Record::Notice(notice)));
    }

    /// Tells the gate of a trade's profit, and people of what the circuit breaker made of it.
    pub(super) fn trade_ended(&mut self, profit: f64) {
        let before = self.gate.state().breaker;
        self.gate.closed(self.now, profit);
        match (before, self.gate.state().breaker) {
            (CircuitBreaker::Open { .. }, CircuitBreaker::Open { .. })
            | (CircuitBreaker::Closed { .. }, CircuitBreaker::Closed { .. }) => {}
            (_, CircuitBreaker::Open { since }) => {
                let rules = self.gate.rules().circuit_breaker.unwrap_or_default();
                let text = format!(
                    "losses opened the circuit breaker: no entries until {}, then one that decides",
                    rules.half_open_at(since)
                );
                self.notice(Level::Warning, NoticeKind::Breaker, text);
            }
            (_, CircuitBreaker::Closed { .. }) => {
                let text = "a win closed the circuit breaker: entries pass again".to_owned();
                self.notice(Level::Info, NoticeKind::Breaker, text);
            }
            (_, CircuitBreaker::HalfOpen { .. }) => {}
        }
    }

    pub(super) fn outcome_unknown(&mut self, request: &OrderRequest, reason: &str) {
        let text = format!("{} {}: {reason}; asking the venue", request.symbol, request.id);
        self.notice(Level::Warning, NoticeKind::OutcomeUnknown, text);
    }

    /// Something happened that no order explains.
    pub(super) fn unexplained(&mut self, text: String) {
        self.notice(Level::Error, NoticeKind::Unexplained, text);
        if self.settings.halt_on_unexplained {
            *self.halted = true;
            self.gate.pause();
        }
    }
}

/// Orders that have ended, the newest few thousand: what is told of them later is old news, or it
/// is not.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended(BTreeMap<ClientOrderId, OrderLife>);

impl Ended {
    const KEPT: usize = 4096;

    pub(super) fn add(&mut self, lives: &[OrderLife]) {
        for life in lives {
            self.0.insert(life.id(), life.clone());
        }
        while self.0.len() > Self::KEPT {
            self.0.pop_first();
        }
    }

    pub(super) fn get(&mut self, id: ClientOrderId) -> Option<&mut OrderLife> {
        self.0.get_mut(&id)
    }
}

/// Gives out client order ids, each once.
#[derive(Clone, Debug)]
pub(super) struct IdSource {
    run: RunTag,
    last: u32,
}

impl IdSource {
    pub(super) fn new(run: RunTag) -> Self {
        Self { run, last: 0 }
    }

    pub(super) fn next(&mut self) -> ClientOrderId {
        self.last += 1;
        ClientOrderId::new(self.run, self.last)
    }

    /// Whether the order is of this run, and its id was given out.
    pub(super) fn gave(&self, id: ClientOrderId) -> bool {
        id.run() == self.run && id.sequence() <= self.last
    }
}

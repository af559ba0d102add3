//! Commands of people, through the store.
//!
//! Another process stores a [`ControlRecord`]; the [`ControlMailbox`] of a running coordinator finds
//! it, tells the desks of the wallets it is for, and stores their answer. Each wallet has a
//! [`ControlDoor`]: its other side is the receiver that [`Driver::run`](super::Driver::run) takes
//! controls from, and a hook for [`Driver::with_control_hook`](super::Driver::with_control_hook)
//! that tells what came of them.
//!
//! A pause and an emergency stop outlast the process: [`ControlMailbox::begin`] tells the desks of a
//! later one, before anything else happens, until a resume or a reset takes them back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tradepulse_core::desk::{Control, Desk};
use tradepulse_core::store::trading::{
    ControlKind, ControlRecord, ControlResult, First, RecordFilter, TradingStore, TradingStoreExt,
};
use tradepulse_core::store::{Page, StoreError};

use super::clock::Clock;

/// How often the store is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a desk may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Called with each control once the desk was told, and the desk as it is then.
pub type ControlHook = Box<dyn FnMut(&Control, &Desk) + Send>;

/// The way to the desk of one wallet.
#[derive(Debug)]
pub struct ControlDoor {
    wallet: String,
    controls: mpsc::Sender<Control>,
    answers: mpsc::UnboundedReceiver<(Control, String)>,
}

impl ControlDoor {
    /// The way to the desk of `wallet`, and what its driver needs: where controls come from, and
    /// the hook that answers.
    pub fn new(wallet: impl Into<String>) -> (Self, mpsc::Receiver<Control>, ControlHook) {
        let (controls, receiver) = mpsc::channel(16);
        let (answer, answers) = mpsc::unbounded_channel();
        let hook = move |control: &Control, desk: &Desk| {
            // Nobody who waits for it any more: the mailbox is gone.
            let _ = answer.send((control.clone(), describe(control, desk)));
        };
        (Self { wallet: wallet.into(), controls, answers }, receiver, Box::new(hook))
    }

    /// Hands the control over; `false` if the run has ended.
    async fn send(&mut self, control: &Control) -> bool {
        while self.answers.try_recv().is_ok() {}
        self.controls.send(control.clone()).await.is_ok()
    }

    /// What the desk says to it.
    async fn answer(&mut self, control: &Control) -> Result<String, &'static str> {
        let answered = async {
            while let Some((told, text)) = self.answers.recv().await {
                if told == *control {
                    return Some(text);
                }
            }
            None
        };
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err("its run ended before it answered"),
            Err(_) => Err("it has not answered yet, and will act when it comes to it"),
        }
    }
}

/// What the desk made of it, in words.
fn describe(control: &Control, desk: &Desk) -> String {
    let held = |symbol: Option<&tradepulse_core::market::Symbol>| {
        let lanes = desk.lanes().filter(|lane| symbol.is_none_or(|s| lane.setup.symbol == *s));
        lanes.filter(|lane| lane.position.is_some()).count()
    };
    let positions = |count: usize| match count {
        0 => "no position is open".to_owned(),
        1 => "1 position is open".to_owned(),
        count => format!("{count} positions are open"),
    };
    let stopped = desk.gate().state().shutdown.is_some();
    match control {
        Control::Pause => format!("entries are paused; {}", positions(held(None))),
        Control::Resume if stopped => {
            "not paused any more, but an emergency stop still refuses entries: reset it".to_owned()
        }
        Control::Resume => "entries are allowed again".to_owned(),
        Control::Close { symbol } => match held(symbol.as_ref()) {
            0 => "there is nothing to close".to_owned(),
            count => format!("closing at market: {}", positions(count)),
        },
        Control::EmergencyStop => {
            let rest = match held(None) {
                0 => String::new(),
                count => format!(", closing at market: {}", positions(count)),
            };
            format!("stopped, no entries until the emergency stop is reset{rest}")
        }
        Control::ResetEmergency if desk.gate().state().paused => {
            "the emergency stop is reset; entries are still paused".to_owned()
        }
        Control::ResetEmergency => "the emergency stop is reset".to_owned(),
        Control::ResetBreaker => "the circuit breaker is closed".to_owned(),
        _ => "done".to_owned(),
    }
}

/// Takes commands out of the store, and answers them.
pub struct ControlMailbox {
    store: Arc<dyn TradingStore>,
    doors: Vec<ControlDoor>,
    clock: Clock,
}

impl ControlMailbox {
    /// The mailbox of a coordinator that trades the wallets of `doors`. `clock` is that of the
    /// people, not of a replay.
    pub fn new(store: Arc<dyn TradingStore>, doors: Vec<ControlDoor>, clock: Clock) -> Self {
        Self { store, doors, clock }
    }

    /// Hands over what was wanted of this process before it began: an emergency stop and a pause
    /// that nobody took back, and what was stored for the next start. Call it before the drivers
    /// run. Returns what each wallet is told.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin(&mut self) -> Result<Vec<(String, Control)>, StoreError> {
        let filter = RecordFilter { first: First::Oldest, ..RecordFilter::default() };
        let all = self.store.records::<ControlRecord>(&filter, Page::ALL).await?;
        let mut told = Vec::new();
        for door in &mut self.doors {
            for control in standing(&all, &door.wallet) {
                if door.send(&control).await {
                    told.push((door.wallet.clone(), control));
                }
            }
        }
        for record in all.into_iter().filter(|r| waits(r) && self.knows(r)) {
            let answer = "told to the run that starts now".to_owned();
            self.end(record, ControlResult::Done, answer).await?;
        }
        Ok(told)
    }

    /// Takes commands as they come, until it is dropped.
    ///
    /// # Errors
    /// If the store fails otherwise than for a while.
    pub async fn run(&mut self) -> Result<std::convert::Infallible, StoreError> {
        loop {
            match self.poll().await {
                Err(error) if !error.is_temporary() => return Err(error),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Takes the commands that are there, in the order in which they were given; how many were
    /// answered.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn poll(&mut self) -> Result<usize, StoreError> {
        let filter =
            RecordFilter { open: Some(true), first: First::Oldest, ..RecordFilter::default() };
        let mut answered = 0;
        for record in self.store.records::<ControlRecord>(&filter, Page::ALL).await? {
            answered += usize::from(self.take(record).await?);
        }
        Ok(answered)
    }

    async fn take(&mut self, record: ControlRecord) -> Result<bool, StoreError> {
        let now = self.clock.now();
        if record.expires_at.is_some_and(|at| at <= now) {
            let answer = match record.taken_at {
                None => "no coordinator took it in time",
                Some(_) => "the coordinator that took it ended before it answered",
            };
            self.end(record, ControlResult::Expired, answer.to_owned()).await?;
            return Ok(true);
        }
        if !self.knows(&record) {
            return self.unknown_wallet(record).await;
        }
        if record.taken_at.is_some() && record.expires_at.is_some() {
            // Another process has it.
            return Ok(false);
        }
        let record = ControlRecord { taken_at: Some(now), ..record };
        self.store.put(&[record.clone().into()]).await?;
        let (result, answer) = self.carry_out(&record).await;
        self.end(record, result, answer).await?;
        Ok(true)
    }

    async fn carry_out(&mut self, record: &ControlRecord) -> (ControlResult, String) {
        let control = record.control();
        let (mut result, mut answers) = (ControlResult::Done, Vec::new());
        let mut sent = Vec::new();
        for door in self.doors.iter_mut().filter(|door| record.is_for(&door.wallet)) {
            let open = door.send(&control).await;
            sent.push((door, open));
        }
        for (door, open) in sent {
            let answer = match open {
                true => door.answer(&control).await,
                false => Err("its run has ended"),
            };
            let text = answer.unwrap_or_else(|why| {
                result = ControlResult::Refused;
                why.to_owned()
            });
            answers.push(format!("wallet {}: {text}", door.wallet));
        }
        (result, answers.join("; "))
    }

    /// A command for a wallet that is not traded here waits for a coordinator that trades it, if
    /// it may wait.
    async fn unknown_wallet(&mut self, record: ControlRecord) -> Result<bool, StoreError> {
        let own: Vec<_> = self.doors.iter().map(|door| door.wallet.as_str()).collect();
        let wallet = record.wallet.as_deref().unwrap_or_default();
        let why = format!("this coordinator trades {}, not {wallet}", own.join(", "));
        if record.expires_at.is_some() {
            self.end(record, ControlResult::Refused, why).await?;
            return Ok(true);
        }
        let answer = Some(format!("{why}; it waits for one that does"));
        if record.answer != answer {
            self.store.put(&[ControlRecord { answer, ..record }.into()]).await?;
        }
        Ok(false)
    }

    fn knows(&self, record: &ControlRecord) -> bool {
        self.doors.iter().any(|door| record.is_for(&door.wallet))
    }

    async fn end(
        &self,
        record: ControlRecord,
        result: ControlResult,
        answer: String,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let ended = ControlRecord {
            taken_at: record.taken_at.or((result != ControlResult::Expired).then_some(now)),
            result: Some(result),
            answer: Some(answer),
            ended_at: Some(now),
            ..record
        };
        self.store.put(&[ended.into()]).await
    }
}

/// Whether it waits for the next start.
fn waits(record: &ControlRecord) -> bool {
    record.ended_at.is_none() && record.expires_at.is_none()
}

/// What the desk of `wallet` is to be told at its start, by all commands, the oldest first.
fn standing(all: &[ControlRecord], wallet: &str) -> Vec<Control> {
    let counts = |record: &&ControlRecord| {
        record.is_for(wallet) && (record.result == Some(ControlResult::Done) || waits(record))
    };
    let last = |kinds: &[ControlKind]| {
        all.iter().filter(counts).rfind(|record| kinds.contains(&record.kind))
    };
    let lasting = |record: &&ControlRecord| {
        matches!(record.kind, ControlKind::Pause | ControlKind::EmergencyStop) || waits(record)
    };
    let found = [
        last(&[ControlKind::EmergencyStop, ControlKind::ResetEmergency]),
        last(&[ControlKind::Pause, ControlKind::Resume]),
        last(&[ControlKind::ResetBreaker]),
    ];
    found.into_iter().flatten().filter(lasting).map(ControlRecord::control).collect()
}

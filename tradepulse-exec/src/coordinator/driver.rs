use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tradepulse_core::desk::{
    Command, Control, Desk, DeskEvent, DeskEventKind, LaneStatus, Notice, Record,
};
use tradepulse_core::exchange::{Exchange, ExchangeError, Feed, FeedError, FeedEvent, VenueEvent};
use tradepulse_core::market::Symbol;
use tradepulse_core::store::StoreError;
use tradepulse_core::store::trading::{TradeRecord, TradingRecord, TradingStore};
use tradepulse_core::time::Timestamp;

use super::clock::Clock;
use super::journal::{Journal, JournalError};
use super::recorder::{Counters, Owner, Recorder};

/// How commands are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// One after the other, each answer awaited before the next event: for venues that answer at
    /// once, and the same every time.
    Lockstep,
    /// Side by side; an answer that takes longer than this counts as lost.
    Concurrent {
        /// Milliseconds.
        timeout_ms: u64,
    },
}

/// Places at which a process may die; tests let it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// An event was told and is not written yet.
    Told,
    /// The journal is on the disk; nothing has left.
    Written,
    /// A command was carried out; its answer is not known to the desk.
    Done,
    /// Records are about to be stored.
    Recording,
}

/// Called at each [`CrashPoint`]; `true` breaks off there, as a crash would.
pub type CrashHook = Arc<dyn Fn(CrashPoint) -> bool + Send + Sync>;

/// What a driver is made of.
pub struct DriverSetup {
    /// The desk, with its lanes, as it is before the first event of the run.
    pub desk: Desk,
    /// The venue.
    pub exchange: Arc<dyn Exchange>,
    /// Where journal and records are kept.
    pub store: Arc<dyn TradingStore>,
    /// Whose records they are.
    pub owner: Owner,
    /// The time.
    pub clock: Clock,
    /// How commands are carried out.
    pub pace: Pace,
}

/// The loop around a desk.
pub struct Driver {
    desk: Desk,
    exchange: Arc<dyn Exchange>,
    journal: Journal,
    recorder: Recorder,
    clock: Clock,
    pace: Pace,
    commands: Vec<Command>,
    queue: VecDeque<Command>,
    in_flight: JoinSet<DeskEventKind>,
    in_process: bool,
    notices: Vec<Notice>,
    hook: Option<CrashHook>,
    on_trade: Option<TradeHook>,
}

/// Called with each trade once it is stored.
pub type TradeHook = Box<dyn FnMut(&TradeRecord) + Send>;

/// Why a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The feed has ended.
    FeedEnded,
    /// Somebody wanted it to end.
    Stopped,
}

/// A run that cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The journal cannot be read or written: nothing may leave any more.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The records cannot be stored.
    #[error("records: {0}")]
    Store(#[from] StoreError),
    /// The feed cannot go on.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A test broke it off.
    #[error("broken off at {0:?}")]
    Crashed(CrashPoint),
    /// The venue could not be asked what rests there.
    #[error("the venue could not be asked for open orders of {symbol}: {source}")]
    Recovery {
        /// The market.
        symbol: Symbol,
        /// Why.
        source: ExchangeError,
    },
}

impl Driver {
    /// A driver that has not begun. Call [`recover`](Self::recover) next.
    pub fn new(setup: DriverSetup) -> Self {
        let DriverSetup { desk, exchange, store, owner, clock, pace } = setup;
        let journal = Journal::new(Arc::clone(&store), owner.run.clone());
        let recorder = Recorder::new(store, owner, &desk);
        Self {
            desk,
            exchange,
            journal,
            recorder,
            clock,
            pace,
            commands: Vec::new(),
            queue: VecDeque::new(),
            in_flight: JoinSet::new(),
            in_process: false,
            notices: Vec::new(),
            hook: None,
            on_trade: None,
        }
    }

    /// Calls `hook` at each point at which a crash could happen: for tests of crashes.
    #[must_use]
    pub fn with_crash_hook(mut self, hook: CrashHook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// Calls `hook` with each trade once it is stored.
    #[must_use]
    pub fn with_trade_hook(mut self, hook: TradeHook) -> Self {
        self.on_trade = Some(hook);
        self
    }

    /// The venue lives in this process and dies with it. Nothing that was sent then outlives a
    /// crash, and journal and records are written in batches, the journal first: what a crash loses
    /// is the end of both, and the venue with its account. For replays; a venue that outlives the
    /// process must find everything it was sent in the journal.
    #[must_use]
    pub fn with_venue_in_process(mut self) -> Self {
        self.in_process = true;
        self
    }

    /// The desk.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        self.recorder.counters()
    }

    /// Notices since the last call, for logs and alerts.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Number of events told so far, over all processes of this run.
    pub fn events(&self) -> u64 {
        self.journal.end()
    }

    /// Brings the desk to where the journal ends, and settles with the venue what was on its way.
    /// Until this returns nothing new is begun. On an empty journal only the venue is asked.
    ///
    /// # Errors
    /// If the journal cannot be read or the venue cannot be asked.
    pub async fn recover(&mut self) -> Result<u64, DriverError> {
        let mut commands = Vec::new();
        loop {
            let page = self.journal.next_page().await?;
            if page.is_empty() {
                break;
            }
            for event in page {
                self.clock.happened(event.at);
                self.desk.step(&event, &mut commands);
                for command in commands.drain(..) {
                    if let Command::Record(record) = command {
                        self.recorder.take(event.at, record);
                    }
                }
                self.recorder.stepped(event.at, &self.desk);
            }
            self.recorder.flush().await?;
        }
        let replayed = self.journal.end();
        let mut symbols: Vec<Symbol> =
            self.desk.lanes().map(|lane| lane.setup.symbol.clone()).collect();
        symbols.sort();
        symbols.dedup();
        let (mut open, mut foreign) = (Vec::new(), Vec::new());
        for symbol in symbols {
            let found = self.exchange.open_orders(&symbol).await;
            let found = found.map_err(|source| DriverError::Recovery { symbol, source })?;
            open.extend(found.ours);
            foreign.extend(found.foreign);
        }
        self.tell(DeskEventKind::Recovered { open, foreign }).await?;
        self.drain().await?;
        Ok(replayed)
    }

    /// Goes on until the feed ends or `stop` resolves. Controls are taken as they come.
    ///
    /// # Errors
    /// If the journal, the store or the feed fails. Protective orders at the venue stay.
    pub async fn run(
        &mut self,
        feed: &mut dyn Feed,
        controls: &mut tokio::sync::mpsc::Receiver<Control>,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Ended, DriverError> {
        let mut stop = std::pin::pin!(stop);
        let mut controlled = true;
        loop {
            self.drain().await?;
            let wait = self.wait();
            let exchange = Arc::clone(&self.exchange);
            tokio::select! {
                biased;
                () = &mut stop => {
                    self.finish().await?;
                    return Ok(Ended::Stopped);
                }
                control = controls.recv(), if controlled => match control {
                    Some(control) => self.tell(DeskEventKind::Control(control)).await?,
                    None => controlled = false,
                },
                Some(answer) = self.in_flight.join_next() => {
                    // A task that died has an answer that is lost; order checks ask for it.
                    if let Ok(answer) = answer {
                        self.tell(answer).await?;
                    }
                }
                () = exchange.wait() => {}
                event = feed.next() => match event? {
                    Some(event) => self.feed_event(event).await?,
                    None => {
                        self.finish().await?;
                        return Ok(Ended::FeedEnded);
                    }
                },
                () = sleep(wait) => self.tell(DeskEventKind::Tick).await?,
            }
        }
    }

    /// Takes one event of the feed, after everything the venue has to tell.
    ///
    /// # Errors
    /// If the journal or the store fails.
    pub async fn feed_event(&mut self, event: FeedEvent) -> Result<(), DriverError> {
        self.drain().await?;
        let (at, kind) = match event {
            FeedEvent::Candle { symbol, timeframe, candle } => {
                let close_ms = candle.open_time.as_ms() + timeframe.as_ms();
                let kind = DeskEventKind::Candle { symbol, timeframe, candle };
                (Timestamp::from_ms(close_ms), kind)
            }
            FeedEvent::Quote { symbol, quote, at } => (at, DeskEventKind::Quote { symbol, quote }),
            _ => return Ok(()),
        };
        self.pass_time(at).await?;
        self.tell(kind).await
    }

    /// In a replay: lets the time until `at` pass, with everything that falls due in it.
    async fn pass_time(&mut self, at: Timestamp) -> Result<(), DriverError> {
        if !matches!(self.clock, Clock::Events(_)) {
            return Ok(());
        }
        while let Some(due) = self.desk.due().filter(|due| *due < at) {
            // What is due and does not happen is due at the next instant.
            self.clock.happened(due.max(Timestamp::from_ms(self.clock.now().as_ms() + 1)));
            if self.clock.now() >= at {
                break;
            }
            self.tell(DeskEventKind::Tick).await?;
            self.drain().await?;
        }
        self.clock.happened(at);
        Ok(())
    }

    /// Tells the desk everything the venue has to tell, until there is nothing more.
    ///
    /// # Errors
    /// If the journal or the store fails.
    pub async fn drain(&mut self) -> Result<(), DriverError> {
        loop {
            let events = self.exchange.drain();
            if events.is_empty() {
                return Ok(());
            }
            for event in events {
                let kind = match event {
                    VenueEvent::Order(report) => DeskEventKind::Report(report),
                    VenueEvent::Gap { .. } => DeskEventKind::Gap,
                    _ => continue,
                };
                self.tell(kind).await?;
            }
        }
    }

    /// Tells the desk one thing, and carries out what comes of it.
    ///
    /// # Errors
    /// If the journal or the store fails.
    pub async fn tell(&mut self, kind: DeskEventKind) -> Result<(), DriverError> {
        self.take(kind)?;
        while let Some(command) = self.queue.pop_front() {
            if !self.in_process {
                self.reach(CrashPoint::Told)?;
                self.journal.flush(true).await?;
                self.reach(CrashPoint::Written)?;
            }
            match self.pace {
                Pace::Lockstep => {
                    let answer = perform(&*self.exchange, &command).await;
                    self.reach(CrashPoint::Done)?;
                    if let Some(answer) = answer {
                        self.take(answer)?;
                    }
                }
                Pace::Concurrent { timeout_ms } => {
                    let exchange = Arc::clone(&self.exchange);
                    let timeout = Duration::from_millis(timeout_ms);
                    self.in_flight.spawn(async move {
                        match tokio::time::timeout(timeout, perform(&*exchange, &command)).await {
                            Ok(answer) => answer,
                            Err(_) => lost(&command, timeout_ms),
                        }
                        .unwrap_or(DeskEventKind::Tick)
                    });
                }
            }
        }
        // What rests at the venue may fill at any time, and the engine counts candles until then;
        // nor may a record be stored before what it came of.
        let due = if self.in_process {
            self.recorder.is_full()
        } else {
            self.recorder.has_news() || self.desk.lanes().any(|lane| !lane.is_idle)
        };
        if due || self.journal.is_full() {
            self.journal.flush(false).await?;
        }
        if due && self.recorder.has_news() {
            self.reach(CrashPoint::Recording)?;
            self.keep().await?;
        }
        Ok(())
    }

    /// The pure part: journal, step, sort what comes of it.
    fn take(&mut self, kind: DeskEventKind) -> Result<(), DriverError> {
        let at = self.clock.now().max(self.desk.now());
        let event = DeskEvent { at, kind };
        self.journal.push(&event)?;
        self.desk.step(&event, &mut self.commands);
        for command in self.commands.drain(..) {
            match command {
                Command::Record(record) => {
                    if let Record::Notice(notice) = &record {
                        self.notices.push(notice.clone());
                    }
                    self.recorder.take(at, record);
                }
                command => self.queue.push_back(command),
            }
        }
        self.recorder.stepped(at, &self.desk);
        Ok(())
    }

    /// Writes everything that waits.
    ///
    /// # Errors
    /// If the journal or the store fails.
    pub async fn finish(&mut self) -> Result<(), DriverError> {
        self.drain().await?;
        self.journal.flush(true).await?;
        self.keep().await
    }

    /// Stores the records that wait.
    async fn keep(&mut self) -> Result<(), DriverError> {
        let stored = self.recorder.flush().await?;
        if let Some(hook) = &mut self.on_trade {
            for record in &stored {
                if let TradingRecord::Trade(trade) = record {
                    hook(trade);
                }
            }
        }
        Ok(())
    }

    fn wait(&mut self) -> Option<Duration> {
        let due = self.desk.due()?;
        if matches!(self.clock, Clock::Events(_)) {
            // In a replay nothing happens between its events.
            return None;
        }
        let ms = due.as_ms().saturating_sub(self.clock.now().as_ms());
        Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0).max(1)))
    }

    fn reach(&self, point: CrashPoint) -> Result<(), DriverError> {
        match &self.hook {
            Some(hook) if hook(point) => Err(DriverError::Crashed(point)),
            _ => Ok(()),
        }
    }

    /// The lanes of the desk.
    pub fn lanes(&self) -> impl Iterator<Item = LaneStatus<'_>> {
        self.desk.lanes()
    }

    /// The time of the last event.
    pub fn now(&self) -> Timestamp {
        self.desk.now()
    }
}

async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Carries out a command that leaves; what it came to is the next event.
async fn perform(exchange: &dyn Exchange, command: &Command) -> Option<DeskEventKind> {
    Some(match command {
        Command::Submit(order) => DeskEventKind::Submitted {
            id: order.get().id,
            answer: exchange.submit(order).await.into(),
        },
        Command::Cancel { symbol, id } => DeskEventKind::CancelAnswered {
            id: *id,
            answer: exchange.cancel(symbol, *id).await.into(),
        },
        Command::Ask { symbol, id } => {
            DeskEventKind::Asked { id: *id, answer: exchange.order(symbol, *id).await.into() }
        }
        _ => return None,
    })
}

/// The answer to a command that took too long.
fn lost(command: &Command, timeout_ms: u64) -> Option<DeskEventKind> {
    let error = ExchangeError::OutcomeUnknown(format!("no answer within {timeout_ms} ms"));
    Some(match command {
        Command::Submit(order) => {
            DeskEventKind::Submitted { id: order.get().id, answer: Err(error).into() }
        }
        Command::Cancel { id, .. } => {
            DeskEventKind::CancelAnswered { id: *id, answer: Err(error).into() }
        }
        Command::Ask { id, .. } => DeskEventKind::Asked { id: *id, answer: Err(error).into() },
        _ => return None,
    })
}

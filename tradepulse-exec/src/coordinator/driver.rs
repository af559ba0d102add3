mod advising;
mod error;
mod free_balance;
mod seen;
mod setup;
mod venue_call;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tradepulse_core::desk::{
    Command, Control, Desk, DeskEvent, DeskEventKind, LaneStatus, Notice, Record,
};
use tradepulse_core::exchange::{Exchange, Feed, FeedEvent, VenueEvent};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::time::{Timeframe, Timestamp};

use self::advising::Advising;
pub use self::error::DriverError;
use self::free_balance::FreeBalance;
use self::seen::Seen;
pub use self::setup::{CrashHook, CrashPoint, DriverSetup, Ended, Pace};
use self::venue_call::{lost, perform};
use super::clock::Clock;
use super::control::ControlHook;
use super::journal::Journal;
use super::observer::Observer;
use super::recorder::{Counters, Recorder};

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
    notices: VecDeque<Notice>,
    hook: Option<CrashHook>,
    observers: Vec<Box<dyn Observer>>,
    seen: Seen,
    free: FreeBalance,
    on_control: Option<ControlHook>,
    advising: Option<Advising>,
}

/// Notices that are kept for [`Driver::take_notices`]: the newest.
const NOTICES: usize = 1000;

impl Driver {
    /// A driver that has not begun. Call [`recover`](Self::recover) next.
    pub fn new(setup: DriverSetup) -> Self {
        let DriverSetup { desk, exchange, store, owner, clock, pace } = setup;
        let journal = Journal::new(Arc::clone(&store), owner.run.clone());
        let recorder = Recorder::new(store, owner, &desk);
        let free = FreeBalance::new(&desk);
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
            notices: VecDeque::new(),
            hook: None,
            observers: Vec::new(),
            seen: Seen::default(),
            free,
            on_control: None,
            advising: None,
        }
    }

    /// The desk.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        self.recorder.counters()
    }

    /// Notices since the last call, the newest thousand of them.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices).into()
    }

    /// When the last candle of this market closed that the desk was told of, in whichever process.
    pub fn last_close(&self, symbol: &Symbol, timeframe: Timeframe) -> Option<Timestamp> {
        self.seen.last_close(symbol, timeframe)
    }

    /// Whether the run was ever told of a candle to trade on.
    pub fn has_traded_candles(&self) -> bool {
        self.seen.candles_to_trade_on()
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
                self.noted(&event.kind);
                let before = match &event.kind {
                    DeskEventKind::Candle { symbol, .. } => self.entering(symbol),
                    _ => Vec::new(),
                };
                self.desk.step(&event, &mut commands);
                self.replayed(&event.kind, &before);
                for command in commands.drain(..) {
                    if let Command::Record(record) = command {
                        self.recorder.take(event.at, record);
                    }
                }
                self.recorder.stepped(event.at, &self.desk);
            }
            self.judge().await;
            self.recorder.flush().await?;
        }
        self.keep_last_snapshots().await?;
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
        self.ask_for_free(self.clock.now()).await?;
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
                    // Whoever goes on asks again about the candles that wait.
                    if let Some(advising) = &mut self.advising {
                        advising.stop();
                    }
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
                answers = Advising::next(&self.advising) => self.heard(answers).await?,
                news = Advising::training(&self.advising) => self.trained(news).await?,
                () = exchange.wait() => {}
                event = feed.next() => match event? {
                    Some(event) => self.feed_event(event).await?,
                    None => {
                        self.hear_all().await?;
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
        match event.clone() {
            FeedEvent::Candle { symbol, timeframe, candle } => {
                self.pass_candle(&candle, timeframe).await?;
                self.closed(symbol, timeframe, candle).await?;
            }
            FeedEvent::Quote { symbol, quote, at } => {
                self.pass_time(at).await?;
                self.ask_for_free(at).await?;
                self.tell(DeskEventKind::Quote { symbol, quote }).await?;
            }
            _ => {}
        }
        for observer in &mut self.observers {
            observer.fed(&event, &self.desk);
        }
        Ok(())
    }

    /// Lets the time until the close of `candle` pass.
    async fn pass_candle(
        &mut self,
        candle: &Candle,
        timeframe: Timeframe,
    ) -> Result<(), DriverError> {
        let at = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
        self.pass_time(at).await?;
        self.ask_for_free(at).await
    }

    /// Goes on without the feed until nothing is held and nothing is on its way, which is `true`,
    /// or until `stop` resolves.
    ///
    /// # Errors
    /// If the journal or the store fails.
    pub async fn settle(
        &mut self,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<bool, DriverError> {
        let mut stop = std::pin::pin!(stop);
        loop {
            self.drain().await?;
            if self.in_flight.is_empty() && self.is_idle() {
                return Ok(true);
            }
            let wait = self.wait();
            let exchange = Arc::clone(&self.exchange);
            tokio::select! {
                biased;
                () = &mut stop => return Ok(false),
                Some(answer) = self.in_flight.join_next() => {
                    if let Ok(answer) = answer {
                        self.tell(answer).await?;
                    }
                }
                () = exchange.wait() => {}
                () = sleep(wait) => self.tell(DeskEventKind::Tick).await?,
            }
        }
    }

    /// Whether no lane holds anything or has an order anywhere.
    pub fn is_idle(&self) -> bool {
        self.desk.lanes().all(|lane| lane.is_idle)
    }

    /// Asks what is free to use, if that may have changed.
    async fn ask_for_free(&mut self, at: Timestamp) -> Result<(), DriverError> {
        let Some(currency) = self.free.due(at) else { return Ok(()) };
        let exchange = Arc::clone(&self.exchange);
        match self.pace {
            Pace::Lockstep => {
                let answer = free_balance::ask(&*exchange, currency).await;
                self.tell(answer).await
            }
            Pace::Concurrent { timeout_ms } => {
                let timeout = Duration::from_millis(timeout_ms);
                self.in_flight.spawn(async move {
                    let asked = free_balance::ask(&*exchange, currency.clone());
                    let unknown = |_| DeskEventKind::Free { currency, free: None };
                    tokio::time::timeout(timeout, asked).await.unwrap_or_else(unknown)
                });
                Ok(())
            }
        }
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
        let control = match &kind {
            DeskEventKind::Control(control) => Some(control.clone()),
            _ => None,
        };
        self.take(kind)?;
        self.judge().await;
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
        if let (Some(control), Some(hook)) = (control, &mut self.on_control) {
            // What was told in answer survives the process.
            self.journal.flush(true).await?;
            hook(&control, &self.desk);
        }
        Ok(())
    }

    /// The pure part: journal, step, sort what comes of it.
    fn take(&mut self, kind: DeskEventKind) -> Result<(), DriverError> {
        let at = self.clock.now().max(self.desk.now());
        let event = DeskEvent { at, kind };
        self.journal.push(&event)?;
        self.noted(&event.kind);
        self.free.note(&event.kind);
        self.desk.step(&event, &mut self.commands);
        for command in self.commands.drain(..) {
            match command {
                Command::Record(record) => {
                    if let Record::Notice(notice) = &record {
                        self.notices.push_back(notice.clone());
                        if self.notices.len() > NOTICES {
                            self.notices.pop_front();
                        }
                    }
                    self.recorder.take(at, record);
                }
                command => self.queue.push_back(command),
            }
        }
        self.recorder.stepped(at, &self.desk);
        Ok(())
    }

    /// Takes note of candles, for the feed and for models.
    fn noted(&mut self, kind: &DeskEventKind) {
        self.seen.note(kind);
        if let Some(advising) = &mut self.advising {
            advising.note(kind);
        }
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
        for observer in &mut self.observers {
            observer.stored(&stored);
        }
        self.feed_back(&stored);
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

//! How models are asked about candles, and what they say told to the desk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tradepulse_core::desk::{DeskEventKind, Level};
use tradepulse_core::ensemble::Advice;
use tradepulse_core::inference::Action;
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::order::Side;
use tradepulse_core::store::Page;
use tradepulse_core::store::trading::{
    First, RecordFilter, SnapshotRecord, TradeRecord, TradingRecord, TradingStore, TradingStoreExt,
};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::{CrashPoint, Driver, DriverError, Pace};
use crate::coordinator::advisor::{
    Advisor, Advisors, Answers, Asked, Asker, Round, Told, TrainingNews,
};
use crate::inference::{Feedback, TradeOutcome};

/// Who is asked, and about which candles no answer is there yet.
pub(super) struct Advising {
    advisor: Advisor,
    waiting: VecDeque<Waiting>,
    /// Candles of which it is still to be told that they closed.
    closed: Vec<(Symbol, Timeframe, Candle)>,
    /// What was known when a position was entered last, by market, and when that was.
    entered: BTreeMap<(Symbol, Timeframe), (Timestamp, Arc<Told>)>,
}

/// A candle about which models are being asked.
struct Waiting {
    symbol: Symbol,
    timeframe: Timeframe,
    candle: Candle,
    told: Arc<Told>,
    /// `None`: it is decided.
    round: Option<Arc<Round>>,
}

impl Advising {
    /// The answers about the candle that came first, `None` if it is decided; never, where none is
    /// waited for.
    pub(super) async fn next(advising: &Option<Self>) -> Option<Answers> {
        let front = advising.as_ref().and_then(|advising| advising.waiting.front());
        match front.map(|waiting| &waiting.round) {
            None => std::future::pending().await,
            Some(None) => None,
            Some(Some(round)) => Some(round.answers().await),
        }
    }

    /// What came of a training; never, where none is asked for.
    pub(super) async fn training(advising: &Option<Self>) -> TrainingNews {
        match advising.as_ref().and_then(|advising| advising.advisor.trainer()) {
            Some(trainer) => trainer.next().await,
            None => std::future::pending().await,
        }
    }

    /// Candles that the desk was told of in whichever process.
    pub(super) fn note(&mut self, kind: &DeskEventKind) {
        if let DeskEventKind::WarmUp { symbol, timeframe, candle }
        | DeskEventKind::Candle { symbol, timeframe, candle, .. } = kind
        {
            self.advisor.note(symbol, *timeframe, candle);
            self.closed.push((symbol.clone(), *timeframe, *candle));
        }
    }

    /// Forgets about which candles it asked.
    pub(super) fn stop(&mut self) {
        self.waiting.clear();
    }
}

/// When a candle closed, and its price.
fn close_of(candle: &Candle, timeframe: Timeframe) -> (Timestamp, f64) {
    (Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms()), candle.close)
}

impl Driver {
    /// Asks models about each candle. To be called before [`recover`](Self::recover).
    #[must_use]
    pub fn with_advisor(mut self, advisor: Advisor) -> Self {
        let (waiting, closed, entered) = (VecDeque::new(), Vec::new(), BTreeMap::new());
        self.advising = Some(Advising { advisor, waiting, closed, entered });
        self
    }

    /// Takes a closed candle with what models advised about it when it was traded: for a run that is
    /// made again.
    ///
    /// # Errors
    /// If the journal or the store fails.
    pub async fn feed_advised(
        &mut self,
        symbol: Symbol,
        timeframe: Timeframe,
        candle: Candle,
        advice: Option<Advice>,
    ) -> Result<(), DriverError> {
        self.drain().await?;
        self.pass_candle(&candle, timeframe).await?;
        self.tell(DeskEventKind::Candle { symbol, timeframe, candle, advice }).await
    }

    /// A candle has closed: the desk is told of it with what models advise, at once in lockstep,
    /// else when they have answered.
    pub(super) async fn closed(
        &mut self,
        symbol: Symbol,
        timeframe: Timeframe,
        candle: Candle,
    ) -> Result<(), DriverError> {
        let told = self.advising.as_mut().and_then(|advising| {
            advising.advisor.note(&symbol, timeframe, &candle);
            let told = advising.advisor.told(&symbol, timeframe)?;
            Some((Arc::new(told), advising.advisor.council()))
        });
        let mut asked = None;
        if let Some((told, council)) = told {
            let (at, _) = close_of(&candle, timeframe);
            asked = council.lock().await.ask((&symbol, timeframe), at, &told).map(|a| (a, told));
        }
        let Some((asked, told)) = asked else {
            let advice = None;
            return self.tell(DeskEventKind::Candle { symbol, timeframe, candle, advice }).await;
        };
        let round = match asked {
            Asked::Decided => None,
            Asked::Round(round) => Some(round),
        };
        match self.pace {
            Pace::Lockstep => {
                let answers = match round {
                    Some(round) => Some(round.answers().await),
                    None => None,
                };
                self.advised((symbol, timeframe, candle), &told, answers).await
            }
            Pace::Concurrent { .. } => {
                let of = symbol.clone();
                self.tell(DeskEventKind::Closing { symbol: of, timeframe, candle }).await?;
                if let Some(advising) = &mut self.advising {
                    let waiting = Waiting { symbol, timeframe, candle, told, round };
                    advising.waiting.push_back(waiting);
                }
                Ok(())
            }
        }
    }

    /// The answers about the candle that came first are there.
    pub(super) async fn heard(&mut self, answers: Option<Answers>) -> Result<(), DriverError> {
        let front = self.advising.as_mut().and_then(|advising| advising.waiting.pop_front());
        let Some(Waiting { symbol, timeframe, candle, told, .. }) = front else { return Ok(()) };
        self.advised((symbol, timeframe, candle), &told, answers).await
    }

    /// Waits for all answers that are still to come.
    pub(super) async fn hear_all(&mut self) -> Result<(), DriverError> {
        while self.advising.as_ref().is_some_and(|advising| !advising.waiting.is_empty()) {
            let answers = Advising::next(&self.advising).await;
            self.heard(answers).await?;
        }
        Ok(())
    }

    async fn advised(
        &mut self,
        (symbol, timeframe, candle): (Symbol, Timeframe, Candle),
        told: &Arc<Told>,
        answers: Option<Answers>,
    ) -> Result<(), DriverError> {
        let advice = self.decide((&symbol, timeframe), &candle, answers).await?;
        let before = self.entering(&symbol);
        let of = symbol.clone();
        self.tell(DeskEventKind::Candle { symbol: of, timeframe, candle, advice }).await?;
        if self.enters(&symbol, &before) {
            let (at, _) = close_of(&candle, timeframe);
            self.entered(&symbol, timeframe, at, told);
        }
        Ok(())
    }

    /// What the answers come to, or what was decided before. It is stored before anybody knows of
    /// it: no process asks again about a candle on which something was done.
    async fn decide(
        &mut self,
        market: (&Symbol, Timeframe),
        candle: &Candle,
        answers: Option<Answers>,
    ) -> Result<Option<Advice>, DriverError> {
        let Some(advising) = &self.advising else { return Ok(None) };
        let council = advising.advisor.council();
        let mut council = council.lock().await;
        let owner = self.recorder.owner();
        let asker = Asker { run: &owner.run, wallet: &owner.wallet };
        let close = close_of(candle, market.1);
        let Some(advised) = council.decide(&asker, market, close, answers) else {
            return Ok(None);
        };
        self.recorder.keep(advised.records);
        for (model, is_silent, why) in advised.silent {
            let (level, kind, text) = if is_silent {
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                (Level::Warning, "model_offline", format!("model {model} is silent{why}"))
            } else {
                (Level::Info, "model_online", format!("model {model} answers again"))
            };
            self.recorder.outside_event(self.clock.now(), level, kind, text, None);
        }
        if !self.in_process && self.recorder.has_news() {
            self.reach(CrashPoint::Recording)?;
            self.keep().await?;
        }
        Ok(advised.advice)
    }

    /// Tells those who judge predictions of the candles that the desk was told of.
    pub(super) async fn judge(&mut self) {
        let Some(advising) = self.advising.as_mut().filter(|a| !a.closed.is_empty()) else {
            return;
        };
        let council = advising.advisor.council();
        let mut council = council.lock().await;
        for (symbol, timeframe, candle) in advising.closed.drain(..) {
            let close = close_of(&candle, timeframe);
            self.recorder.keep(council.close((&symbol, timeframe), close));
        }
    }

    /// Which lanes of a market have an entry on its way.
    pub(super) fn entering(&self, symbol: &Symbol) -> Vec<bool> {
        let lanes = self.desk.lanes();
        lanes.map(|lane| lane.is_entering && lane.setup.symbol == *symbol).collect()
    }

    fn enters(&self, symbol: &Symbol, before: &[bool]) -> bool {
        before.iter().zip(self.entering(symbol)).any(|(before, now)| now && !before)
    }

    /// Something was entered on what was `told`: it is kept.
    fn entered(&mut self, symbol: &Symbol, timeframe: Timeframe, at: Timestamp, told: &Arc<Told>) {
        let Some(advising) = &mut self.advising else { return };
        advising.entered.insert((symbol.clone(), timeframe), (at, Arc::clone(told)));
        let snapshot = self.snapshot(symbol, timeframe, at, told);
        self.recorder.keep([snapshot.into()]);
    }

    fn snapshot(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        at: Timestamp,
        told: &Told,
    ) -> SnapshotRecord {
        SnapshotRecord {
            run: self.recorder.owner().run.clone(),
            symbol: symbol.clone(),
            timeframe,
            at,
            data: told.json(),
        }
    }

    /// While the journal is replayed: takes note of what was known where something was entered.
    pub(super) fn replayed(&mut self, kind: &DeskEventKind, before: &[bool]) {
        let DeskEventKind::Candle { symbol, timeframe, candle, .. } = kind else { return };
        if !self.enters(symbol, before) {
            return;
        }
        let Some(advising) = &mut self.advising else { return };
        if let Some(told) = advising.advisor.told(symbol, *timeframe) {
            let (at, _) = close_of(candle, *timeframe);
            advising.entered.insert((symbol.clone(), *timeframe), (at, Arc::new(told)));
        }
    }

    /// After the journal was replayed: the last snapshots are kept, if a crash came before that.
    pub(super) async fn keep_last_snapshots(&mut self) -> Result<(), DriverError> {
        let Some(advising) = &self.advising else { return Ok(()) };
        let mut missing = Vec::new();
        for ((symbol, timeframe), (at, told)) in &advising.entered {
            let filter = RecordFilter {
                run: Some(self.recorder.owner().run.clone()),
                symbol: Some(symbol.clone()),
                from: Some(*at),
                until: Some(Timestamp::from_ms(at.as_ms() + 1)),
                ..RecordFilter::default()
            };
            let stored: Vec<SnapshotRecord> =
                self.recorder.store().records(&filter, Page::ALL).await?;
            if stored.iter().all(|snapshot| snapshot.timeframe != *timeframe) {
                missing.push(self.snapshot(symbol, *timeframe, *at, told).into());
            }
        }
        self.recorder.keep(missing);
        Ok(())
    }

    /// Keeps what came of a training.
    pub(super) async fn trained(&mut self, news: TrainingNews) -> Result<(), DriverError> {
        let TrainingNews { level, kind, text, data } = news;
        self.recorder.outside_event(self.clock.now(), level, kind, text, Some(data));
        // It comes of nothing that the journal tells.
        self.keep().await
    }

    /// Tells models how trades ended, if they want to know.
    pub(super) fn feed_back(&self, stored: &[TradingRecord]) {
        let Some(Advising { advisor, entered, .. }) = &self.advising else { return };
        let Some(after) = advisor.advisors().feedback_after else { return };
        for record in stored {
            let TradingRecord::Trade(trade) = record else { continue };
            let known = entered.get(&(trade.symbol.clone(), trade.timeframe));
            let known = known.map(|(_, told)| Arc::clone(told));
            let (trade, store) = (trade.clone(), Arc::clone(self.recorder.store()));
            let (advisors, trainer) = (Arc::clone(advisor.advisors()), advisor.trainer());
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let told = known.map(|told| told.json());
                for member in tell_outcome(&advisors, &trade, told, &*store).await {
                    if let Some(trainer) = &trainer {
                        trainer.told_of_trade(member);
                    }
                }
            });
        }
    }
}

/// Tells every model of a trade with the snapshot of its entry: as it was `told`, or as it is
/// stored. Which of them took it, by number.
async fn tell_outcome(
    advisors: &Advisors,
    trade: &TradeRecord,
    told: Option<serde_json::Value>,
    store: &dyn TradingStore,
) -> Vec<usize> {
    let stored = async {
        let filter = RecordFilter {
            run: Some(trade.run.clone()),
            symbol: Some(trade.symbol.clone()),
            until: Some(Timestamp::from_ms(trade.entry_time_ms + 1)),
            first: First::Newest,
            ..RecordFilter::default()
        };
        let found: Vec<SnapshotRecord> = store.records(&filter, Page::first(1)).await.ok()?;
        found.into_iter().next().map(|record| record.data)
    };
    let snapshot = match told {
        Some(told) => Some(told),
        None => stored.await,
    };
    let Some(snapshot) = snapshot else { return Vec::new() };
    let feedback = Feedback {
        decision: match trade.side {
            Side::Long => Action::Long,
            Side::Short => Action::Short,
        },
        outcome: TradeOutcome {
            pnl: trade.profit,
            pnl_percent: trade.profit_pct,
            success: trade.profit > 0.0,
            closed_at: Timestamp::from_ms(trade.exit_time_ms + trade.timeframe.as_ms()),
        },
        snapshot,
    };
    let mut taken = Vec::new();
    for (number, member) in advisors.members.iter().enumerate() {
        // What a model does not take it does not learn from; nothing else depends on it.
        if member.model.learn(&feedback).await.is_ok() {
            taken.push(number);
        }
    }
    taken
}

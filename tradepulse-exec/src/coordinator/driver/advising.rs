//! How models are asked about candles, and what they say told to the desk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::task::JoinHandle;
use tradepulse_core::desk::{DeskEventKind, Level};
use tradepulse_core::ensemble::{Absence, Advice};
use tradepulse_core::inference::Action;
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::order::Side;
use tradepulse_core::store::Page;
use tradepulse_core::store::trading::{
    First, RecordFilter, SnapshotRecord, TradeRecord, TradingRecord, TradingStore, TradingStoreExt,
};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::{Driver, DriverError, Pace};
use crate::coordinator::advisor::{self, Advisor, Advisors, Answers, Told};
use crate::inference::{Feedback, TradeOutcome};

/// Who is asked, and about which candles no answer is there yet.
pub(super) struct Advising {
    advisor: Advisor,
    waiting: VecDeque<Waiting>,
    /// What was known when a position was entered last, by market.
    entered: BTreeMap<(Symbol, Timeframe), Arc<Told>>,
}

/// A candle about which models are being asked.
struct Waiting {
    symbol: Symbol,
    timeframe: Timeframe,
    candle: Candle,
    told: Arc<Told>,
    asked: JoinHandle<Answers>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.asked.abort();
    }
}

impl Advising {
    /// The answers about the candle that came first; never, where none is waited for.
    pub(super) async fn next(advising: &mut Option<Self>) -> Answers {
        let front = advising.as_mut().and_then(|advising| advising.waiting.front_mut());
        let Some(waiting) = front else { return std::future::pending().await };
        let answers = (&mut waiting.asked).await;
        answers.unwrap_or_else(|error| {
            let members = advising.as_ref().map_or(0, |a| a.advisor.advisors().members.len());
            Answers::none(members, &Absence::Unavailable { reason: error.to_string() })
        })
    }

    /// Candles that the desk was told of in whichever process.
    pub(super) fn note(&mut self, kind: &DeskEventKind) {
        if let DeskEventKind::WarmUp { symbol, timeframe, candle }
        | DeskEventKind::Candle { symbol, timeframe, candle, .. } = kind
        {
            self.advisor.note(symbol, *timeframe, candle);
        }
    }

    /// Forgets about which candles it asked.
    pub(super) fn stop(&mut self) {
        self.waiting.clear();
    }
}

impl Driver {
    /// Asks models about each candle. To be called before [`recover`](Self::recover).
    #[must_use]
    pub fn with_advisor(mut self, advisor: Advisor) -> Self {
        let (waiting, entered) = (VecDeque::new(), BTreeMap::new());
        self.advising = Some(Advising { advisor, waiting, entered });
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
            Some((advising.advisor.told(&symbol, timeframe)?, advising.advisor.advisors().clone()))
        });
        let Some((told, advisors)) = told else {
            let advice = None;
            return self.tell(DeskEventKind::Candle { symbol, timeframe, candle, advice }).await;
        };
        let told = Arc::new(told);
        match self.pace {
            Pace::Lockstep => {
                let answers = advisor::ask(&advisors, &told).await;
                self.advised((symbol, timeframe, candle), &told, answers).await
            }
            Pace::Concurrent { .. } => {
                let of = symbol.clone();
                self.tell(DeskEventKind::Closing { symbol: of, timeframe, candle }).await?;
                let asked = {
                    let told = Arc::clone(&told);
                    tokio::spawn(async move { advisor::ask(&advisors, &told).await })
                };
                if let Some(advising) = &mut self.advising {
                    let waiting = Waiting { symbol, timeframe, candle, told, asked };
                    advising.waiting.push_back(waiting);
                }
                Ok(())
            }
        }
    }

    /// The answers about the candle that came first are there.
    pub(super) async fn heard(&mut self, answers: Answers) -> Result<(), DriverError> {
        let front = self.advising.as_mut().and_then(|advising| advising.waiting.pop_front());
        let Some(waiting) = front else { return Ok(()) };
        let (market, told) = (
            (waiting.symbol.clone(), waiting.timeframe, waiting.candle),
            Arc::clone(&waiting.told),
        );
        self.advised(market, &told, answers).await
    }

    /// Waits for all answers that are still to come.
    pub(super) async fn hear_all(&mut self) -> Result<(), DriverError> {
        while self.advising.as_ref().is_some_and(|advising| !advising.waiting.is_empty()) {
            let answers = Advising::next(&mut self.advising).await;
            self.heard(answers).await?;
        }
        Ok(())
    }

    async fn advised(
        &mut self,
        (symbol, timeframe, candle): (Symbol, Timeframe, Candle),
        told: &Arc<Told>,
        answers: Answers,
    ) -> Result<(), DriverError> {
        let at = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
        let mut advice = None;
        if let Some(Advising { advisor, .. }) = &mut self.advising {
            let owner = self.recorder.owner();
            let of = (owner.run.as_str(), owner.wallet.as_str());
            let market = (&symbol, timeframe);
            if let Some(advised) = advisor.decide(market, (at, candle.close), answers) {
                advice = advised.advice;
                let records = advisor.records(&advised, of, market);
                self.recorder.keep(records);
                for (model, is_silent) in advised.silent {
                    let (level, kind, text) = if is_silent {
                        let why = advised.decision.votes.iter().find(|vote| vote.model == model);
                        let why = why.and_then(|vote| vote.dropped.as_ref());
                        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                        (Level::Warning, "model_offline", format!("model {model} is silent{why}"))
                    } else {
                        (Level::Info, "model_online", format!("model {model} answers again"))
                    };
                    self.recorder.event(self.clock.now(), level, kind, text, None);
                }
            }
        }
        let entering = |driver: &Self| {
            let lanes = driver.desk.lanes();
            lanes.map(|lane| lane.is_entering && lane.setup.symbol == symbol).collect::<Vec<_>>()
        };
        let before = entering(self);
        let of = symbol.clone();
        self.tell(DeskEventKind::Candle { symbol: of, timeframe, candle, advice }).await?;
        if before.iter().zip(entering(self)).any(|(before, now)| now && !before) {
            self.entered(&symbol, timeframe, at, told);
        }
        Ok(())
    }

    /// Something was entered on what was `told`: it is kept.
    fn entered(&mut self, symbol: &Symbol, timeframe: Timeframe, at: Timestamp, told: &Arc<Told>) {
        let Some(advising) = &mut self.advising else { return };
        advising.entered.insert((symbol.clone(), timeframe), Arc::clone(told));
        let snapshot = SnapshotRecord {
            run: self.recorder.owner().run.clone(),
            symbol: symbol.clone(),
            timeframe,
            at,
            data: told.json(),
        };
        self.recorder.keep([snapshot.into()]);
    }

    /// Tells models how trades ended, if they want to know.
    pub(super) fn feed_back(&self, stored: &[TradingRecord]) {
        let Some(Advising { advisor, entered, .. }) = &self.advising else { return };
        let Some(after) = advisor.advisors().feedback_after else { return };
        for record in stored {
            let TradingRecord::Trade(trade) = record else { continue };
            let known = entered.get(&(trade.symbol.clone(), trade.timeframe)).cloned();
            let (trade, store) = (trade.clone(), Arc::clone(self.recorder.store()));
            let advisors = Arc::clone(advisor.advisors());
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                tell_outcome(&advisors, &trade, known.map(|told| told.json()), &*store).await;
            });
        }
    }
}

/// Tells every model of a trade with the snapshot of its entry: as it was `told`, or as it is
/// stored.
async fn tell_outcome(
    advisors: &Advisors,
    trade: &TradeRecord,
    told: Option<serde_json::Value>,
    store: &dyn TradingStore,
) {
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
    let Some(snapshot) = snapshot else { return };
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
    for member in &advisors.members {
        // What a model does not take it does not learn from; nothing else depends on it.
        let _ = member.model.learn(&feedback).await;
    }
}

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use tradepulse_core::store::trading::EventLevel;

use super::{Advisors, Member};
#[cfg(all(feature = "config", feature = "paper"))]
use crate::coordinator::Clock;
use crate::inference::Retrained;
use crate::schedule::RetrainSchedule;

/// When models are asked to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Retraining {
    /// After so many trades that a model was told of, since it was asked last; at least 1.
    pub after_trades: u64,
    /// And at these times.
    pub schedule: Option<RetrainSchedule>,
    /// Longest time for a training.
    pub limit: Duration,
}

/// The longest that is slept before the clock is looked at again, since clocks are set.
#[cfg(all(feature = "config", feature = "paper"))]
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Asks models to train, each once at a time, while trading goes on. The wallets of a session share
/// one.
pub(in crate::coordinator) struct Trainer {
    advisors: Arc<Advisors>,
    plan: Retraining,
    pupils: Vec<Pupil>,
    news: mpsc::UnboundedSender<TrainingNews>,
    told: Mutex<mpsc::UnboundedReceiver<TrainingNews>>,
}

#[derive(Default)]
struct Pupil {
    /// Trades that it was told of since it was asked last.
    trades: AtomicU64,
    /// Whoever holds it waits for a training.
    at_work: Arc<Mutex<()>>,
}

/// What came of a training.
#[derive(Debug)]
pub(in crate::coordinator) struct TrainingNews {
    pub(in crate::coordinator) level: EventLevel,
    pub(in crate::coordinator) kind: &'static str,
    pub(in crate::coordinator) text: String,
    pub(in crate::coordinator) data: Value,
}

impl Trainer {
    pub(super) fn new(advisors: Arc<Advisors>, plan: Retraining) -> Self {
        let (news, told) = mpsc::unbounded_channel();
        let pupils = advisors.members.iter().map(|_| Pupil::default()).collect();
        Self { advisors, plan, pupils, news, told: Mutex::new(told) }
    }

    /// What came of the next training that ends. Whoever asks first is told.
    pub(in crate::coordinator) async fn next(&self) -> TrainingNews {
        match self.told.lock().await.recv().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }

    /// A model was told of a trade.
    pub(in crate::coordinator) fn told_of_trade(self: &Arc<Self>, member: usize) {
        let Some(pupil) = self.pupils.get(member) else { return };
        let trades = pupil.trades.fetch_add(1, Ordering::Relaxed) + 1;
        if trades >= self.plan.after_trades {
            self.train(member, "trades");
        }
    }

    /// Asks all models at the times of the schedule. Never ends.
    #[cfg(all(feature = "config", feature = "paper"))]
    pub(in crate::coordinator) async fn keep_schedule(self: Arc<Self>, clock: Clock) {
        let Some(schedule) = &self.plan.schedule else { return std::future::pending().await };
        let mut due = schedule.after(clock.now());
        while let Some(time) = due {
            let left = u64::try_from(time.as_ms().saturating_sub(clock.now().as_ms()));
            match left {
                Ok(left) if left > 0 => {
                    tokio::time::sleep(Duration::from_millis(left).min(LONGEST_SLEEP)).await;
                }
                _ => {
                    for member in 0..self.pupils.len() {
                        self.train(member, "schedule");
                    }
                    due = schedule.after(clock.now());
                }
            }
        }
        std::future::pending().await
    }

    /// Asks a model to train, unless it is at it; in the background.
    fn train(self: &Arc<Self>, member: usize, cause: &'static str) {
        let (Some(pupil), Some(asked)) =
            (self.pupils.get(member), self.advisors.members.get(member))
        else {
            return;
        };
        let Ok(at_work) = Arc::clone(&pupil.at_work).try_lock_owned() else { return };
        pupil.trades.store(0, Ordering::Relaxed);
        let (asked, limit, news) = (asked.clone(), self.plan.limit, self.news.clone());
        tokio::spawn(async move {
            let answer = tokio::time::timeout(limit, asked.model.retrain(limit)).await;
            let late = || Err(format!("no answer within {} s", limit.as_secs()));
            if let Some(told) = tell(&asked, cause, answer.unwrap_or_else(|_| late())) {
                // Where nobody listens, nobody trades any more.
                let _ = news.send(told);
            }
            drop(at_work);
        });
    }
}

fn tell(
    Member { name, .. }: &Member,
    cause: &str,
    answer: Result<Option<Retrained>, String>,
) -> Option<TrainingNews> {
    let data = |answer: Value| json!({ "model": name, "cause": cause, "answer": answer });
    Some(match answer {
        Ok(None) => return None,
        Ok(Some(retrained)) => TrainingNews {
            level: EventLevel::Info,
            kind: "model_retrained",
            text: in_words(name, &retrained),
            data: data(retrained.answer),
        },
        Err(reason) => TrainingNews {
            level: EventLevel::Warning,
            kind: "model_not_retrained",
            text: format!("model {name} was not trained: {reason}"),
            data: data(Value::Null),
        },
    })
}

fn in_words(name: &str, retrained: &Retrained) -> String {
    let Retrained { trained, replaced, reason, model_name, model_version, answer } = retrained;
    let difference = &answer["report"]["difference"];
    let number = |value: &Value| value.as_f64();
    let figures = (
        number(&difference["mean"]),
        number(&difference["interval"][0]),
        number(&difference["interval"][1]),
    );
    let scores = match figures {
        (Some(mean), Some(low), Some(high)) => format!(
            "; the challenger's log loss is {mean:.4} less (95 % interval {low:.4} to {high:.4})"
        ),
        _ => String::new(),
    };
    let what = match (trained, replaced) {
        (_, true) => "has a new version",
        (true, false) => "was trained and not replaced",
        (false, false) => "was not trained",
    };
    let why = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("model {name} {what}{why}: {model_name} version {model_version} serves{scores}")
}

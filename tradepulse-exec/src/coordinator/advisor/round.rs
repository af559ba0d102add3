use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tradepulse_core::ensemble::Absence;
use tradepulse_core::inference::Prediction;

use super::{Advisors, Told};

/// What was answered about a candle.
#[derive(Clone, Debug)]
pub(in crate::coordinator) struct Answers {
    pub(super) answers: Vec<Result<Prediction, Absence>>,
    pub(super) latencies: Vec<Duration>,
}

impl Answers {
    /// None of `members` answered.
    fn none(members: usize, why: &Absence) -> Self {
        let answers = (0..members).map(|_| Err(why.clone())).collect();
        Self { answers, latencies: vec![Duration::ZERO; members] }
    }

    fn broken(members: usize) -> Self {
        let reason = "it broke while it was asked".to_owned();
        Self::none(members, &Absence::Unavailable { reason })
    }
}

/// A question that is under way, for as long as somebody waits for it.
#[derive(Debug)]
pub(in crate::coordinator) struct Round {
    answers: watch::Receiver<Option<Answers>>,
    members: usize,
}

impl Round {
    pub(super) fn begin(advisors: &Arc<Advisors>, told: &Arc<Told>) -> Self {
        let (sender, answers) = watch::channel(None);
        let (members, advisors, told) =
            (advisors.members.len(), Arc::clone(advisors), Arc::clone(told));
        tokio::spawn(async move {
            tokio::select! {
                answers = ask(&advisors, &told) => {
                    sender.send_replace(Some(answers));
                }
                () = sender.closed() => {}
            }
        });
        Self { answers, members }
    }

    pub(in crate::coordinator) async fn answers(&self) -> Answers {
        let mut answers = self.answers.clone();
        let answered = answers.wait_for(Option::is_some).await;
        answered.ok().and_then(|a| a.clone()).unwrap_or_else(|| Answers::broken(self.members))
    }
}

/// Asks all of them side by side. Who has not answered by its deadline is late.
async fn ask(advisors: &Arc<Advisors>, told: &Arc<Told>) -> Answers {
    let mut asked = JoinSet::new();
    for (i, member) in advisors.members.iter().enumerate() {
        let (member, told) = (member.clone(), Arc::clone(told));
        asked.spawn(async move {
            let began = Instant::now();
            let answer = timeout(member.deadline, member.model.ask(&told.snapshot())).await;
            (i, answer.unwrap_or(Err(Absence::Late)), began.elapsed())
        });
    }
    let Answers { mut answers, mut latencies } = Answers::broken(advisors.members.len());
    while let Some(answered) = asked.join_next().await {
        if let Ok((i, answer, latency)) = answered {
            answers[i] = answer;
            latencies[i] = latency;
        }
    }
    Answers { answers, latencies }
}

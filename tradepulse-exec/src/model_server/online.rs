use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::ModelServer;
use super::learning::Learned;
use super::outcomes::{self, LeftOut, SampleLabels};
use super::problem::Problem;
use super::trigger::{Answer, Trained, failed};
use crate::atomic;
use crate::inference::bundle::Bundle;
use crate::inference::online::{Online, OnlinePlan};

/// The format that this program writes and reads.
const FORMAT: u32 = 1;

/// So many lines are learnt from before the state is written, where many wait.
const AT_ONCE: u64 = 256;

/// What was learnt online, and from how much of the samples. It is written after it learnt: what the
/// samples have beyond it is learnt from again after a crash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnlineState {
    format: u32,
    /// Lines of the samples that it has seen, and their bytes.
    lines: u64,
    bytes: u64,
    left_out: LeftOut,
    learner: Online,
}

/// What the server says about it.
#[derive(Clone, Copy, Serialize)]
pub(super) struct OnlineStatus {
    /// Samples that it has seen.
    seen: u64,
    /// Samples that it learnt from.
    learnt: u64,
    /// Samples that judge it beside the model that serves.
    judged: usize,
}

impl OnlineState {
    /// What was written to `path`, or a new one beside `champion`.
    fn open(path: &Path, plan: &OnlinePlan, champion: &Bundle) -> Result<Self, Problem> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let learner =
                    Online::new(plan.settings, champion).map_err(|error| failed(&error))?;
                let left_out = LeftOut::default();
                return Ok(Self { format: FORMAT, lines: 0, bytes: 0, left_out, learner });
            }
            Err(error) => return Err(unusable(path, &error)),
        };
        let state: Self = serde_json::from_slice(&text).map_err(|error| unusable(path, &error))?;
        if state.format != FORMAT {
            return Err(unusable(path, &"it is of another version of this program"));
        }
        let learner = state.learner.checked().map_err(|error| unusable(path, &error))?;
        Ok(Self { learner, ..state })
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec(self).map_err(std::io::Error::from)?;
        atomic::write(path, |file| file.write_all(&text))?;
        atomic::sync_folder(path.parent().unwrap_or(Path::new("")))
    }
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Problem {
    let path = path.display();
    let detail = format!(
        "nothing is learnt online: {path}: {why}; remove the file to learn from all samples anew"
    );
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

impl ModelServer {
    /// Learns from outcomes as they are kept, those first that were kept and not learnt from before
    /// this start, and publishes what is better. Never ends.
    pub async fn learn_online(&self) {
        let Some(learned) = self.shared.learned.as_ref().filter(|l| l.settings.online.is_some())
        else {
            return std::future::pending().await;
        };
        loop {
            let alone = Arc::clone(&learned.training).lock_owned().await;
            if let Err(problem) = self.catch_up().await {
                learned.tell(problem.detail().to_owned());
            }
            drop(alone);
            learned.kept.notified().await;
        }
    }

    /// Learns from all samples that are there, and judges whenever it is due.
    async fn catch_up(&self) -> Result<(), Problem> {
        while let Some(trained) = self.off_thread(|server| server.learn_until_due()).await? {
            let judged = trained.report.is_some();
            let answer = self.settle(trained).await?;
            self.off_thread(|server| server.write_online()).await?;
            if judged {
                self.learned()?.tell(answer.told());
            }
        }
        Ok(())
    }

    /// As [`catch_up`](Self::catch_up), and judges at its end.
    pub(super) async fn train_online(&self) -> Result<Answer, Problem> {
        self.catch_up().await?;
        let trained = self.off_thread(|server| server.judge_now()).await?;
        self.settle(trained).await
    }

    fn write_online(&self) -> Result<(), Problem> {
        self.with_online(|server, _, _, state| {
            state.write(&online_file(server.learned()?)).map_err(|error| failed(&error))
        })
    }

    fn judge_now(&self) -> Result<Trained, Problem> {
        self.with_online(|server, champion, _, state| server.judged(champion, state))
    }

    /// Learns until it is time to judge, and judges then; `None` where the samples end before.
    fn learn_until_due(&self) -> Result<Option<Trained>, Problem> {
        self.with_online(|server, champion, plan, state| {
            let learned = server.learned()?;
            let Some(samples) = &server.shared.samples else { return Ok(None) };
            let SampleLabels::Outcome { profit_above, loss_below } = learned.settings.labels else {
                let detail = "forward returns are not known when an outcome comes: nothing is \
                              learnt online by such labels";
                return Err(Problem::new(StatusCode::CONFLICT, detail));
            };
            let path = online_file(learned);
            if samples.count() < state.lines {
                let detail = format!(
                    "it has seen {} samples, and there are {} now",
                    state.lines,
                    samples.count()
                );
                return Err(unusable(&path, &detail));
            }
            let lines = outcomes::lines_after(samples.path(), state.bytes)
                .map_err(|error| failed(&error))?;
            let handle = Handle::current();
            let mut unwritten = 0;
            // What is not acknowledged yet may be taken back.
            let there = samples.count() - state.lines;
            for line in lines.take(usize::try_from(there).unwrap_or(usize::MAX)) {
                let line = line.map_err(|error| failed(&error))?;
                // Whatever fails, nothing of this line is kept.
                let mut next = state.clone();
                let sample = outcomes::by_its_outcome(
                    &line,
                    champion,
                    &server.shared.settings,
                    (profit_above, loss_below),
                    &mut next.left_out,
                );
                if let Some(sample) = sample {
                    let observed = next.learner.observe(&sample, champion);
                    let learnt = handle.block_on(observed).map_err(|error| failed(&error))?;
                    next.left_out.not_traded += u64::from(!learnt);
                }
                next.lines += 1;
                next.bytes += line.len() as u64 + 1;
                *state = next;
                unwritten += 1;
                if state.learner.is_due(plan) {
                    return server.judged(champion, state).map(Some);
                }
                if unwritten == AT_ONCE {
                    state.write(&path).map_err(|error| failed(&error))?;
                    unwritten = 0;
                }
            }
            if unwritten > 0 {
                state.write(&path).map_err(|error| failed(&error))?;
            }
            Ok(None)
        })
    }

    /// Judges what was learnt.
    fn judged(&self, champion: &Bundle, state: &mut OnlineState) -> Result<Trained, Problem> {
        let plan = &self.learned()?.settings.plan;
        let (report, reason, better) = match Handle::current()
            .block_on(state.learner.judge(champion, plan))
        {
            Ok(judged) => (Some(judged.report), None, judged.better),
            Err(error) if error.is_for_want_of_samples() => (None, Some(error.to_string()), None),
            Err(error) => return Err(failed(&error)),
        };
        let (lines, left_out) = (state.lines, state.left_out.clone());
        let champion = champion.manifest().version;
        Ok(Trained { champion, lines, left_out, report, reason, better })
    }

    /// Works on the state, which is read if it was not yet.
    fn with_online<T>(
        &self,
        work: impl FnOnce(&Self, &Bundle, &OnlinePlan, &mut OnlineState) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let learned = self.learned()?;
        let Some(plan) = &learned.settings.online else {
            return Err(Problem::new(StatusCode::CONFLICT, "this server does not learn online"));
        };
        let champion = self.served();
        let mut online = learned.online.lock().unwrap_or_else(PoisonError::into_inner);
        let state = match &mut *online {
            Some(state) => state,
            none => none.insert(OnlineState::open(&online_file(learned), plan, &champion)?),
        };
        let done = work(self, &champion, plan, state);
        *learned.online_status.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(OnlineStatus {
                seen: state.lines,
                learnt: state.learner.learnt(),
                judged: state.learner.judged(),
            });
        done
    }
}

/// Where the state is kept.
fn online_file(learned: &Learned) -> PathBuf {
    learned.settings.directory.path().join("online.json")
}

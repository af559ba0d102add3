use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::runtime::Handle;

use super::ModelServer;
use super::learning::{LastTraining, Learned};
use super::outcomes::{self, LeftOut};
use super::problem::{Problem, json};
use crate::inference::model_directory::{ModelDirectoryError, Publication};
use crate::inference::retraining::{RetrainingReport, retrain};

/// What a training came to.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Whether a challenger was made.
    trained: bool,
    /// Whether it serves now.
    replaced: bool,
    /// Why not, if not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Samples that were there.
    samples: u64,
    left_out: LeftOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<RetrainingReport>,
    /// What serves now.
    model_name: String,
    model_version: u64,
}

/// What the thread that trains comes back with.
pub(super) struct Trained {
    /// The version that it was compared with.
    pub(super) champion: u64,
    pub(super) lines: u64,
    pub(super) left_out: LeftOut,
    pub(super) report: Option<RetrainingReport>,
    pub(super) reason: Option<String>,
    pub(super) better: Option<Publication>,
}

pub(super) async fn trigger(State(server): State<ModelServer>, headers: HeaderMap) -> Response {
    let began = Instant::now();
    let answer = match server.may_change(&headers) {
        Ok(()) => server.train_now().await,
        Err(problem) => Err(problem),
    };
    let answer = match answer {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(problem) => problem.into_response(),
    };
    server.shared.metrics.request("retrain_trigger", answer.status().as_u16(), began.elapsed());
    answer
}

impl ModelServer {
    /// Trains, and serves what is better. One at a time; goes on if nobody waits for it any more.
    pub(super) async fn train_now(&self) -> Result<Answer, Problem> {
        let learned = self.learned()?;
        let online = learned.settings.online.is_some();
        let turn = Arc::clone(&learned.training);
        let alone = if online {
            // Whoever learns from an outcome is done at once.
            turn.lock_owned().await
        } else if let Ok(alone) = turn.try_lock_owned() {
            alone
        } else {
            let detail = "a training is under way; there is one at a time";
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        };
        let server = self.clone();
        let training = tokio::spawn(async move {
            let answer = if online { server.train_online().await } else { server.train().await };
            drop(alone);
            answer
        });
        training.await.unwrap_or_else(|error| Err(failed(&error)))
    }

    async fn train(&self) -> Result<Answer, Problem> {
        let trained = self.off_thread(|server| server.challenge()).await?;
        self.settle(trained).await
    }

    /// Serves what is better, and keeps when it was trained.
    pub(super) async fn settle(&self, trained: Trained) -> Result<Answer, Problem> {
        let learned = self.learned()?;
        let mut reason = trained.reason;
        let mut replaced = false;
        if let Some(new) = trained.better {
            let _turn = learned.turn.lock().await;
            let same = self.served().manifest().version == trained.champion;
            replaced = same && self.publish(new).await?;
            if !replaced {
                let text = "another version was published in the meantime: train again";
                reason = Some(text.to_owned());
            }
        } else if trained.report.is_some() {
            reason = Some("the challenger is not better by the margin and beyond doubt".to_owned());
        }
        let last = LastTraining { samples: trained.lines, at: self.now(), replaced };
        if let Err(error) = learned.trained(last) {
            learned.tell(format!("when it was trained could not be kept: {error}"));
        }
        let bundle = self.served();
        let manifest = bundle.manifest();
        Ok(Answer {
            trained: trained.report.is_some(),
            replaced,
            reason,
            samples: trained.lines,
            left_out: trained.left_out,
            report: trained.report,
            model_name: manifest.name.clone(),
            model_version: manifest.version,
        })
    }

    /// Publishes a challenger of the model that is served, and serves it; unless another process has
    /// published a version that is not served here yet.
    async fn publish(&self, new: Publication) -> Result<bool, Problem> {
        let published = self.off_thread(move |server| {
            let learned = server.learned()?;
            let (directory, registry) = (&learned.settings.directory, &learned.settings.registry);
            let published = directory.publish_over(learned.seen(), new, registry);
            let bundle = match Handle::current().block_on(published) {
                Ok(bundle) => bundle,
                Err(ModelDirectoryError::Moved { .. }) => return Ok(false),
                Err(error) => return Err(failed(&error)),
            };
            learned.saw(Some(bundle.manifest().version));
            server.replace(bundle);
            Ok(true)
        });
        published.await
    }

    /// Makes a challenger out of the samples that there are now.
    fn challenge(&self) -> Result<Trained, Problem> {
        let settings = &self.learned()?.settings;
        let Some(samples) = &self.shared.samples else {
            let detail = "this server keeps no samples";
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        };
        let champion = self.served();
        let outcomes =
            outcomes::read(samples.path(), &champion, &self.shared.settings, &settings.labels)
                .map_err(|error| failed(&error))?;
        let challenge = retrain(&outcomes.samples, &champion, &*settings.learner, &settings.plan);
        let (report, reason, better) = match Handle::current().block_on(challenge) {
            Ok(retrained) => (Some(retrained.report), None, retrained.better),
            Err(error) if error.is_for_want_of_samples() => (None, Some(error.to_string()), None),
            Err(error) => return Err(failed(&error)),
        };
        let (lines, left_out) = (outcomes.lines, outcomes.left_out);
        let champion = champion.manifest().version;
        Ok(Trained { champion, lines, left_out, report, reason, better })
    }

    /// Learns from a sample, or trains if so many new ones have come.
    pub(super) fn sample_kept(&self, samples: u64) {
        let Some(learned) = &self.shared.learned else { return };
        if learned.settings.online.is_some() {
            return learned.kept.notify_one();
        }
        let Some(wanted) = learned.settings.retrain_after else { return };
        // The next one is asked for after as many again, whatever comes of this one; where samples
        // were taken away, after as many from then on.
        let enough = |asked: u64| match samples.checked_sub(asked) {
            Some(new) => (new >= wanted.max(1)).then_some(samples),
            None => Some(samples),
        };
        let asked = learned.asked_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enough);
        if asked.is_ok_and(|asked| asked < samples) {
            let server = self.clone();
            drop(tokio::spawn(async move { server.train_and_tell().await }));
        }
    }

    /// Trains, and tells what came of it.
    pub(super) async fn train_and_tell(&self) {
        let Ok(learned) = self.learned() else { return };
        match self.train_now().await {
            Ok(answer) => learned.tell(answer.told()),
            Err(problem) => learned.tell(format!("not trained: {}", problem.detail())),
        }
    }
}

impl Answer {
    pub(super) fn told(&self) -> String {
        let Self { model_name, model_version, samples, .. } = self;
        match (&self.report, &self.reason) {
            (Some(report), reason) => {
                let (low, high) = report.difference.interval;
                let why = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
                format!(
                    "trained on {samples} samples: the challenger's log loss is {:.4} less, 95 % \
                     interval {low:.4} to {high:.4}; {model_name} version {model_version} serves{why}",
                    report.difference.mean
                )
            }
            (None, reason) => format!("not trained: {}", reason.as_deref().unwrap_or("no samples")),
        }
    }
}

pub(super) fn failed(error: &dyn std::error::Error) -> Problem {
    let detail = format!("the training failed, and the model serves as before: {error}");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

impl Learned {
    /// Samples since the last training.
    pub(super) fn new_samples(&self, samples: u64) -> u64 {
        samples.saturating_sub(self.last().map_or(0, |last| last.samples))
    }
}

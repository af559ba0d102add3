use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tradepulse_core::inference::FeatureRegistry;
use tradepulse_core::time::Timestamp;

use super::ModelServer;
use super::online::{OnlineState, OnlineStatus};
use super::outcomes::SampleLabels;
use super::problem::Problem;
use crate::atomic;
use crate::inference::bundle::Bundle;
use crate::inference::learner::{BuiltInTrees, Learner};
use crate::inference::model_directory::{ModelDirectory, ModelDirectoryError};
use crate::inference::online::OnlinePlan;
use crate::inference::retraining::RetrainingPlan;

/// Where a server's model comes from, and how it becomes another one.
#[derive(Clone)]
pub struct Learning {
    /// The versions of the model.
    pub directory: ModelDirectory,
    /// The feature sets that versions may be made for.
    pub registry: FeatureRegistry,
    /// Whether `/rollback` and `/retrain/trigger` are answered: as they change what is served, only
    /// where those who can reach the server may do that.
    pub control: bool,
    /// What makes challengers.
    pub learner: Arc<dyn Learner>,
    /// What was right about a sample.
    pub labels: SampleLabels,
    /// How challengers are made and judged.
    pub plan: RetrainingPlan,
    /// Trains by itself after so many new samples.
    pub retrain_after: Option<u64>,
    /// Learns from each outcome as it comes instead, and judges what it learnt; `labels` have to be
    /// those of outcomes then, and `learner` and `retrain_after` count for nothing. Its state is
    /// `online.json` in the directory; [`ModelServer::learn_online`] does the work.
    pub online: Option<OnlinePlan>,
    /// Hears what the server does by itself.
    pub tell: Arc<dyn Fn(String) + Send + Sync>,
}

impl Learning {
    /// With `basic10` as features, boosted trees of our own, and no control; it tells nobody.
    pub fn new(directory: ModelDirectory) -> Self {
        Self {
            directory,
            registry: FeatureRegistry::default(),
            control: false,
            learner: Arc::new(BuiltInTrees::default()),
            labels: SampleLabels::default(),
            plan: RetrainingPlan::default(),
            retrain_after: None,
            online: None,
            tell: Arc::new(|_| ()),
        }
    }
}

impl std::fmt::Debug for Learning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Learning")
            .field("directory", &self.directory)
            .field("learner", &self.learner)
            .finish_non_exhaustive()
    }
}

/// When it was trained, whatever came of it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct LastTraining {
    /// Samples that were there.
    pub(super) samples: u64,
    pub(super) at: Timestamp,
    /// Whether a challenger won.
    pub(super) replaced: bool,
}

/// What a server that learns keeps of it.
pub(super) struct Learned {
    pub(super) settings: Learning,
    /// Whoever changes what is served has the turn.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Held by a training.
    pub(super) training: Arc<tokio::sync::Mutex<()>>,
    /// Samples there were when a training was asked for by their number.
    pub(super) asked_at: AtomicU64,
    /// Told when a sample was kept.
    pub(super) kept: Notify,
    /// What was learnt online, once it was read.
    pub(super) online: Mutex<Option<OnlineState>>,
    /// What is told of that.
    pub(super) online_status: Mutex<Option<OnlineStatus>>,
    last: Mutex<Option<LastTraining>>,
    /// The version that the directory named when it was looked at.
    seen: Mutex<Option<u64>>,
}

impl Learned {
    /// Beside a model of this version.
    pub(super) fn new(settings: Learning, version: u64) -> Self {
        // Not what the directory names now: it may have changed since the model was loaded.
        let seen = Mutex::new(Some(version));
        let last: Option<LastTraining> =
            std::fs::read(note(&settings)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            turn: tokio::sync::Mutex::new(()),
            training: Arc::default(),
            asked_at: AtomicU64::new(last.map_or(0, |last| last.samples)),
            kept: Notify::new(),
            online: Mutex::new(None),
            online_status: Mutex::new(None),
            last: Mutex::new(last),
            seen,
            settings,
        }
    }

    /// Whether the directory names another version than it did.
    pub(super) fn saw(&self, named: Option<u64>) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *seen, named) != named
    }

    /// The version that the directory named when it was looked at.
    pub(super) fn seen(&self) -> Option<u64> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last(&self) -> Option<LastTraining> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn online_status(&self) -> Option<OnlineStatus> {
        *self.online_status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps when it was trained.
    pub(super) fn trained(&self, last: LastTraining) -> io::Result<()> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        let text = serde_json::to_vec(&last).map_err(io::Error::from)?;
        atomic::write(&note(&self.settings), |file| file.write_all(&text))
    }

    pub(super) fn tell(&self, text: String) {
        (self.settings.tell)(text);
    }
}

/// Where it is kept when it was trained.
fn note(settings: &Learning) -> PathBuf {
    settings.directory.path().join("last_training.json")
}

impl ModelServer {
    /// Looks every `interval` whether the directory names another version, and serves that: what is
    /// published or rolled back by another process. Never ends.
    pub async fn follow(&self, interval: Duration) {
        let Some(learned) = self.shared.learned.as_ref() else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(interval).await;
            let _turn = learned.turn.lock().await;
            if !learned.saw(learned.settings.directory.named()) {
                continue;
            }
            let loaded = self.off_thread(|server| {
                let Learning { directory, registry, .. } = &server.learned()?.settings;
                Ok(Handle::current().block_on(directory.load(registry)))
            });
            match loaded.await {
                Ok(Ok(served)) => {
                    served.warnings.into_iter().for_each(|warning| learned.tell(warning));
                    let version = served.bundle.manifest().version;
                    if version != self.served().manifest().version {
                        self.replace(served.bundle);
                        learned.tell(format!("version {version} is served from now on"));
                    }
                }
                Ok(Err(error)) => learned.tell(format!("the version before is served: {error}")),
                Err(problem) => learned.tell(problem.detail().to_owned()),
            }
        }
    }

    /// Serves the version that was served before, or `to`.
    pub(super) async fn roll_back(&self, to: Option<u64>) -> Result<Bundle, Problem> {
        let _turn = self.learned()?.turn.lock().await;
        let rolled_back = self.off_thread(move |server| {
            let learned = server.learned()?;
            let Learning { directory, registry, .. } = &learned.settings;
            let bundle = Handle::current().block_on(directory.rollback(to, registry));
            let bundle = bundle.map_err(|error| {
                let status = match error {
                    ModelDirectoryError::NoVersion { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                    ModelDirectoryError::Io { .. } => StatusCode::INTERNAL_SERVER_ERROR,
                    _ => StatusCode::CONFLICT,
                };
                Problem::new(status, error.to_string())
            })?;
            learned.saw(Some(bundle.manifest().version));
            server.replace(bundle.clone());
            Ok(bundle)
        });
        rolled_back.await
    }

    /// Works where waiting, for the disk or another process, holds nobody up. A panic in there is an
    /// error here.
    pub(super) async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let server = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&server)).await;
        done.unwrap_or_else(|error| {
            let detail = format!("the model serves as before: {error}");
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail))
        })
    }

    pub(super) fn learned(&self) -> Result<&Learned, Problem> {
        self.shared.learned.as_ref().ok_or_else(|| {
            let detail = "this server has one file for a model, and no other version of it";
            Problem::new(StatusCode::CONFLICT, detail)
        })
    }

    /// Refuses those who may not change what is served.
    pub(super) fn may_change(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let refused = |detail: &str| Err(Problem::new(StatusCode::FORBIDDEN, detail));
        if !self.learned()?.settings.control {
            return refused("this server does not let its model be changed over the network");
        }
        // Browsers say which page a request comes from; no page has to change a model.
        if headers.contains_key(header::ORIGIN) {
            return refused("a web page may not change what is served");
        }
        Ok(())
    }
}

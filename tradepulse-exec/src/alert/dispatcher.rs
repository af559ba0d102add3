use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Alert, AlertLevel, AlertTarget, Alerter, DeliveryError, Digest};

/// How patient delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DispatcherSettings {
    /// What comes within this time of a message to the same target comes as one further message.
    pub merge_interval: Duration,
    /// How often a message that did not arrive is sent again.
    pub retries: u32,
    /// Pause before the first of these; it doubles.
    pub retry_pause: Duration,
    /// Longest pause, unless the target asks for a longer one.
    pub max_retry_pause: Duration,
}

impl Default for DispatcherSettings {
    fn default() -> Self {
        Self {
            merge_interval: Duration::from_secs(10),
            retries: 8,
            retry_pause: Duration::from_secs(1),
            max_retry_pause: Duration::from_secs(60),
        }
    }
}

/// A target and what it is told.
pub struct Subscription {
    /// The target.
    pub target: Box<dyn AlertTarget>,
    /// Levels it is told of.
    pub levels: Vec<AlertLevel>,
}

/// Delivers alerts in the background, a task for each target: one that fails or hangs holds up
/// nobody. Alerts that come faster than messages may leave are merged into the next one, which names
/// how many there were and what they say.
pub struct Dispatcher {
    lanes: Vec<Lane>,
    closing: watch::Sender<bool>,
}

struct Lane {
    levels: Vec<AlertLevel>,
    waiting: Arc<Waiting>,
    task: JoinHandle<u64>,
}

#[derive(Default)]
struct Waiting {
    digest: Mutex<Digest>,
    bell: Notify,
}

impl Waiting {
    fn add(&self, alert: Alert) {
        self.digest.lock().unwrap_or_else(PoisonError::into_inner).add(alert);
        self.bell.notify_one();
    }

    fn take(&self) -> Digest {
        std::mem::take(&mut self.digest.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Dispatcher {
    /// Starts delivering on `runtime`.
    pub fn start(
        runtime: &Handle,
        subscriptions: Vec<Subscription>,
        settings: DispatcherSettings,
    ) -> Self {
        let (closing, closed) = watch::channel(false);
        let lanes = subscriptions.into_iter().map(|Subscription { target, levels }| {
            let waiting = Arc::<Waiting>::default();
            let courier =
                Courier { target, settings, waiting: Arc::clone(&waiting), closed: closed.clone() };
            Lane { levels, waiting, task: runtime.spawn(courier.work()) }
        });
        Self { lanes: lanes.collect(), closing }
    }

    /// Delivers what waits, for at most `patience`, and ends. Gives the number of messages that
    /// were given up since the start; messages still on their way when patience ends are among
    /// them.
    pub async fn close(self, patience: Duration) -> u64 {
        let deadline = Instant::now() + patience;
        self.closing.send_replace(true);
        let mut given_up = 0;
        for mut lane in self.lanes {
            lane.waiting.bell.notify_one();
            given_up += match timeout_at(deadline, &mut lane.task).await {
                Ok(count) => count.unwrap_or(1),
                Err(_) => {
                    lane.task.abort();
                    1
                }
            };
        }
        given_up
    }
}

impl Alerter for Dispatcher {
    fn alert(&self, alert: Alert) {
        for lane in self.lanes.iter().filter(|lane| lane.levels.contains(&alert.level)) {
            lane.waiting.add(alert.clone());
        }
    }
}

struct Courier {
    target: Box<dyn AlertTarget>,
    settings: DispatcherSettings,
    waiting: Arc<Waiting>,
    closed: watch::Receiver<bool>,
}

impl Courier {
    /// Gives the number of messages that were given up.
    async fn work(mut self) -> u64 {
        let mut given_up = 0;
        loop {
            let digest = self.waiting.take();
            if digest.is_empty() {
                // A dispatcher that was dropped will not ring any more.
                if *self.closed.borrow() || self.closed.has_changed().is_err() {
                    return given_up;
                }
                let _ = timeout(self.settings.max_retry_pause, self.waiting.bell.notified()).await;
                continue;
            }
            for message in self.target.render(&digest) {
                if let Err(error) = self.deliver(&message).await {
                    given_up += 1;
                    tracing::error!(to = self.target.name(), %error, "an alert was given up");
                }
            }
            // What happens meanwhile comes as one message.
            let closing = self.closed.wait_for(|closing| *closing);
            let _ = timeout(self.settings.merge_interval, closing).await;
        }
    }

    async fn deliver(&self, message: &str) -> Result<(), DeliveryError> {
        let mut pause = self.settings.retry_pause;
        let mut tries = 0;
        loop {
            let error = match self.target.send(message).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let DeliveryError::Failed { retry_after, .. } = &error else { return Err(error) };
            if tries >= self.settings.retries {
                return Err(error);
            }
            tries += 1;
            let wait = retry_after.unwrap_or_default().max(pause);
            tracing::warn!(to = self.target.name(), %error, ?wait, "an alert is tried again");
            sleep(wait).await;
            pause = (pause * 2).min(self.settings.max_retry_pause);
        }
    }
}

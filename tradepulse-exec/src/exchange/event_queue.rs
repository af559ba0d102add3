//! Events of a venue between the task that hears them and whoever drains them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tradepulse_core::exchange::VenueEvent;

/// A queue that can be waited for.
#[derive(Debug, Default)]
pub struct EventQueue {
    events: Mutex<VecDeque<VenueEvent>>,
    filled: Notify,
}

impl EventQueue {
    /// Puts an event at the end.
    pub fn push(&self, event: VenueEvent) {
        self.lock().push_back(event);
        self.filled.notify_waiters();
    }

    /// Takes all there is, oldest first.
    pub fn drain(&self) -> Vec<VenueEvent> {
        self.lock().drain(..).collect()
    }

    /// Waits until there is something to drain.
    pub async fn wait(&self) {
        loop {
            // Listen before looking, so that what comes in between is not missed.
            let filled = self.filled.notified();
            tokio::pin!(filled);
            filled.as_mut().enable();
            if !self.lock().is_empty() {
                return;
            }
            filled.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<VenueEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

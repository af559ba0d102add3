use std::time::Duration;

use super::ModelServer;
pub use crate::schedule::{RetrainSchedule, UnknownSchedule};

/// The longest that is slept before the clock is looked at again, since clocks are set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

impl ModelServer {
    /// Trains at the times of `schedule`. Never ends.
    pub async fn keep_schedule(&self, schedule: &RetrainSchedule) {
        let mut due = schedule.after(self.now());
        loop {
            let Some(time) = due else { return std::future::pending().await };
            let left = time.as_ms().saturating_sub(self.now().as_ms());
            match u64::try_from(left) {
                Ok(left) if left > 0 => {
                    tokio::time::sleep(Duration::from_millis(left).min(LONGEST_SLEEP)).await;
                }
                _ => {
                    self.train_and_tell().await;
                    due = schedule.after(self.now());
                }
            }
        }
    }
}

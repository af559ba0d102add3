use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use jiff::tz::TimeZone;
use tradepulse_core::time::Timestamp;

use super::ModelServer;

/// Times at which a server trains: a cron expression in UTC, such as `0 2 * * *`, every night at two.
#[derive(Clone, Debug)]
pub struct RetrainSchedule(Cron);

impl RetrainSchedule {
    /// The first time after `now`; `None` if there is none any more.
    ///
    /// ```
    /// use tradepulse_core::time::Timestamp;
    /// use tradepulse_exec::model_server::RetrainSchedule;
    /// let schedule: RetrainSchedule = "0 2 * * *".parse()?;
    /// let now: Timestamp = "2024-02-28T02:00:00Z".parse()?;
    /// assert_eq!(schedule.after(now), Some("2024-02-29T02:00:00Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let now = jiff::Timestamp::from_millisecond(now.as_ms()).ok()?.to_zoned(TimeZone::UTC);
        let next = self.0.find_next_occurrence(&now, false).ok()?;
        Some(Timestamp::from_ms(next.timestamp().as_millisecond()))
    }
}

impl FromStr for RetrainSchedule {
    type Err = UnknownSchedule;

    fn from_str(text: &str) -> Result<Self, UnknownSchedule> {
        let wrong = |problem: String| UnknownSchedule { text: text.to_owned(), problem };
        let cron: Cron = text.parse().map_err(|error| wrong(format!("{error}")))?;
        let schedule = Self(cron);
        // The 30th of February never comes.
        match schedule.after(Timestamp::from_ms(0)) {
            Some(_) => Ok(schedule),
            None => Err(wrong("it names no time".to_owned())),
        }
    }
}

/// A text that is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no schedule ({problem}): expected minute, hour, day, month and weekday, such as \
     \"0 2 * * *\""
)]
pub struct UnknownSchedule {
    text: String,
    problem: String,
}

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

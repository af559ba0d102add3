//! When models are trained again.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use jiff::tz::TimeZone;
use tradepulse_core::time::Timestamp;

/// Times at which a model is trained: a cron expression in UTC, such as `0 2 * * *`, every night at
/// two.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrainSchedule(Cron);

impl RetrainSchedule {
    /// The first time after `now`; `None` if there is none any more.
    ///
    /// ```
    /// use tradepulse_core::time::Timestamp;
    /// use tradepulse_exec::schedule::RetrainSchedule;
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

/// The expression.
impl fmt::Display for RetrainSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
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

//! Instants and candle lengths. Everything is UTC; the smallest unit is the millisecond.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Milliseconds in one UTC day.
pub const DAY_MS: i64 = 86_400_000;

/// An instant: milliseconds since the Unix epoch, UTC.
///
/// ```
/// use tradepulse_core::time::Timestamp;
/// let t: Timestamp = "2024-01-01T00:05:00Z".parse()?;
/// assert_eq!(t.as_ms(), 1_704_067_500_000);
/// assert_eq!(t.to_string(), "2024-01-01T00:05:00Z");
/// # Ok::<(), tradepulse_core::time::TimeError>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first instant of the year 1.
    pub const EARLIEST: Self = Self(-62_135_596_800_000);
    /// The last millisecond of the year 9999.
    pub const LATEST: Self = Self(253_402_300_799_999);

    /// The instant `ms` milliseconds after the Unix epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// Days since the Unix epoch of the UTC day this instant lies in.
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// Year and month (1 to 12) in UTC; `None` outside the years −9999 to 9999.
    pub fn year_month(self) -> Option<(i16, i8)> {
        let date = jiff::Timestamp::from_millisecond(self.0).ok()?;
        let date = jiff::tz::Offset::UTC.to_datetime(date).date();
        Some((date.year(), date.month()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => t.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// RFC 3339 (`2024-01-01T00:00:00Z`), a UTC date (`2024-01-01`, its first instant), or a date
    /// and a time with a space or a `T` between them, which are UTC unless an offset follows
    /// (`2024-01-01 00:05`, `2024-01-01 00:05:00+01:00`).
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let unreadable = || TimeError::Timestamp(text.to_owned());
        if text.len() == 10
            && let Ok(date) = text.parse::<jiff::civil::Date>()
        {
            let t = jiff::tz::Offset::UTC
                .to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
                .map_err(|_| unreadable())?;
            return Ok(Self(t.as_millisecond()));
        }
        if let Ok(t) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(t.as_millisecond()));
        }
        // Without an offset; whatever looks like one, or like a zone, was refused above.
        let zoned =
            text.len() < 16 || text.bytes().skip(10).any(|b| matches!(b, b'+' | b'-' | b'['));
        let t: jiff::civil::DateTime = text.parse().map_err(|_| unreadable())?;
        if zoned {
            return Err(unreadable());
        }
        let t = jiff::tz::Offset::UTC.to_timestamp(t).map_err(|_| unreadable())?;
        Ok(Self(t.as_millisecond()))
    }
}

/// The length of a candle, such as `5m` or `1h`: a whole number of minutes, hours or days.
///
/// ```
/// use tradepulse_core::time::Timeframe;
/// let t: Timeframe = "15m".parse()?;
/// assert_eq!(t, Timeframe::M15);
/// assert_eq!(t.as_ms(), 900_000);
/// assert_eq!(t.times(4)?.to_string(), "1h");
/// # Ok::<(), tradepulse_core::time::TimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timeframe {
    ms: i64,
}

impl Timeframe {
    const MINUTE_MS: i64 = 60_000;
    const LONGEST_MS: i64 = 366 * DAY_MS;

    /// One minute.
    pub const M1: Self = Self::minutes(1);
    /// Three minutes.
    pub const M3: Self = Self::minutes(3);
    /// Five minutes.
    pub const M5: Self = Self::minutes(5);
    /// Fifteen minutes.
    pub const M15: Self = Self::minutes(15);
    /// Thirty minutes.
    pub const M30: Self = Self::minutes(30);
    /// One hour.
    pub const H1: Self = Self::minutes(60);
    /// Two hours.
    pub const H2: Self = Self::minutes(120);
    /// Four hours.
    pub const H4: Self = Self::minutes(240);
    /// Six hours.
    pub const H6: Self = Self::minutes(360);
    /// Twelve hours.
    pub const H12: Self = Self::minutes(720);
    /// One day.
    pub const D1: Self = Self::minutes(1440);

    const fn minutes(n: i64) -> Self {
        Self { ms: n * Self::MINUTE_MS }
    }

    /// A timeframe of `ms` milliseconds.
    ///
    /// # Errors
    /// [`TimeError::Length`] unless `ms` is a whole number of minutes, from one minute to 366 days.
    pub const fn from_ms(ms: i64) -> Result<Self, TimeError> {
        if ms >= Self::MINUTE_MS && ms <= Self::LONGEST_MS && ms % Self::MINUTE_MS == 0 {
            Ok(Self { ms })
        } else {
            Err(TimeError::Length(ms))
        }
    }

    /// The length in milliseconds.
    pub const fn as_ms(self) -> i64 {
        self.ms
    }

    /// A timeframe `factor` times as long.
    ///
    /// # Errors
    /// [`TimeError::Length`] if that is zero or longer than 366 days.
    pub const fn times(self, factor: u32) -> Result<Self, TimeError> {
        Self::from_ms(self.ms.saturating_mul(factor as i64))
    }

    /// Whether a candle of this timeframe may open at `time` (grids start at the Unix epoch).
    pub const fn is_aligned(self, time: Timestamp) -> bool {
        time.as_ms().rem_euclid(self.ms) == 0
    }

    /// The open time of the candle of this timeframe that `time` falls into.
    pub const fn floor(self, time: Timestamp) -> Timestamp {
        Timestamp::from_ms(time.as_ms() - time.as_ms().rem_euclid(self.ms))
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.ms / Self::MINUTE_MS;
        if minutes % 1440 == 0 {
            write!(f, "{}d", minutes / 1440)
        } else if minutes % 60 == 0 {
            write!(f, "{}h", minutes / 60)
        } else {
            write!(f, "{minutes}m")
        }
    }
}

impl FromStr for Timeframe {
    type Err = TimeError;

    /// A number and a unit: `m` (minutes), `h` (hours), `d` (days) or `w` (weeks of seven days).
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let unreadable = || TimeError::Timeframe(text.to_owned());
        let unit = text.chars().next_back().ok_or_else(unreadable)?;
        let minutes: i64 = match unit {
            'm' => 1,
            'h' => 60,
            'd' => 1440,
            'w' => 10_080,
            _ => return Err(unreadable()),
        };
        let digits = text.strip_suffix(unit).ok_or_else(unreadable)?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(unreadable());
        }
        let count: i64 = digits.parse().map_err(|_| unreadable())?;
        Self::from_ms(count.saturating_mul(minutes).saturating_mul(Self::MINUTE_MS))
    }
}

impl TryFrom<String> for Timeframe {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<Timeframe> for String {
    fn from(timeframe: Timeframe) -> Self {
        timeframe.to_string()
    }
}

/// A time that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not an instant.
    #[error("{0:?} is not a time: expected RFC 3339 such as 2024-01-31T00:00:00Z, or a date")]
    Timestamp(String),
    /// Not a timeframe.
    #[error("{0:?} is not a timeframe: expected a number and a unit, such as 1m, 5m, 1h or 1d")]
    Timeframe(String),
    /// A length no candle can have.
    #[error("a timeframe of {0} ms is not a whole number of minutes between 1 minute and 366 days")]
    Length(i64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeframes_round_trip() {
        for text in ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "7d"] {
            assert_eq!(text.parse::<Timeframe>().unwrap().to_string(), text);
        }
        assert_eq!("60m".parse::<Timeframe>().unwrap(), Timeframe::H1);
        for text in ["", "m", "0m", "-5m", "5", "5x", "5 m", "+5m", "99999999999999999999d", "5é"]
        {
            assert!(text.parse::<Timeframe>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn timestamps_read_dates_and_offsets() {
        assert_eq!("2024-01-01".parse::<Timestamp>().unwrap().as_ms(), 1_704_067_200_000);
        assert_eq!(
            "2024-01-01T01:00:00+01:00".parse::<Timestamp>().unwrap().as_ms(),
            1_704_067_200_000
        );
        for text in ["2024-01-01 00:00:00", "2024-01-01T00:00", "2024-01-01 01:00:00+01:00"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().as_ms(), 1_704_067_200_000, "{text}");
        }
        for text in ["yesterday", "", "20240101", "2024-01-01 00", "2024-01-01 00:00[Europe/Rome]"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        assert_eq!(Timestamp::from_ms(-1).utc_day(), -1);
        assert_eq!(Timestamp::from_ms(1_704_067_200_000).year_month(), Some((2024, 1)));
    }
}

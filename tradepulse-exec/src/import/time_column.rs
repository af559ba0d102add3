use tradepulse_core::time::Timestamp;

/// What an integer time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    const ALL: [Self; 4] =
        [Self::Seconds, Self::Milliseconds, Self::Microseconds, Self::Nanoseconds];

    /// The unit in which `value` is a time between 1973 and 5138.
    fn of(value: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.holds(value))
    }

    fn holds(self, value: i64) -> bool {
        match self {
            Self::Seconds => (100_000_000..100_000_000_000).contains(&value),
            Self::Milliseconds => (100_000_000_000..100_000_000_000_000).contains(&value),
            Self::Microseconds => (100_000_000_000_000..100_000_000_000_000_000).contains(&value),
            Self::Nanoseconds => value >= 100_000_000_000_000_000,
        }
    }

    fn to_ms(self, value: i64) -> Result<i64, String> {
        let divided = |by: i64| {
            if value % by == 0 {
                Ok(value / by)
            } else {
                Err("is not a whole number of milliseconds".to_owned())
            }
        };
        match self {
            Self::Seconds => value.checked_mul(1000).ok_or_else(|| "is out of range".to_owned()),
            Self::Milliseconds => Ok(value),
            Self::Microseconds => divided(1000),
            Self::Nanoseconds => divided(1_000_000),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        }
    }
}

/// Reads the times of one file: the first decides what the others must be like.
#[derive(Clone, Debug)]
pub(super) struct TimeColumn {
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Undecided,
    /// The unit was declared: any magnitude is fine.
    Declared(Unit),
    /// The unit was inferred: the magnitude must stay.
    Inferred(Unit),
    Text,
}

impl TimeColumn {
    pub(super) fn new(declared: Option<Unit>) -> Self {
        Self { kind: declared.map_or(Kind::Undecided, Kind::Declared) }
    }

    /// Milliseconds of an integer time.
    pub(super) fn integer(&mut self, value: i64) -> Result<i64, String> {
        match self.kind {
            Kind::Declared(unit) => unit.to_ms(value),
            Kind::Inferred(unit) if unit.holds(value) => unit.to_ms(value),
            Kind::Inferred(unit) => {
                Err(format!("does not count {}, as the times before it do", unit.name()))
            }
            Kind::Text => Err("is a number, while the times before it are dates".to_owned()),
            Kind::Undecided => {
                let unit = Unit::of(value).ok_or(
                    "could count any unit: name the column timestamp_s, timestamp_ms, \
                     timestamp_us or timestamp_ns",
                )?;
                self.kind = Kind::Inferred(unit);
                unit.to_ms(value)
            }
        }
    }

    /// Milliseconds of a time written out: an integer, a date, or a date and a time of day.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<i64, String> {
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        if let Some(value) = integer(text) {
            return self.integer(value);
        }
        let date = std::str::from_utf8(text).ok();
        let date = date.map(|t| t.strip_suffix(" UTC").unwrap_or(t));
        let date = date.and_then(|t| t.parse::<Timestamp>().ok());
        let date = date.ok_or(
            "is not a time: expected seconds, milliseconds, microseconds or \
             nanoseconds since 1970, or a date such as 2024-01-31T00:00:00Z",
        )?;
        match self.kind {
            Kind::Inferred(_) => {
                return Err("is a date, while the times before it are numbers".to_owned());
            }
            Kind::Undecided | Kind::Declared(_) => self.kind = Kind::Text,
            Kind::Text => {}
        }
        Ok(date.as_ms())
    }
}

/// A decimal integer; zeros after a decimal point are accepted, for the sake of tables that passed
/// through floating point.
fn integer(text: &[u8]) -> Option<i64> {
    let whole = match memchr::memchr(b'.', text) {
        None => text,
        Some(point) => {
            let zeros = &text[point + 1..];
            if zeros.is_empty() || zeros.iter().any(|b| *b != b'0') {
                return None;
            }
            &text[..point]
        }
    };
    let (negative, digits) = match whole {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for &b in digits {
        if !b.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i64::from(b - b'0'))?;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<i64, String> {
        TimeColumn::new(None).text(text.as_bytes())
    }

    #[test]
    fn units_by_magnitude() {
        for text in [
            "1704067200",
            "1704067200000",
            "1704067200000000",
            "1704067200000000000",
            "1704067200.0",
            "2024-01-01",
            "2024-01-01 00:00:00",
            "2024-01-01 00:00:00 UTC",
            "2024-01-01T00:00:00.000Z",
            "2024-01-01 01:00:00+01:00",
        ] {
            assert_eq!(one(text), Ok(1_704_067_200_000), "{text}");
        }
        for text in [
            "",
            "0",
            "300000",
            "-1704067200",
            "1704067200.5",
            "1.7e9",
            "nan",
            "99999999999999999999",
            "1704067200000001",
            "1704067200000000001",
            "2024-13-01",
            "2024-01-01 25:00",
            ".",
            "-",
        ] {
            assert!(one(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_keeps_its_unit() {
        let mut column = TimeColumn::new(None);
        assert!(column.text(b"1704067200000").is_ok());
        assert!(column.text(b"1704067500").unwrap_err().contains("milliseconds"));
        assert!(column.text(b"2024-01-01").is_err());
        let mut column = TimeColumn::new(None);
        assert!(column.text(b"2024-01-01").is_ok());
        assert!(column.text(b"1704067500").is_err());
        let mut column = TimeColumn::new(Some(Unit::Milliseconds));
        assert_eq!(column.text(b"-300000"), Ok(-300_000));
        assert_eq!(column.text(b"0"), Ok(0));
        assert!(TimeColumn::new(Some(Unit::Seconds)).integer(i64::MAX).is_err());
    }
}

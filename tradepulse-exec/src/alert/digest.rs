use serde::Serialize;
use tradepulse_core::time::Timestamp;

use super::{Alert, AlertLevel};

/// What happened since the last message, as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// What was told, in the order in which it was told first.
    #[serde(rename = "alerts")]
    pub entries: Vec<DigestEntry>,
    /// How many more there were whose texts found no room.
    pub more: u64,
}

/// Something that was told once or several times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DigestEntry {
    /// What it is about.
    pub level: AlertLevel,
    /// What happened.
    pub text: String,
    /// How often it was told.
    pub count: u64,
    /// When first, ms.
    pub first_at: Timestamp,
    /// When last, ms.
    pub last_at: Timestamp,
}

impl Digest {
    /// Different texts that are kept. More than these are counted: memory stays bounded even if a
    /// target is down for days.
    pub const MAX_ENTRIES: usize = 500;

    /// Whether nothing was told.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.more == 0
    }

    /// Number of alerts in it.
    pub fn count(&self) -> u64 {
        self.entries.iter().map(|entry| entry.count).sum::<u64>() + self.more
    }

    /// Adds an alert.
    pub fn add(&mut self, alert: Alert) {
        let Alert { level, at, text } = alert;
        let same = self.entries.iter_mut().find(|e| e.level == level && e.text == text);
        if let Some(entry) = same {
            entry.count += 1;
            entry.last_at = entry.last_at.max(at);
        } else if self.entries.len() < Self::MAX_ENTRIES {
            let entry = DigestEntry { level, text, count: 1, first_at: at, last_at: at };
            self.entries.push(entry);
        } else {
            self.more += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_counted_and_nothing_is_lost() {
        let mut digest = Digest::default();
        assert!(digest.is_empty());
        let alert = |text: &str, at| Alert {
            level: AlertLevel::Error,
            at: Timestamp::from_ms(at),
            text: text.into(),
        };
        digest.add(alert("a", 1));
        digest.add(alert("b", 2));
        digest.add(alert("a", 3));
        digest.add(Alert { level: AlertLevel::Warning, ..alert("a", 4) });
        assert_eq!((digest.entries.len(), digest.count()), (3, 4));
        let first = &digest.entries[0];
        assert_eq!((first.count, first.first_at.as_ms(), first.last_at.as_ms()), (2, 1, 3));
        for i in 0..1000 {
            digest.add(alert(&i.to_string(), i));
        }
        assert_eq!((digest.entries.len(), digest.count()), (Digest::MAX_ENTRIES, 1004));
    }
}

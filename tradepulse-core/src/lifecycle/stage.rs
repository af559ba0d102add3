use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How far a configuration may be trusted.
///
/// The order is that of the rules, worst first: worse evidence never leads to a higher stage.
/// (MATURE asks for more than VALIDATION, and so is the highest.)
///
/// ```
/// use tradepulse_core::lifecycle::Stage;
/// assert_eq!("mature".parse(), Ok(Stage::Mature));
/// assert_eq!((Stage::Mature.as_str(), Stage::Mature.to_string()), ("mature", "MATURE".into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Simulated only.
    Paper,
    /// Was good, and is fading.
    Decay,
    /// Not proven.
    Discovery,
    /// Proven.
    Validation,
    /// Proven over a long record.
    Mature,
}

impl Stage {
    /// All stages, worst first.
    pub const ALL: [Self; 5] =
        [Self::Paper, Self::Decay, Self::Discovery, Self::Validation, Self::Mature];

    /// Most of the equity that a configuration of this stage may trade, a fraction.
    pub const fn max_allocation(self) -> f64 {
        match self {
            Self::Paper => 0.0,
            Self::Decay => 0.03,
            Self::Discovery => 0.02,
            Self::Validation => 0.05,
            Self::Mature => 0.10,
        }
    }

    /// The name in tables and sentences, such as `PAPER`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paper => "PAPER",
            Self::Decay => "DECAY",
            Self::Discovery => "DISCOVERY",
            Self::Validation => "VALIDATION",
            Self::Mature => "MATURE",
        }
    }

    /// The word in commands, JSON and databases, such as `paper`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Decay => "decay",
            Self::Discovery => "discovery",
            Self::Validation => "validation",
            Self::Mature => "mature",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        let found = Self::ALL.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownStage(text.to_owned()))
    }
}

/// A word that is no stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a stage: expected paper, decay, discovery, validation or mature")]
pub struct UnknownStage(String);

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::order::Side;

/// What a model would do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Be long.
    Long,
    /// Be short.
    Short,
    /// Neither.
    #[default]
    Hold,
}

impl Action {
    /// All of them, in the order in which class probabilities come by default.
    pub const ALL: [Self; 3] = [Self::Long, Self::Short, Self::Hold];

    /// Its word: `long`, `short` or `hold`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
            Self::Hold => "hold",
        }
    }

    /// 1 for long, −1 for short, 0 for hold.
    pub const fn sign(self) -> f64 {
        match self.side() {
            Some(side) => side.sign(),
            None => 0.0,
        }
    }

    /// The side of a position; `None` for hold.
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Long => Some(Side::Long),
            Self::Short => Some(Side::Short),
            Self::Hold => None,
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        let found = Self::ALL.into_iter().find(|action| action.name() == text);
        found.ok_or_else(|| UnknownAction(text.to_owned()))
    }
}

/// A word that is no action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no action: expected long, short or hold")]
pub struct UnknownAction(String);

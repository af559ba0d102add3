use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::market::{ExchangeName, Symbol};
use crate::regime::Regime;
use crate::time::Timeframe;

/// The regime a configuration is for.
///
/// ```
/// use tradepulse_core::regime::Regime;
/// use tradepulse_core::store::RegimeScope;
/// assert_eq!("any".parse(), Ok(RegimeScope::Any));
/// assert_eq!(RegimeScope::from(Regime::Bull).to_string(), "bull");
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RegimeScope {
    /// Not split by regime.
    #[default]
    Any,
    /// Rising markets.
    Bull,
    /// Falling markets.
    Bear,
    /// Neither.
    Sideways,
}

impl RegimeScope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Any, Self::Bull, Self::Bear, Self::Sideways];

    /// Its word: `any`, `bull`, `bear` or `sideways`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Bull => "bull",
            Self::Bear => "bear",
            Self::Sideways => "sideways",
        }
    }
}

impl From<Regime> for RegimeScope {
    fn from(regime: Regime) -> Self {
        match regime {
            Regime::Bull => Self::Bull,
            Regime::Bear => Self::Bear,
            Regime::Sideways => Self::Sideways,
        }
    }
}

impl fmt::Display for RegimeScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RegimeScope {
    type Err = UnknownRegime;

    fn from_str(text: &str) -> Result<Self, UnknownRegime> {
        let found = Self::ALL.into_iter().find(|r| r.as_str() == text);
        found.ok_or_else(|| UnknownRegime(text.to_owned()))
    }
}

/// A word that is no regime.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a regime: expected any, bull, bear or sideways")]
pub struct UnknownRegime(String);

/// One cell of a training run: what a study searches for and a configuration is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// Name of the strategy.
    pub strategy: String,
    /// Where it trades.
    pub exchange: ExchangeName,
    /// What it trades.
    pub pair: Symbol,
    /// The length of a candle.
    pub timeframe: Timeframe,
    /// In which regime.
    pub regime: RegimeScope,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { strategy, exchange, pair, timeframe, regime } = self;
        write!(f, "{strategy} on {exchange} {pair} {timeframe}, regime {regime}")
    }
}

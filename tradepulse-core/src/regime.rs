//! Market regimes: bull, bear or sideways, judged from past candles only.
//!
//! [`RegimeRule`] is the base rule on one window; [`RegimeEnsemble`] runs it on three and adds how
//! sure that is.

mod ensemble;
mod rule;
mod volatility;

use serde::{Deserialize, Serialize};

pub use ensemble::{Probabilities, RegimeEnsemble, RegimeReading};
pub use rule::RegimeRule;
pub use volatility::{Volatility, VolatilityModel};

use crate::indicator::PeriodError;
use crate::market::Series;

/// The character of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// Rising.
    Bull,
    /// Falling.
    Bear,
    /// Neither.
    Sideways,
}

impl Regime {
    /// All regimes.
    pub const ALL: [Self; 3] = [Self::Bull, Self::Bear, Self::Sideways];

    /// The name in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bull => "bull",
            Self::Bear => "bear",
            Self::Sideways => "sideways",
        }
    }
}

/// The label of every candle of a series by the base rule, `None` while the first window fills.
///
/// # Errors
/// As [`RegimeRule::over_days`].
pub fn label(series: &Series, days: f64) -> Result<Vec<Option<Regime>>, PeriodError> {
    let mut rule = RegimeRule::over_days(days, series.timeframe())?;
    Ok(series.close().iter().map(|close| rule.next(*close)).collect())
}

/// What the ensemble makes of every candle of a series, `None` while its longest window fills.
///
/// # Errors
/// As [`RegimeEnsemble::new`].
pub fn classify(series: &Series) -> Result<Vec<Option<RegimeReading>>, PeriodError> {
    let mut ensemble = RegimeEnsemble::new(series.timeframe())?;
    Ok(series.close().iter().map(|close| ensemble.next(*close)).collect())
}

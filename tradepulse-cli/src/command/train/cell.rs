//! The cells of a training run: what is trained on what.

use std::fmt;
use std::sync::Arc;

use anyhow::{Result, bail};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::optimise::{Method, Space};
use tradepulse_core::regime::{self, Regime};
use tradepulse_core::store::RegimeScope;
use tradepulse_core::strategy::{Registered, Registry};
use tradepulse_core::training::{Study, StudyPlan, TrainingError};

use super::market::TrainingMarket;
use crate::advising::Advising;
use crate::arguments::{MODELS, NO_MODELS};

/// The regime a configuration is trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegimeChoice {
    /// Not split by regime.
    Any,
    /// Entries on candles of this regime only.
    Only(Regime),
}

impl RegimeChoice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Only(Regime::Bull) => "bull",
            Self::Only(Regime::Bear) => "bear",
            Self::Only(Regime::Sideways) => "sideways",
        }
    }
}

impl From<RegimeScope> for RegimeChoice {
    fn from(scope: RegimeScope) -> Self {
        match scope {
            RegimeScope::Any => Self::Any,
            RegimeScope::Bull => Self::Only(Regime::Bull),
            RegimeScope::Bear => Self::Only(Regime::Bear),
            RegimeScope::Sideways => Self::Only(Regime::Sideways),
        }
    }
}

impl std::str::FromStr for RegimeChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<RegimeScope>().map(Self::from).map_err(|e| e.to_string())
    }
}

/// One strategy on one market in one regime.
pub(crate) struct Cell<'a> {
    pub(crate) strategy: &'a Registered,
    /// What is searched of its variables.
    pub(crate) space: Space,
    pub(crate) market: &'a TrainingMarket,
    pub(crate) regime: RegimeChoice,
    /// The models whose word its entries need.
    pub(crate) advising: Option<&'a Advising>,
    pub(crate) backtest: Backtest<'a>,
    /// Why it cannot be trained, as far as that is seen before any work.
    pub(crate) obstacle: Option<String>,
}

impl<'a> Cell<'a> {
    /// Its study.
    pub(crate) fn study(&self, plan: StudyPlan) -> Result<Study<'a>, TrainingError> {
        let study = Study::new(self.strategy, self.backtest.clone(), plan)?;
        Ok(study.over(self.space.clone()))
    }

    /// The plan of its study: a grid has as many trials as it has points.
    pub(crate) fn plan(&self, plan: &StudyPlan) -> StudyPlan {
        match plan.method {
            Method::Grid => {
                StudyPlan { trials: self.space.size().try_into().unwrap_or(usize::MAX), ..*plan }
            }
            _ => *plan,
        }
    }

    /// Whether it differs from `other` in nothing but its regime.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        std::ptr::eq(self.market, other.market)
            && self.strategy.about().name == other.strategy.about().name
    }
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.strategy.about().name, self.market)?;
        match self.regime {
            RegimeChoice::Any => Ok(()),
            regime => write!(f, ", {}", regime.name()),
        }
    }
}

/// Memory of the indicator columns of all markets, bytes: as many columns for each.
const COLUMN_MEMORY: usize = 512 << 20;

/// Days over which a regime is judged.
const REGIME_WINDOW_DAYS: f64 = 7.0;

/// The strategies of these names, or all; what follows models only where there are some.
pub(crate) fn chosen<'a>(
    registry: &'a Registry,
    names: &[String],
    advised: bool,
) -> Result<Vec<&'a Registered>> {
    let possible = |strategy: &&Registered| advised || strategy.about().name != MODELS;
    match names {
        [all] if all == "all" => Ok(registry.iter().filter(possible).collect()),
        names if !advised && names.iter().any(|name| name == MODELS) => bail!("{NO_MODELS}"),
        names => Ok(names.iter().map(|name| registry.get(name)).collect::<Result<_, _>>()?),
    }
}

/// Every strategy, with what is searched of it, on every market in every regime; the regimes of a
/// strategy and market side by side.
pub(crate) fn cells<'a>(
    chosen: &[(&'a Registered, Space)],
    markets: &'a [TrainingMarket],
    regimes: &[RegimeChoice],
    (settings, advising): (&Settings, Option<&'a Advising>),
) -> Result<Vec<Cell<'a>>> {
    if chosen.is_empty() || regimes.is_empty() {
        bail!("there is nothing to train: name strategies and regimes");
    }
    let candles: usize = markets.iter().map(|m| m.series.len()).sum();
    let mut cells = Vec::new();
    for market in markets {
        let plain = match advising {
            Some(models) => models.backtest(&market.series, settings.clone())?,
            None => Backtest::new(&market.series, settings.clone())?,
        };
        let plain = plain.with_column_memory(COLUMN_MEMORY / candles * market.series.len());
        let backtests: Vec<_> =
            regimes.iter().map(|&regime| within(&plain, regime)).collect::<Result<_>>()?;
        for (strategy, space) in chosen {
            cells.extend(regimes.iter().zip(&backtests).map(|(&regime, backtest)| Cell {
                strategy,
                space: space.clone(),
                market,
                regime,
                advising,
                backtest: backtest.clone(),
                obstacle: None,
            }));
        }
    }
    Ok(cells)
}

/// The same backtest with entries in `regime` only.
pub(crate) fn within<'a>(backtest: &Backtest<'a>, regime: RegimeChoice) -> Result<Backtest<'a>> {
    let RegimeChoice::Only(wanted) = regime else { return Ok(backtest.clone()) };
    let labels = regime::label(backtest.series(), REGIME_WINDOW_DAYS)?;
    let marks: Arc<[bool]> = labels.iter().map(|label| *label == Some(wanted)).collect();
    Ok(backtest.clone().with_entries(marks)?)
}

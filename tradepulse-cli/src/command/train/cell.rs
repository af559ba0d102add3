//! The cells of a training run: what is trained on what.

use std::fmt;
use std::sync::Arc;

use anyhow::{Result, bail};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::optimise::{Method, Space};
use tradepulse_core::regime::{self, Regime};
use tradepulse_core::strategy::{Registered, Registry};
use tradepulse_core::training::StudyPlan;

use super::market::TrainingMarket;

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

impl std::str::FromStr for RegimeChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self::Any),
            "bull" => Ok(Self::Only(Regime::Bull)),
            "bear" => Ok(Self::Only(Regime::Bear)),
            "sideways" => Ok(Self::Only(Regime::Sideways)),
            _ => Err(format!("{text:?} is none of any, bull, bear, sideways")),
        }
    }
}

/// One strategy on one market in one regime.
pub(crate) struct Cell<'a> {
    pub(crate) strategy: &'a Registered,
    pub(crate) market: &'a TrainingMarket,
    pub(crate) regime: RegimeChoice,
    pub(crate) backtest: Backtest<'a>,
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

impl Cell<'_> {
    /// Why it cannot be trained as planned, if it cannot.
    pub(crate) fn unfit(&self, plan: &StudyPlan) -> Result<Option<String>> {
        if let Err(error) = plan.windows.windows(&self.market.series) {
            return Ok(Some(error.to_string()));
        }
        let about = self.strategy.about();
        let size = Space::new(about.variables)?.size();
        // A grid is searched whole or not at all.
        let too_large = plan.method == Method::Grid && size > plan.trials as u128;
        Ok(too_large.then(|| {
            format!(
                "the grid of {} has {size} points, more than --trials {}; \
                 choose another --optimizer",
                about.name, plan.trials
            )
        }))
    }

    /// Whether it differs from `other` in nothing but its regime.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        std::ptr::eq(self.market, other.market)
            && self.strategy.about().name == other.strategy.about().name
    }
}

/// Memory of the indicator columns of all markets, bytes: as many columns for each.
const COLUMN_MEMORY: usize = 512 << 20;

/// Days over which a regime is judged.
const REGIME_WINDOW_DAYS: f64 = 7.0;

/// Every strategy on every market in every regime; the regimes of a strategy and market side by side.
pub(crate) fn cells<'a>(
    registry: &'a Registry,
    strategies: &[String],
    markets: &'a [TrainingMarket],
    regimes: &[RegimeChoice],
    settings: &Settings,
) -> Result<Vec<Cell<'a>>> {
    let chosen: Vec<&Registered> = match strategies {
        [all] if all == "all" => registry.iter().collect(),
        names => names.iter().map(|name| registry.get(name)).collect::<Result<_, _>>()?,
    };
    if chosen.is_empty() || regimes.is_empty() {
        bail!("there is nothing to train: name strategies and regimes");
    }
    let candles: usize = markets.iter().map(|m| m.series.len()).sum();
    let mut cells = Vec::new();
    for market in markets {
        let plain = Backtest::new(&market.series, settings.clone())?
            .with_column_memory(COLUMN_MEMORY / candles * market.series.len());
        let labels = match regimes {
            [RegimeChoice::Any] => Vec::new(),
            _ => regime::label(&market.series, REGIME_WINDOW_DAYS)?,
        };
        let mut backtests = Vec::new();
        for &regime in regimes {
            backtests.push(match regime {
                RegimeChoice::Any => plain.clone(),
                RegimeChoice::Only(wanted) => {
                    let marks: Arc<[bool]> =
                        labels.iter().map(|label| *label == Some(wanted)).collect();
                    plain.clone().with_entries(marks)?
                }
            });
        }
        for &strategy in &chosen {
            cells.extend(regimes.iter().zip(&backtests).map(|(&regime, backtest)| Cell {
                strategy,
                market,
                regime,
                backtest: backtest.clone(),
            }));
        }
    }
    Ok(cells)
}

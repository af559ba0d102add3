//! The cells of a training run: what is trained on what.

use std::fmt;
use std::sync::Arc;

use anyhow::{Result, bail};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::{ExchangeName, Market, Series, Symbol};
use tradepulse_core::optimise::{Method, Space};
use tradepulse_core::regime::{self, Regime};
use tradepulse_core::strategy::{Registered, Registry};
use tradepulse_core::time::Timeframe;
use tradepulse_core::training::StudyPlan;

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

/// Candles of one market, shared by all cells on it.
pub(crate) struct TrainingMarket {
    pub(crate) exchange: ExchangeName,
    pub(crate) symbol: Symbol,
    pub(crate) timeframe: Timeframe,
    pub(crate) series: Series,
    pub(crate) fingerprint: String,
}

impl TrainingMarket {
    pub(crate) fn new(market: Market, series: Series) -> Self {
        let fingerprint = series.sha256();
        let Market { exchange, symbol, timeframe } = market;
        Self { exchange, symbol, timeframe, series, fingerprint }
    }
}

impl fmt::Display for TrainingMarket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.exchange, self.symbol, self.timeframe)
    }
}

/// One strategy on one market in one regime.
pub(crate) struct Cell<'a> {
    pub(crate) strategy: &'a Registered,
    /// What is searched of its variables.
    pub(crate) space: &'a Space,
    pub(crate) market: &'a TrainingMarket,
    pub(crate) regime: RegimeChoice,
    pub(crate) backtest: Backtest<'a>,
}

impl Cell<'_> {
    /// The plan of its study: a grid has as many trials as it has points.
    pub(crate) fn plan(&self, plan: &StudyPlan) -> StudyPlan {
        match plan.method {
            Method::Grid => {
                StudyPlan { trials: self.space.size().try_into().unwrap_or(usize::MAX), ..*plan }
            }
            _ => *plan,
        }
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

/// Days over which a regime is judged.
const REGIME_WINDOW_DAYS: f64 = 7.0;

/// The strategies of these names, or all.
pub(crate) fn chosen<'a>(registry: &'a Registry, names: &[String]) -> Result<Vec<&'a Registered>> {
    match names {
        [all] if all == "all" => Ok(registry.iter().collect()),
        names => Ok(names.iter().map(|name| registry.get(name)).collect::<Result<_, _>>()?),
    }
}

/// Every strategy, with what is searched of it, on every market in every regime.
pub(crate) fn cells<'a>(
    chosen: &'a [(&'a Registered, Space)],
    markets: &'a [TrainingMarket],
    regimes: &[RegimeChoice],
    settings: &Settings,
) -> Result<Vec<Cell<'a>>> {
    if chosen.is_empty() || regimes.is_empty() {
        bail!("there is nothing to train: name strategies and regimes");
    }
    let mut cells = Vec::new();
    for market in markets {
        let plain = Backtest::new(&market.series, settings.clone())?;
        let labels = match regimes {
            [RegimeChoice::Any] => Vec::new(),
            _ => regime::label(&market.series, REGIME_WINDOW_DAYS)?,
        };
        for &regime in regimes {
            let backtest = match regime {
                RegimeChoice::Any => plain.clone(),
                RegimeChoice::Only(wanted) => {
                    let marks: Arc<[bool]> =
                        labels.iter().map(|label| *label == Some(wanted)).collect();
                    plain.clone().with_entries(marks)?
                }
            };
            cells.extend(chosen.iter().map(|(strategy, space)| Cell {
                strategy,
                space,
                market,
                regime,
                backtest: backtest.clone(),
            }));
        }
    }
    Ok(cells)
}

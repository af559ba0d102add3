use serde::{Deserialize, Serialize};

use super::{Cell, RecordId, RegimeScope, StudyRecord};
use crate::market::{ExchangeName, Symbol};
use crate::time::Timeframe;

/// Whose trials are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerScope {
    /// Those of a strategy on the very same candles.
    Data {
        /// The strategy.
        strategy: String,
        /// SHA-256 of the candles.
        data_fingerprint: String,
    },
    /// Those of a strategy on a market, whatever the period and regime: the same history with one
    /// more day is not new data.
    Market {
        /// The strategy.
        strategy: String,
        /// The exchange.
        exchange: ExchangeName,
        /// The pair.
        pair: Symbol,
        /// The timeframe.
        timeframe: Timeframe,
    },
}

impl LedgerScope {
    /// The scope of a cell's strategy and market.
    pub fn market(cell: &Cell) -> Self {
        let Cell { strategy, exchange, pair, timeframe, .. } = cell.clone();
        Self::Market { strategy, exchange, pair, timeframe }
    }

    /// Whether the trials of `study` count.
    pub fn matches(&self, study: &StudyRecord) -> bool {
        match self {
            Self::Data { strategy, data_fingerprint } => {
                (strategy, data_fingerprint) == (&study.cell.strategy, &study.data_fingerprint)
            }
            Self::Market { .. } => *self == Self::market(&study.cell),
        }
    }
}

/// What the ledger says of a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Studies that have trials, deleted ones too.
    pub studies: u64,
    /// Trials ever run, the infeasible and the pruned and those of windows too. Not counted is what
    /// nothing is chosen by: the looks at neighbours, other costs and random entries.
    pub trials: u64,
    /// Those among them that were run in the training parts of walk-forward windows.
    pub window_trials: u64,
    /// Trials on all candles that have a Sharpe ratio. Those of windows are over shorter spans: their
    /// Sharpe ratios scatter more, and are not compared with these.
    pub with_sharpe: u64,
    /// Mean of their Sharpe ratios.
    pub sharpe_mean: Option<f64>,
    /// Sample variance (n − 1) of their Sharpe ratios; `None` below two.
    pub sharpe_variance: Option<f64>,
    /// The largest of their Sharpe ratios.
    pub sharpe_max: Option<f64>,
}

impl Ledger {
    /// The ledger of these trials, grouped by study, without those of windows.
    pub fn of<'a>(entries: impl Iterator<Item = &'a LedgerEntry>) -> Self {
        let (mut ledger, mut sharpes) = (Self::default(), Vec::new());
        let mut study = None;
        for entry in entries {
            ledger.trials += 1;
            ledger.studies += u64::from(study != Some(&entry.study_id));
            study = Some(&entry.study_id);
            sharpes.extend(entry.sharpe);
        }
        let count = sharpes.len() as f64;
        let mean = sharpes.iter().sum::<f64>() / count;
        let squares = sharpes.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>();
        ledger.with_sharpe = sharpes.len() as u64;
        ledger.sharpe_mean = Some(mean).filter(|_| !sharpes.is_empty());
        ledger.sharpe_variance = Some(squares / (count - 1.0)).filter(|_| sharpes.len() > 1);
        ledger.sharpe_max = sharpes.into_iter().reduce(f64::max);
        ledger
    }
}

/// A trial as the ledger remembers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Its study, which may be deleted.
    pub study_id: RecordId,
    /// Regime of the study.
    pub regime: RegimeScope,
    /// Version of the strategy.
    pub strategy_version: u32,
    /// Number of the trial in its study.
    pub number: u64,
    /// Whether it was feasible.
    pub feasible: bool,
    /// Whether it was given up early.
    pub pruned: bool,
    /// Its Sharpe ratio, if there is one.
    pub sharpe: Option<f64>,
}

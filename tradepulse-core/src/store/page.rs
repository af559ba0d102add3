use super::{Cell, RecordId, RegimeScope, Stage, StudyRecord, StudyStatus, TrainedConfiguration};
use crate::market::{ExchangeName, Symbol};
use crate::time::Timeframe;

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many to pass over.
    pub offset: u64,
    /// How many to give at most.
    pub limit: u64,
}

impl Page {
    /// All of it.
    pub const ALL: Self = Self { offset: 0, limit: u64::MAX };

    /// The first `limit`.
    pub const fn first(limit: u64) -> Self {
        Self { offset: 0, limit }
    }

    /// The page after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { offset: self.offset.saturating_add(self.limit), limit: self.limit }
    }

    /// This page of `all`.
    pub fn of<T>(self, all: impl Iterator<Item = T>) -> Vec<T> {
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        all.skip(size(self.offset)).take(size(self.limit)).collect()
    }
}

/// Which cells: those that have every value given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellFilter {
    /// Of this strategy.
    pub strategy: Option<String>,
    /// On this exchange.
    pub exchange: Option<ExchangeName>,
    /// Of this pair.
    pub pair: Option<Symbol>,
    /// Of this timeframe.
    pub timeframe: Option<Timeframe>,
    /// For this regime.
    pub regime: Option<RegimeScope>,
}

impl CellFilter {
    /// This cell only.
    pub fn only(cell: &Cell) -> Self {
        let Cell { strategy, exchange, pair, timeframe, regime } = cell.clone();
        Self {
            strategy: Some(strategy),
            exchange: Some(exchange),
            pair: Some(pair),
            timeframe: Some(timeframe),
            regime: Some(regime),
        }
    }

    /// Whether `cell` passes.
    pub fn matches(&self, cell: &Cell) -> bool {
        wanted(&self.strategy, &cell.strategy)
            && wanted(&self.exchange, &cell.exchange)
            && wanted(&self.pair, &cell.pair)
            && wanted(&self.timeframe, &cell.timeframe)
            && wanted(&self.regime, &cell.regime)
    }
}

/// Which studies: those that have every value given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StudyFilter {
    /// Of these cells.
    pub cell: CellFilter,
    /// In this status.
    pub status: Option<StudyStatus>,
    /// On this data.
    pub data_fingerprint: Option<String>,
}

impl StudyFilter {
    /// Whether `study` passes.
    pub fn matches(&self, study: &StudyRecord) -> bool {
        self.cell.matches(&study.cell)
            && wanted(&self.status, &study.status)
            && wanted(&self.data_fingerprint, &study.data_fingerprint)
    }
}

/// Which configurations: those that have every value given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationFilter {
    /// Of these cells.
    pub cell: CellFilter,
    /// In this stage.
    pub status: Option<Stage>,
    /// Active, or not.
    pub is_active: Option<bool>,
    /// That came of this study.
    pub study_id: Option<RecordId>,
}

impl ConfigurationFilter {
    /// Whether `configuration` passes.
    pub fn matches(&self, configuration: &TrainedConfiguration) -> bool {
        self.cell.matches(&configuration.cell)
            && wanted(&self.status, &configuration.status)
            && wanted(&self.is_active, &configuration.is_active)
            && (self.study_id.is_none() || self.study_id == configuration.provenance.study_id)
    }
}

fn wanted<T: PartialEq>(filter: &Option<T>, value: &T) -> bool {
    filter.as_ref().is_none_or(|f| f == value)
}

use serde::{Deserialize, Serialize};

use super::{
    Cell, Column, ColumnKind, ExecutionFigures, HealthFigures, Json, MicrostructureFigures,
    PerformanceFigures, Provenance, RecordId, RiskFigures, Stage, StatisticalFigures, StoreError,
};
use crate::time::Timestamp;

/// A trained configuration: one version of a strategy for one cell, with its evidence.
///
/// As JSON it is flat: one entry a column.
///
/// ```
/// use serde_json::json;
/// use tradepulse_core::store::{Cell, RecordId, RegimeScope, TrainedConfiguration};
/// use tradepulse_core::time::{Timeframe, Timestamp};
/// let cell = Cell {
///     strategy: "ema_cross".into(),
///     exchange: "binance".parse()?,
///     pair: "BTC/USDT".parse()?,
///     timeframe: Timeframe::M5,
///     regime: RegimeScope::Bull,
/// };
/// let id = RecordId::derive(&["ema_cross", "1"]);
/// let now = Timestamp::from_ms(1_704_067_200_000);
/// let mut configuration = TrainedConfiguration::new(id, cell, 1, json!({"fast": 20}), now);
/// configuration.statistics.sharpe_ratio = Some(1.4);
/// let flat = serde_json::to_value(&configuration)?;
/// assert_eq!(flat["sharpe_ratio"], 1.4);
/// assert_eq!(flat["status"], "discovery");
/// assert!(flat["fill_rate"].is_null());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedConfiguration {
    /// Its id.
    pub id: RecordId,
    /// What it trades, and when.
    #[serde(flatten)]
    pub cell: Cell,
    /// Version of the strategy.
    pub strategy_version: u32,
    /// Stage of its life.
    pub status: Stage,
    /// Whether it is the active one of its cell.
    pub is_active: bool,
    /// Its parameters: a value for every variable of the strategy.
    pub parameters: Json,
    /// What it earned.
    #[serde(flatten)]
    pub performance: PerformanceFigures,
    /// How far that is to be believed.
    #[serde(flatten)]
    pub statistics: StatisticalFigures,
    /// How its orders fared.
    #[serde(flatten)]
    pub execution: ExecutionFigures,
    /// How the regime was judged, and results by regime.
    pub regime_classification: Option<Json>,
    /// How large it may trade.
    #[serde(flatten)]
    pub risk: RiskFigures,
    /// The market it trades in.
    #[serde(flatten)]
    pub microstructure: MicrostructureFigures,
    /// Whether it still is what it was.
    #[serde(flatten)]
    pub health: HealthFigures,
    /// What stops it, and at which values.
    pub circuit_breakers: Option<Json>,
    /// Where it comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// When it was made, ms.
    pub created_at: Timestamp,
    /// When it last changed, ms.
    pub updated_at: Timestamp,
    /// When it was last activated, ms.
    pub activation_date: Option<Timestamp>,
    /// When it was last deactivated, ms.
    pub deactivated_at: Option<Timestamp>,
}

const fn column(name: &'static str, kind: ColumnKind, optional: bool) -> Column {
    Column { name, kind, optional }
}

impl TrainedConfiguration {
    const IDENTITY: &'static [Column] = &[
        column("id", ColumnKind::Text, false),
        column("strategy", ColumnKind::Text, false),
        column("exchange", ColumnKind::Text, false),
        column("pair", ColumnKind::Text, false),
        column("timeframe", ColumnKind::Text, false),
        column("regime", ColumnKind::Text, false),
        column("strategy_version", ColumnKind::Integer, false),
        column("status", ColumnKind::Text, false),
        column("is_active", ColumnKind::Bool, false),
        column("parameters", ColumnKind::Json, false),
    ];
    const TIMES: &'static [Column] = &[
        column("created_at", ColumnKind::Integer, false),
        column("updated_at", ColumnKind::Integer, false),
        column("activation_date", ColumnKind::Integer, true),
        column("deactivated_at", ColumnKind::Integer, true),
    ];
    const GROUPS: &'static [&'static [Column]] = &[
        Self::IDENTITY,
        PerformanceFigures::COLUMNS,
        StatisticalFigures::COLUMNS,
        ExecutionFigures::COLUMNS,
        &[column("regime_classification", ColumnKind::Json, true)],
        RiskFigures::COLUMNS,
        MicrostructureFigures::COLUMNS,
        HealthFigures::COLUMNS,
        &[column("circuit_breakers", ColumnKind::Json, true)],
        Provenance::COLUMNS,
        Self::TIMES,
    ];

    /// Every column, in order: the entries of its JSON.
    pub fn columns() -> impl Iterator<Item = Column> {
        Self::GROUPS.iter().flat_map(|group| group.iter().copied())
    }

    /// A configuration of which nothing is known yet: in DISCOVERY, inactive.
    pub fn new(
        id: RecordId,
        cell: Cell,
        strategy_version: u32,
        parameters: Json,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            cell,
            strategy_version,
            status: Stage::Discovery,
            is_active: false,
            parameters,
            performance: PerformanceFigures::default(),
            statistics: StatisticalFigures::default(),
            execution: ExecutionFigures::default(),
            regime_classification: None,
            risk: RiskFigures::default(),
            microstructure: MicrostructureFigures::default(),
            health: HealthFigures::default(),
            circuit_breakers: None,
            provenance: Provenance::default(),
            created_at: now,
            updated_at: now,
            activation_date: None,
            deactivated_at: None,
        }
    }

    /// Whether it can be stored.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if a figure is not finite, a number is too large for a database, or
    /// an optional JSON is null.
    pub fn check(&self) -> Result<(), StoreError> {
        let null = |name, json: &Option<Json>| {
            let fault = "a value that is not there is None, not null".to_owned();
            (*json == Some(Json::Null)).then_some((name, fault))
        };
        let fault = self
            .performance
            .fault()
            .or_else(|| self.statistics.fault())
            .or_else(|| self.execution.fault())
            .or_else(|| self.risk.fault())
            .or_else(|| self.microstructure.fault())
            .or_else(|| self.health.fault())
            .or_else(|| self.provenance.fault())
            .or_else(|| null("regime_classification", &self.regime_classification))
            .or_else(|| null("circuit_breakers", &self.circuit_breakers));
        match fault {
            None => Ok(()),
            Some((field, fault)) => {
                let record = format!("configuration {}", self.id);
                Err(StoreError::invalid(record, format!("{field}: {fault}")))
            }
        }
    }

    /// `new` with the life of this one, the stored one: what [`put_configuration`] stores.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is of another cell.
    ///
    /// [`put_configuration`]: super::TrainingStore::put_configuration
    pub fn accept(&self, new: &Self) -> Result<Self, StoreError> {
        if self.cell != new.cell {
            return Err(StoreError::Conflict(format!(
                "configuration {} is stored for {}, it cannot become one for {}",
                self.id, self.cell, new.cell
            )));
        }
        Ok(Self {
            status: self.status,
            is_active: self.is_active,
            activation_date: self.activation_date,
            deactivated_at: self.deactivated_at,
            created_at: self.created_at,
            ..new.clone()
        })
    }

    /// The configuration as it is stored at first: inactive.
    #[must_use]
    pub fn inactive(self) -> Self {
        Self { is_active: false, activation_date: None, deactivated_at: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RegimeScope;
    use crate::time::Timeframe;

    #[test]
    fn columns_are_the_entries_of_the_json() {
        let cell = Cell {
            strategy: "s".into(),
            exchange: "binance".parse().unwrap(),
            pair: "BTC/USDT".parse().unwrap(),
            timeframe: Timeframe::H1,
            regime: RegimeScope::Any,
        };
        let (id, now) = (RecordId::derive(&["x"]), Timestamp::from_ms(1));
        let configuration = TrainedConfiguration::new(id, cell, 1, Json::Null, now);
        let Json::Object(flat) = serde_json::to_value(&configuration).unwrap() else { panic!() };
        let mut columns: Vec<_> = TrainedConfiguration::columns().map(|c| c.name).collect();
        columns.sort_unstable();
        assert_eq!(columns, flat.keys().collect::<Vec<_>>());
        let json = Json::Object(flat);
        assert_eq!(serde_json::from_value::<TrainedConfiguration>(json).unwrap(), configuration);
    }

    #[test]
    fn what_is_not_a_figure_is_named() {
        let cell = Cell {
            strategy: "s".into(),
            exchange: "binance".parse().unwrap(),
            pair: "BTC/USDT".parse().unwrap(),
            timeframe: Timeframe::H1,
            regime: RegimeScope::Any,
        };
        let (id, now) = (RecordId::derive(&["x"]), Timestamp::from_ms(1));
        let mut configuration = TrainedConfiguration::new(id, cell, 1, Json::Null, now);
        configuration.risk.var_95 = Some(f64::NAN);
        let error = configuration.check().unwrap_err().to_string();
        assert!(error.ends_with("var_95: NaN is not a finite number"), "{error}");
    }
}

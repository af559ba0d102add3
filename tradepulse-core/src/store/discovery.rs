//! Configurations as a document: the "universal discovery" JSON, one per strategy and pair.
//!
//! ```text
//! { "format": "universal_discovery", "version": 1, "pair": "BTC/USDT", "strategy": "ema_cross",
//!   "configurations": [ {
//!     "id": …, "context": { "exchange", "timeframe", "regime", "strategy_version", "status", … },
//!     "parameters": {…}, "performance": {…}, "statistical_validation": {…}, "execution": {…},
//!     "regime_classification": {…}, "risk": {…}, "microstructure": {…}, "health": {…},
//!     "circuit_breakers": {…}, "provenance": {…} } ] }
//! ```
//!
//! What is absent is `null` or left out. Instants are milliseconds since the Unix epoch.
//!
//! ```
//! use serde_json::json;
//! use tradepulse_core::store::{Cell, RecordId, RegimeScope, TrainedConfiguration, discovery};
//! use tradepulse_core::time::{Timeframe, Timestamp};
//! let cell = Cell {
//!     strategy: "ema_cross".into(),
//!     exchange: "binance".parse()?,
//!     pair: "BTC/USDT".parse()?,
//!     timeframe: Timeframe::M5,
//!     regime: RegimeScope::Bull,
//! };
//! let (id, now) = (RecordId::derive(&["1"]), Timestamp::from_ms(1_704_067_200_000));
//! let configuration = TrainedConfiguration::new(id, cell, 1, json!({"fast": 20}), now);
//! let text = discovery::to_json(&[configuration.clone()])?;
//! assert_eq!(discovery::from_json(&text)?, [configuration]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Cell, ExecutionFigures, HealthFigures, Json, MicrostructureFigures, PerformanceFigures,
    Provenance, RecordId, RegimeScope, RiskFigures, Stage, StatisticalFigures, StoreError,
    TrainedConfiguration,
};
use crate::market::{ExchangeName, Symbol};
use crate::time::{Timeframe, Timestamp};

/// The word by which a document is known.
pub const FORMAT: &str = "universal_discovery";
/// The version written, and the latest read.
pub const VERSION: u32 = 1;

/// The configurations of one strategy on one pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    /// [`FORMAT`].
    pub format: String,
    /// Version of the document.
    pub version: u32,
    /// What they trade.
    pub pair: Symbol,
    /// Name of the strategy.
    pub strategy: String,
    /// The configurations.
    pub configurations: Vec<DiscoveredConfiguration>,
}

/// Where and when a configuration applies, and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Where it trades.
    pub exchange: ExchangeName,
    /// The length of a candle.
    pub timeframe: Timeframe,
    /// In which regime.
    pub regime: RegimeScope,
    /// Version of the strategy.
    pub strategy_version: u32,
    /// Stage of its life where it was exported.
    pub status: Stage,
    /// Whether it was active there.
    #[serde(default)]
    pub is_active: bool,
    /// When it was made, ms.
    pub created_at: Timestamp,
    /// When it last changed, ms.
    pub updated_at: Timestamp,
    /// When it was last activated, ms.
    pub activation_date: Option<Timestamp>,
    /// When it was last deactivated, ms.
    pub deactivated_at: Option<Timestamp>,
}

/// One configuration in a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscoveredConfiguration {
    /// Its id.
    pub id: RecordId,
    /// Where and when it applies, and how it stands.
    pub context: Context,
    /// Its parameters.
    pub parameters: Json,
    /// What it earned.
    #[serde(default)]
    pub performance: PerformanceFigures,
    /// How far that is to be believed.
    #[serde(default)]
    pub statistical_validation: StatisticalFigures,
    /// How its orders fared.
    #[serde(default)]
    pub execution: ExecutionFigures,
    /// How the regime was judged.
    pub regime_classification: Option<Json>,
    /// How large it may trade.
    #[serde(default)]
    pub risk: RiskFigures,
    /// The market it trades in.
    #[serde(default)]
    pub microstructure: MicrostructureFigures,
    /// Whether it still is what it was.
    #[serde(default)]
    pub health: HealthFigures,
    /// What stops it.
    pub circuit_breakers: Option<Json>,
    /// Where it comes from.
    #[serde(default)]
    pub provenance: Provenance,
}

/// The documents of these configurations, by strategy and pair, in order of names; within a
/// document the configurations keep their order.
pub fn export(configurations: &[TrainedConfiguration]) -> Vec<Discovery> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for configuration in configurations {
        let Cell { strategy, pair, .. } = &configuration.cell;
        groups.entry((strategy, pair)).or_default().push(configuration.clone().into());
    }
    let document = |((strategy, pair), configurations): ((&String, &Symbol), _)| Discovery {
        format: FORMAT.to_owned(),
        version: VERSION,
        pair: pair.clone(),
        strategy: strategy.clone(),
        configurations,
    };
    groups.into_iter().map(document).collect()
}

/// The configurations of a document, as they were exported.
///
/// A store takes none of them as active: see
/// [`put_configuration`](super::TrainingStore::put_configuration).
///
/// # Errors
/// If the document is of another format or a later version, or a configuration cannot be stored.
pub fn import(document: Discovery) -> Result<Vec<TrainedConfiguration>, DiscoveryError> {
    if document.format != FORMAT {
        return Err(DiscoveryError::Format(document.format));
    }
    if document.version > VERSION {
        return Err(DiscoveryError::Newer(document.version));
    }
    let Discovery { pair, strategy, configurations, .. } = document;
    let all = configurations.into_iter().map(|c| {
        let configuration = c.into_configuration(strategy.clone(), pair.clone());
        configuration.check()?;
        Ok(configuration)
    });
    all.collect()
}

/// The configurations as text: one document, or a list of documents.
///
/// # Errors
/// [`DiscoveryError::Store`] if a configuration could not be read back, such as one with a figure
/// that is not finite.
pub fn to_json(configurations: &[TrainedConfiguration]) -> Result<String, DiscoveryError> {
    configurations.iter().try_for_each(TrainedConfiguration::check)?;
    let documents = export(configurations);
    Ok(match &documents[..] {
        [document] => serde_json::to_string_pretty(document)?,
        documents => serde_json::to_string_pretty(documents)?,
    })
}

/// The configurations in a text: of one document, or of a list of documents.
///
/// # Errors
/// If it is not such a text, has an entry that is not known (a figure under a wrong name would be
/// lost), or as [`import`].
pub fn from_json(text: &str) -> Result<Vec<TrainedConfiguration>, DiscoveryError> {
    let documents = match serde_json::from_str(text)? {
        Json::Array(documents) => documents,
        document => vec![document],
    };
    let mut configurations = Vec::new();
    for given in documents {
        if let Some(version) = given.get("version").and_then(Json::as_u64)
            && version > u64::from(VERSION)
        {
            return Err(DiscoveryError::Newer(u32::try_from(version).unwrap_or(u32::MAX)));
        }
        let document = Discovery::deserialize(&given)?;
        if let Some(entry) = unknown_entry(&given, &serde_json::to_value(&document)?) {
            return Err(DiscoveryError::Unknown(entry));
        }
        configurations.extend(import(document)?);
    }
    Ok(configurations)
}

/// The path of the first entry of `given` that `taken` does not have.
fn unknown_entry(given: &Json, taken: &Json) -> Option<String> {
    let below = |name: String, inner: Option<String>| inner.map(|path| format!("{name}.{path}"));
    match (given, taken) {
        (Json::Object(given), Json::Object(taken)) => {
            given.iter().find_map(|(name, value)| match taken.get(name) {
                None => Some(name.clone()),
                Some(taken) => below(name.clone(), unknown_entry(value, taken)),
            })
        }
        (Json::Array(given), Json::Array(taken)) => {
            let mut pairs = given.iter().zip(taken).enumerate();
            pairs.find_map(|(i, (given, taken))| below(i.to_string(), unknown_entry(given, taken)))
        }
        _ => None,
    }
}

impl From<TrainedConfiguration> for DiscoveredConfiguration {
    fn from(c: TrainedConfiguration) -> Self {
        Self {
            id: c.id,
            context: Context {
                exchange: c.cell.exchange,
                timeframe: c.cell.timeframe,
                regime: c.cell.regime,
                strategy_version: c.strategy_version,
                status: c.status,
                is_active: c.is_active,
                created_at: c.created_at,
                updated_at: c.updated_at,
                activation_date: c.activation_date,
                deactivated_at: c.deactivated_at,
            },
            parameters: c.parameters,
            performance: c.performance,
            statistical_validation: c.statistics,
            execution: c.execution,
            regime_classification: c.regime_classification,
            risk: c.risk,
            microstructure: c.microstructure,
            health: c.health,
            circuit_breakers: c.circuit_breakers,
            provenance: c.provenance,
        }
    }
}

impl DiscoveredConfiguration {
    fn into_configuration(self, strategy: String, pair: Symbol) -> TrainedConfiguration {
        let Context { exchange, timeframe, regime, .. } = self.context;
        TrainedConfiguration {
            id: self.id,
            cell: Cell { strategy, exchange, pair, timeframe, regime },
            strategy_version: self.context.strategy_version,
            status: self.context.status,
            is_active: self.context.is_active,
            parameters: self.parameters,
            performance: self.performance,
            statistics: self.statistical_validation,
            execution: self.execution,
            regime_classification: self.regime_classification,
            risk: self.risk,
            microstructure: self.microstructure,
            health: self.health,
            circuit_breakers: self.circuit_breakers,
            provenance: self.provenance,
            created_at: self.context.created_at,
            updated_at: self.context.updated_at,
            activation_date: self.context.activation_date,
            deactivated_at: self.context.deactivated_at,
        }
    }
}

/// A document that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// Not JSON, or not of this shape.
    #[error("not a discovery document: {0}")]
    Json(#[from] serde_json::Error),
    /// Another kind of document.
    #[error("{0:?} is not the format of a discovery document: expected {FORMAT:?}")]
    Format(String),
    /// Written by a later version.
    #[error("the document is of version {0}, this program reads versions up to {VERSION}")]
    Newer(u32),
    /// An entry that is not known.
    #[error("there is no entry {0} in a discovery document")]
    Unknown(String),
    /// A configuration that cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests;

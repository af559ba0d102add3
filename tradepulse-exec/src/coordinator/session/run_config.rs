use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tradepulse_core::desk::DeskSettings;
use tradepulse_core::engine::Rules;
use tradepulse_core::exchange::{Capabilities, TradingRules};
use tradepulse_core::market::Symbol;
use tradepulse_core::risk::{RiskRules, RiskState};
use tradepulse_core::store::{RecordId, RegimeScope};
use tradepulse_core::time::Timeframe;

use crate::config::Config;
use crate::coordinator::{LanePlan, Plan};

/// What a desk depends on besides its journal, as the record of its run keeps it: with both, the
/// same desk is made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RunConfig {
    /// Whether the candles were those of the past.
    pub(super) replay: bool,
    /// What the run began with, quote currency.
    pub(super) capital: f64,
    pub(super) rules: Rules,
    pub(super) risk: RiskRules,
    pub(super) leverage: f64,
    pub(super) desk: DeskSettings,
    pub(super) capabilities: Capabilities,
    pub(super) markets: BTreeMap<Symbol, TradingRules>,
    pub(super) lanes: Vec<LaneConfig>,
    /// What earlier runs of the wallet left in the risk gate.
    #[serde(default)]
    pub(super) risk_state: RiskState,
}

/// One configuration that a run trades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LaneConfig {
    configuration_id: RecordId,
    strategy: String,
    parameters: BTreeMap<String, String>,
    symbol: Symbol,
    timeframe: Timeframe,
    regime: RegimeScope,
    allocation: Option<f64>,
}

impl From<&LanePlan> for LaneConfig {
    fn from(lane: &LanePlan) -> Self {
        let values = lane.parameters.iter();
        Self {
            configuration_id: lane.configuration_id.clone(),
            strategy: lane.strategy.clone(),
            parameters: values.map(|(v, value)| (v.name.to_owned(), value.to_string())).collect(),
            symbol: lane.symbol.clone(),
            timeframe: lane.timeframe,
            regime: lane.regime,
            allocation: lane.allocation,
        }
    }
}

impl RunConfig {
    /// That of a run of `plan` without memory.
    pub(super) fn new(
        plan: &Plan,
        config: &Config,
        capital: f64,
        desk: DeskSettings,
        capabilities: Capabilities,
        markets: BTreeMap<Symbol, TradingRules>,
    ) -> Self {
        Self {
            replay: false,
            capital,
            rules: config.rules(),
            risk: RiskRules::from(&config.safety),
            leverage: config.trading.leverage.max(1.0),
            desk,
            capabilities,
            markets,
            lanes: plan.lanes.iter().map(LaneConfig::from).collect(),
            risk_state: RiskState::default(),
        }
    }

    /// The parts that differ from those of a stored run so that its journal cannot be gone on with.
    /// What the run began with is its own, and may differ.
    pub(super) fn differences(&self, stored: &Value) -> Vec<String> {
        const OWN: [&str; 3] = ["capital", "markets", "risk_state"];
        let nothing = Map::new();
        let own = serde_json::to_value(self).unwrap_or_default();
        let own = own.as_object().unwrap_or(&nothing);
        let stored = stored.as_object().unwrap_or(&nothing);
        let mut names: Vec<_> = own
            .iter()
            .filter(|(name, value)| {
                !OWN.contains(&name.as_str()) && stored.get(*name) != Some(*value)
            })
            .map(|(name, _)| name.clone())
            .collect();
        names.sort();
        names
    }
}

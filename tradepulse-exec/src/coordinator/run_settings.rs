use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tradepulse_core::desk::{Desk, DeskSettings};
use tradepulse_core::engine::Rules;
use tradepulse_core::exchange::{Capabilities, TradingRules};
use tradepulse_core::market::Symbol;
use tradepulse_core::order::RunTag;
use tradepulse_core::risk::{RiskRules, RiskState};
use tradepulse_core::store::{RecordId, RegimeScope};
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::Timeframe;

use super::plan::{DeskAccount, DeskLimits, LanePlan, Plan, PlanError, parameters};
use crate::config::Config;

/// Everything that decides what a run trades on given candles: what its record keeps
/// ([`RunRecord::config`](tradepulse_core::store::trading::RunRecord::config)), so that it can be
/// run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Whether it trades candles of the past.
    pub replay: bool,
    /// What its account begins with, quote currency.
    pub capital: f64,
    /// How intents become orders, costs included.
    pub rules: Rules,
    /// The limits of the risk gate.
    pub risk: RiskRules,
    /// How many times its margin a position may be at the venue.
    pub leverage: f64,
    /// How patient the desk is.
    pub desk: DeskSettings,
    /// What its venue can do.
    pub capabilities: Capabilities,
    /// The venue's rules for orders in each market.
    pub markets: BTreeMap<Symbol, TradingRules>,
    /// What it trades.
    pub lanes: Vec<LaneSettings>,
    /// What earlier runs of the wallet left in the risk gate.
    #[serde(default)]
    pub risk_state: RiskState,
}

/// One configuration of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneSettings {
    /// Its id.
    pub configuration_id: RecordId,
    /// Name of the strategy.
    pub strategy: String,
    /// All of its parameters, as texts.
    pub parameters: BTreeMap<String, String>,
    /// The market.
    pub symbol: Symbol,
    /// Length of its candles.
    pub timeframe: Timeframe,
    /// In which it may enter.
    pub regime: RegimeScope,
    /// Most notional of an entry, a fraction of equity.
    pub allocation: Option<f64>,
}

impl RunSettings {
    /// Those of a run that trades `plan` with `account`.
    pub fn new(plan: &Plan, config: &Config, account: &DeskAccount, replay: bool) -> Self {
        let DeskLimits { rules, risk, leverage } = DeskLimits::new(config);
        let markets = plan.markets().into_iter().map(|(symbol, _)| {
            let rules = (account.rules)(&symbol);
            (symbol, rules)
        });
        Self {
            replay,
            capital: account.capital,
            rules,
            risk,
            leverage,
            desk: account.settings.clone(),
            capabilities: account.capabilities.clone(),
            markets: markets.collect(),
            lanes: plan.lanes.iter().map(LaneSettings::from).collect(),
            risk_state: RiskState::default(),
        }
    }

    /// What it trades.
    ///
    /// # Errors
    /// [`PlanError`] if this program does not know a strategy or a parameter.
    pub fn plan(&self, registry: &Registry) -> Result<Plan, PlanError> {
        let lane = |lane: &LaneSettings| {
            let texts = lane.parameters.iter().map(|(name, text)| (name.as_str(), text.clone()));
            Ok::<_, PlanError>(LanePlan {
                configuration_id: lane.configuration_id.clone(),
                strategy: lane.strategy.clone(),
                parameters: parameters(registry, &lane.strategy, texts)?,
                symbol: lane.symbol.clone(),
                timeframe: lane.timeframe,
                regime: lane.regime,
                allocation: lane.allocation,
            })
        };
        Ok(Plan { lanes: self.lanes.iter().map(lane).collect::<Result<_, _>>()? })
    }

    /// The desk of the run, as it was before the first event, under another tag and with other
    /// patience.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn desk(
        &self,
        registry: &Registry,
        tag: RunTag,
        capabilities: Capabilities,
        settings: DeskSettings,
    ) -> Result<Desk, PlanError> {
        let markets = self.markets.clone();
        let account = DeskAccount {
            tag,
            capital: self.capital,
            capabilities,
            rules: Box::new(move |symbol| markets.get(symbol).copied().unwrap_or_default()),
            settings,
        };
        let limits =
            DeskLimits { rules: self.rules.clone(), risk: self.risk, leverage: self.leverage };
        let desk = self.plan(registry)?.desk_within(&limits, registry, &account)?;
        Ok(desk.with_risk_state(self.risk_state.clone()))
    }

    /// The parts that differ from those of a stored run so that its journal cannot be gone on with.
    /// What the run began with is its own, and may differ.
    pub(super) fn differences(&self, stored: &Value) -> Vec<String> {
        const OWN: [&str; 3] = ["capital", "markets", "risk_state"];
        let own = serde_json::to_value(self).unwrap_or_default();
        let differs = |(name, value): &(&String, &Value)| {
            !OWN.contains(&name.as_str()) && stored.get(name.as_str()) != Some(*value)
        };
        let parts = own.as_object().into_iter().flatten().filter(differs);
        let mut names: Vec<_> = parts.map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }
}

impl From<&LanePlan> for LaneSettings {
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

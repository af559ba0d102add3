use std::collections::BTreeMap;

use tradepulse_core::desk::{Desk, DeskSettings, LaneSetup};
use tradepulse_core::engine::{EngineError, Rules};
use tradepulse_core::ensemble::DecisionMode;
use tradepulse_core::exchange::{Capabilities, TradingRules};
use tradepulse_core::market::{InstrumentKind, Symbol};
use tradepulse_core::order::RunTag;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::risk::{RiskGate, RiskRules};
use tradepulse_core::simulation::{AccountKind, SimulatedExchangeSettings};
use tradepulse_core::store::{RecordId, RegimeScope, TrainedConfiguration};
use tradepulse_core::strategy::{Registry, UnknownStrategy};
use tradepulse_core::time::{DAY_MS, Timeframe};

use super::recorder::LaneOwner;
use crate::config::{Config, Decides};

/// One configuration to be traded: of the file, or trained.
#[derive(Clone, Debug, PartialEq)]
pub struct LanePlan {
    /// The configuration's id; derived from its content for one of the file.
    pub configuration_id: RecordId,
    /// Name of the strategy.
    pub strategy: String,
    /// Complete parameters.
    pub parameters: Parameters,
    /// The market.
    pub symbol: Symbol,
    /// Length of its candles.
    pub timeframe: Timeframe,
    /// In which it may enter.
    pub regime: RegimeScope,
    /// Most notional of an entry, a fraction of equity; `None` where leverage alone limits it.
    pub allocation: Option<f64>,
}

/// Name of the strategy that follows models.
const MODELS: &str = "models";

const HOUR_MS: i64 = 3_600_000;

/// Whether a configuration lets this strategy trade.
fn trades(config: &Config, strategy: &str) -> bool {
    config.decision.mode != Decides::ModelsOnly || strategy == MODELS
}

/// Whether models are asked about this strategy's entries.
fn advised(config: &Config, strategy: &str) -> bool {
    let asked = config.models().next().is_some();
    asked && (strategy == MODELS || config.decision_mode() != DecisionMode::StrategiesOnly)
}

/// What a run trades, by a configuration file and what was trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Each becomes a lane of the desk, in this order.
    pub lanes: Vec<LanePlan>,
}

/// A plan that cannot be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No strategy of that name.
    #[error(transparent)]
    Strategy(#[from] UnknownStrategy),
    /// A parameter is wrong.
    #[error("{strategy}: {source}")]
    Parameter {
        /// The strategy.
        strategy: String,
        /// What is wrong.
        source: ParameterError,
    },
    /// An engine cannot be made of it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What was trained with models is to be traded without.
    #[error(
        "configuration {id} ({strategy}) was trained with the advice of {models}, and its evidence \
         is good for entries that models confirm: name them under model_endpoints (decision.mode: \
         confirm), or deactivate it"
    )]
    Unadvised {
        /// The configuration.
        id: RecordId,
        /// Its strategy.
        strategy: String,
        /// The models that advised it.
        models: String,
    },
    /// There is nothing to trade.
    #[error(
        "nothing to trade: list configurations in the file, or activate trained ones \
         (`tradepulse configurations activate ID`)"
    )]
    Nothing,
}

impl Plan {
    /// The configurations of the file, then the active ones of `trained` that are of its exchange
    /// and, where it names some, its symbols, if it wants them.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn new(
        config: &Config,
        registry: &Registry,
        trained: &[TrainedConfiguration],
    ) -> Result<Self, PlanError> {
        let mut lanes = Vec::new();
        for traded in &config.trading.configurations {
            if !trades(config, &traded.strategy) {
                continue;
            }
            let texts = traded.parameters.iter().map(|(n, v)| (n.as_str(), v.clone()));
            let parameters = parameters(registry, &traded.strategy, texts)?;
            let symbols = traded.symbol.as_ref().map_or(&config.symbols[..], std::slice::from_ref);
            let timeframes =
                traded.timeframe.as_ref().map_or(&config.data.timeframes[..], std::slice::from_ref);
            for symbol in symbols {
                for timeframe in timeframes {
                    let values: Vec<String> =
                        parameters.iter().map(|(v, value)| format!("{}={value}", v.name)).collect();
                    let id = RecordId::derive(&[
                        "file",
                        &traded.strategy,
                        &values.join(","),
                        &symbol.to_string(),
                        &timeframe.to_string(),
                        traded.regime.as_str(),
                    ]);
                    lanes.push(LanePlan {
                        configuration_id: id,
                        strategy: traded.strategy.clone(),
                        parameters: parameters.clone(),
                        symbol: symbol.clone(),
                        timeframe: *timeframe,
                        regime: traded.regime,
                        allocation: (traded.allocation < 1.0).then_some(traded.allocation),
                    });
                }
            }
        }
        for configuration in trained.iter().filter(|c| config.trading.from_store && c.is_active) {
            let cell = &configuration.cell;
            let wanted = config.symbols.is_empty() || config.symbols.contains(&cell.pair);
            if cell.exchange != config.exchange.name || !wanted {
                continue;
            }
            let map = configuration.parameters.as_object();
            let texts = map.into_iter().flatten().map(|(name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (name.as_str(), text)
            });
            if !trades(config, &cell.strategy) {
                continue;
            }
            if let Some(models) = &configuration.provenance.model_version
                && !advised(config, &cell.strategy)
            {
                let (id, strategy) = (configuration.id.clone(), cell.strategy.clone());
                return Err(PlanError::Unadvised { id, strategy, models: models.clone() });
            }
            lanes.push(LanePlan {
                configuration_id: configuration.id.clone(),
                strategy: cell.strategy.clone(),
                parameters: parameters(registry, &cell.strategy, texts)?,
                symbol: cell.pair.clone(),
                timeframe: cell.timeframe,
                regime: cell.regime,
                allocation: Some(configuration.status.max_allocation()),
            });
        }
        if lanes.is_empty() && config.decision.mode == Decides::ModelsOnly {
            lanes = Self::of_models(config, registry)?;
        }
        if lanes.is_empty() { Err(PlanError::Nothing) } else { Ok(Self { lanes }) }
    }

    /// The strategy that follows models in each market, with stop and target of the file.
    fn of_models(config: &Config, registry: &Registry) -> Result<Vec<LanePlan>, PlanError> {
        let percent = |fraction: f64| format!("{:.1}", fraction * 100.0);
        let texts = [
            ("stop_pct", percent(config.trading.stop_loss_percent)),
            ("target_pct", percent(config.trading.take_profit_percent)),
        ];
        let parameters = parameters(registry, MODELS, texts.into_iter())?;
        let markets = config.symbols.iter().flat_map(|symbol| {
            config.data.timeframes.iter().map(move |timeframe| (symbol.clone(), *timeframe))
        });
        let lane = |(symbol, timeframe): (Symbol, Timeframe)| LanePlan {
            configuration_id: RecordId::derive(&[
                "file",
                MODELS,
                &symbol.to_string(),
                &timeframe.to_string(),
            ]),
            strategy: MODELS.to_owned(),
            parameters: parameters.clone(),
            symbol,
            timeframe,
            regime: RegimeScope::Any,
            allocation: None,
        };
        Ok(markets.map(lane).collect())
    }

    /// Those lanes whose strategy or configuration is named; all if none is.
    #[must_use]
    pub fn only(&self, names: &[String]) -> Self {
        let named = |lane: &&LanePlan| {
            let id = lane.configuration_id.to_string();
            names.is_empty() || names.iter().any(|name| *name == lane.strategy || *name == id)
        };
        Self { lanes: self.lanes.iter().filter(named).cloned().collect() }
    }

    /// The markets it needs candles of, each once.
    pub fn markets(&self) -> Vec<(Symbol, Timeframe)> {
        let mut markets: Vec<_> =
            self.lanes.iter().map(|lane| (lane.symbol.clone(), lane.timeframe)).collect();
        markets.sort();
        markets.dedup();
        markets
    }

    /// How many candles each market needs before the first decision, for the strategies and the
    /// regime, and at least as many as the configuration wants.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn history(
        &self,
        config: &Config,
        registry: &Registry,
    ) -> Result<BTreeMap<(Symbol, Timeframe), usize>, PlanError> {
        let mut needed = BTreeMap::new();
        for lane in &self.lanes {
            let registered = registry.get(&lane.strategy)?;
            let capital = config.trading.paper_capital;
            let engine =
                registered.engine(&lane.parameters, &config.rules(), capital, lane.timeframe)?;
            let regime = match lane.regime {
                RegimeScope::Any => 0,
                // One return fewer than closes.
                _ => {
                    (LaneSetup::REGIME_DAYS * DAY_MS as f64 / lane.timeframe.as_ms() as f64).ceil()
                        as usize
                        + 1
                }
            };
            let most = needed.entry((lane.symbol.clone(), lane.timeframe)).or_insert(0);
            *most = engine.warm_up_candles().max(regime).max(*most);
        }
        let least = config.data.candles_count as usize;
        let asks = config.models().next().is_some();
        for ((_, timeframe), count) in &mut needed {
            // Models are told of as many candles of one hour.
            let hours = (HOUR_MS / timeframe.as_ms()).max(1) as usize;
            *count = if asks { least * hours } else { least }.max(*count);
        }
        Ok(needed)
    }

    /// The lanes as the records name them.
    pub fn owners(&self) -> Vec<LaneOwner> {
        let owner = |lane: &LanePlan| LaneOwner {
            configuration_id: lane.configuration_id.clone(),
            strategy: lane.strategy.clone(),
        };
        self.lanes.iter().map(owner).collect()
    }

    /// The desk that trades it, as it is before the first event.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn desk(
        &self,
        config: &Config,
        registry: &Registry,
        account: &DeskAccount,
    ) -> Result<Desk, PlanError> {
        self.desk_within(&DeskLimits::new(config), registry, account)
    }

    /// The same, within limits that need not be of a file.
    pub(super) fn desk_within(
        &self,
        limits: &DeskLimits,
        registry: &Registry,
        account: &DeskAccount,
    ) -> Result<Desk, PlanError> {
        let gate = RiskGate::new(limits.risk);
        let DeskAccount { tag, capital, capabilities, rules, settings } = account;
        let mut desk = Desk::new(*tag, *capital, capabilities.clone(), gate, settings.clone());
        for lane in &self.lanes {
            let trading = rules(&lane.symbol);
            let rules = Rules {
                instrument: trading.instrument,
                price_tick: trading.price_tick,
                ..limits.rules.clone()
            };
            let registered = registry.get(&lane.strategy)?;
            let mut engine =
                registered.engine(&lane.parameters, &rules, *capital, lane.timeframe)?;
            engine.set_allocation(lane.allocation);
            let setup = LaneSetup {
                name: format!("{} {} {}", lane.strategy, lane.symbol, lane.timeframe),
                symbol: lane.symbol.clone(),
                timeframe: lane.timeframe,
                regime: lane.regime,
                rules: trading,
                leverage: limits.leverage,
                max_spread_bps: None,
            };
            desk.add(setup, engine);
        }
        Ok(desk)
    }

    /// The account of a dry run with `capital` in each quote currency: it may go short, as backtests do, and its fees and slippage are
    /// those of the file.
    pub fn paper_account(&self, config: &Config, capital: f64) -> SimulatedExchangeSettings {
        let kind = InstrumentKind::from(config.exchange.market);
        let capabilities = Capabilities::full(config.exchange.name.clone(), kind);
        // The risk gate limits exposure; the venue's margin only has to be out of its way.
        let mut account =
            SimulatedExchangeSettings::new(capabilities, AccountKind::Margin { leverage: 1e6 });
        account.costs = config.exchange.costs();
        for lane in &self.lanes {
            let rules =
                TradingRules { instrument: config.rules().instrument, ..TradingRules::default() };
            account = account.market(lane.symbol.clone(), rules);
            let capital = tradepulse_core::money::Quantity::from_f64(capital);
            account = account.balance(lane.symbol.quote(), capital.unwrap_or_default());
        }
        account
    }
}

/// The account that a desk trades.
pub struct DeskAccount {
    /// Name of the run in its orders' ids.
    pub tag: RunTag,
    /// Quote currency it begins with.
    pub capital: f64,
    /// What its venue can do.
    pub capabilities: Capabilities,
    /// The venue's rules for orders in each market.
    pub rules: Box<dyn Fn(&Symbol) -> TradingRules + Send + Sync>,
    /// How patient the desk is.
    pub settings: DeskSettings,
}

/// What a desk trades by, besides its account.
pub(super) struct DeskLimits {
    pub(super) rules: Rules,
    pub(super) risk: RiskRules,
    pub(super) leverage: f64,
}

impl DeskLimits {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            rules: config.rules(),
            risk: RiskRules::from(&config.safety),
            leverage: config.trading.leverage.max(1.0),
        }
    }
}

pub(super) fn parameters<'a>(
    registry: &Registry,
    strategy: &str,
    values: impl Iterator<Item = (&'a str, String)>,
) -> Result<Parameters, PlanError> {
    let about = registry.get(strategy)?.about();
    let mut parameters = Parameters::defaults(about.variables);
    for (name, text) in values {
        parameters = parameters
            .with_text(name, &text)
            .map_err(|source| PlanError::Parameter { strategy: strategy.to_owned(), source })?;
    }
    Ok(parameters)
}

//! The file `config.yaml`: what is traded, where, and within which limits.
//!
//! Every key has a default, so an empty file is a configuration; it trades nothing but a dry run.
//! A key that there is not, a value of another type or out of range is refused with line, path and
//! what was expected, all of them at once. `TRADEPULSE__SECTION__KEY` in the environment comes
//! before the file. Secrets never stand in either: keys that end with `_env` and `_file` name where
//! they are.
//!
//! ```
//! use tradepulse_exec::config::Config;
//! let text = "trading:\n  leverage: 2\nsymbols: [BTC/USDT, ETH/USDT]\n";
//! let variables = [("TRADEPULSE__SAFETY__MAX_DAILY_TRADES".to_owned(), "null".to_owned())];
//! let config = Config::parse(text, variables)?.config;
//! assert_eq!((config.trading.leverage, config.symbols.len()), (2.0, 2));
//! assert_eq!(config.safety.max_daily_trades, None);
//! assert!(config.mode.dry_run);
//!
//! let error = Config::parse("trading:\n  levrage: 2\n", []).unwrap_err().to_string();
//! assert!(error.contains("line 2") && error.contains("did you mean leverage?"));
//! # Ok::<(), tradepulse_exec::config::ConfigError>(())
//! ```

mod alerts;
mod environment;
mod example;
mod explain;
mod key;
mod keys;
mod models;
mod operation;
mod preflight;
mod problem;
mod reader;
mod safety;
mod section;
mod setting;
mod trading;
mod yaml;

use std::fs;
use std::path::Path;

use tradepulse_core::desk::DeskSettings;
use tradepulse_core::engine::Rules;
use tradepulse_core::market::{Instrument, Symbol};

#[cfg(feature = "alerts")]
pub use alerts::AlertsError;
pub use alerts::{Alerts, TelegramChat, Webhook};
pub use example::example;
pub use explain::{Explained, all_keys};
pub use key::{Key, Kind};
pub use keys::SecretKeys;
pub use models::{Decides, Decision, Ensemble, EnsembleMethod, ModelEndpoint, Retraining};
pub use operation::{Data, Database, LogFormat, LogLevel, Logging, Monitoring, OnShutdown, Wallet};
pub use preflight::Preflight;
pub use problem::{ConfigError, Origin, Problem};
pub use safety::{CircuitBreaker, Safety, Timing};
pub use setting::{Assignments, Url, VariableName};
pub use trading::{Exchange, Market, Mode, SizingMethod, TradedConfiguration, Trading};

use keys::check_secret_keys;
use reader::Reader;
use section::section;
use setting::Setting;
use yaml::{Node, Value};

/// The longest file that is read, bytes.
const MAX_BYTES: u64 = 1 << 20;

section! {
    /// A whole configuration.
    Config {
        /// Whether real orders are sent.
        mode: Mode = Mode::default(), "";
        /// Where to trade, and what it costs there.
        exchange: Exchange = Exchange::default(), "";
        /// Markets that are traded; none named is every market of the active configurations.
        symbols: Vec<Symbol> = Vec::new(), "";
        /// Candles.
        data: Data = Data::default(), "";
        /// What trades, and how much.
        trading: Trading = Trading::default(), "";
        /// Models that are asked about each closed candle; none is strategies alone.
        model_endpoints: Vec<ModelEndpoint> = Vec::new(), "";
        /// Who decides about entries.
        decision: Decision = Decision::default(), "";
        /// How the answers of models become one.
        ensemble: Ensemble = Ensemble::default(), "";
        /// What models are told, so that they can learn.
        retraining: Retraining = Retraining::default(), "";
        /// The limits of the risk gate; null turns a limit off.
        safety: Safety = Safety::default(), "";
        /// How long things may take and how often they are done.
        timing: Timing = Timing::default(), "";
        /// What becomes of open positions when the process is told to stop.
        on_shutdown: OnShutdown = OnShutdown::Keep, "";
        /// Accounts; none is one called `main` with the keys of `exchange`.
        wallets: Vec<Wallet> = Vec::new(), "";
        /// Records of what was decided, ordered and traded.
        database: Database = Database::default(), "";
        /// Logs; TRADEPULSE_LOG in the environment comes before `level`.
        logging: Logging = Logging::default(), "";
        /// Figures for Prometheus at /metrics, and /health.
        monitoring: Monitoring = Monitoring::default(), "";
        /// Messages to people.
        alerts: Alerts = Alerts::default(), "";
        /// What must be in order before orders leave.
        preflight: Preflight = Preflight::default(), "";
    }
    check Config::check;
}

/// A configuration, and where each of its values comes from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    tree: Node,
}

impl Config {
    /// Reads the file at `path`, or no file, and the overrides in `environment`.
    ///
    /// # Errors
    /// If the file cannot be read, or anything in it or in the environment is wrong.
    pub fn load(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let Some(path) = path else { return Self::parse("", environment) };
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let length = fs::metadata(path).map_err(unreadable)?.len();
        if length > MAX_BYTES {
            let reason = format!("{length} bytes: longer than 1 MiB, is it the right file?");
            return Err(unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, reason)));
        }
        Self::parse(&fs::read_to_string(path).map_err(unreadable)?, environment)
    }

    /// Reads `text`, and the overrides in `environment`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with everything that is wrong.
    pub fn parse(
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let mut reader = Reader::new(Self::KEYS);
        let empty =
            || Node { value: Value::Map(Vec::new()), origin: Origin::File { line: 1, column: 1 } };
        let mut tree = match yaml::parse(text) {
            Ok(tree) => tree.filter(|tree| !tree.is_null()).unwrap_or_else(empty),
            Err(problems) => return Err(ConfigError::Invalid(problems)),
        };
        environment::apply(&mut tree, environment, &mut reader.problems);
        let config = Self::read(&tree, &explain::ROOT, &mut reader);
        match config {
            Some(config) if reader.problems.is_empty() => Ok(Loaded { config, tree }),
            _ => {
                reader.problems.sort_by_key(|problem| match &problem.origin {
                    Origin::File { line, column } => (*line, *column),
                    _ => (usize::MAX, 0),
                });
                Err(ConfigError::Invalid(reader.problems))
            }
        }
    }

    /// The rules engines trade by. Steps, ticks and minimums are still to be asked of the venue.
    pub fn rules(&self) -> Rules {
        let Self { trading, exchange, safety, .. } = self;
        Rules {
            sizing: trading.sizing(),
            max_leverage: trading.leverage,
            min_edge: trading.min_edge,
            compounding: trading.compounding,
            costs: exchange.costs(),
            instrument: Instrument { kind: exchange.market.into(), ..Instrument::default() },
            min_notional: trading.min_notional,
            max_notional: trading.max_notional,
            price_tick: None,
            trailing_stop: trading.trailing_stop,
            break_even: trading.break_even,
            max_duration_ms: safety
                .max_position_duration_hours
                .map(|hours| i64::from(hours) * 3_600_000),
            decision: self.decision_mode(),
        }
    }

    /// How patient a desk is.
    pub fn desk_settings(&self) -> DeskSettings {
        let Self { timing, safety, .. } = self;
        // Ranges keep these far from where milliseconds end.
        let ms = |seconds: f64| (seconds * 1000.0).round() as i64;
        DeskSettings {
            naked_limit_ms: ms(timing.naked_limit),
            watchdog_grace_ms: ms(timing.watchdog_grace),
            entry_patience_ms: ms(timing.entry_patience),
            order_check_ms: i64::from(timing.order_check_interval) * 1000,
            retry_pause_ms: ms(timing.retry_pause),
            max_retry_pause_ms: ms(timing.max_retry_pause),
            halt_on_unexplained: safety.halt_on_unexplained,
        }
    }

    /// Names of the wallets; where none is configured there is one, `main`.
    pub fn wallet_names(&self) -> Vec<&str> {
        match &self.wallets[..] {
            [] => vec!["main"],
            wallets => wallets.iter().map(|wallet| wallet.name.as_str()).collect(),
        }
    }

    /// Where the keys of this wallet are: its own, or those of `exchange` where it names none.
    pub fn keys(&self, wallet: &str) -> SecretKeys {
        let own = self.wallets.iter().find(|w| w.name == wallet).map(Wallet::keys);
        own.filter(|keys| keys.key().is_some()).unwrap_or_else(|| self.exchange.keys())
    }

    fn check(&self, node: &Node, reader: &mut Reader) {
        self.check_models(node, reader);
        let unplaced = self.trading.configurations.iter().find(|c| c.symbol.is_none());
        if let Some(configuration) = unplaced.filter(|_| self.symbols.is_empty()) {
            let message = format!(
                "name at least one, such as BTC/USDT: the configuration of {} has no symbol",
                configuration.strategy
            );
            reader.refuse_entry(node, "symbols", message);
        }
        for (i, wallet) in self.wallets.iter().enumerate() {
            if self.wallets[..i].iter().any(|other| other.name == wallet.name) {
                let message =
                    format!("two are called {}: give each a name of its own", wallet.name);
                reader.refuse_entry(node, "wallets", message);
            }
        }
    }
}

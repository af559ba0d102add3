pub(crate) mod replay;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use tradepulse_core::store::trading::TradingStore;
use tradepulse_core::store::{ConfigurationFilter, MemoryStore, Page, TrainingStore};
use tradepulse_exec::config::{Config, ConfigError};
use tradepulse_exec::coordinator::{Plan, ReplaySpeed};
use tradepulse_exec::store::lock::InstanceLock;
use tradepulse_strategies::registry;

use self::replay::Span;
use crate::arguments::DataDir;
use crate::output::{self, Verdict};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The file [default: config.yaml]
    #[arg(long, env = "TRADEPULSE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Trade on stored candles, as if they came now: all of them, or FROM..TO (dates, or RFC 3339;
    /// candles before FROM warm strategies up)
    #[arg(long, value_name = "FROM..TO", num_args = 0..=1, default_missing_value = "..")]
    replay: Option<Span>,
    /// How fast a replay goes: max, or so many times as fast as it was
    #[arg(long, default_value = "max", value_parser = parse_speed)]
    speed: ReplaySpeed,
    /// Replay the candles of this file instead of stored ones (the configuration names one symbol
    /// and one timeframe)
    #[arg(long, value_name = "FILE", requires = "replay")]
    data: Option<PathBuf>,
    /// Keep no records
    #[arg(long, requires = "replay")]
    no_records: bool,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

fn parse_speed(text: &str) -> Result<ReplaySpeed, String> {
    if text == "max" {
        return Ok(ReplaySpeed::Max);
    }
    match text.parse::<f64>() {
        Ok(times) if times > 0.0 && times.is_finite() => Ok(ReplaySpeed::Times(times)),
        _ => Err("expected max, or a number above zero".to_owned()),
    }
}

/// Reads the configuration, or says everything that is wrong with it.
pub(crate) fn load(path: Option<&Path>) -> Result<Config> {
    let path = path.unwrap_or(Path::new("config.yaml"));
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    match Config::load(Some(path), environment) {
        Ok(loaded) => Ok(loaded.config),
        Err(ConfigError::Invalid(problems)) => {
            let problems: String = problems.iter().map(|p| format!("\n  {p}")).collect();
            bail!("{} is not valid:{problems}", path.display())
        }
        Err(error) => Err(error)
            .with_context(|| format!("{}: `tradepulse config example` prints one", path.display())),
    }
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let config = load(arguments.config.as_deref())?;
    if !config.mode.dry_run {
        bail!(
            "mode: this version has no venue adapters, and trades dry runs only; set \
             mode.dry_run: true"
        );
    }
    let Some(span) = arguments.replay else {
        bail!(
            "this version has no live market data: trade on stored candles with --replay \
             (and --data FILE for candles that are not imported)"
        );
    };
    let alerts = !config.alerts.webhooks.is_empty() || !config.alerts.telegram.is_empty();
    if alerts || config.monitoring.enabled {
        output::note("alerts and monitoring are for runs that go on; a replay uses neither");
    }
    let folder = config.database.folder.clone().map_or_else(|| place.path(), Ok)?;
    let runtime = crate::records::runtime()?;
    let forgetful = Arc::new(MemoryStore::default());
    let mut lock = None;
    let (store, trained): (Arc<dyn TradingStore>, _) = if arguments.no_records {
        (forgetful, Vec::new())
    } else {
        std::fs::create_dir_all(&folder)?;
        lock = Some(InstanceLock::take(&folder)?);
        let sqlite =
            runtime.block_on(tradepulse_exec::store::sqlite::SqliteStore::open(&folder))?;
        let active = ConfigurationFilter { is_active: Some(true), ..Default::default() };
        let trained = runtime.block_on(sqlite.configurations(&active, Page::ALL))?;
        (Arc::new(sqlite), trained)
    };
    let registry = registry();
    let plan = Plan::new(&config, &registry, &trained)?;
    let series = replay::series(&plan, &config, arguments.data.as_deref(), place)?;
    let outcomes = runtime.block_on(replay::wallets(
        &config,
        &registry,
        &plan,
        &series,
        &replay::How { span, speed: arguments.speed },
        &store,
    ))?;
    drop(lock);
    if arguments.json {
        output::json(&serde_json::json!({ "wallets": outcomes }))?;
    } else {
        for outcome in &outcomes {
            replay::print(outcome)?;
        }
    }
    let unexplained = outcomes.iter().any(|outcome| outcome.counters.unexplained > 0);
    Ok(if unexplained { Verdict::Bad } else { Verdict::Good })
}

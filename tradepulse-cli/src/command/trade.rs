mod consent;
mod live;
mod replay;
pub(crate) mod summary;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::runtime::Runtime;
use tradepulse_core::store::trading::{RunMode, TradingStore};
use tradepulse_core::store::{
    ConfigurationFilter, MemoryStore, Page, TrainedConfiguration, TrainingStore,
};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::config::{Config, ConfigError};
use tradepulse_exec::coordinator::session::{Accounts, Replay, Session, WalletOutcome};
use tradepulse_exec::coordinator::{Clock, Observer, ReplaySpeed};
use tradepulse_exec::store::lock::InstanceLock;
use tradepulse_exec::store::sqlite::SqliteStore;
use tradepulse_strategies::registry_with_models;

use self::replay::{Progress, Span};
use self::summary::Summary;
use crate::arguments::DataDir;
use crate::output::{self, Verdict};
use crate::signals::stop_signal;

#[derive(Args)]
#[command(after_help = "\
SIGINT, SIGTERM and SIGHUP stop it: no more entries, positions kept or closed as on_shutdown says,
records written, within 10 seconds; a second signal ends it at once.

Exit codes: 0 it came to its end or was stopped in good order, 1 something could not be explained or
the end took longer than 10 seconds, 2 it could not begin or could not go on, 130 two signals.")]
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
    /// Begin a new run also where an earlier one still holds positions under another configuration:
    /// that one is given up as it is, with what it holds at the venue
    #[arg(long, conflicts_with = "replay")]
    new_run: bool,
    /// Say that you know what `mode` means when neither a dry run nor a test network is set; a
    /// preflight comes first then
    #[arg(long, env = "TRADEPULSE_I_UNDERSTAND_THIS_TRADES_REAL_MONEY")]
    i_understand_this_trades_real_money: bool,
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
    let runtime = crate::records::runtime()?;
    let outcomes = match arguments.replay {
        Some(span) => replay(&arguments, span, config, place, &runtime)?,
        None => {
            if money(&config) {
                consent::ask(&config, arguments.i_understand_this_trades_real_money)?;
                consent::preflight(&config, place, &runtime)?;
            }
            let data = runtime.block_on(crate::venues::market_data(&config))?;
            let (folder, store, trained, _lock) = records(&config, place, &runtime)?;
            let accounts = runtime.block_on(accounts(&config, &folder))?;
            let new_run = arguments.new_run;
            let place = live::Place { data, accounts, folder, store, trained, new_run };
            live::trade(config, place, &runtime)?
        }
    };
    let summaries: Vec<Summary> = outcomes.into_iter().map(Summary::from).collect();
    if arguments.json {
        output::json(&serde_json::json!({ "wallets": summaries }))?;
    } else {
        for summary in &summaries {
            summary.print()?;
        }
        if summaries.is_empty() {
            output::line("stopped before a wallet was ready to trade")?;
        }
    }
    let unexplained = summaries.iter().any(Summary::is_unexplained);
    Ok(if unexplained { Verdict::Bad } else { Verdict::Good })
}

fn replay(
    arguments: &Arguments,
    span: Span,
    config: Config,
    place: &DataDir,
    runtime: &Runtime,
) -> Result<Vec<WalletOutcome>> {
    let alerts = !config.alerts.webhooks.is_empty() || !config.alerts.telegram.is_empty();
    if alerts || config.monitoring.enabled {
        output::note("alerts and monitoring are for runs that go on; a replay uses neither");
    }
    let mut lock = None;
    let (store, trained): (Arc<dyn TradingStore>, _) = if arguments.no_records {
        (Arc::new(MemoryStore::default()), Vec::new())
    } else {
        let (_, store, trained, held) = records(&config, place, runtime)?;
        lock = Some(held);
        (Arc::new(store), trained)
    };
    let csv = config.database.trades_csv.clone();
    let advisors = runtime.block_on(crate::models::advisors(&config))?;
    let session = Session::new(config, registry_with_models(), &trained, store, Clock::system())?
        .with_advisors(advisors);
    let series =
        replay::series(session.plan(), session.config(), arguments.data.as_deref(), place)?;
    let replay = Replay {
        series: &series,
        from: span.from.unwrap_or(Timestamp::EARLIEST),
        until: span.to.unwrap_or(Timestamp::LATEST),
        speed: arguments.speed,
    };
    let candles = series.iter().map(|(_, series)| series.between(replay.from, replay.until).len());
    let candles = candles.sum::<usize>() * session.wallets()?.len();
    let bar = Progress::bar(candles);
    let shown = bar.clone();
    // A replay at full speed is a calculation, and takes no commands.
    let session = session
        .taking_commands(arguments.speed != ReplaySpeed::Max)
        .with_observers(move |_| vec![Box::new(Progress::of(&shown)) as Box<dyn Observer>]);
    let stop = stop_signal()?;
    let outcomes = runtime.block_on(session.replay(&replay, &stop))?;
    bar.finish_and_clear();
    if let Some(path) = csv {
        let mut csv = tradepulse_exec::store::trades_csv::TradesCsv::open(&path)?;
        for trade in outcomes.iter().flat_map(|outcome| &outcome.trades) {
            csv.append(trade)?;
        }
    }
    drop(lock);
    Ok(outcomes)
}

/// Whether orders of this configuration cost money.
fn money(config: &Config) -> bool {
    !config.mode.dry_run && !config.mode.testnet
}

/// Where the orders of each wallet go.
async fn accounts(config: &Config, folder: &Path) -> Result<Accounts> {
    if config.mode.dry_run {
        return Ok(Accounts::Paper(folder.to_owned()));
    }
    let mode = if money(config) { RunMode::Live } else { RunMode::Testnet };
    let mut by_wallet = BTreeMap::new();
    for name in config.wallet_names() {
        let account = crate::venues::exchange(config, name).await;
        let account = account.with_context(|| format!("the account of wallet {name}"))?;
        by_wallet.insert(name.to_owned(), account);
    }
    Ok(Accounts::Venue { mode, by_wallet })
}

/// The folder of the records, the store in it, the active trained configurations, and the right to
/// be the one process that trades with it.
fn records(
    config: &Config,
    place: &DataDir,
    runtime: &Runtime,
) -> Result<(PathBuf, SqliteStore, Vec<TrainedConfiguration>, InstanceLock)> {
    let folder = config.database.folder.clone().map_or_else(|| place.path(), Ok)?;
    std::fs::create_dir_all(&folder)?;
    let lock = InstanceLock::take(&folder)?;
    let store = runtime.block_on(SqliteStore::open(&folder))?;
    let active = ConfigurationFilter { is_active: Some(true), ..ConfigurationFilter::default() };
    let trained = runtime.block_on(store.configurations(&active, Page::ALL))?;
    Ok((folder, store, trained, lock))
}

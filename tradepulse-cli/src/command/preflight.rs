use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use tokio::runtime::Runtime;
use tradepulse_core::exchange::{Exchange, MarketData};
use tradepulse_exec::check::Check;
use tradepulse_exec::config::{Config, ConfigError};
use tradepulse_exec::preflight::Preflight;
use tradepulse_strategies::registry_with_models;

use super::config::{self, File};
use crate::arguments::DataDir;
use crate::checks;
use crate::clock::now;
use crate::output::Verdict;
use crate::{records, venues};

#[derive(Args)]
#[command(after_help = checks::EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    file: File,
    /// Check as if real money were to be traded, whatever `mode` says
    #[arg(long)]
    live: bool,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let path = arguments.file.config.as_deref().unwrap_or(Path::new(config::DEFAULT));
    let loaded = match Config::load(Some(path), config::environment()) {
        Ok(loaded) => loaded,
        Err(ConfigError::Invalid(problems)) => {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            let text = format!("{}: {}", path.display(), problems.join("; "));
            let invalid = Check::fail("config", text, "correct it; nothing else was looked at");
            return checks::show(&[invalid], arguments.json);
        }
        Err(error) => return Err(error.into()),
    };
    let mut config = loaded.config;
    if arguments.live {
        (config.mode.dry_run, config.mode.testnet) = (false, false);
    }
    let mut found = vec![Check::pass("config", format!("{} is valid", path.display()))];
    found.extend(checks_of(&config, place, &records::runtime()?)?);
    checks::show(&found, arguments.json)
}

/// What a preflight finds.
pub(crate) fn checks_of(config: &Config, place: &DataDir, runtime: &Runtime) -> Result<Vec<Check>> {
    let (registry, data_dir) = (registry_with_models(), place.path()?);
    let mut found = Vec::new();
    let (market_data, accounts) = runtime.block_on(venue(config, &mut found));
    let models = match runtime.block_on(crate::models::advisors(config)) {
        Ok(advisors) => advisors.members,
        Err(error) => {
            let advice = "is the file there, with its manifest beside it?";
            found.push(Check::fail("models", format!("{error:#}"), advice));
            Vec::new()
        }
    };
    let preflight = Preflight {
        config,
        registry: &registry,
        data_dir: &data_dir,
        environment: &|name| std::env::var(name).ok(),
        market_data,
        accounts,
        models,
        now: now(),
    };
    found.extend(runtime.block_on(preflight.run()));
    Ok(found)
}

/// The market data of a venue, and the accounts there by wallet; or why there are none.
type Connected = (Result<Arc<dyn MarketData>, String>, Result<Accounts, String>);
type Accounts = BTreeMap<String, Arc<dyn Exchange>>;

/// What can be had of the venue; what cannot be connected to is a check that failed.
async fn venue(config: &Config, found: &mut Vec<Check>) -> Connected {
    if let Err(error) = venues::has_adapter(config) {
        return (Err(error.to_string()), Err(error.to_string()));
    }
    let data = venues::market_data(config).await.map_err(|error| {
        let text = format!("{error:#}");
        let advice = "is exchange.name right, and can the exchange be reached from here?";
        found.push(Check::fail("market data", text, advice));
        "there are no market data".to_owned()
    });
    if config.mode.dry_run {
        return (data, Err("a dry run has no account at the exchange".to_owned()));
    }
    let mut accounts = Accounts::new();
    for wallet in config.wallet_names() {
        match venues::exchange(config, wallet).await {
            Ok(account) => drop(accounts.insert(wallet.to_owned(), account)),
            Err(error) => {
                let advice = "are the keys there and right, and do they belong to this exchange?";
                let text = format!("wallet {wallet}: {error:#}");
                found.push(Check::fail("account", text, advice));
            }
        }
    }
    let unreached = || "no account can be reached".to_owned();
    (data, Some(accounts).filter(|accounts| !accounts.is_empty()).ok_or_else(unreached))
}

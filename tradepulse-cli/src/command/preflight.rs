use std::path::Path;

use anyhow::Result;
use clap::Args;
use tradepulse_exec::check::Check;
use tradepulse_exec::config::{Config, ConfigError};
use tradepulse_exec::preflight::Preflight;
use tradepulse_strategies::registry;

use super::config::{self, File};
use crate::arguments::DataDir;
use crate::checks;
use crate::clock::now;
use crate::output::Verdict;
use crate::records;

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
    let (registry, data_dir) = (registry(), place.path()?);
    let preflight = Preflight {
        config: &config,
        registry: &registry,
        data_dir: &data_dir,
        environment: &|name| std::env::var(name).ok(),
        market_data: None,
        exchange: None,
        now: now(),
    };
    let mut found = vec![Check::pass("config", format!("{} is valid", path.display()))];
    found.extend(records::runtime()?.block_on(preflight.run()));
    checks::show(&found, arguments.json)
}

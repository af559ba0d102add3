//! What stands before orders that cost money.

use anyhow::{Result, bail};
use tokio::runtime::Runtime;
use tradepulse_exec::check::{Check, Standing};
use tradepulse_exec::config::Config;

use crate::arguments::DataDir;
use crate::command::preflight;
use crate::output::note;

/// Refuses without a second consent.
pub(super) fn ask(config: &Config, consents: bool) -> Result<()> {
    if consents {
        return Ok(());
    }
    bail!(
        "mode: with dry_run: false and testnet: false orders go to {} and cost money; if that is \
         what you want, say so with --i-understand-this-trades-real-money",
        config.exchange.name
    )
}

/// Refuses unless every check passes.
pub(super) fn preflight(config: &Config, place: &DataDir, runtime: &Runtime) -> Result<()> {
    let checks = preflight::checks_of(config, place, runtime)?;
    let failed = checks.iter().filter(|check| check.standing == Standing::Fail);
    let failed: Vec<_> = failed.collect();
    for Check { name, evidence, advice, .. } in &failed {
        note(format!("{name}: {evidence}: {}", advice.as_deref().unwrap_or_default()));
    }
    match failed.len() {
        0 => Ok(()),
        count => bail!(
            "{count} checks of the preflight failed, so no money is traded; `tradepulse preflight` \
             shows them all"
        ),
    }
}

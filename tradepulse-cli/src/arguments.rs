//! Arguments that several commands share.

mod market;
mod models;
mod plan;
mod selection;
mod settings;
#[cfg(feature = "venues")]
mod venue;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::risk::RiskRules;
use tradepulse_core::variable::Variable;

pub(crate) use market::{LoadedMarket, MarketArguments, read_detail, require_order};
pub(crate) use models::{AdviceTerms, MODELS, ModelArguments, NO_MODELS};
pub(crate) use plan::PlanArguments;
pub(crate) use selection::{MarketSelection, Selection};
pub(crate) use settings::SettingsArguments;
#[cfg(feature = "venues")]
pub(crate) use venue::VenueArguments;

/// Where TradePulse keeps what it stores.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataDir {
    /// Folder for stored data [default: the platform's data folder]
    #[arg(long, global = true, env = "TRADEPULSE_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl DataDir {
    pub(crate) fn path(&self) -> Result<PathBuf> {
        if let Some(dir) = &self.data_dir {
            return Ok(dir.clone());
        }
        let dirs = directories::ProjectDirs::from("", "", "tradepulse")
            .context("this platform names no data folder: pass --data-dir")?;
        Ok(dirs.data_dir().to_owned())
    }
}

/// The defaults with every `name=value` of `assignments` applied.
pub(crate) fn parameters(
    variables: &'static [Variable],
    assignments: &[String],
) -> Result<Parameters> {
    let mut parameters = Parameters::defaults(variables);
    for assignment in assignments {
        let Some((name, value)) = assignment.split_once('=') else {
            bail!("--set {assignment}: expected name=value");
        };
        parameters = parameters.with_text(name.trim(), value.trim())?;
    }
    Ok(parameters)
}

/// The risk rules of a JSON file.
pub(crate) fn read_risk_rules(file: &Path) -> Result<RiskRules> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is no file of risk rules in JSON", file.display()))
}

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use tradepulse_exec::store::lock::InstanceLock;
use tradepulse_exec::store::sqlite::{FILE_NAME, maintenance};

use crate::arguments::DataDir;
use crate::output::{self, Verdict};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The backup; it is verified before anything is changed
    file: PathBuf,
    /// Put it in the place of a database that is there; that one stays beside it
    #[arg(long)]
    force: bool,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

/// A backup that was restored.
#[derive(Serialize)]
struct Restored {
    from: PathBuf,
    file: PathBuf,
    /// What was there before.
    kept: Option<PathBuf>,
    schema_version: Option<u32>,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { file: from, force, json } = arguments;
    let folder = place.path()?;
    let file = folder.join(FILE_NAME);
    if file.exists() && !force {
        bail!(
            "{} is there: --force puts the backup in its place, and keeps it beside",
            file.display()
        );
    }
    let restored = records::runtime()?.block_on(async {
        // Nothing is made for a backup that cannot be taken.
        maintenance::check_file(&from)
            .await
            .with_context(|| format!("{} is no backup to restore", from.display()))?;
        let _lock = InstanceLock::take(&folder)?;
        let kept = maintenance::restore(&folder, &from).await?;
        let schema_version = maintenance::status(&folder).await?.schema_version;
        anyhow::Ok(Restored { from, file, kept, schema_version })
    })?;
    if json {
        output::json(&restored)?;
        return Ok(Verdict::Good);
    }
    output::line(format!("Restored from {}", restored.from.display()))?;
    if let Some(kept) = &restored.kept {
        output::line(format!("What was there before: {}", kept.display()))?;
    }
    Ok(Verdict::Good)
}

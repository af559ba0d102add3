use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::store::backup::Backups;

use crate::arguments::DataDir;
use crate::clock::now;
use crate::output::{self, Verdict, number};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Folder of the backup, made if it is not there [default: `backups` in the data directory]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

/// A backup that was taken.
#[derive(Serialize)]
struct Taken {
    file: PathBuf,
    at: Timestamp,
    bytes: u64,
    schema_version: Option<u32>,
    /// How many backups the folder has now.
    backups: usize,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let data_dir = place.path()?;
    let folder = arguments.to.unwrap_or_else(|| data_dir.join(Backups::FOLDER));
    let backups = Backups { data_dir, folder, every: Duration::MAX, keep: usize::MAX };
    let taken = records::runtime()?.block_on(async {
        let backup = backups
            .take(now())
            .await
            .with_context(|| format!("no backup of {}", backups.data_dir.display()))?;
        let restored = backups
            .rehearse(&backup)
            .await
            .with_context(|| format!("{} cannot be restored", backup.path.display()))?;
        anyhow::Ok(Taken {
            bytes: fs::metadata(&backup.path)?.len(),
            file: backup.path,
            at: backup.at,
            schema_version: restored.schema_version,
            backups: backups.list()?.len(),
        })
    })?;
    if arguments.json {
        output::json(&taken)?;
    } else {
        output::line(format!(
            "{}: {} bytes, verified and restored for a try; {} backups in the folder",
            taken.file.display(),
            number(taken.bytes as f64, 0),
            taken.backups
        ))?;
    }
    Ok(Verdict::Good)
}

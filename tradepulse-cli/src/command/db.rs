use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use tradepulse_core::store::StoreError;
use tradepulse_exec::store::sqlite::{SCHEMA_VERSION, maintenance};

use crate::arguments::DataDir;
use crate::output::{self, Verdict, number};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Path, size, schema version, rows of each table, and whether it is sound
    Status {
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Bring it to the schema of this program; makes it if there is none
    Migrate,
    /// Give back the room that nothing uses
    Vacuum,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let folder = place.path()?;
    let runtime = records::runtime()?;
    runtime.block_on(async {
        match arguments.action {
            Action::Status { json } => return status(&folder, json).await,
            Action::Migrate => {
                let before = maintenance::migrate(&folder).await?;
                output::line(match before {
                    SCHEMA_VERSION => format!("Already at schema version {SCHEMA_VERSION}"),
                    0 => format!("Made, at schema version {SCHEMA_VERSION}"),
                    _ => format!("From schema version {before} to {SCHEMA_VERSION}"),
                })?;
            }
            Action::Vacuum => {
                let bytes = maintenance::vacuum(&folder).await?;
                output::line(format!("{} bytes given back", number(bytes as f64, 0)))?;
            }
        }
        Ok(Verdict::Good)
    })
}

async fn status(folder: &Path, json: bool) -> Result<Verdict> {
    let status = maintenance::status(folder).await?;
    let damage = match status.schema_version {
        // There is nothing to check, or nothing this program can judge.
        None => None,
        Some(version) if version > SCHEMA_VERSION => None,
        Some(_) => match maintenance::check(folder).await {
            Ok(()) => None,
            Err(StoreError::Corrupt { reason, .. }) => Some(reason),
            Err(error) => return Err(error.into()),
        },
    };
    let verdict = if damage.is_none() { Verdict::Good } else { Verdict::Bad };
    if json {
        let mut value = serde_json::to_value(&status)?;
        value["tables"] = status.tables.iter().map(|(t, n)| (t.clone(), json!(n))).collect();
        value["damage"] = json!(damage);
        output::json(&value)?;
        return Ok(verdict);
    }
    output::line(format!("File: {}", status.path.display()))?;
    let Some(version) = status.schema_version else {
        output::line("There is no database yet; it is made at first use")?;
        return Ok(verdict);
    };
    let known = match version.cmp(&status.known_version) {
        std::cmp::Ordering::Equal => String::new(),
        std::cmp::Ordering::Less => {
            format!(", this program writes {}: tradepulse db migrate", status.known_version)
        }
        std::cmp::Ordering::Greater => {
            format!(", this program knows up to {}: use a later one", status.known_version)
        }
    };
    output::line(format!("Schema: version {version}{known}"))?;
    let [bytes, log, unused] =
        [status.bytes, status.log_bytes, status.unused_bytes].map(|n| number(n as f64, 0));
    output::line(format!("Size: {bytes} bytes, {unused} of them unused; log: {log} bytes"))?;
    let mut table = output::table(&["table", "rows"], &[1]);
    for (name, rows) in &status.tables {
        table.add_row([name.clone(), number(*rows as f64, 0)]);
    }
    output::line(table)?;
    output::line(match &damage {
        None if version > SCHEMA_VERSION => "Integrity: not checked".to_owned(),
        None => "Integrity: sound".to_owned(),
        Some(reason) => format!("Integrity: DAMAGED, restore a backup ({reason})"),
    })?;
    Ok(verdict)
}

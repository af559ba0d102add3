use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tradepulse_core::inference::FeatureRegistry;
use tradepulse_exec::inference::model_directory::ModelDirectory;

use crate::output::{self, Verdict};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder of a model's versions
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The version to serve [default: the one that was served before]
    #[arg(long, value_name = "VERSION")]
    to: Option<u64>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let Arguments { directory, to } = arguments;
    let registry = FeatureRegistry::default();
    let directory = ModelDirectory::new(directory);
    let bundle = records::runtime()?.block_on(directory.rollback(to, &registry))?;
    let manifest = bundle.manifest();
    output::line(format!("{} version {} is served", manifest.name, manifest.version))?;
    Ok(Verdict::Good)
}

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tradepulse_core::inference::{FeatureRegistry, OutputKind};
use tradepulse_exec::inference::bundle::Flags;
use tradepulse_exec::inference::model_directory::{ModelDirectory, Publication};

use crate::output::{self, Verdict};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The model
    file: PathBuf,
    /// The folder of its versions, made if it is not there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// What it is called, where it has no manifest [default: the file's name]
    #[arg(long, requires = "features")]
    name: Option<String>,
    /// Its features, where it has no manifest: basic10, or raw
    #[arg(long, value_name = "NAME", requires = "output")]
    features: Option<String>,
    /// What its outputs mean, where it has no manifest: probs3, logits, binary or score
    #[arg(long, value_name = "KIND", requires = "features")]
    output: Option<OutputKind>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let Arguments { file, directory, name, features, output } = arguments;
    let flags = features.zip(output).map(|(features, output)| Flags { name, features, output });
    let registry = FeatureRegistry::default();
    let published = records::runtime()?.block_on(async {
        let new = Publication::of_file(&file, flags.as_ref(), &registry).await?;
        anyhow::Ok(ModelDirectory::new(&directory).publish(new, &registry).await?)
    })?;
    let manifest = published.manifest();
    output::line(format!(
        "{} is version {} of {}; `tradepulse model-server --model {2}` serves it",
        manifest.name,
        manifest.version,
        directory.display()
    ))?;
    Ok(Verdict::Good)
}

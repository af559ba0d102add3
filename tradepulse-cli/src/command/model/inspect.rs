use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tradepulse_core::inference::{FeatureRegistry, OutputKind};
use tradepulse_exec::inference::bundle::{self, Flags};

use crate::output::{self, Verdict};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The model
    file: PathBuf,
    /// Its features, where it has no manifest: basic10, or raw
    #[arg(long, value_name = "NAME", requires = "output")]
    features: Option<String>,
    /// What its outputs mean, where it has no manifest: probs3, logits, binary or score
    #[arg(long, value_name = "KIND", requires = "features")]
    output: Option<OutputKind>,
    /// JSON on stdout: the manifest
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let Arguments { file, features, output, json } = arguments;
    let flags =
        features.zip(output).map(|(features, output)| Flags { name: None, features, output });
    let registry = FeatureRegistry::default();
    let loading = bundle::load(&file, flags.as_ref(), &registry);
    let loaded = records::runtime()?.block_on(loading)?;
    let manifest = loaded.manifest();
    if json {
        output::json(manifest)?;
        return Ok(Verdict::Good);
    }
    output::line(format!(
        "{} version {}: {}, sha256 {}",
        manifest.name,
        manifest.version,
        loaded.platform(),
        manifest.sha256
    ))?;
    output::line(format!(
        "{} ({}) to {}{}",
        manifest.features,
        manifest.feature_names.join(", "),
        manifest.output,
        manifest.horizon.map(|h| format!(", {h} candles ahead")).unwrap_or_default()
    ))?;
    if let Some(learnt_to) = manifest.learnt_to {
        output::line(format!("It learnt from candles up to {learnt_to}"))?;
    }
    output::line("It is what its manifest says, and gives the golden sample's outputs")?;
    Ok(Verdict::Good)
}

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use tradepulse_core::inference::{FeatureRegistry, OutputKind};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::inference::bundle::{self, Flags, manifest_path};

use crate::output::{self, Verdict};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    /// A model without a manifest: a LightGBM text model, one that ends in .onnx (ONNX Runtime has to
    /// be here: see doctor), or another that `model-server` takes
    file: PathBuf,
    /// What it is called [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// Its features: basic10, or raw if whoever asks makes them
    #[arg(long, value_name = "NAME")]
    features: String,
    /// What its outputs mean: probs3, logits, binary or score
    #[arg(long, value_name = "KIND")]
    output: OutputKind,
    /// The row of the golden sample [default: small numbers, no two of them the same]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', allow_hyphen_values = true)]
    sample: Vec<f64>,
    /// Close of the newest candle that it learnt from (a date, or RFC 3339): no backtest asks it
    /// about earlier ones
    #[arg(long, value_name = "TIME")]
    learnt_to: Option<Timestamp>,
    /// Replace the manifest that is there
    #[arg(long)]
    replace: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let Arguments { file, name, features, output, sample, learnt_to, replace } = arguments;
    let flags = Flags { name, features, output };
    let path = manifest_path(&file);
    if path.exists() && !replace {
        bail!("{} is there already; --replace writes another", path.display());
    }
    let registry = FeatureRegistry::default();
    let manifest = records::runtime()?.block_on(async {
        let named = registry.get(&flags.features).ok().map(|set| set.names().len());
        let told = if sample.is_empty() { named } else { Some(sample.len()) };
        let width = bundle::width(&file, told)?;
        let sample = if sample.is_empty() { (0..width).map(small).collect() } else { sample };
        if sample.len() != width {
            bail!("--sample has {} numbers, the model takes {width}", sample.len());
        }
        bundle::write_manifest(&file, &flags, &registry, sample, learnt_to).await?;
        Ok(bundle::load(&file, None, &registry).await?.manifest().clone())
    })?;
    output::line(format!(
        "{} is {}: {} ({}) to {}; `tradepulse model publish` and `model-server` take it as it is",
        file.display(),
        manifest.name,
        manifest.features,
        manifest.feature_names.join(", "),
        manifest.output
    ))?;
    Ok(Verdict::Good)
}

/// 0.1, -0.2, 0.3, …
fn small(i: usize) -> f64 {
    let size = (i + 1) as f64 / 10.0;
    if i.is_multiple_of(2) { size } else { -size }
}

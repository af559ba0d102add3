use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tradepulse_core::inference::FeatureRegistry;
use tradepulse_exec::inference::model_directory::{ModelDirectory, Version};

use crate::output::{self, Verdict};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder of a model's versions
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Good if every version can be served.
pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let Arguments { directory, json } = arguments;
    let registry = FeatureRegistry::default();
    let directory = ModelDirectory::new(directory);
    let versions = records::runtime()?.block_on(directory.versions(&registry))?;
    let whole = versions.iter().all(|version| version.model.is_ok());
    if json {
        output::json(&versions.iter().map(told).collect::<Vec<_>>())?;
    } else {
        let mut table = output::table(&["version", "serving", "model", "features", "output"], &[0]);
        for Version { number, serving, model } in &versions {
            let serving = if *serving { "yes" } else { "" }.to_owned();
            let (about, features, kind) = match model {
                Ok(bundle) => {
                    let manifest = bundle.manifest();
                    let about = format!("{} ({})", manifest.name, bundle.platform());
                    (about, manifest.features.clone(), manifest.output.to_string())
                }
                Err(error) => (format!("damaged: {error}"), String::new(), String::new()),
            };
            table.add_row([number.to_string(), serving, about, features, kind]);
        }
        output::line(table)?;
    }
    Ok(if whole { Verdict::Good } else { Verdict::Bad })
}

fn told(version: &Version) -> serde_json::Value {
    let (number, serving) = (version.number, version.serving);
    match &version.model {
        Ok(bundle) => json!({
            "version": number, "serving": serving, "platform": bundle.platform(),
            "manifest": bundle.manifest(),
        }),
        Err(error) => json!({ "version": number, "serving": serving, "error": error.to_string() }),
    }
}

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tradepulse_core::inference::{FeatureRegistry, OutputKind};
use tradepulse_core::market::Symbol;
use tradepulse_exec::inference::bundle::{self, Flags};
use tradepulse_exec::model_server::{ModelServer, ModelServerSettings};

use crate::output::{self, Verdict};
use crate::{clock, signals};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The model: a LightGBM text model, or one that ends in .onnx (ONNX Runtime has to be here:
    /// see doctor); its manifest NAME.manifest.json beside it is checked
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// What it is called [default: what its manifest says, or the file's name]
    #[arg(long)]
    name: Option<String>,
    /// Its features, where it has no manifest: basic10, or raw if whoever asks makes them
    #[arg(long, value_name = "NAME", requires = "output")]
    features: Option<String>,
    /// What its outputs mean, where it has no manifest: probs3, logits, binary or score
    #[arg(long, value_name = "KIND", requires = "features")]
    output: Option<OutputKind>,
    /// Address to serve at
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The only markets it answers about, such as BTC/USDT,ETH/USDT [default: any]
    #[arg(long, value_name = "BASE/QUOTE", value_delimiter = ',')]
    symbols: Vec<Symbol>,
    /// Where samples are kept [default: the model's file with the ending .samples.jsonl]
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    /// Threads that answer requests
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
}

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let Arguments { model, name, features, output, host, port, symbols, samples, threads } =
        arguments;
    let flags = features.zip(output).map(|(features, output)| Flags {
        name: name.clone(),
        features,
        output,
    });
    let samples = samples.unwrap_or_else(|| model.with_extension("samples.jsonl"));
    let settings = ModelServerSettings {
        symbols,
        samples: Some(samples),
        at_once: threads.into(),
        ..ModelServerSettings::default()
    };
    let stop = signals::stop_signal()?;
    runtime(threads)?.block_on(async {
        let bundle = bundle::load(&model, flags.as_ref(), &FeatureRegistry::default()).await?;
        let manifest = bundle.manifest();
        if let Some(name) = name.filter(|name| *name != manifest.name) {
            bail!("--name {name}: the manifest says {:?}", manifest.name);
        }
        let listener = TcpListener::bind((host, port))
            .await
            .with_context(|| format!("cannot serve at {host}:{port}"))?;
        output::line(format!(
            "{} version {} ({}, {} features to {}) is served at http://{}",
            manifest.name,
            manifest.version,
            bundle.platform(),
            manifest.features,
            manifest.output,
            listener.local_addr()?,
        ))?;
        let server = ModelServer::new(bundle, settings, clock::now);
        server.serve(listener, async move { stop.stopped().await }).await?;
        Ok(Verdict::Good)
    })
}

/// One thread needs no hand-overs to others.
fn runtime(threads: u16) -> Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(threads.into()).enable_all().build().context("cannot start the runtime")
}

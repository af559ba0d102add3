//! A model of one's own behind the model server: any [`Predictor`] with a manifest will do.
//!
//! `cargo run --release -p tradepulse-examples --bin model_server -- 8001`, then
//! `curl http://127.0.0.1:8001/ready`.

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tokio::net::TcpListener;
use tradepulse_core::inference::{
    Basic10, FeatureRegistry, FeatureSet, GoldenSample, LinearPredictor, MANIFEST_VERSION,
    Manifest, OutputKind, Predictor, Rows, contract_hash,
};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::inference::bundle::Bundle;
use tradepulse_exec::model_server::{ModelServer, ModelServerSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8001".to_owned()).parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("served at http://{}", listener.local_addr()?);
    let server = ModelServer::new(momentum().await?, ModelServerSettings::default(), now);
    server.serve(listener, std::future::pending()).await?;
    Ok(())
}

/// With the trend: 20 times the distance of the close from its EMA 20.
async fn momentum() -> anyhow::Result<Bundle> {
    let mut coefficients = vec![0.0; 11];
    coefficients[5] = -20.0;
    let model = LinearPredictor::new(10, coefficients).context("coefficients")?;
    let input = vec![0.01; 10];
    let output = model.predict(Rows::new(&input, 10)?).await?;
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        name: "momentum".to_owned(),
        version: 1,
        file: String::new(),
        sha256: String::new(),
        features: Basic10.name().to_owned(),
        feature_names: Basic10.names().iter().map(|&name| name.to_owned()).collect(),
        contract: Some(contract_hash(&Basic10)),
        output: OutputKind::Score,
        horizon: None,
        data: None,
        learnt_to: None,
        golden_sample: GoldenSample { input, output, tolerance: 0.0 },
    };
    let registry = FeatureRegistry::default();
    Ok(Bundle::new(manifest, Arc::new(model), "linear", &registry).await?)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

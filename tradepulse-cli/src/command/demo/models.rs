//! The last part of the demo: two models are trained, served, and trade on paper together with a
//! third one that was trained beforehand, where ONNX Runtime is there to run it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tradepulse_core::inference::{Action, Basic10, FeatureRegistry, FeatureSet, Labelling};
use tradepulse_core::market::{Market, Series};
use tradepulse_core::random::Seed;
use tradepulse_core::store::Page;
use tradepulse_core::store::trading::{
    PredictionRecord, RecordFilter, TradingStore, TradingStoreExt,
};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::config::{Config, Decides, ModelEndpoint, SizingMethod};
use tradepulse_exec::coordinator::session::{Replay, Session, StopSignal};
use tradepulse_exec::coordinator::{Clock, ReplaySpeed};
use tradepulse_exec::inference::evaluation::evaluate;
use tradepulse_exec::inference::learner::{BuiltInTrees, TreeGrowth};
use tradepulse_exec::inference::training::{Part, TrainingPlan, train};
use tradepulse_exec::inference::{bundle, onnx};
use tradepulse_exec::model_server::{ModelServer, ModelServerSettings};
use tradepulse_strategies::registry_with_models;

use crate::clock;
use crate::command::trade::summary::Summary;
use crate::output::{line, number};

/// The models: what they are called, how many candles ahead they look, and the rise or fall until
/// then that they are to foresee.
const MODELS: [(&str, usize, f64); 2] = [("near", 3, 0.001), ("far", 6, 0.0015)];

/// A small network that `tools/demo_model.py` trained on the market of the demo, with its manifest.
const NETWORK: (&[u8], &str) =
    (include_bytes!("network.onnx"), include_str!("network.manifest.json"));

/// Seed of the market that it was trained on, and how many candles of it it knows.
const NETWORK_KNOWS: (Seed, usize) = (Seed(42), 80_000);

/// Candles that the models are asked about, at most.
const ASKED: usize = 3_000;

/// Candles that models are told of, and so come before.
const WARM_UP: usize = 1_300;

/// Trains the models on the candles before number `known`, serves each, and lets both together trade
/// on candles that came afterwards.
pub(super) fn session(
    market: &Market,
    series: &Series,
    known: usize,
    (seed, store, folder): (Seed, &Arc<dyn TradingStore>, &Path),
    runtime: &Runtime,
) -> Result<()> {
    line("\nTwo models, trained on the same candles, and one that came with the program:\n")?;
    let learnt = series.slice(0..known);
    let (mut files, mut judged) = (Vec::new(), None);
    for (name, horizon, rise) in MODELS {
        let labelling = Labelling { horizon, long_above: rise, short_below: -rise };
        let plan = TrainingPlan { labelling, seed, ..TrainingPlan::default() };
        // There is little to be known of this market: volatility, and hardly more.
        let growth = TreeGrowth { rounds: 60, max_leaves: 3, seed, ..TreeGrowth::default() };
        let trees = BuiltInTrees(growth);
        let trained = train(&learnt, &Basic10, &plan, &trees)?;
        let file = folder.join(format!("{name}.txt"));
        trained.write(&file, name, 1)?;
        let test = &trained.report.test;
        let (low, high) = test.edge_interval;
        line(format!(
            "  {name} looks {horizon} candles ahead; on {} rows it never saw it is {:+.4} nats better \
             than a coin, 95 % interval {low:+.4} to {high:+.4}",
            number(trained.report.judged.rows as f64, 0),
            test.edge,
        ))?;
        files.push((name, file));
        judged = Some(trained.report.judged);
    }
    match (onnx::find_library(), judged) {
        (Ok(_), Some(judged)) => {
            let file = folder.join("network.onnx");
            fs::write(&file, NETWORK.0)?;
            fs::write(bundle::manifest_path(&file), NETWORK.1)?;
            runtime.block_on(introduce(&file, &learnt, &judged, seed))?;
            files.push(("network", file));
        }
        _ => line(
            "  network, the third, is an ONNX model: without ONNX Runtime (`tradepulse doctor` says \
             how to get it) the demo goes on with two",
        )?,
    }
    let mut endpoints = Vec::new();
    let mut servers = Vec::new();
    for (name, file) in &files {
        let (port, server) = runtime.block_on(serve(file))?;
        servers.push(server);
        let mut endpoint = ModelEndpoint::default();
        (endpoint.name, endpoint.port) = ((*name).to_owned(), port);
        endpoints.push(endpoint);
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let end = (known + ASKED).min(series.len());
    let ports: Vec<String> = endpoints.iter().map(|e| format!("127.0.0.1:{}", e.port)).collect();
    line(format!(
        "\nEach is served at a port of its own ({}), and asked about each of the next {} candles; \
         what they say together trades on paper:\n",
        ports.join(", "),
        number((end - known) as f64, 0)
    ))?;
    let mut config = Config::default();
    config.exchange.name = market.exchange.clone();
    config.symbols = vec![market.symbol.clone()];
    config.data.timeframes = vec![market.timeframe];
    config.model_endpoints = endpoints;
    config.decision.mode = Decides::ModelsOnly;
    // Three classes, each right about as often as the others: a third is a guess.
    config.ensemble.threshold = 0.35;
    // They are held to what the one that looks farther was trained to foresee.
    let (_, horizon, rise) = MODELS[1];
    config.ensemble.horizon = u32::try_from(horizon)?;
    config.ensemble.least_return = rise;
    config.trading.position_size_method = SizingMethod::FixedFraction;
    let part = series.slice(known.saturating_sub(WARM_UP)..end);
    let candles = [(market.symbol.clone(), part)];
    let from = Timestamp::from_ms(series.time()[known]);
    let replay =
        Replay { from, until: Timestamp::LATEST, speed: ReplaySpeed::Max, series: &candles };
    runtime.block_on(async {
        let advisors = crate::models::advisors(&config).await?;
        let registry = registry_with_models();
        let session = Session::new(config, registry, &[], Arc::clone(store), Clock::system())?
            .with_advisors(advisors);
        for outcome in session.replay(&replay, &StopSignal::never()).await? {
            let run = outcome.run.clone();
            Summary::from(outcome).print()?;
            tell_records(&**store, &run, &names).await?;
        }
        anyhow::Ok(())
    })?;
    servers.into_iter().for_each(|server| server.abort());
    let file = folder.join("near.txt");
    line(format!("\n`tradepulse model-server --model {}` serves one.", file.display()))
}

/// What the network is worth on the candles that judged the others, and where it comes from.
async fn introduce(file: &Path, learnt: &Series, judged: &Part, seed: Seed) -> Result<()> {
    let (_, horizon, rise) = MODELS[1];
    let labelling = Labelling { horizon, long_above: rise, short_below: -rise };
    let at = |time: Timestamp| learnt.time().partition_point(|t| *t < time.as_ms());
    let (first, last) = (at(judged.from), at(judged.to));
    let end = (last + horizon + 1).min(learnt.len());
    let part = learnt.slice((first + 1).saturating_sub(Basic10.window())..end);
    let bundle = bundle::load(file, None, &FeatureRegistry::default()).await?;
    let scores = evaluate(&bundle, &part, &labelling, seed).await?.scores;
    let knows_some = seed == NETWORK_KNOWS.0 && first < NETWORK_KNOWS.1;
    let saw = match knows_some {
        true => "of which, as of those below, it learnt from some,",
        false => "it never saw",
    };
    let (low, high) = scores.edge_interval;
    line(format!(
        "  network looks {horizon} candles ahead; on {} rows {saw} it is {:+.4} nats better than \
         their base rate, 95 % interval {low:+.4} to {high:+.4}; tools/demo_model.py made it of the \
         first part of the market of seed {}",
        number(scores.rows as f64, 0),
        scores.edge,
        NETWORK_KNOWS.0.0,
    ))
}

/// How often each model was right, as its predictions were settled.
async fn tell_records(store: &dyn TradingStore, run: &str, names: &[&str]) -> Result<()> {
    let filter = RecordFilter { run: Some(run.to_owned()), ..RecordFilter::default() };
    let said: Vec<PredictionRecord> = store.records(&filter, Page::ALL).await?;
    for name in names {
        let settled = said.iter().filter(|r| r.model == *name && r.truth.is_some());
        let sided: Vec<_> = settled.filter(|r| r.action != Action::Hold.name()).collect();
        let right = sided.iter().filter(|r| r.truth.as_deref() == Some(&*r.action)).count();
        let asked = said.iter().filter(|r| r.model == *name).count();
        let share = 100.0 * right as f64 / sided.len().max(1) as f64;
        line(format!(
            "{name}: {} answers; {} times it named a side, {} candles later right in {share:.1} %",
            number(asked as f64, 0),
            number(sided.len() as f64, 0),
            MODELS[1].1,
        ))?;
    }
    Ok(())
}

/// Serves the model of `file` at a free port of this machine.
async fn serve(file: &Path) -> Result<(u16, tokio::task::JoinHandle<()>)> {
    let bundle = bundle::load(file, None, &FeatureRegistry::default()).await?;
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).await.context("no port to serve a model at")?;
    let port = listener.local_addr()?.port();
    let server = ModelServer::new(bundle, ModelServerSettings::default(), clock::now);
    let task = tokio::spawn(async move {
        // It ends with the demo; whoever asks it sees when it does not answer.
        let _ = server.serve(listener, std::future::pending()).await;
    });
    Ok((port, task))
}

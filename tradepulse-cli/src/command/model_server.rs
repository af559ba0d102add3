use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tradepulse_core::inference::{FeatureRegistry, OutputKind};
use tradepulse_core::market::Symbol;
use tradepulse_exec::inference::bundle::{self, Flags};
use tradepulse_exec::inference::learner::{BuiltInTrees, Learner, TreeGrowth};
use tradepulse_exec::inference::lightgbm_library::LightGbmTrees;
use tradepulse_exec::inference::model_directory::ModelDirectory;
use tradepulse_exec::inference::online::{Online, OnlinePlan};
use tradepulse_exec::inference::retraining::RetrainingPlan;
use tradepulse_exec::model_server::{
    Learning, ModelServer, ModelServerSettings, RetrainSchedule, SampleLabels,
};

use crate::output::{self, Verdict};
use crate::{clock, signals};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The model: a LightGBM text model, or one that ends in .onnx (ONNX Runtime has to be here:
    /// see doctor) or .pt (TorchScript, by a build with libtorch), its manifest NAME.manifest.json
    /// beside it; or the folder of its versions (`model publish`), whose newest good one is served
    #[arg(long, value_name = "FILE|DIR")]
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
    /// Where samples are kept [default: samples.jsonl in the folder of versions, or the model's file
    /// with the ending .samples.jsonl]
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    /// Threads that answer requests
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
    /// What makes challengers of the samples, with a folder of versions: built-in, trees of our own;
    /// lightgbm, whose library is looked for (LIGHTGBM_DYLIB_PATH); or online, which learns from each
    /// outcome as it comes and is judged after so many (--retrain-after) [default: built-in]
    #[arg(long, value_enum)]
    learner: Option<LearnerName>,
    /// What was right about a sample: outcome, what the trade earned; or forward:CANDLES:FRACTION,
    /// the return over the candles after it, beyond a fraction (0.005 if none is named)
    /// [default: outcome]
    #[arg(long, value_name = "LABELS")]
    labels: Option<SampleLabels>,
    /// When to train on the samples, minute, hour, day, month and weekday in UTC, or `never`; with
    /// a folder of versions
    #[arg(long, value_name = "CRON", default_value = "0 2 * * *")]
    retrain_schedule: String,
    /// Train after so many new samples, too [default: never; 50 with --learner online]
    #[arg(long, value_name = "SAMPLES")]
    retrain_after: Option<u64>,
    /// By how much a challenger's log loss has to be less than that of the model that serves, nats
    #[arg(long, value_name = "NATS", default_value_t = 0.005)]
    retrain_margin: f64,
    /// Fewest samples to train on
    #[arg(long, value_name = "SAMPLES", default_value_t = 200)]
    retrain_fewest: usize,
    /// Let others than this machine change what is served, where --host is not a loopback address
    #[arg(long)]
    allow_control: bool,
}

/// What makes challengers.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LearnerName {
    BuiltIn,
    Lightgbm,
    Online,
}

/// How often the folder of versions is looked at.
const FOLLOWED: Duration = Duration::from_secs(2);

/// How the model learns, if it does.
struct Learn {
    schedule: Option<RetrainSchedule>,
    retrain_after: Option<u64>,
    learner: Arc<dyn Learner>,
    online: Option<OnlinePlan>,
    labels: SampleLabels,
    plan: RetrainingPlan,
    control: bool,
}

impl Learn {
    fn of(arguments: &Arguments) -> Result<Self> {
        let schedule = match &*arguments.retrain_schedule {
            "never" => None,
            text => Some(text.parse().context("--retrain-schedule")?),
        };
        let (margin, fewest) = (arguments.retrain_margin, arguments.retrain_fewest);
        if !(margin >= 0.0 && margin.is_finite()) {
            bail!("--retrain-margin {margin} is not 0 or more");
        }
        let labels = arguments.labels.unwrap_or_default();
        let horizon = match labels {
            SampleLabels::Forward(labelling) => u32::try_from(labelling.horizon).ok(),
            SampleLabels::Outcome { .. } => None,
        };
        let name = arguments.learner.unwrap_or(LearnerName::BuiltIn);
        if name == LearnerName::Online && horizon.is_some() {
            bail!(
                "--learner online learns when an outcome comes, before forward returns are known"
            );
        }
        if !arguments.model.is_dir() && (arguments.learner.is_some() || arguments.labels.is_some())
        {
            bail!(
                "--learner and --labels are of a folder of versions, and {} is none: `tradepulse \
                 model publish` makes one",
                arguments.model.display()
            );
        }
        let learner: Arc<dyn Learner> = match name {
            LearnerName::Lightgbm => Arc::new(LightGbmTrees::find(TreeGrowth::default())?),
            LearnerName::BuiltIn | LearnerName::Online => Arc::new(BuiltInTrees::default()),
        };
        let online = OnlinePlan::default();
        let judge_every = arguments.retrain_after.unwrap_or(online.judge_every);
        let online = OnlinePlan { judge_every, ..online };
        Ok(Self {
            schedule,
            retrain_after: arguments.retrain_after,
            learner,
            online: (name == LearnerName::Online).then_some(online),
            labels,
            plan: RetrainingPlan { margin, fewest, horizon, ..RetrainingPlan::default() },
            control: arguments.allow_control || arguments.host.is_loopback(),
        })
    }

    fn learning(&self, directory: ModelDirectory) -> Learning {
        Learning {
            control: self.control,
            plan: self.plan,
            retrain_after: self.retrain_after,
            learner: Arc::clone(&self.learner),
            online: self.online,
            labels: self.labels,
            tell: Arc::new(output::note),
            ..Learning::new(directory)
        }
    }
}

async fn keep(server: &ModelServer, schedule: Option<&RetrainSchedule>) {
    match schedule {
        Some(schedule) => server.keep_schedule(schedule).await,
        None => std::future::pending().await,
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let learn = Learn::of(&arguments)?;
    let Arguments { model, name, features, output, host, port, symbols, samples, threads, .. } =
        arguments;
    let flags = features.zip(output).map(|(features, output)| Flags {
        name: name.clone(),
        features,
        output,
    });
    let directory = model.is_dir().then(|| ModelDirectory::new(&model));
    let samples = samples.unwrap_or_else(|| match directory {
        Some(_) => model.join("samples.jsonl"),
        None => model.with_extension("samples.jsonl"),
    });
    let settings = ModelServerSettings {
        symbols,
        samples: Some(samples),
        at_once: threads.into(),
        ..ModelServerSettings::default()
    };
    let stop = signals::stop_signal()?;
    runtime(threads)?.block_on(async {
        let registry = FeatureRegistry::default();
        let bundle = match &directory {
            Some(_) if flags.is_some() => {
                bail!("--features and --output are of a file; versions have manifests")
            }
            Some(directory) => {
                let served = directory.load(&registry).await?;
                served.warnings.iter().for_each(output::note);
                served.bundle
            }
            None => bundle::load(&model, flags.as_ref(), &registry).await?,
        };
        let manifest = bundle.manifest();
        if let Some(name) = name.filter(|name| *name != manifest.name) {
            bail!("--name {name}: the manifest says {:?}", manifest.name);
        }
        if let Some(online) = learn.online {
            Online::new(online.settings, &bundle).context("--learner online")?;
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
        let learning = directory.map(|directory| learn.learning(directory));
        let server = ModelServer::with_learning(bundle, settings, learning, clock::now);
        tokio::select! {
            served = server.serve(listener, async move { stop.stopped().await }) => served?,
            () = server.follow(FOLLOWED) => {}
            () = keep(&server, learn.schedule.as_ref()) => {}
            () = server.learn_online() => {}
        }
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

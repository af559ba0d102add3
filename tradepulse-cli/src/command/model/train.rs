use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::json;
use tradepulse_core::inference::{FeatureRegistry, Labelling};
use tradepulse_core::random::Seed;
use tradepulse_exec::inference::bundle::manifest_path;
use tradepulse_exec::inference::learner::{BuiltInTrees, Learner, TreeGrowth};
use tradepulse_exec::inference::lightgbm_library::LightGbmTrees;
use tradepulse_exec::inference::training::{TrainingPlan, TrainingReport, train};

use crate::arguments::{DataDir, MarketArguments};
use crate::output::{self, Verdict, number};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    market: MarketArguments,
    /// What the model is told of a candle
    #[arg(long, value_name = "NAME", default_value = "basic10")]
    features: String,
    /// How many candles ahead it looks
    #[arg(long, value_name = "CANDLES", default_value_t = 12)]
    horizon: u32,
    /// A rise above it until then is a long that was right, a fall below its negative a short
    #[arg(long, value_name = "FRACTION", default_value_t = 0.005)]
    threshold: f64,
    /// What grows the trees: built-in, or lightgbm, whose library is then looked for
    /// (LIGHTGBM_DYLIB_PATH)
    #[arg(long, value_enum, default_value_t = LearnerName::BuiltIn)]
    learner: LearnerName,
    /// Most trees for each class
    #[arg(long, default_value_t = 300)]
    rounds: u32,
    /// Same seed and candles, same model
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// What it is called [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// Its version
    #[arg(long, default_value_t = 1)]
    version: u64,
    /// Where the model is written, its manifest beside it
    #[arg(long, value_name = "FILE", default_value = "model.txt")]
    out: PathBuf,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Who grows trees.
#[derive(Clone, Copy, ValueEnum)]
enum LearnerName {
    BuiltIn,
    Lightgbm,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { horizon, threshold, rounds, seed, version, out, json, .. } = &arguments;
    let features = FeatureRegistry::default().get(&arguments.features)?;
    let market = arguments.market.load(place)?;
    let labelling =
        Labelling { horizon: *horizon as usize, long_above: *threshold, short_below: -threshold };
    let (rounds, seed) = (*rounds, Seed(*seed));
    let plan = TrainingPlan { labelling, seed, ..TrainingPlan::default() };
    let growth = TreeGrowth { rounds, seed, ..TreeGrowth::default() };
    let learner: Box<dyn Learner> = match arguments.learner {
        LearnerName::BuiltIn => Box::new(BuiltInTrees(growth)),
        LearnerName::Lightgbm => Box::new(LightGbmTrees::find(growth)?),
    };
    let trained = train(&market.series, &*features, &plan, &*learner)?;
    let name = arguments.name.clone().unwrap_or_else(|| {
        out.file_stem().map_or_else(|| "model".to_owned(), |s| s.to_string_lossy().into_owned())
    });
    trained.write(out, &name, *version)?;
    if *json {
        let report = &trained.report;
        output::json(&json!({ "name": name, "version": version, "file": out, "report": report }))?;
    } else {
        print(&trained.report)?;
        output::line(format!(
            "Written: {} and {}; `tradepulse model-server --model {}` serves it",
            out.display(),
            manifest_path(out).display(),
            out.display()
        ))?;
    }
    Ok(Verdict::Good)
}

fn print(report: &TrainingReport) -> Result<()> {
    let mut table = output::table(&["part", "rows", "from", "to"], &[1]);
    let parts = [
        ("learnt from", &report.train),
        ("decided when to stop", &report.validation),
        ("judged", &report.judged),
    ];
    for (name, part) in parts {
        let rows = number(part.rows as f64, 0);
        table.add_row([name.to_owned(), rows, part.from.to_string(), part.to.to_string()]);
    }
    output::line(table)?;
    let [long, short, hold] = report.shares.map(|share| share * 100.0);
    output::line(format!(
        "Right in the rows learnt from: long {long:.1} %, short {short:.1} %, hold {hold:.1} %"
    ))?;
    let test = &report.test;
    let (low, high) = test.edge_interval;
    output::line(format!(
        "{} rounds. On rows it never saw: log loss {:.4}, a coin with those shares {:.4}: {:+.4} \
         better, 95 % interval {low:+.4} to {high:+.4}",
        report.rounds, test.log_loss, test.coin_log_loss, test.edge
    ))?;
    output::line(format!(
        "The most probable class was right in {:.1} %, the most frequent one in {:.1} %",
        test.accuracy * 100.0,
        test.coin_accuracy * 100.0
    ))?;
    output::line(match test.beats_the_coin() {
        true => "It knows something that a coin does not; whether that pays is another question.",
        false => "That is no better than a coin, as far as these rows can tell.",
    })?;
    let total: f64 = report.importance.iter().map(|(_, gain)| gain).sum();
    let told = report.importance.iter().filter(|(_, gain)| *gain > 0.0).take(5);
    let told = told.map(|(name, gain)| format!("{name} {:.0} %", gain / total * 100.0));
    output::line(format!("It looks at: {}", told.collect::<Vec<_>>().join(", ")))?;
    Ok(())
}

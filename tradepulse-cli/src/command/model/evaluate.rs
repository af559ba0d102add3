use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use tradepulse_core::inference::{FeatureRegistry, Labelling, OutputKind};
use tradepulse_core::random::Seed;
use tradepulse_exec::inference::bundle::{self, Flags};
use tradepulse_exec::inference::evaluation::{Evaluation, evaluate};
use tradepulse_exec::inference::model_directory::ModelDirectory;

use crate::arguments::{DataDir, MarketArguments};
use crate::output::{self, Verdict, maybe, number};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The model, or the folder of its versions
    model: PathBuf,
    #[command(flatten)]
    market: MarketArguments,
    /// Its features, where it has no manifest: basic10
    #[arg(long, value_name = "NAME", requires = "output")]
    features: Option<String>,
    /// What its outputs mean, where it has no manifest: probs3, logits or binary
    #[arg(long, value_name = "KIND", requires = "features")]
    output: Option<OutputKind>,
    /// How many candles ahead it looks [default: what its manifest says]
    #[arg(long, value_name = "CANDLES")]
    horizon: Option<u32>,
    /// A rise above it until then is a long that was right, a fall below its negative a short
    #[arg(long, value_name = "FRACTION", default_value_t = 0.005)]
    threshold: f64,
    /// Decides the interval
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { model, market, features, output, horizon, threshold, seed, json } = arguments;
    let market = market.load(place)?;
    let flags =
        features.zip(output).map(|(features, output)| Flags { name: None, features, output });
    let registry = FeatureRegistry::default();
    let (bundle, evaluation) = records::runtime()?.block_on(async {
        let bundle = if model.is_dir() {
            let served = ModelDirectory::new(&model).load(&registry).await?;
            served.warnings.iter().for_each(output::note);
            served.bundle
        } else {
            bundle::load(&model, flags.as_ref(), &registry).await?
        };
        let horizon = horizon
            .or(bundle.manifest().horizon)
            .context("pass --horizon: the model does not say how far it looks ahead")?;
        let labelling =
            Labelling { horizon: horizon as usize, long_above: threshold, short_below: -threshold };
        let evaluation = evaluate(&bundle, &market.series, &labelling, Seed(seed)).await?;
        anyhow::Ok((bundle, evaluation))
    })?;
    let manifest = bundle.manifest();
    if let Some(learnt_to) = manifest.learnt_to.filter(|to| evaluation.from < *to) {
        output::note(format!(
            "{} learnt from candles up to {learnt_to}: --from leaves out what is not new to it",
            manifest.name
        ));
    }
    if json {
        output::json(&json!({
            "name": manifest.name, "version": manifest.version, "evaluation": evaluation,
        }))?;
    } else {
        output::line(format!(
            "{} version {}, candles from {} to {}",
            manifest.name, manifest.version, evaluation.from, evaluation.to
        ))?;
        print(&evaluation)?;
    }
    Ok(Verdict::Good)
}

fn print(evaluation: &Evaluation) -> Result<()> {
    let Evaluation { scores, .. } = evaluation;
    let mut table = output::table(&["", "model", "base rate", "fair coin"], &[1, 2, 3]);
    let row = |name: &str, cells: [Option<f64>; 3]| {
        let cells = cells.into_iter().map(|cell| maybe(cell, 4));
        [name.to_owned()].into_iter().chain(cells).collect::<Vec<_>>()
    };
    let classes = evaluation.classes.len() as f64;
    table.add_row(row(
        "log loss",
        [Some(scores.log_loss), Some(scores.coin_log_loss), Some(evaluation.fair_coin_log_loss)],
    ));
    table.add_row(row("Brier", [Some(evaluation.brier), Some(evaluation.base_rate_brier), None]));
    table.add_row(row(
        "accuracy",
        [Some(scores.accuracy), Some(scores.coin_accuracy), Some(1.0 / classes)],
    ));
    output::line(table)?;
    let (low, high) = scores.edge_interval;
    output::line(format!(
        "{} rows. Log loss {:+.4} better than the base rate of these rows, 95 % interval {low:+.4} \
         to {high:+.4}",
        number(scores.rows as f64, 0),
        scores.edge
    ))?;
    let header = ["class", "said", "rows", "mean said", "came", "AUC"];
    let mut table = output::table(&header, &[1, 2, 3, 4, 5]);
    for (i, class) in evaluation.classes.iter().enumerate() {
        for (j, bin) in evaluation.calibration[i].iter().enumerate() {
            let first = j == 0;
            table.add_row([
                if first { (*class).to_owned() } else { String::new() },
                format!("{:.0} to {:.0} %", bin.from * 100.0, bin.to * 100.0),
                number(bin.rows as f64, 0),
                format!("{:.1} %", bin.said * 100.0),
                format!("{:.1} %", bin.came * 100.0),
                if first { maybe(evaluation.auc[i], 3) } else { String::new() },
            ]);
        }
    }
    output::line(table)?;
    Ok(())
}

mod report;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use tradepulse_core::optimise::undominated;
use tradepulse_core::store::{Page, StudyFilter, StudyRecord, TrainingStore, TrialRecord};
use tradepulse_core::training::Objective;

use super::train::Records;
use crate::arguments::DataDir;
use crate::output::{self, Verdict, maybe};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List studies
    Ls {
        /// JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// One study and its best trials
    Show {
        /// Its id, or the beginning of it
        id: String,
        /// How many trials
        #[arg(long, default_value_t = 20)]
        trials: usize,
        /// JSON on stdout, with all trials
        #[arg(long)]
        json: bool,
    },
    /// Write the report of one study
    Report {
        /// Its id, or the beginning of it
        id: String,
        /// The file [default: named after the study]
        #[arg(long, value_name = "FILE.html")]
        out: Option<PathBuf>,
        /// Its candles, unless they are in the store
        #[arg(long, value_name = "FILE")]
        data: Option<PathBuf>,
    },
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let runtime = records::runtime()?;
    let store = runtime.block_on(records::open(place))?;
    match arguments.action {
        Action::Ls { json } => runtime.block_on(ls(&store, json))?,
        Action::Show { id, trials, json } => runtime.block_on(show(&store, &id, trials, json))?,
        Action::Report { id, out, data } => {
            let study = runtime.block_on(find(&store, &id))?;
            let records = Records { store: &store, runtime: &runtime };
            let file = report::write_report(&study, &records, data.as_deref(), out, place)?;
            output::line(format!("Written: {}", file.display()))?;
        }
    }
    Ok(Verdict::Good)
}

async fn ls(store: &dyn TrainingStore, json: bool) -> Result<()> {
    let studies = store.studies(&StudyFilter::default(), Page::ALL).await?;
    if json {
        return output::json(&studies);
    }
    if studies.is_empty() {
        return output::line("No studies. Make some with: tradepulse train");
    }
    let header = ["id", "strategy", "market", "regime", "trials", "seed", "status", "begun"];
    let mut table = output::table(&header, &[4, 5]);
    for s in studies {
        table.add_row([
            s.id.as_str()[..8].to_owned(),
            s.cell.strategy.clone(),
            market(&s),
            s.cell.regime.to_string(),
            s.trials_wanted.to_string(),
            s.seed.to_string(),
            s.status.to_string(),
            s.created_at.to_string(),
        ]);
    }
    output::line(table)
}

fn market(study: &StudyRecord) -> String {
    format!("{} {} {}", study.cell.exchange, study.cell.pair, study.cell.timeframe)
}

/// What the study maximised.
fn objectives(study: &StudyRecord) -> Vec<Objective> {
    let names = study.objective.as_str().unwrap_or_default();
    names.split(',').filter_map(|name| name.parse().ok()).collect()
}

/// The study whose id begins with `id`.
pub(crate) async fn find(store: &dyn TrainingStore, id: &str) -> Result<StudyRecord> {
    let all = store.studies(&StudyFilter::default(), Page::ALL).await?;
    let mut fitting = all.into_iter().filter(|s| s.id.as_str().starts_with(id));
    match (fitting.next(), fitting.next()) {
        (None, _) => bail!("no study has an id that begins with {id:?}"),
        (Some(_), Some(_)) => bail!("several ids begin with {id:?}: give more of it"),
        (Some(found), None) => Ok(found),
    }
}

async fn show(store: &dyn TrainingStore, id: &str, count: usize, json: bool) -> Result<()> {
    let study = find(store, id).await?;
    let mut trials = store.trials(&study.id, Page::ALL).await?;
    let objectives = objectives(&study);
    let values: Vec<Option<&[f64]>> = trials.iter().map(TrialRecord::objectives).collect();
    let front: Vec<u64> = match objectives.len() {
        0 | 1 => Vec::new(),
        _ => undominated(&values).into_iter().map(|i| trials[i].number).collect(),
    };
    let windows = store.windows(&study.id).await?;
    let window_trials: u64 = windows.iter().map(|w| w.trials).sum();
    if json {
        let windows = json!({ "searched": windows.len(), "trials": window_trials });
        return output::json(&json!({
            "study": study,
            "trials": trials,
            "front": front,
            "windows": windows,
        }));
    }
    output::line(format!(
        "{} on {}, {}: study {}, {}",
        study.cell.strategy,
        market(&study),
        study.cell.regime,
        study.id,
        study.status
    ))?;
    if let Some(note) = &study.note {
        output::line(note)?;
    }
    let worst_first = |a: &Option<f64>, b: &Option<f64>| match (a, b) {
        (Some(a), Some(b)) => b.total_cmp(a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    trials.sort_by(|a, b| worst_first(&a.objective(), &b.objective()));
    let names: Vec<&str> = match objectives[..] {
        [] | [_] => vec!["objective"],
        _ => objectives.iter().map(|o| o.name()).collect(),
    };
    let columns = [&["trial"][..], &names, &["Sharpe", "parameters"]].concat();
    let mut table = output::table(&columns, &(0..columns.len() - 1).collect::<Vec<_>>());
    for trial in trials.iter().take(count) {
        let values = (0..names.len()).map(|i| {
            let value = trial.objectives().and_then(|values| values.get(i).copied());
            let signed = |value| objectives.get(i).map_or(value, |o: &Objective| o.signed(value));
            maybe(value.map(signed), 4)
        });
        let row = std::iter::once(trial.number.to_string()).chain(values);
        table.add_row(row.chain([maybe(trial.sharpe, 2), trial.parameters.to_string()]));
    }
    output::line(table)?;
    if !front.is_empty() {
        let numbers: Vec<String> = front.iter().map(u64::to_string).collect();
        output::line(format!("No other trial is better than {}", numbers.join(", ")))?;
    }
    let pruned = match trials.iter().filter(|t| t.pruned).count() {
        0 => String::new(),
        pruned => format!(", {pruned} of them pruned"),
    };
    output::line(format!(
        "{} of {} trials{pruned}; {window_trials} more in {} walk-forward windows",
        trials.len().min(count),
        trials.len(),
        windows.len()
    ))
}

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use tradepulse_core::store::{Page, StudyFilter, StudyRecord, TrainingStore};

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
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let runtime = records::runtime()?;
    runtime.block_on(async {
        let store = records::open(place).await?;
        match arguments.action {
            Action::Ls { json } => ls(&store, json).await?,
            Action::Show { id, trials, json } => show(&store, &id, trials, json).await?,
        }
        Ok(Verdict::Good)
    })
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

async fn show(store: &dyn TrainingStore, id: &str, count: usize, json: bool) -> Result<()> {
    let all = store.studies(&StudyFilter::default(), Page::ALL).await?;
    let mut fitting = all.into_iter().filter(|s| s.id.as_str().starts_with(id));
    let study = match (fitting.next(), fitting.next()) {
        (None, _) => bail!("no study has an id that begins with {id:?}"),
        (Some(_), Some(_)) => bail!("several ids begin with {id:?}: give more of it"),
        (Some(found), None) => found,
    };
    let mut trials = store.trials(&study.id, Page::ALL).await?;
    let windows = store.windows(&study.id).await?;
    let window_trials: u64 = windows.iter().map(|w| w.trials).sum();
    if json {
        let windows = json!({ "searched": windows.len(), "trials": window_trials });
        return output::json(&json!({ "study": study, "trials": trials, "windows": windows }));
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
    let mut table = output::table(&["trial", "objective", "Sharpe", "parameters"], &[0, 1, 2]);
    for trial in trials.iter().take(count) {
        table.add_row([
            trial.number.to_string(),
            maybe(trial.objective(), 4),
            maybe(trial.sharpe, 2),
            trial.parameters.to_string(),
        ]);
    }
    output::line(table)?;
    output::line(format!(
        "{} of {} trials; {window_trials} more in {} walk-forward windows",
        trials.len().min(count),
        trials.len(),
        windows.len()
    ))
}

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use tradepulse_core::lifecycle::{GATE_DEFLATED_SHARPE, GATE_OVERFITTING};
use tradepulse_core::overfitting::{Cscv, TrackRecord, WalkForwardFlag, expected_maximum_sharpe};
use tradepulse_core::performance::DAYS_PER_YEAR;
use tradepulse_core::training::TrialLedger;
use tradepulse_exec::threads::Threads;
use tradepulse_strategies::registry_with_models;

use super::studies;
use super::train::{Records, stored};
use crate::arguments::DataDir;
use crate::output::{self, Verdict, maybe, number};
use crate::records;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Id of the study, or the beginning of it
    id: String,
    /// Its candles, unless they are in the store
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Threads [default: one a core]
    #[arg(long)]
    jobs: Option<usize>,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

/// What is left of the best trial once the search is reckoned with. Sharpe ratios are annualised.
#[derive(Serialize)]
struct Findings {
    /// Trials of the study that could run.
    trials: usize,
    ledger: TrialLedger,
    /// Sharpe ratio of the best trial.
    sharpe: Option<f64>,
    /// What the best of the ledger's trials would show without skill.
    expected_maximum_sharpe: Option<f64>,
    probabilistic_sharpe: Option<f64>,
    deflated_sharpe: Option<f64>,
    /// Days such a record needs to show a Sharpe ratio above zero at 95 %.
    minimum_days: Option<f64>,
    days: usize,
    cscv: Option<Cscv>,
    /// Why there is no `cscv`.
    without_cscv: Option<String>,
    /// `None` if no walk-forward is stored.
    walk_forward: Option<Vec<WalkForwardFlag>>,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let registry = registry_with_models();
    let runtime = records::runtime()?;
    let store = runtime.block_on(records::open(place))?;
    let records = Records { store: &store, runtime: &runtime };
    let record = runtime.block_on(studies::find(&store, &arguments.id))?;
    let market = stored::market(&record, arguments.data.as_deref(), place)?;
    let advising = stored::advising(&record, place)?;
    let cell = stored::cell(&registry, &record, &market, advising.as_ref())?;
    let study = cell.study(stored::plan(&record)?)?;
    let pool = arguments.jobs.map_or_else(Threads::all, Threads::new);
    let searched = stored::found(&study, &record, &records, pool)?;
    let judged = runtime.block_on(stored::judged(&store, &record))?;
    let ledger = stored::ledger(&record, &records)?;

    let parameters = study.space().parameters(&searched.best.point);
    let daily = study.evaluate(study.backtest(), &parameters).daily_returns;
    if daily.is_empty() {
        bail!("the best trial of study {} has no daily returns", record.id);
    }
    let evidence = judged.and_then(|j| j.judgement).map(|(_, evidence)| evidence);
    let found = findings(&daily, &searched.returns, ledger, evidence.and_then(|e| e.walk_forward));
    if arguments.json {
        let mut value = serde_json::to_value(&found)?;
        value["study"] = json!(record.id);
        value["strategy"] = json!(record.cell.strategy);
        value["said"] = json!(said(&found));
        output::json(&value)?;
    } else {
        output::line(format!("{}: study {}", record.cell, record.id))?;
        print(&found)?;
    }
    Ok(Verdict::Good)
}

fn findings(
    best: &[f64],
    returns: &[Vec<f64>],
    ledger: TrialLedger,
    walk_forward: Option<Vec<WalkForwardFlag>>,
) -> Findings {
    let record = TrackRecord::new(best);
    let annual = DAYS_PER_YEAR.sqrt();
    let benchmark = ledger.variance.and_then(|v| expected_maximum_sharpe(ledger.trials, v));
    let deflated = record.and_then(|r| match ledger.variance {
        Some(variance) => r.deflated_sharpe(ledger.trials, variance),
        None => r.deflated_sharpe_by_count(ledger.trials),
    });
    // Trials that were ruined ended early: they cannot be compared day by day.
    let complete: Vec<&Vec<f64>> = returns.iter().filter(|r| r.len() == best.len()).collect();
    let (cscv, without_cscv) = match Cscv::new(&complete, Cscv::BLOCKS) {
        Ok(cscv) => (Some(cscv), None),
        Err(error) => (None, Some(error.to_string())),
    };
    Findings {
        trials: returns.iter().filter(|r| !r.is_empty()).count(),
        ledger,
        sharpe: record.map(|r| r.sharpe * annual),
        expected_maximum_sharpe: benchmark.map(|b| b * annual),
        probabilistic_sharpe: record.and_then(|r| r.probabilistic_sharpe(0.0)),
        deflated_sharpe: deflated,
        minimum_days: record.and_then(|r| r.minimum_length(0.0, GATE_DEFLATED_SHARPE)),
        days: best.len(),
        cscv,
        without_cscv,
        walk_forward,
    }
}

fn print(found: &Findings) -> Result<()> {
    let mut table = output::table(&["figure", "value", "should be"], &[1]);
    let passes = |value: Option<f64>, good: fn(f64) -> bool| match value {
        None => "not known",
        Some(v) if good(v) => "passed",
        Some(_) => "FAILED",
    };
    let gate = |limit: &str, verdict: &str| format!("{limit}: {verdict}");
    let cscv = found.cscv.as_ref();
    let probability = cscv.map(|c| c.probability);
    let flags = found.walk_forward.as_ref();
    let rows = [
        ("Sharpe of the best trial", maybe(found.sharpe, 2), String::new()),
        (
            "days of its record",
            number(found.days as f64, 0),
            match found.minimum_days {
                Some(days) => format!("{} to show one above 0", number(days.ceil(), 0)),
                None => String::new(),
            },
        ),
        ("trials of the study that ran", number(found.trials as f64, 0), String::new()),
        ("trials in the ledger", number(found.ledger.trials as f64, 0), String::new()),
        (
            "best Sharpe expected of them by luck",
            maybe(found.expected_maximum_sharpe, 2),
            String::new(),
        ),
        ("probabilistic Sharpe", maybe(found.probabilistic_sharpe, 4), String::new()),
        (
            "deflated Sharpe",
            maybe(found.deflated_sharpe, 4),
            gate(
                &format!("{GATE_DEFLATED_SHARPE} or more"),
                passes(found.deflated_sharpe, |d| d >= GATE_DEFLATED_SHARPE),
            ),
        ),
        (
            "probability of overfitting",
            maybe(probability, 4),
            gate(
                &format!("below {GATE_OVERFITTING}"),
                passes(probability, |p| p < GATE_OVERFITTING),
            ),
        ),
        (
            "probability of loss in the other half",
            maybe(cscv.map(|c| c.probability_of_loss), 4),
            String::new(),
        ),
        (
            "slope of other half on own half",
            maybe(cscv.and_then(|c| c.degradation_slope), 2),
            String::new(),
        ),
        (
            "walk-forward flags",
            flags.map_or_else(|| "–".to_owned(), |f| f.len().to_string()),
            gate(
                "none",
                match flags {
                    None => "not known",
                    Some(flags) if flags.is_empty() => "passed",
                    Some(_) => "FAILED",
                },
            ),
        ),
    ];
    for (name, value, should) in rows {
        table.add_row([name.to_owned(), value, should]);
    }
    output::line(table)?;
    said(found).into_iter().try_for_each(output::line)
}

/// The same in words.
fn said(found: &Findings) -> Vec<String> {
    let percent = |share: f64| format!("{} %", number(share * 100.0, 1));
    let mut said = Vec::new();
    if let Some(p) = found.probabilistic_sharpe {
        said.push(format!(
            "Had this been the only trial, its true Sharpe ratio would be above zero with a \
             probability of {}.",
            percent(p)
        ));
    }
    if let (Some(sharpe), Some(luck)) = (found.sharpe, found.expected_maximum_sharpe) {
        said.push(format!(
            "The best of {} trials without any skill would show a Sharpe ratio of {}; this one \
             shows {}.",
            number(found.ledger.trials as f64, 0),
            number(luck, 2),
            number(sharpe, 2)
        ));
    }
    if let Some(deflated) = found.deflated_sharpe {
        said.push(format!(
            "That it is better than such luck has a probability of {}.",
            percent(deflated)
        ));
    }
    match &found.cscv {
        Some(cscv) => said.push(format!(
            "The best trial of one half of the data is not above the median of all trials in the \
             other half in {} of {} splits.",
            percent(cscv.probability),
            number(cscv.combinations as f64, 0)
        )),
        None => said.push(format!(
            "The probability of overfitting is not known: {}.",
            found.without_cscv.as_deref().unwrap_or("it was not computed")
        )),
    }
    match &found.walk_forward {
        None => said.push(
            "No walk-forward is stored: the study has not come to its end; train --resume goes on."
                .to_owned(),
        ),
        Some(flags) if flags.is_empty() => said.push("The walk-forward raised no flag.".to_owned()),
        Some(flags) => {
            said.extend(flags.iter().map(|flag| format!("Walk-forward: {flag}.")));
        }
    }
    said
}

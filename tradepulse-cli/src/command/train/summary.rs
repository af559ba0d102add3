//! What training says at its beginning and end.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::training::StudyPlan;
use tradepulse_exec::threads::Threads;

use super::cell::Cell;
use super::front;
use super::work::Ended;
use crate::output::{self, Verdict, maybe, number};

/// Trials of a cell: those of its search and of every window's.
pub(super) fn trials(cell: &Cell<'_>, plan: &StudyPlan) -> usize {
    match (&cell.obstacle, plan.windows.windows(&cell.market.series)) {
        (None, Ok(windows)) => cell.plan(plan).trials.saturating_mul(1 + windows.len()),
        _ => 0,
    }
}

/// Says how much work there is; the time is that of one backtest of each cell, measured.
pub(super) fn estimate(
    cells: &[Cell<'_>],
    plan: &StudyPlan,
    threads: Threads,
    json: bool,
) -> Result<Verdict> {
    let (mut all, mut seconds) = (0, 0.0);
    let mut skipped = 0;
    for cell in cells {
        let count = trials(cell, plan);
        skipped += usize::from(count == 0);
        all += count;
        if count == 0 {
            continue;
        }
        let parameters = Parameters::defaults(cell.strategy.about().variables);
        let started = Instant::now();
        let _ = cell.strategy.backtest(&cell.backtest.clone().for_trials(), &parameters)?;
        let one = started.elapsed().as_secs_f64();
        let candles = cell.market.series.len() as f64;
        let windows = plan.windows.windows(&cell.market.series)?;
        let walked: usize = windows.iter().map(|w| w.train.len() + w.test.len()).sum();
        seconds += cell.plan(plan).trials as f64 * one * (1.0 + walked as f64 / candles);
    }
    let seconds = seconds / threads.jobs() as f64;
    if json {
        output::json(&json!({
            "cells": cells.len(),
            "skipped": skipped,
            "trials": all,
            "threads": threads.jobs(),
            "seconds": seconds,
        }))?;
    } else {
        output::line(format!(
            "{} cells ({skipped} to be skipped), {} trials, about {} s on {} threads",
            cells.len(),
            number(all as f64, 0),
            number(seconds, 1),
            threads.jobs()
        ))?;
    }
    Ok(Verdict::Good)
}

pub(super) fn print(
    cells: &[Cell<'_>],
    results: &[Result<Ended>],
    seconds: f64,
    json: bool,
    written: &[PathBuf],
) -> Result<()> {
    if json {
        let rows = cells.iter().zip(results).map(|(cell, ended)| row(cell, ended));
        return output::json(&json!({
            "studies": rows.collect::<Vec<_>>(),
            "seconds": seconds,
            "reports": written,
        }));
    }
    table(cells, results, seconds)?;
    for (cell, ended) in cells.iter().zip(results) {
        if let Ok(Ended::Trained(trained)) = ended {
            front::print(&cell.to_string(), &trained.front)?;
        }
    }
    for file in written {
        output::line(format!("Written: {}", file.display()))?;
    }
    output::line("Why one may or may not trade: tradepulse configurations explain ID")
}

/// A line for each cell.
pub(super) fn table(cells: &[Cell<'_>], results: &[Result<Ended>], seconds: f64) -> Result<()> {
    let header = [
        "strategy",
        "market",
        "regime",
        "stage",
        "objective",
        "OOS trades",
        "OOS Sharpe",
        "p",
        "deflated",
        "overfit",
        "configuration",
    ];
    let mut table = output::table(&header, &[4, 5, 6, 7, 8, 9]);
    for (cell, ended) in cells.iter().zip(results) {
        let names = [
            cell.strategy.about().name.to_owned(),
            cell.market.to_string(),
            cell.regime.name().to_owned(),
        ];
        let rest = match ended {
            Ok(Ended::Trained(trained)) => {
                let v = &trained.validation;
                let e = &v.evidence;
                [
                    v.judgement.standing.stage.name().to_owned(),
                    number(v.objective, 3),
                    number(e.trades as f64, 0),
                    maybe(e.sharpe, 2),
                    maybe(e.p_value, 3),
                    maybe(e.deflated_sharpe, 2),
                    maybe(e.probability_of_overfitting, 2),
                    trained.configuration.id.as_str()[..8].to_owned(),
                ]
            }
            other => {
                let mut cells = [const { String::new() }; 8];
                cells[0] = super::said_of(other);
                cells
            }
        };
        table.add_row(names.into_iter().chain(rest));
    }
    output::line(table)?;
    let studies = if cells.len() == 1 { "study" } else { "studies" };
    output::line(format!("{} {studies} in {seconds:.1} s", cells.len()))
}

fn row(cell: &Cell<'_>, ended: &Result<Ended>) -> serde_json::Value {
    let mut row = json!({
        "strategy": cell.strategy.about().name,
        "exchange": cell.market.exchange,
        "pair": cell.market.symbol,
        "timeframe": cell.market.timeframe,
        "regime": cell.regime.name(),
    });
    match ended {
        Ok(Ended::Trained(trained)) => {
            let v = &trained.validation;
            row["id"] = json!(trained.study.id);
            row["trials"] = json!(trained.trials);
            row["seconds"] = json!(trained.seconds);
            row["best"] = json!({ "parameters": v.parameters, "objective": v.objective });
            row["configuration"] = json!(trained.configuration);
            if !trained.front.is_empty() {
                row["front"] = front::to_json(&trained.front);
            }
        }
        Ok(Ended::Skipped(reason)) => row["skipped"] = json!(reason),
        Ok(Ended::Stopped(id)) => row["stopped"] = json!(id),
        Err(error) => row["error"] = json!(format!("{error:#}")),
    }
    row
}

//! What can be said of cells before any work: which cannot be trained, and how large grids are.

use anyhow::{Result, bail};
use tradepulse_core::optimise::Method;
use tradepulse_core::training::StudyPlan;

use super::cell::Cell;
use crate::output::{self, number};

/// Finds out what stands in the way of each cell, and says it on stderr.
///
/// # Errors
/// If there are only grids that are too large.
pub(super) fn look(cells: &mut [Cell<'_>], plan: &StudyPlan, max_trials: u64) -> Result<()> {
    let grids: Vec<Option<String>> = cells.iter().map(|c| grid(c, plan, max_trials)).collect();
    if let Some(Some(first)) = grids.first()
        && grids.iter().all(Option::is_some)
    {
        bail!("{first}");
    }
    for (cell, grid) in cells.iter_mut().zip(grids) {
        cell.obstacle = data(cell, plan).or(grid);
        match &cell.obstacle {
            Some(reason) => output::note(format!("{cell} is skipped: {reason}")),
            None if plan.method == Method::Grid => {
                let points = cell.space.size() as f64;
                let trials = super::summary::trials(cell, plan) as f64;
                output::note(format!(
                    "the grid of {cell} has {} points: {} trials with those of all windows",
                    number(points, 0),
                    number(trials, 0)
                ));
            }
            None => {}
        }
    }
    Ok(())
}

/// A grid is searched whole or not at all.
fn grid(cell: &Cell<'_>, plan: &StudyPlan, max_trials: u64) -> Option<String> {
    let size = cell.space.size();
    (plan.method == Method::Grid && size > u128::from(max_trials)).then(|| {
        format!(
            "the grid of {} has {size} points, more than --max-trials {max_trials}; narrow it with \
             --only, --fix or --range, or choose another --optimizer",
            cell.strategy.about().name
        )
    })
}

fn data(cell: &Cell<'_>, plan: &StudyPlan) -> Option<String> {
    if let Err(error) = plan.windows.windows(&cell.market.series) {
        return Some(error.to_string());
    }
    let candles = cell
        .backtest
        .entries()
        .map_or(cell.market.series.len(), |marks| marks.iter().filter(|mark| **mark).count());
    (plan.min_trades > candles as u64).then(|| {
        format!(
            "--min-trades {} cannot be reached: entries can happen on {candles} candles",
            plan.min_trades
        )
    })
}

//! Reports of studies: one file each, and an index.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tradepulse_core::store::{Cell as CellKey, Page, StudyRecord, TrialRecord};

use super::cell::Cell;
use super::record;
use super::said_of;
use super::stored;
use super::work::{Ended, Records, Trained};
use crate::command::backtest::write as write_file;
use crate::report::{self, Found, StudyIndex, StudyIndexRow, StudyReport};

/// Writes a report of every cell that was trained to `folder`, and an index of them if there are
/// several cells. Returns the files, the index first.
pub(super) fn write(
    folder: &Path,
    cells: &[Cell<'_>],
    results: &[Result<Ended>],
    records: &Records<'_>,
) -> Result<Vec<PathBuf>> {
    let mut trained: Vec<(&Cell<'_>, &Trained, Vec<TrialRecord>)> = Vec::new();
    let mut without: Vec<(CellKey, String)> = Vec::new();
    for (cell, ended) in cells.iter().zip(results) {
        match ended {
            Ok(Ended::Trained(done)) => {
                let trials = records.wait(records.store.trials(&done.study.id, Page::ALL))?;
                trained.push((cell, &**done, trials));
            }
            other => without.push((record::key(cell), said_of(other))),
        }
    }
    let reports: Vec<StudyReport<'_>> =
        trained.iter().map(|(cell, done, trials)| of(cell, done, trials)).collect();
    let mut files = Vec::new();
    for report in &reports {
        let html = report::render_study(report)?;
        let file = folder.join(file_name(report.study));
        write_file(&file, |out| out.write_all(html.as_bytes()))?;
        files.push(file);
    }
    if cells.len() > 1 {
        let rows =
            reports.iter().map(|report| StudyIndexRow { report, link: file_name(report.study) });
        let index = StudyIndex {
            lede: format!("{} of {} cells came to a configuration.", reports.len(), cells.len()),
            rows: rows.collect(),
            without,
        };
        let file = folder.join("index.html");
        let html = report::render_study_index(&index);
        write_file(&file, |out| out.write_all(html.as_bytes()))
            .context("the reports are written, their index is not")?;
        files.insert(0, file);
    }
    Ok(files)
}

fn of<'a>(cell: &'a Cell<'_>, done: &'a Trained, trials: &'a [TrialRecord]) -> StudyReport<'a> {
    let validation = &done.validation;
    StudyReport {
        study: &done.study,
        summary: cell.strategy.about().summary,
        settings: cell.backtest.settings(),
        trials,
        configuration: Some(&done.configuration),
        judged: Some((&validation.judgement, &validation.evidence)),
        found: Some(Found { series: &cell.market.series, validation }),
        notes: stored::note_of_models(&done.study).into_iter().collect(),
    }
}

/// Cell and study in a name that every file system takes.
pub(crate) fn file_name(study: &StudyRecord) -> String {
    let cell = &study.cell;
    let name = format!(
        "{} {} {} {} {} {}",
        cell.strategy,
        cell.exchange,
        cell.pair,
        cell.timeframe,
        cell.regime,
        &study.id.as_str()[..8]
    );
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    name.chars().map(plain).collect::<String>() + ".html"
}

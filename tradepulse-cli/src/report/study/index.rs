use tradepulse_core::store::Cell;

use super::super::overview::sparkline;
use super::super::text::{
    count, escape, fixed, or_dash, percent, probability, signed_percent, tone,
};
use super::super::{Page, fill, page};
use super::StudyReport;

/// Several studies, each with a report of its own.
#[derive(Debug)]
pub(crate) struct StudyIndex<'a> {
    /// What is to be said before the table, such as how many cells were skipped.
    pub(crate) lede: String,
    /// The studies.
    pub(crate) rows: Vec<StudyIndexRow<'a>>,
    /// Cells that came to nothing, and why.
    pub(crate) without: Vec<(Cell, String)>,
}

/// One study of a [`StudyIndex`].
#[derive(Debug)]
pub(crate) struct StudyIndexRow<'a> {
    /// Its report.
    pub(crate) report: &'a StudyReport<'a>,
    /// Where that is, relative to this file.
    pub(crate) link: String,
}

/// The index as HTML, the highest stage first, then the highest Sharpe ratio out of sample.
pub(crate) fn render_study_index(index: &StudyIndex<'_>) -> String {
    let mut rows: Vec<&StudyIndexRow<'_>> = index.rows.iter().collect();
    let rank = |row: &StudyIndexRow<'_>| {
        let judged = row.report.judged;
        let sharpe = judged.and_then(|(_, evidence)| evidence.sharpe).unwrap_or(f64::MIN);
        (judged.map(|(judgement, _)| judgement.standing.stage), sharpe)
    };
    rows.sort_by(|a, b| {
        let (a, b) = (rank(a), rank(b));
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    let rows: String = rows.into_iter().map(row).collect();
    let without: String = index
        .without
        .iter()
        .map(|(cell, reason)| {
            format!("<dt>{}</dt><dd>{}</dd>\n", escape(&cell.to_string()), escape(reason))
        })
        .collect();
    let without = if without.is_empty() {
        without
    } else {
        format!(
            "<section id=\"without\" class=\"foot\">\n<h2>Without a result</h2>\n<dl>{without}</dl>\n\
             </section>\n"
        )
    };
    let body = fill(
        include_str!("index.html"),
        &[
            ("lede", &*escape(&index.lede)),
            ("rows", &rows),
            ("without", &without),
            ("engine", env!("CARGO_PKG_VERSION")),
        ],
    );
    page(&Page { title: "Training", nav: "", body: &body, data: None, scripts: &[] })
}

fn row(row: &StudyIndexRow<'_>) -> String {
    let report = row.report;
    let cell = &report.study.cell;
    let evidence = report.judged.map(|(_, evidence)| evidence);
    let stage = report.judged.map_or("–", |(judgement, _)| judgement.standing.stage.name());
    let walked = report.found.and_then(|found| found.validation.walk_forward.as_ref());
    let spark = walked
        .map_or_else(String::new, |(walked, _)| sparkline(&walked.equity, report.settings.capital));
    let profit = report.configuration.and_then(|c| c.performance.net_profit_pct);
    let two = |value: Option<f64>| or_dash(value, |v| fixed(v, 2));
    format!(
        "<tr><th scope=\"row\"><a href=\"{}\">{}</a><small>{} {} {}, {}</small></th><td>{stage}</td>\
         <td class=\"spark\">{spark}</td><td class=\"{}\">{}</td><td>{}</td><td>{}</td><td>{}</td>\
         <td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escape(&row.link),
        escape(&cell.strategy),
        escape(&cell.exchange.to_string()),
        escape(cell.pair.as_str()),
        cell.timeframe,
        cell.regime,
        tone(profit.unwrap_or_default()),
        or_dash(profit, signed_percent),
        evidence.map_or_else(|| "–".to_owned(), |e| count(e.trades)),
        two(evidence.and_then(|e| e.sharpe)),
        two(report.best().and_then(|t| t.sharpe)),
        or_dash(evidence.and_then(|e| e.p_value), probability),
        or_dash(evidence.and_then(|e| e.deflated_sharpe), probability),
        or_dash(evidence.and_then(|e| e.probability_of_overfitting), |p| percent(p * 100.0)),
    )
}

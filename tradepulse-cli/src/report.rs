//! HTML reports of backtests and studies: self-contained files that work offline.
//!
//! Words, tables and bars are written here, so that the file reads without scripts; the equity
//! curve and the candles are drawn in the browser from columns embedded as base64.

mod candle_columns;
mod costs;
mod distributions;
mod embedded;
mod entries;
mod equity_columns;
mod foot;
mod head;
mod metrics;
mod monte_carlo;
mod months;
mod overview;
mod study;
#[cfg(test)]
mod tests;
mod text;

use tradepulse_core::backtest::{CostSurvival, Outcome, Settings};
use tradepulse_core::market::Series;
use tradepulse_core::performance::MonteCarlo;

pub(crate) use overview::{Overview, OverviewRow, render_overview};
pub(crate) use study::{
    Found, StudyIndex, StudyIndexRow, StudyReport, render_study, render_study_index,
};

use text::{Money, escape};

/// What a report is made of. Nothing in the file comes from elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Report<'a> {
    /// Heading, such as the name of the strategy.
    pub(crate) title: &'a str,
    /// The market, such as `BTC/USDT`; money is shown in what follows the slash.
    pub(crate) symbol: &'a str,
    /// Where the candles come from, if known.
    pub(crate) exchange: Option<&'a str>,
    /// The candles of the backtest.
    pub(crate) series: &'a Series,
    /// What the backtest found, run with `keep_equity`.
    pub(crate) outcome: &'a Outcome,
    /// How it was run.
    pub(crate) settings: &'a Settings,
    /// Hash of everything the result depends on.
    pub(crate) fingerprint: &'a str,
    /// Hash over the trades.
    pub(crate) trades_hash: &'a str,
    /// Bootstrap of the trades, if asked for.
    pub(crate) monte_carlo: Option<&'a MonteCarlo>,
    /// Net profit under other costs, if asked for.
    pub(crate) cost_survival: Option<&'a CostSurvival>,
    /// What a reader must know besides, such as `synthetic market`.
    pub(crate) notes: Vec<String>,
}

impl Report<'_> {
    fn money(&self) -> Money {
        Money::new(self.settings.capital, self.symbol)
    }
}

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ReportError {
    /// The outcome has no equity curve.
    #[error("the equity of every candle is needed, and was not kept")]
    NoEquity,
    /// The figures do not fit into JSON.
    #[error("the data of the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// The report as HTML. The same report gives the same bytes.
///
/// # Errors
/// If the outcome was run without `keep_equity`.
pub(crate) fn render(report: &Report<'_>) -> Result<String, ReportError> {
    if report.outcome.equity.is_empty() || report.series.is_empty() {
        return Err(ReportError::NoEquity);
    }
    let entries = entries::section(report);
    let no_trades = report.outcome.trades.is_empty();
    let (entries_first, entries_later) =
        if no_trades { (entries, String::new()) } else { (String::new(), entries) };
    let (months, distributions) = (months::section(report), distributions::section(report));
    let monte_carlo = monte_carlo::section(report);
    let nav = nav(&[
        ("equity", "Equity", true),
        ("trades", "Trades", true),
        ("months", "Months", true),
        ("distributions", "Distributions", !no_trades),
        ("metrics", "Metrics", true),
        ("costs", "Costs", true),
        ("monte-carlo", "Monte Carlo", !monte_carlo.is_empty()),
        ("entries", "Entries", true),
        ("data", "Data", true),
    ]);
    let body = fill(
        include_str!("report/backtest.html"),
        &[
            ("head", &head::section(report)),
            ("entries_first", &entries_first),
            ("equity", &equity_chart(report.symbol, &report.money())),
            ("trade_count", &text::trades(report.outcome.metrics.trades)),
            ("months", &months),
            ("distributions", &distributions),
            ("metrics", &metrics::section(report)),
            ("costs", &costs::section(report)),
            ("monte_carlo", &monte_carlo),
            ("entries_later", &entries_later),
            ("foot", &foot::section(report)),
        ],
    );
    let data = embedded::json(report)?;
    Ok(page(&Page {
        title: &format!("{} · {}", report.title, report.symbol),
        nav: &nav,
        body: &body,
        data: Some(&data),
        scripts: &[
            include_str!("report/data.js"),
            include_str!("report/candle_data.js"),
            include_str!("report/canvas.js"),
            include_str!("report/equity.js"),
            include_str!("report/candles.js"),
            include_str!("report/candle_marks.js"),
            include_str!("report/candle_input.js"),
            include_str!("report/navigator.js"),
            include_str!("report/trades.js"),
        ],
    }))
}

/// Links to the sections that are there.
fn nav(sections: &[(&str, &str, bool)]) -> String {
    let there = sections.iter().filter(|(_, _, there)| *there);
    there.map(|(id, label, _)| format!("<a href=\"#{id}\">{label}</a>")).collect()
}

/// The equity curve, drawn by a script from embedded `equity`.
fn equity_chart(symbol: &str, money: &Money) -> String {
    let values = [("symbol", &*escape(symbol)), ("currency", &*escape(&money.currency))];
    fill(include_str!("report/equity.html"), &values)
}

const STYLE: &str = concat!(
    include_str!("report/theme.css"),
    include_str!("report/layout.css"),
    include_str!("report/figures.css"),
    include_str!("report/charts.css"),
    include_str!("report/study/study.css"),
    include_str!("report/print.css"),
);

/// A whole file.
struct Page<'a> {
    /// Its title, not escaped yet.
    title: &'a str,
    /// Links to its sections.
    nav: &'a str,
    body: &'a str,
    /// JSON for the scripts.
    data: Option<&'a str>,
    /// What draws its charts.
    scripts: &'a [&'a str],
}

fn page(page: &Page<'_>) -> String {
    let data = page.data.map_or_else(String::new, |json| {
        format!("<script type=\"application/json\" id=\"report-data\">{json}</script>\n")
    });
    let scripts = [&[include_str!("report/theme.js")], page.scripts].concat().concat();
    fill(
        include_str!("report/page.html"),
        &[
            ("title", &escape(page.title)),
            ("style", STYLE),
            ("nav", page.nav),
            ("body", page.body),
            ("data", &data),
            // One closed scope.
            ("script", &format!("\"use strict\";\n(() => {{\n{scripts}}})();\n")),
        ],
    )
}

/// Replaces each `{{name}}` of `template` in one pass: what is put in is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out += before;
        let Some((name, after)) = after.split_once("}}") else {
            out += "{{";
            rest = after;
            continue;
        };
        out += values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        rest = after;
    }
    out + rest
}

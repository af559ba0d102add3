//! The report of a study: what was searched, what was found, and what that is worth.

mod embedded;
mod evidence;
mod foot;
mod head;
mod index;
mod neighbourhood;
#[cfg(test)]
mod tests;
mod variables;
mod walk_forward;

use tradepulse_core::backtest::Settings;
use tradepulse_core::lifecycle::{Evidence, Judgement};
use tradepulse_core::market::Series;
use tradepulse_core::performance::MonteCarloFan;
use tradepulse_core::random::Seed;
use tradepulse_core::store::{Json, StudyRecord, TrainedConfiguration, TrialOutcome, TrialRecord};
use tradepulse_core::training::{Objective, Study, Validation};

pub(crate) use index::{StudyIndex, StudyIndexRow, render_study_index};

use super::monte_carlo::ranges;
use super::text::{Money, count, fixed};
use super::{Page, ReportError, equity_chart, fill, nav, page};
use variables::Dimension;

/// What the report of a study is made of.
#[derive(Clone, Debug)]
pub(crate) struct StudyReport<'a> {
    /// The study.
    pub(crate) study: &'a StudyRecord,
    /// One line about its strategy; empty if it is not known.
    pub(crate) summary: &'a str,
    /// How its backtests are run.
    pub(crate) settings: &'a Settings,
    /// Its trials, in the order of their numbers.
    pub(crate) trials: &'a [TrialRecord],
    /// What came of it.
    pub(crate) configuration: Option<&'a TrainedConfiguration>,
    /// How that was judged.
    pub(crate) judged: Option<(&'a Judgement, &'a Evidence)>,
    /// What is not stored, and takes the candles.
    pub(crate) found: Option<Found<'a>>,
    /// What a reader must know besides.
    pub(crate) notes: Vec<String>,
}

/// What takes the candles of a study.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    /// The candles.
    pub(crate) series: &'a Series,
    /// What the best parameters are worth on them.
    pub(crate) validation: &'a Validation,
}

/// Places at which the Monte Carlo runs are looked at.
const FAN_PLACES: usize = 120;

impl StudyReport<'_> {
    fn money(&self) -> Money {
        Money::new(self.settings.capital, self.study.cell.pair.as_str())
    }

    /// The name of what is maximised; of the first if there are several. What is made small is
    /// maximised with a minus.
    fn objective(&self) -> String {
        let names = self.study.objective.as_str().unwrap_or("objective");
        let first = names.split(',').next().unwrap_or(names);
        match first.parse::<Objective>() {
            Ok(objective) if objective.is_minimised() => format!("\u{2212}{first}"),
            _ => first.to_owned(),
        }
    }

    /// The feasible trial with the largest objective, the earliest of equals.
    fn best(&self) -> Option<&TrialRecord> {
        let feasible = self.trials.iter().filter_map(|t| t.objective().map(|o| (o, t)));
        feasible.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, t)| t)
    }

    /// The parameters it came to.
    fn parameters(&self) -> Option<&Json> {
        let configured = self.configuration.map(|c| &c.parameters);
        configured.or_else(|| self.best().map(|t| &t.parameters))
    }

    fn fan(&self) -> Option<MonteCarloFan> {
        let found = self.found?;
        let (walked, _) = found.validation.walk_forward.as_ref()?;
        let (capital, seed) = (self.settings.capital, Seed(self.study.seed));
        MonteCarloFan::new(capital, &walked.trades, Study::BOOTSTRAP_RUNS, seed, FAN_PLACES)
    }
}

/// The report as HTML. The same report gives the same bytes.
///
/// # Errors
/// If its figures do not fit into JSON.
pub(crate) fn render_study(report: &StudyReport<'_>) -> Result<String, ReportError> {
    let dimensions = variables::dimensions(report);
    let walk_forward = walk_forward::section(report);
    let beside = report.judged.and_then(|(_, evidence)| evidence.neighbourhood.as_ref());
    let neighbourhood = beside.map_or_else(String::new, neighbourhood::section);
    let fan = report.fan();
    let monte_carlo = monte_carlo(report, fan.is_some());
    let several = dimensions.iter().any(Dimension::varies);
    let nav = nav(&[
        ("evidence", "Evidence", true),
        ("walk-forward", "Walk-forward", true),
        ("monte-carlo", "Monte Carlo", !monte_carlo.is_empty()),
        ("history", "Search", true),
        ("importance", "Importance", several),
        ("parallel", "Parameters", several),
        ("slices", "Slices", several),
        ("neighbourhood", "Neighbourhood", !neighbourhood.is_empty()),
        ("data", "Data", true),
    ]);
    let body = fill(
        include_str!("study/study.html"),
        &[
            ("head", &head::section(report)),
            ("evidence", &evidence::section(report)),
            ("walk_forward", &walk_forward),
            ("monte_carlo", &monte_carlo),
            ("history_keys", &history_keys(report)),
            ("importance", &variables::importance_section(report, &dimensions)),
            ("variables", if several { include_str!("study/variables.html") } else { "" }),
            ("neighbourhood", &neighbourhood),
            ("foot", &foot::section(report)),
        ],
    );
    let data = embedded::json(report, &dimensions, fan)?;
    let mut scripts = vec![
        include_str!("data.js"),
        include_str!("canvas.js"),
        include_str!("study/trials.js"),
        include_str!("study/history.js"),
    ];
    if several {
        scripts.extend([include_str!("study/parallel.js"), include_str!("study/slices.js")]);
    }
    if walk_forward::joined(report).is_some() {
        scripts.push(include_str!("equity.js"));
    }
    if !monte_carlo.is_empty() {
        scripts.push(include_str!("study/fan.js"));
    }
    let cell = &report.study.cell;
    let title = format!("{} · {} {}", cell.strategy, cell.pair, cell.timeframe);
    Ok(page(&Page { title: &title, nav: &nav, body: &body, data: Some(&data), scripts: &scripts }))
}

/// How many trials of each kind, which is the legend of the history as well.
fn history_keys(report: &StudyReport<'_>) -> String {
    let (mut feasible, mut infeasible, mut pruned) = (0, 0, 0);
    for trial in report.trials {
        match &trial.outcome {
            _ if trial.pruned => pruned += 1,
            TrialOutcome::Feasible(_) => feasible += 1,
            TrialOutcome::Infeasible { .. } => infeasible += 1,
        }
    }
    let key = |sign: &str, n: u64, name: &str| {
        format!("<li><span class=\"sign\">{sign}</span>{} {name}</li>\n", count(n))
    };
    format!(
        "<li><i class=\"key equity-key\"></i>best so far</li>\n{}{}{}",
        key("●", feasible, "feasible"),
        key("×", infeasible, "infeasible"),
        key("▵", pruned, "given up early"),
    )
}

fn monte_carlo(report: &StudyReport<'_>, fan: bool) -> String {
    let walked = report.found.and_then(|found| {
        let (walked, _) = found.validation.walk_forward.as_ref()?;
        Some((walked, found.validation.monte_carlo.as_ref()?))
    });
    let Some((walked, monte_carlo)) = walked.filter(|_| fan) else { return String::new() };
    let capital = report.settings.capital;
    let ranges = ranges(monte_carlo, &walked.metrics, capital, &report.money());
    fill(
        include_str!("study/monte_carlo.html"),
        &[("runs", &*count(monte_carlo.runs as u64)), ("ranges", &ranges)],
    )
}

/// A figure of the search, with as many decimals as its size calls for.
fn figure(value: f64) -> String {
    fixed(value, if value.abs() < 100.0 { 3 } else { 0 })
}

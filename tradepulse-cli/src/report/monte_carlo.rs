use tradepulse_core::performance::{Metrics, MonteCarlo, Percentiles};

use super::Report;
use super::text::{Money, count, escape, fixed, percent};

/// Ranges of what the same trades could have become; empty if not asked for.
pub(super) fn section(report: &Report<'_>) -> String {
    let Some(monte_carlo) = report.monte_carlo else {
        return String::new();
    };
    let ranges =
        ranges(monte_carlo, &report.outcome.metrics, report.settings.capital, &report.money());
    format!("<section id=\"monte-carlo\">\n<h2>Monte Carlo</h2>\n{ranges}</section>\n")
}

/// The ranges, with what of them came true: the figures in `m`.
pub(super) fn ranges(monte_carlo: &MonteCarlo, m: &Metrics, capital: f64, money: &Money) -> String {
    let equity = range(
        "Final equity",
        &monte_carlo.final_equity,
        &[("capital", capital), ("this run", capital + m.net_profit)],
        |v| money.plain(v),
    );
    let drawdown = range(
        "Maximum drawdown",
        &monte_carlo.max_drawdown_pct,
        &[("this run", m.max_drawdown_pct)],
        percent,
    );
    let loss = monte_carlo.probability_of_loss * 100.0;
    format!(
        "<div class=\"ranges\">\n{equity}\
         {drawdown}<div class=\"range\"><h3>Probability of loss <b>{}</b></h3>\
         <div class=\"meter\"><i class=\"loss\" style=\"width:{}%\"></i></div></div>\n</div>\n\
         <p class=\"caption\">{} bootstrap runs of the trades in blocks of {}. The bar spans 5 % to \
         95 % of the runs, the line in it is the median; the strong line is this run, the \
         dashed one the capital. Money in {}. Drawdown of the runs is taken \
         at trade ends, that of this run at every close.</p>\n",
        percent(loss),
        fixed(loss, 2),
        count(monte_carlo.runs as u64),
        count(monte_carlo.block as u64),
        escape(&money.currency),
    )
}

fn range(
    title: &str,
    p: &Percentiles,
    marks: &[(&str, f64)],
    write: impl Fn(f64) -> String,
) -> String {
    let all = || [p.p5, p.p50, p.p95].into_iter().chain(marks.iter().map(|(_, v)| *v));
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::MIN, f64::max));
    let margin = if high > low { (high - low) * 0.06 } else { high.abs().max(1.0) * 0.06 };
    let (low, high) = (low - margin, high + margin);
    let at = |value: f64| fixed((value - low) / (high - low) * 100.0, 2);
    let marks: String = marks
        .iter()
        .map(|(label, value)| {
            format!(
                "<b class=\"mark {}\" style=\"left:{}%\" title=\"{label} {}\"></b>",
                label.replace(' ', "-"),
                at(*value),
                write(*value)
            )
        })
        .collect();
    let legend = [("5 %", p.p5), ("median", p.p50), ("95 %", p.p95)]
        .map(|(label, value)| format!("<span>{label} <b>{}</b></span>", write(value)))
        .concat();
    format!(
        "<div class=\"range\"><h3>{title}</h3><div class=\"spread\">\
         <i style=\"left:{}%;width:{}%\"></i><u style=\"left:{}%\"></u>{marks}</div>\
         <p class=\"legend\">{legend}</p></div>\n",
        at(p.p5),
        fixed((p.p95 - p.p5) / (high - low) * 100.0, 2),
        at(p.p50),
    )
}

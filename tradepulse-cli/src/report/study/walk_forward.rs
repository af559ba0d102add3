use tradepulse_core::market::Series;
use tradepulse_core::performance::Metrics;
use tradepulse_core::store::Json;
use tradepulse_core::training::{WalkForward, WindowResult};

use super::super::text::{
    DASH, count, escape, fixed, moment, or_dash, percent, signed_percent, tone,
};
use super::{StudyReport, equity_chart, variables};

/// The walk-forward and the candles of its test parts, if it is known.
pub(super) fn joined<'a>(report: &StudyReport<'a>) -> Option<(&'a WalkForward, Series)> {
    let found = report.found?;
    let (walked, _) = found.validation.walk_forward.as_ref()?;
    let from = walked.windows.first()?.window.test.start;
    let rows = from..from + walked.equity.len();
    (!rows.is_empty() && rows.end <= found.series.len()).then(|| (walked, found.series.slice(rows)))
}

/// What each window's search found, and what that earned in the time after it.
pub(super) fn section(report: &StudyReport<'_>) -> String {
    let Some(((walked, _), found)) = joined(report).zip(report.found) else {
        return "<section id=\"walk-forward\">\n<h2>Walk-forward</h2>\n<p class=\"caption\">The \
                windows are not stored, and without the candles they cannot be computed \
                again.</p>\n</section>\n"
            .to_owned();
    };
    let rows: String = (1..)
        .zip(&walked.windows)
        .map(|(number, window)| row(number, window, found.series))
        .collect();
    format!(
        "<section id=\"walk-forward\">\n<h2>Walk-forward</h2>\n{}<div class=\"scroll windows\" \
         tabindex=\"0\" role=\"region\" aria-label=\"Windows\"><table class=\"figures\"><thead>\
         <tr><th scope=\"col\">Window</th><th scope=\"col\">Trained</th><th scope=\"col\">Tested\
         </th><th scope=\"col\">Sharpe in</th><th scope=\"col\">out</th>\
         <th scope=\"col\">Net profit in</th><th scope=\"col\">out</th>\
         <th scope=\"col\">Trades in</th><th scope=\"col\">out</th></tr></thead><tbody>\n{rows}{}\
         </tbody></table></div>\n<h3>Test parts joined: equity and drawdown out of sample</h3>\n\
         {}{}</section>\n",
        bars(walked),
        total(&walked.metrics),
        equity_chart(report.study.cell.pair.as_str(), &report.money()),
        values(report, walked),
    )
}

fn row(number: usize, window: &WindowResult, series: &Series) -> String {
    let span = |rows: &std::ops::Range<usize>| {
        let day = |ms: i64| moment(ms).chars().take(10).collect::<String>();
        let to = series.close_time(rows.end - 1).as_ms();
        format!("{} to {}", day(series.time()[rows.start]), day(to))
    };
    let (inside, outside) = (window.in_sample.as_ref(), window.out_of_sample.as_ref());
    format!(
        "<tr><th scope=\"row\">{number}</th><td>{}</td><td>{}</td>{}</tr>\n",
        span(&window.window.train),
        span(&window.window.test),
        pairs(figures(inside), figures(outside)),
    )
}

/// The joined test parts; what was in sample is not joined.
fn total(metrics: &Metrics) -> String {
    let nothing = std::array::from_fn(|_| "<td></td>".to_owned());
    let cells = pairs(nothing, figures(Some(metrics)));
    format!("<tr><th scope=\"row\">joined</th><td></td><td></td>{cells}</tr>\n")
}

/// Each figure in sample beside the same out of sample.
fn pairs(inside: [String; 3], outside: [String; 3]) -> String {
    inside.into_iter().zip(outside).map(|(inside, outside)| inside + &outside).collect()
}

/// Sharpe ratio, net profit and trades as cells.
fn figures(metrics: Option<&Metrics>) -> [String; 3] {
    let profit = metrics.map(|m| m.net_profit_pct);
    [
        format!("<td>{}</td>", or_dash(metrics.and_then(|m| m.sharpe), |v| fixed(v, 2))),
        format!(
            "<td class=\"{}\">{}</td>",
            tone(profit.unwrap_or_default()),
            or_dash(profit, signed_percent)
        ),
        format!("<td>{}</td>", metrics.map_or(DASH.to_owned(), |m| count(m.trades))),
    ]
}

/// Sharpe ratio of each window, in sample beside out of sample.
fn bars(walked: &WalkForward) -> String {
    let sharpe = |m: &Option<Metrics>| m.as_ref().and_then(|m| m.sharpe);
    let pairs: Vec<[Option<f64>; 2]> =
        walked.windows.iter().map(|w| [sharpe(&w.in_sample), sharpe(&w.out_of_sample)]).collect();
    let all = || pairs.iter().flatten().flatten().copied();
    let (low, high) = (all().fold(0.0, f64::min), all().fold(0.0, f64::max));
    let span = if high > low { high - low } else { 1.0 };
    let slots: String = (1..)
        .zip(&pairs)
        .map(|(number, pair)| {
            let bar = |value: Option<f64>, class: &str| {
                let value = value.unwrap_or_default();
                let side = if value < 0.0 { "loss" } else { "gain" };
                let height = fixed(value.abs() / span * 100.0, 2);
                format!("<i class=\"{side} {class}\" style=\"height:{height}%\"></i>")
            };
            let text = |value: Option<f64>| or_dash(value, |v| fixed(v, 2));
            format!(
                "<span title=\"window {number}: Sharpe {} in sample, {} out of sample\">{}{}</span>",
                text(pair[0]),
                text(pair[1]),
                bar(pair[0], "inside"),
                bar(pair[1], "outside"),
            )
        })
        .collect();
    let numbers: String = (1..=pairs.len()).map(|n| format!("<span>{n}</span>")).collect();
    format!(
        "<figure class=\"windows\"><figcaption>Sharpe ratio of each window</figcaption>\
         <ul class=\"keys\"><li><i class=\"key inside-key\"></i>in sample</li>\
         <li><i class=\"key outside-key\"></i>out of sample</li></ul>\
         <div class=\"slots\" style=\"--zero:{}%\">{slots}</div>\
         <div class=\"slot-axis\">{numbers}</div></figure>\n",
        fixed(high / span * 100.0, 2),
    )
}

/// The parameters that each window's search found, beside the best of all data.
fn values(report: &StudyReport<'_>, walked: &WalkForward) -> String {
    let Some(Json::Object(best)) = report.parameters() else { return String::new() };
    let described = variables::described(report.study, best.keys());
    let head: String =
        (1..=walked.windows.len()).map(|n| format!("<th scope=\"col\">{n}</th>")).collect();
    let rows: String = described
        .iter()
        .map(|variable| {
            let cells: String = walked
                .windows
                .iter()
                .map(|window| {
                    let found = window.parameters.as_ref().and_then(|parameters| {
                        parameters.iter().find(|(v, _)| v.name == variable.name)
                    });
                    let text = found.map_or(DASH.to_owned(), |(_, value)| value.to_string());
                    format!("<td>{}</td>", escape(&text))
                })
                .collect();
            let chosen = best.get(&variable.name).map(ToString::to_string).unwrap_or_default();
            format!(
                "<tr><th scope=\"row\">{}</th>{cells}<td class=\"best\">{}</td></tr>\n",
                escape(&variable.name),
                escape(&chosen),
            )
        })
        .collect();
    let m = &walked.metrics;
    format!(
        "<h3>Parameters found in each window</h3>\n<div class=\"scroll\" tabindex=\"0\" \
         role=\"region\" aria-label=\"Parameters found\"><table class=\"figures found-values\">\
         <thead><tr><th scope=\"col\">Variable</th>{head}<th scope=\"col\">all data</th></tr>\
         </thead><tbody>\n{rows}</tbody></table></div>\n<p class=\"caption\">In each window the \
         optimiser saw only the training part; its best parameters then traded the test part, with \
         the equity of the window before. Joined: {} trades, win rate {}, deepest drawdown {}. A \
         window without a feasible trial stays out of the market.</p>\n",
        count(m.trades),
        or_dash(m.win_rate, |v| percent(v * 100.0)),
        percent(m.max_drawdown_pct),
    )
}

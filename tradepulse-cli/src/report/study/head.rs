use tradepulse_core::store::Json;

use super::super::head::{notes, rules, tile_list};
use super::super::text::{
    self, DASH, escape, fixed, moment, or_dash, percent, probability, signed_percent, tone,
};
use super::{StudyReport, figure, variables};

/// Strategy, market, key figures, the parameters found and the rules.
pub(super) fn section(report: &StudyReport<'_>) -> String {
    let cell = &report.study.cell;
    let lede = if report.summary.is_empty() {
        String::new()
    } else {
        format!("<p class=\"lede\">{}</p>\n", escape(report.summary))
    };
    format!(
        "<header class=\"head\">\n<h1>{}</h1>\n{lede}{}\n{}</header>\n{}<div class=\"setup\">\n{}\
         {}</div>\n",
        escape(&cell.strategy),
        market_line(report),
        notes(&report.notes),
        tiles(report),
        parameters(report),
        rules(report.settings, &report.money()),
    )
}

fn market_line(report: &StudyReport<'_>) -> String {
    let (cell, study) = (&report.study.cell, report.study);
    let (from, to) = (study.data_from.as_ms(), study.data_to.as_ms());
    let regime = match cell.regime.as_str() {
        "any" => "all regimes".to_owned(),
        name => format!("entries in {name} markets"),
    };
    format!(
        "<p class=\"market\"><strong>{}</strong><span>{}</span><span>{}</span><span>{regime}</span>\
         <span><time>{}</time> to <time>{}</time> UTC</span><span>{}</span></p>",
        escape(cell.pair.as_str()),
        escape(&cell.exchange.to_string()),
        cell.timeframe,
        moment(from),
        moment(to),
        text::duration(to - from),
    )
}

fn tiles(report: &StudyReport<'_>) -> String {
    let evidence = report.judged.map(|(_, evidence)| evidence);
    let stored = report.configuration;
    let of =
        |value: fn(&tradepulse_core::lifecycle::Evidence) -> Option<f64>| evidence.and_then(value);
    let stage = report.judged.map(|(judgement, _)| judgement.standing.stage.name());
    let most = report.judged.map(|(judgement, _)| judgement.max_allocation * 100.0);
    let profit = stored.and_then(|c| c.performance.net_profit_pct);
    let best = report.best();
    let inside = best.and_then(|t| t.sharpe);
    let net = stored.and_then(|c| c.performance.net_profit);
    let money = report.money();
    let ledger = evidence.and_then(|e| e.trials);
    tile_list(&[
        (
            "Stage",
            "",
            stage.unwrap_or(DASH).to_owned(),
            most.map_or_else(
                || format!("the study is {}", report.study.status),
                |m| format!("at most {m:.0}\u{202f}% of equity"),
            ),
        ),
        (
            "Best objective",
            "",
            or_dash(best.and_then(|t| t.objective()), figure),
            format!("{}, {}", escape(&report.objective()), trials(report)),
        ),
        (
            "Sharpe out of sample",
            "",
            or_dash(of(|e| e.sharpe), |v| fixed(v, 2)),
            format!("in sample {}", or_dash(inside, |v| fixed(v, 2))),
        ),
        (
            "Net profit out of sample",
            tone(profit.unwrap_or_default()),
            or_dash(profit, signed_percent),
            format!("{} {}", or_dash(net, |v| money.signed(v)), escape(&money.currency)),
        ),
        (
            "Trades out of sample",
            "",
            evidence.map_or_else(|| DASH.to_owned(), |e| text::count(e.trades)),
            format!(
                "win rate before costs {}",
                or_dash(stored.and_then(|c| c.performance.gross_win_rate), |v| percent(v * 100.0),)
            ),
        ),
        (
            "p-value",
            "",
            or_dash(of(|e| e.p_value), probability),
            format!("random entries {}", or_dash(of(|e| e.random_entry_p_value), probability)),
        ),
        (
            "Deflated Sharpe",
            "",
            or_dash(of(|e| e.deflated_sharpe), probability),
            ledger.map_or_else(String::new, |n| {
                format!("of {} trials in the ledger", text::count(n))
            }),
        ),
        (
            "Probability of overfitting",
            "",
            or_dash(of(|e| e.probability_of_overfitting), |v| percent(v * 100.0)),
            "CSCV, 16 blocks".to_owned(),
        ),
    ])
}

fn trials(report: &StudyReport<'_>) -> String {
    let (made, wanted) = (report.trials.len() as u64, report.study.trials_wanted);
    if made == wanted {
        format!("{} trials", text::count(made))
    } else {
        format!("{} of {} trials", text::count(made), text::count(wanted))
    }
}

fn parameters(report: &StudyReport<'_>) -> String {
    let Some(Json::Object(values)) = report.parameters() else { return String::new() };
    let described = variables::described(report.study, values.keys());
    let chips: String = described
        .iter()
        .filter_map(|variable| {
            let value = values.get(&variable.name)?;
            let changed =
                if variable.default.as_ref() == Some(value) { "" } else { " class=\"changed\"" };
            Some(format!(
                "<li{changed} title=\"{}\"><span>{}</span> <b>{}</b> {}</li>\n",
                escape(&variable.doc),
                escape(&variable.name),
                escape(&value.to_string()),
                escape(&variable.unit),
            ))
        })
        .collect();
    format!("<div><h2>Best parameters</h2><ul class=\"chips\">{chips}</ul></div>\n")
}

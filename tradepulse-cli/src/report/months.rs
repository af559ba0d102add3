use std::collections::BTreeMap;

use tradepulse_core::time::Timestamp;

use super::Report;
use super::text::{DASH, fixed, signed};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// A month beyond this return, in percent, is not coloured more strongly.
const LEAST_FULL_PCT: f64 = 2.0;

/// Percent return of every UTC month that has candles: equity at its last candle over that of the
/// month before (the capital, for the first).
pub(super) fn monthly_returns(report: &Report<'_>) -> BTreeMap<(i16, i8), f64> {
    let mut returns = BTreeMap::new();
    let (mut before, mut last) = (report.settings.capital, report.settings.capital);
    let (mut month, mut day) = (None, i64::MIN);
    for (ms, equity) in report.series.time().iter().zip(&report.outcome.equity) {
        let time = Timestamp::from_ms(*ms);
        if time.utc_day() != day {
            day = time.utc_day();
            let now = time.year_month();
            if now != month {
                before = last;
                month = now;
            }
        }
        last = *equity;
        if let Some(month) = month {
            returns.insert(month, (last / before - 1.0) * 100.0);
        }
    }
    returns
}

/// Year × month, with the compounded total of each year.
pub(super) fn section(report: &Report<'_>) -> String {
    let returns = monthly_returns(report);
    let strongest = returns.values().map(|r| r.abs()).fold(LEAST_FULL_PCT, f64::max);
    let years: std::collections::BTreeSet<i16> = returns.keys().map(|(year, _)| *year).collect();
    let mut rows = String::new();
    for year in years.iter().rev() {
        rows += &format!("<tr><th scope=\"row\">{year}</th>");
        for month in 1..=12 {
            rows += &cell(returns.get(&(*year, month)).copied(), strongest);
        }
        let of_year = returns.range((*year, 1)..=(*year, 12)).map(|(_, r)| 1.0 + r / 100.0);
        let total = (of_year.product::<f64>() - 1.0) * 100.0;
        rows += &format!("<td class=\"total\">{}</td></tr>\n", signed(total, 1));
    }
    let names: String = MONTHS.iter().map(|m| format!("<th scope=\"col\">{m}</th>")).collect();
    format!(
        "<section id=\"months\">\n<h2>Monthly returns</h2>\n<div class=\"scroll\" tabindex=\"0\" \
         role=\"region\" aria-label=\"Monthly returns\"><table class=\"heat months\">\n\
         <thead><tr><th scope=\"col\">Year</th>{names}<th scope=\"col\">Total</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n<p class=\"caption\">Percent, by UTC month, from \
         equity marked at the last close of each. Years compound.</p>\n</section>\n"
    )
}

fn cell(value: Option<f64>, strongest: f64) -> String {
    let Some(value) = value else {
        return "<td class=\"none\"></td>".to_owned();
    };
    if !value.is_finite() {
        return format!("<td>{DASH}</td>");
    }
    shaded(value, strongest, &signed(value, 1), "")
}

/// A table cell whose colour tells sign and size.
pub(super) fn shaded(value: f64, strongest: f64, label: &str, class: &str) -> String {
    let strength = if strongest > 0.0 { (value.abs() / strongest).min(1.0).sqrt() } else { 0.0 };
    let tone = super::text::tone(value);
    format!("<td class=\"{tone} {class}\" style=\"--s:{}\">{label}</td>", fixed(strength, 3))
}

use super::Report;
use super::text::{count, duration, escape, moment};

/// What the result rests on.
pub(super) fn section(report: &Report<'_>) -> String {
    let series = report.series;
    let (from, to) = series.span().unwrap_or_default();
    let gaps = series.gaps();
    let about = &report.outcome.about;
    let candles = |n: u64| {
        let length = duration(n as i64 * series.timeframe().as_ms());
        format!("{} candles ({length})", count(n))
    };
    let gap_text = if gaps.count == 0 {
        "none".to_owned()
    } else {
        let plural = if gaps.count == 1 { "gap" } else { "gaps" };
        format!(
            "{} {plural}, {} missing, the longest {}",
            count(gaps.count),
            candles(gaps.missing),
            candles(gaps.longest)
        )
    };
    let mut rows = vec![
        ("Candles", format!("{} of {}", count(series.len() as u64), series.timeframe())),
        ("Period", format!("{} to {} UTC", moment(from.as_ms()), moment(to.as_ms()))),
        ("Gaps", gap_text),
        ("Warm-up", candles(report.outcome.warm_up as u64)),
        ("Strategy", format!("{}, version {}", escape(about.name), about.version)),
        ("Engine", format!("TradePulse {}", env!("CARGO_PKG_VERSION"))),
        ("Fingerprint", format!("<code>{}</code>", escape(report.fingerprint))),
        ("Trades hash", format!("<code>{}</code>", escape(report.trades_hash))),
    ];
    if !about.optional_inputs.is_empty() {
        let inputs: Vec<String> = about.optional_inputs.iter().map(|i| escape(i)).collect();
        rows.push(("Optional inputs", inputs.join("; ")));
    }
    if !report.notes.is_empty() {
        let notes: Vec<String> = report.notes.iter().map(|n| escape(n)).collect();
        rows.push(("Notes", notes.join("; ")));
    }
    let rows: String = rows.iter().map(|(k, v)| format!("<dt>{k}</dt><dd>{v}</dd>\n")).collect();
    format!(
        "<section id=\"data\" class=\"foot\">\n<h2>Data and provenance</h2>\n<dl>\n{rows}</dl>\n\
         <p class=\"caption\">Equal fingerprints give equal trades. All times are UTC; a trade's \
         times are the open times of the candles in which it was filled.</p>\n</section>\n"
    )
}

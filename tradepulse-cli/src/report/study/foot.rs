use tradepulse_core::store::Json;

use super::super::text::{count, escape, moment};
use super::StudyReport;

/// What the study is, and what it rests on.
pub(super) fn section(report: &StudyReport<'_>) -> String {
    let study = report.study;
    let plan = &study.method["plan"];
    let text = |value: &Json| match value {
        Json::String(text) => text.clone(),
        Json::Null => "–".to_owned(),
        other => other.to_string(),
    };
    let windows = &study.windows;
    let span = |part: &Json| match (part["days"].as_f64(), part["candles"].as_u64()) {
        (Some(days), _) => format!("{days} days"),
        (_, Some(candles)) => format!("{candles} candles"),
        _ => text(part),
    };
    let mut rows = vec![
        ("Study", format!("<code>{}</code>", escape(study.id.as_str()))),
        ("Status", study.status.to_string()),
        (
            "Strategy",
            format!("{}, version {}", escape(&study.cell.strategy), study.strategy_version),
        ),
        ("Optimiser", escape(&text(&plan["method"]))),
        (
            "Trials",
            format!("{} of {}", count(report.trials.len() as u64), count(study.trials_wanted)),
        ),
        ("Objective", escape(&text(&study.objective))),
        ("Least trades", escape(&text(&plan["min_trades"]))),
        ("Seed", study.seed.to_string()),
        (
            "Windows",
            escape(&format!(
                "{}: train {}, gap {}, test {}",
                text(&windows["windowing"]),
                span(&windows["train"]),
                span(&windows["gap"]),
                span(&windows["test"])
            )),
        ),
        (
            "Period",
            format!("{} to {} UTC", moment(study.data_from.as_ms()), moment(study.data_to.as_ms())),
        ),
        ("Candles, SHA-256", format!("<code>{}</code>", escape(&study.data_fingerprint))),
        ("Engine", format!("TradePulse {}", escape(&study.engine_version))),
    ];
    if let Some(configuration) = report.configuration {
        let id = escape(configuration.id.as_str());
        rows.insert(1, ("Configuration", format!("<code>{id}</code>")));
    }
    let notes = study.note.iter().chain(&report.notes);
    let notes: Vec<String> = notes.map(|note| escape(note)).collect();
    if !notes.is_empty() {
        rows.push(("Notes", notes.join("; ")));
    }
    let rows: String = rows.iter().map(|(k, v)| format!("<dt>{k}</dt><dd>{v}</dd>\n")).collect();
    format!(
        "<section id=\"data\" class=\"foot\">\n<h2>Data and provenance</h2>\n<dl>\n{rows}</dl>\n\
         <p class=\"caption\">The same study on the same candles gives the same trials, on any \
         number of threads. All times are UTC.</p>\n</section>\n"
    )
}

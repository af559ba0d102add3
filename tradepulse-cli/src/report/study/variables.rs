//! The variables of a study, as its record describes them and its trials used them.

use tradepulse_core::optimise::importance;
use tradepulse_core::store::{Json, StudyRecord};

use super::super::text::{escape, fixed};
use super::StudyReport;

/// A variable as the study's record describes it.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) doc: String,
    pub(super) default: Option<Json>,
}

/// The variables called `names`, in the order of the study's table; those that it does not describe
/// come last.
pub(super) fn described<'a>(
    study: &StudyRecord,
    names: impl Iterator<Item = &'a String>,
) -> Vec<Described> {
    let space = &study.space;
    let table = space.as_array().or_else(|| space["variables"].as_array());
    let table = table.map_or(&[][..], Vec::as_slice);
    let place = |name: &str| table.iter().position(|v| v["name"] == name).unwrap_or(table.len());
    let mut names: Vec<&String> = names.collect();
    names.sort_by_key(|name| (place(name), *name));
    let described = names.into_iter().map(|name| {
        let row = table.get(place(name));
        let text =
            |field: &str| row.and_then(|row| row[field].as_str()).unwrap_or_default().to_owned();
        Described {
            name: name.clone(),
            unit: text("unit"),
            doc: text("doc"),
            default: row.map(|row| row["default"].clone()),
        }
    });
    described.collect()
}

/// A variable and its value in every trial, NaN where it has none.
#[derive(Clone, Debug)]
pub(super) struct Dimension {
    pub(super) variable: Described,
    pub(super) values: Vec<f64>,
}

impl Dimension {
    /// Whether the search tried more than one value.
    pub(super) fn varies(&self) -> bool {
        let mut known = self.values.iter().filter(|v| v.is_finite());
        known.next().is_some_and(|first| known.any(|v| v != first))
    }
}

/// The variables of the trials.
pub(super) fn dimensions(report: &StudyReport<'_>) -> Vec<Dimension> {
    let Some(Json::Object(first)) = report.trials.first().map(|t| &t.parameters) else {
        return Vec::new();
    };
    let value = |parameters: &Json, name: &str| match &parameters[name] {
        Json::Bool(yes) => f64::from(u8::from(*yes)),
        other => other.as_f64().unwrap_or(f64::NAN),
    };
    described(report.study, first.keys())
        .into_iter()
        .map(|variable| {
            let values = report.trials.iter().map(|t| value(&t.parameters, &variable.name));
            Dimension { values: values.collect(), variable }
        })
        .collect()
}

/// How much each variable explains of the objective, as bars.
pub(super) fn importance_section(report: &StudyReport<'_>, dimensions: &[Dimension]) -> String {
    let feasible: Vec<(usize, f64)> = report
        .trials
        .iter()
        .enumerate()
        .filter(|(_, t)| !t.pruned)
        .filter_map(|(i, t)| t.objective().map(|objective| (i, objective)))
        .collect();
    let objectives: Vec<f64> = feasible.iter().map(|(_, objective)| *objective).collect();
    let mut shares: Vec<(&Dimension, Option<f64>)> = dimensions
        .iter()
        .filter(|d| d.varies())
        .map(|d| {
            let values: Vec<f64> = feasible.iter().map(|(i, _)| d.values[*i]).collect();
            (d, importance(&values, &objectives))
        })
        .collect();
    if shares.is_empty() {
        return String::new();
    }
    shares.sort_by(|a, b| b.1.unwrap_or(-1.0).total_cmp(&a.1.unwrap_or(-1.0)));
    let rows: String = shares
        .iter()
        .map(|(dimension, share)| {
            let Described { name, doc, .. } = &dimension.variable;
            let (bar, text) = match share {
                Some(share) => {
                    (fixed(share * 100.0, 2), format!("{}\u{202f}%", fixed(share * 100.0, 1)))
                }
                None => ("0.00".to_owned(), "not known".to_owned()),
            };
            format!(
                "<tr><th scope=\"row\">{}<small>{}</small></th><td class=\"track\"><div>\
                 <i class=\"gain\" style=\"width:{bar}%\"></i></div></td><td>{text}</td></tr>\n",
                escape(name),
                escape(doc),
            )
        })
        .collect();
    format!(
        "<section id=\"importance\">\n<h2>Importance of the variables</h2>\n\
         <table class=\"ledger funnel\"><thead><tr><th scope=\"col\">Variable</th><th></th>\
         <th scope=\"col\">Explains alone</th></tr></thead><tbody>\n{rows}</tbody></table>\n\
         <p class=\"caption\">Share of the variance of the objective over the {} feasible trials \
         that the means of at most eight groups of a variable's values explain, less what groups \
         without meaning would (epsilon squared, Kelley 1935; the first-order term of a functional \
         analysis of variance). The search looks more closely where results are good, and variables \
         that only matter together are not seen.</p>\n</section>\n",
        feasible.len(),
    )
}

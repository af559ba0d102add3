use tradepulse_core::lifecycle::{
    Evidence, GATE_DEFLATED_SHARPE, GATE_OVERFITTING, GATE_P_VALUE, PAPER_SHARPE, VALIDATION_TRADES,
};
use tradepulse_core::overfitting::CostJudgement;

use super::super::text::{DASH, count, escape, fixed, or_dash, percent, probability};
use super::StudyReport;

/// What was judged, by which limits, and what that means in words.
pub(super) fn section(report: &StudyReport<'_>) -> String {
    let Some((judgement, evidence)) = report.judged else {
        return format!(
            "<section id=\"evidence\">\n<h2>Evidence</h2>\n<p class=\"caption\">The study is {} \
             and was not validated: there is no verdict yet.</p>\n</section>\n",
            report.study.status
        );
    };
    let said: String = judgement
        .explain(evidence)
        .iter()
        .map(|sentence| format!("<li>{}</li>\n", escape(sentence)))
        .collect();
    format!(
        "<section id=\"evidence\">\n<h2>Evidence</h2>\n<div class=\"columns\">\n\
         <ul class=\"said\">\n{said}</ul>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Verdicts\"><table class=\"figures verdicts\"><thead><tr>\
         <th scope=\"col\">Figure</th><th scope=\"col\">Found</th><th scope=\"col\">Asked</th>\
         <th scope=\"col\">Verdict</th></tr></thead><tbody>\n{}</tbody></table></div>\n</div>\n\
         </section>\n",
        verdicts(evidence),
    )
}

/// What a figure comes to.
struct Verdict {
    name: &'static str,
    /// What the figure is of.
    hint: &'static str,
    found: String,
    asked: String,
    /// `None` where it is not known.
    passed: Option<bool>,
}

fn verdicts(evidence: &Evidence) -> String {
    let e = evidence;
    let two = |value: f64| fixed(value, 2);
    let rows = [
        Verdict {
            name: "Trades",
            hint: "out of sample",
            found: count(e.trades),
            asked: format!("{VALIDATION_TRADES} or more"),
            passed: Some(e.trades >= VALIDATION_TRADES),
        },
        Verdict {
            name: "Net profit",
            hint: "out of sample, after costs",
            found: or_dash(e.net_profit, two),
            asked: "0 or more".to_owned(),
            passed: e.net_profit.map(|p| p >= 0.0),
        },
        Verdict {
            name: "Sharpe",
            hint: "out of sample, annualised",
            found: or_dash(e.sharpe, two),
            asked: format!("{PAPER_SHARPE} or more"),
            passed: e.sharpe.map(|s| s >= PAPER_SHARPE),
        },
        Verdict {
            name: "p-value",
            hint: "of the mean daily return, one-sided",
            found: or_dash(e.p_value, probability),
            asked: format!("below {GATE_P_VALUE}"),
            passed: e.p_value.map(|p| p < GATE_P_VALUE),
        },
        Verdict {
            name: "Deflated Sharpe",
            hint: "against the luckiest of all trials",
            found: or_dash(e.deflated_sharpe, probability),
            asked: format!("{GATE_DEFLATED_SHARPE} or more"),
            passed: e.deflated_sharpe.map(|d| d >= GATE_DEFLATED_SHARPE),
        },
        Verdict {
            name: "Probability of overfitting",
            hint: "CSCV over the study's trials",
            found: or_dash(e.probability_of_overfitting, |p| percent(p * 100.0)),
            asked: format!("below {:.0}\u{202f}%", GATE_OVERFITTING * 100.0),
            passed: e.probability_of_overfitting.map(|p| p < GATE_OVERFITTING),
        },
        Verdict {
            name: "Walk-forward flags",
            hint: "Sharpe, win rate, stability",
            found: e.walk_forward.as_ref().map_or(DASH.to_owned(), |f| count(f.len() as u64)),
            asked: "none".to_owned(),
            passed: e.walk_forward.as_ref().map(Vec::is_empty),
        },
        Verdict {
            name: "Random entries",
            hint: "p-value against them; told, not judged",
            found: or_dash(e.random_entry_p_value, probability),
            asked: format!("below {GATE_P_VALUE}"),
            passed: e.random_entry_p_value.map(|p| p < GATE_P_VALUE),
        },
        Verdict {
            name: "Neighbourhood",
            hint: "steps beside that collapse; told, not judged",
            found: e
                .neighbourhood
                .as_ref()
                .map_or(DASH.to_owned(), |n| format!("{} of {}", n.collapsed, n.neighbours.len())),
            asked: "a hill, not a needle".to_owned(),
            passed: e.neighbourhood.as_ref().map(|n| !n.flagged),
        },
        costs(e.costs),
    ];
    rows.iter().map(row).collect()
}

fn costs(costs: Option<CostJudgement>) -> Verdict {
    let (found, passed) = match costs {
        Some(CostJudgement::Survives { multiple }) => {
            (format!("×{}", fixed(multiple, 2)), Some(true))
        }
        Some(CostJudgement::TooThin { multiple }) => {
            (format!("×{}", fixed(multiple, 2)), Some(false))
        }
        Some(CostJudgement::NoProfit) => ("no profit".to_owned(), Some(false)),
        _ => (DASH.to_owned(), None),
    };
    Verdict {
        name: "Costs",
        hint: "break-even, in sample; told, not judged",
        found,
        asked: format!("above ×{}", CostJudgement::MULTIPLE),
        passed,
    }
}

fn row(verdict: &Verdict) -> String {
    let (tone, word) = match verdict.passed {
        Some(true) => ("gain", "passed"),
        Some(false) => ("loss", "failed"),
        None => ("", "not known"),
    };
    let Verdict { name, hint, found, asked, .. } = verdict;
    format!(
        "<tr><th scope=\"row\">{name}<small>{hint}</small></th><td>{found}</td><td>{asked}</td>\
         <td class=\"{tone}\">{word}</td></tr>\n"
    )
}

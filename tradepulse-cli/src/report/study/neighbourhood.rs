use tradepulse_core::overfitting::{Neighbour, Neighbourhood};

use super::super::text::{DASH, escape, fixed, or_dash, percent};
use super::figure;

/// The objective one step beside the best parameters.
pub(super) fn section(beside: &Neighbourhood) -> String {
    let mut names: Vec<&str> = Vec::new();
    for neighbour in &beside.neighbours {
        if !names.contains(&neighbour.variable.as_str()) {
            names.push(&neighbour.variable);
        }
    }
    let rows: String = names.iter().map(|name| row(name, beside)).collect();
    let verdict = if beside.flagged {
        "The best parameters stand on a needle: their figures are not to be trusted."
    } else {
        "The best parameters stand on a hill."
    };
    let kept = or_dash(beside.median_kept, |kept| percent(kept * 100.0));
    format!(
        "<section id=\"neighbourhood\">\n<h2>Neighbourhood</h2>\n<p class=\"lede\">{verdict}</p>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Neighbourhood\">\
         <table class=\"ledger beside\"><thead><tr><th scope=\"col\">Variable</th>\
         <th scope=\"col\">One step down</th><th class=\"track\"></th>\
         <th scope=\"col\">Best</th><th class=\"track\"></th>\
         <th scope=\"col\">One step up</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n\
         <p class=\"caption\">The objective with one variable moved by one step, all others at the \
         best parameters; {} of {} collapse to less than half of the peak or are infeasible (–). \
         The median neighbour keeps {kept} of the peak. A bar is the share of the peak that is left; \
         of a choice, the worst of the others is shown.</p>\n</section>\n",
        beside.collapsed,
        beside.neighbours.len(),
    )
}

fn row(name: &str, beside: &Neighbourhood) -> String {
    let side = |sign: i32| {
        let there = beside.neighbours.iter();
        let there = there.filter(|n| n.variable == name && n.step.signum() == sign);
        let worth = |n: &Neighbour| n.objective.unwrap_or(f64::NEG_INFINITY);
        let found = there.min_by(|a, b| worth(a).total_cmp(&worth(b)));
        cells(found, beside.peak, sign)
    };
    format!(
        "<tr><th scope=\"row\">{}</th>{}<td class=\"peak\">{}</td>{}</tr>\n",
        escape(name),
        side(-1),
        figure(beside.peak),
        side(1),
    )
}

/// The figure and the bar of one side, the bar nearer to the peak.
fn cells(neighbour: Option<&Neighbour>, peak: f64, sign: i32) -> String {
    let Some(neighbour) = neighbour else {
        return "<td></td><td class=\"track\"></td>".to_owned();
    };
    // Of a peak that is not above zero there is no share.
    let kept = neighbour.objective.filter(|_| peak > 0.0).map_or(0.0, |o| o / peak);
    let stands = neighbour.objective.is_some_and(|o| o >= Neighbourhood::KEPT * peak);
    let (class, tone) = if stands { ("", "gain") } else { (" class=\"collapsed\"", "loss") };
    let text = neighbour.objective.map_or(DASH.to_owned(), figure);
    let width = fixed(kept.clamp(0.0, 1.0) * 100.0, 2);
    let side = if sign < 0 { " down" } else { "" };
    let bar = format!(
        "<td class=\"track{side}\"><div><i class=\"{tone}\" style=\"width:{width}%\"></i></div></td>"
    );
    let value = format!("<td{class}>{text}</td>");
    if sign < 0 { value + &bar } else { bar + &value }
}

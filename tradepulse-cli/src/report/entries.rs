use std::collections::BTreeMap;

use tradepulse_core::engine::{Refusal, RefusalReason};
use tradepulse_core::order::Side;
use tradepulse_core::strategy::FunnelStep;

use super::Report;
use super::text::{DASH, count, escape, fixed, percent};

/// Why entries happened or did not: the funnel of conditions, and refusals.
pub(super) fn section(report: &Report<'_>) -> String {
    let outcome = report.outcome;
    let (heading, lede) = if outcome.trades.is_empty() {
        (
            "No trades",
            "<p class=\"lede\">The run made no trade. The funnel shows at which condition candles stopped.</p>\n",
        )
    } else {
        ("Entries", "")
    };
    let candles = outcome.equity.len() as u64;
    let (long, short) = (&outcome.funnel.long, &outcome.funnel.short);
    let funnels = match (long.is_empty(), short.is_empty()) {
        (true, true) => "<p class=\"caption\">The strategy keeps no funnel.</p>\n".to_owned(),
        _ => funnel("Long", long, candles) + &funnel("Short", short, candles),
    };
    format!(
        "<section id=\"entries\">\n<h2>{heading}</h2>\n{lede}<div class=\"columns\">\n{funnels}{}\
         </div>\n</section>\n",
        refusals(&outcome.refusals),
    )
}

fn funnel(side: &str, steps: &[FunnelStep], candles: u64) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let most = steps.iter().map(|s| s.candles).fold(candles, u64::max) as f64;
    let mut before = candles;
    let mut rows = String::new();
    let all = FunnelStep { condition: "all candles", candles };
    for (k, step) in std::iter::once(&all).chain(steps).enumerate() {
        let kept = match k {
            0 => String::new(),
            _ if before == 0 => DASH.to_owned(),
            _ => percent(step.candles as f64 / before as f64 * 100.0),
        };
        let width = (step.candles as f64).ln_1p() / most.ln_1p() * 100.0;
        rows += &format!(
            "<tr><th scope=\"row\">{}</th><td class=\"track\"><div><i class=\"step\" style=\"width:{}%\">\
             </i></div></td><td>{}</td><td>{kept}</td></tr>\n",
            escape(step.condition),
            fixed(width, 2),
            count(step.candles),
        );
        before = step.candles;
    }
    format!(
        "<div><h3>{side} funnel</h3>\n<table class=\"ledger funnel\"><thead><tr><td></td><td></td>\
         <th scope=\"col\">Candles</th><th scope=\"col\">Of those before</th></tr></thead>\
         <tbody>{rows}</tbody></table>\n<p class=\"caption\">Bars on a logarithmic scale.</p></div>\n"
    )
}

fn refusals(refusals: &[Refusal]) -> String {
    if refusals.is_empty() {
        return "<div><h3>Refused entries</h3>\n<p class=\"caption\">None.</p></div>\n".to_owned();
    }
    let mut by_reason: BTreeMap<(&'static str, &'static str), [u64; 2]> = BTreeMap::new();
    for refusal in refusals {
        let key = (refusal.reason.name(), meaning(refusal.reason));
        by_reason.entry(key).or_default()[usize::from(refusal.side == Side::Short)] += 1;
    }
    let rows: String = by_reason
        .iter()
        .map(|((reason, meaning), [long, short])| {
            format!(
                "<tr><th scope=\"row\">{}<small>{meaning}</small></th><td>{}</td><td>{}</td>\
                 <td>{}</td></tr>\n",
                escape(reason),
                count(*long),
                count(*short),
                count(long + short),
            )
        })
        .collect();
    format!(
        "<div><h3>Refused entries</h3>\n<table class=\"figures\"><thead><tr><td></td>\
         <th scope=\"col\">Long</th><th scope=\"col\">Short</th><th scope=\"col\">All</th></tr>\
         </thead><tbody>{rows}</tbody></table></div>\n"
    )
}

fn meaning(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::WrongSide => "stop or target not on its proper side of the close",
        RefusalReason::Edge => "the target is not worth the costs",
        RefusalReason::NoEquity => "no equity to trade with",
        RefusalReason::BelowStep => "the size rounds to nothing",
        RefusalReason::BelowMinimum => "the size is below the market's minimum",
        RefusalReason::Risk(_) => "a risk rule",
        RefusalReason::Allocation => "the configuration may trade with none of the equity",
        RefusalReason::UnknownVolatility => "the average true range is not known yet",
        _ => "",
    }
}

use tradepulse_core::backtest::CostSurvival;
use tradepulse_core::simulation::Costs;

use super::Report;
use super::months::shaded;
use super::text::{escape, fixed, or_dash, plain, rate, signed_percent, tone, trades};

/// What trading cost, and what is left when it costs more.
pub(super) fn section(report: &Report<'_>) -> String {
    let survival = report.cost_survival.map_or_else(String::new, |s| survival(report, s));
    format!(
        "<section id=\"costs\">\n<h2>Costs</h2>\n<div class=\"columns\">\n{}{survival}</div>\n\
         </section>\n",
        ledger(report),
    )
}

/// From profit before costs to net profit, as bars from a common zero.
fn ledger(report: &Report<'_>) -> String {
    let (m, money) = (&report.outcome.metrics, report.money());
    let before = m.net_profit + m.fees_paid + m.slippage_paid + m.funding_paid;
    let mut steps = vec![
        ("Before costs", 0.0, before, "all fills at their reference prices, no fees"),
        ("Slippage", before, -m.slippage_paid, "fills worse than the reference price"),
        ("Fees", before - m.slippage_paid, -m.fees_paid, "taker and maker fees"),
        ("Net", 0.0, m.net_profit, "what is left"),
    ];
    if m.funding_paid != 0.0 {
        let from = m.net_profit + m.funding_paid;
        let hint = "payments between longs and shorts of a perpetual";
        steps.insert(3, ("Funding", from, -m.funding_paid, hint));
    }
    let ends = || steps.iter().flat_map(|(_, from, by, _)| [*from, from + by]);
    let (low, high) = (ends().fold(0.0, f64::min), ends().fold(0.0, f64::max));
    let span = if high > low { high - low } else { 1.0 };
    let at = |value: f64| fixed((value - low) / span * 100.0, 2);
    let capital = report.settings.capital;
    let rows: String = steps
        .iter()
        .map(|(label, from, by, hint)| {
            let left = from.min(from + by);
            format!(
                "<tr title=\"{hint}\"><th scope=\"row\">{label}</th><td class=\"track\"><div>\
                 <i class=\"{}\" style=\"left:{}%;width:{}%\"></i><u style=\"left:{}%\"></u></div></td>\
                 <td class=\"{}\">{}</td><td>{}</td></tr>\n",
                tone(*by),
                at(left),
                fixed(by.abs() / span * 100.0, 2),
                at(0.0),
                tone(*by),
                money.signed(*by),
                signed_percent(by / capital * 100.0),
            )
        })
        .collect();
    let ambiguous = if m.ambiguous_trades == 0 {
        "No trade ended in a candle that reaches both stop and target.".to_owned()
    } else {
        format!(
            "{} ended in a candle that reaches both stop and target. Net profit with the stop \
             first: <b>{}</b>; with the target first: <b>{}</b>.",
            trades(m.ambiguous_trades),
            money.signed(m.net_profit),
            or_dash(m.net_profit_target_first, |v| money.signed(v)),
        )
    };
    format!(
        "<div><h3>Gross to net, {}</h3>\n<table class=\"ledger\"><tbody>{rows}</tbody></table>\n\
         <p class=\"caption\">{ambiguous}</p></div>\n",
        escape(&money.currency),
    )
}

/// Net profit over fees (rows) and slippage (columns).
fn survival(report: &Report<'_>, survival: &CostSurvival) -> String {
    let assumed = &report.settings.venue_costs;
    let capital = report.settings.capital;
    let axis = |multiple: fn(&tradepulse_core::backtest::CostCell) -> f64| {
        let mut values: Vec<f64> = survival.grid.iter().map(multiple).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    };
    let (fees, slippages) = (axis(|c| c.fee_multiple), axis(|c| c.slippage_multiple));
    let profits = || survival.grid.iter().map(|c| c.net_profit);
    let strongest = profits().map(f64::abs).fold(0.0, f64::max);
    let mut rows = String::new();
    for fee in &fees {
        rows += &format!(
            "<tr><th scope=\"row\">{}<small>{}</small></th>",
            times(*fee),
            rate(assumed.taker_fee * fee)
        );
        for slippage in &slippages {
            let cell = survival
                .grid
                .iter()
                .find(|c| c.fee_multiple == *fee && c.slippage_multiple == *slippage);
            rows += &cell.map_or_else(
                || "<td class=\"none\"></td>".to_owned(),
                |c| {
                    let here = if *fee == 1.0 && *slippage == 1.0 { "assumed" } else { "" };
                    let label = super::text::signed(c.net_profit / capital * 100.0, 1);
                    shaded(c.net_profit, strongest, &label, here)
                },
            );
        }
        rows += "</tr>\n";
    }
    let head: String = slippages
        .iter()
        .map(|s| {
            let rate = rate(assumed.slippage.expected() * s);
            format!("<th scope=\"col\">{}<small>{rate}</small></th>", times(*s))
        })
        .collect();
    format!(
        "<div><h3>Net profit % under other costs</h3>\n<div class=\"scroll\" tabindex=\"0\" \
         role=\"region\" aria-label=\"Net profit under other costs\"><table class=\"heat costs\">\n\
         <thead><tr><th scope=\"col\">fee ↓ slippage →</th>{head}</tr></thead>\n\
         <tbody>{rows}</tbody></table></div>\n<p class=\"caption\">{} The outlined cell is the \
         assumption; entries are chosen and sized by the assumed costs throughout.</p></div>\n",
        break_even(survival, assumed),
    )
}

fn times(multiple: f64) -> String {
    format!("×{}", plain(multiple))
}

fn break_even(survival: &CostSurvival, assumed: &Costs) -> String {
    if let Some(multiple) = survival.break_even_multiple {
        let round_trip = survival.break_even_round_trip.map_or_else(String::new, |cost| {
            format!(
                ", a round trip of {} against the assumed {}",
                rate4(cost),
                rate4(assumed.round_trip())
            )
        });
        return format!(
            "Breaks even at <b>×{}</b> of the assumed costs{round_trip}.",
            fixed(multiple, 2)
        );
    }
    let free = survival.grid.iter().find(|c| c.fee_multiple == 0.0 && c.slippage_multiple == 0.0);
    match free {
        Some(cell) if cell.net_profit <= 0.0 => "No profit even without costs.".to_owned(),
        _ => "No break-even was found.".to_owned(),
    }
}

fn rate4(fraction: f64) -> String {
    rate((fraction * 1e6).round() / 1e6)
}

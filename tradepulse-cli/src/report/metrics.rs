use tradepulse_core::account::Trade;
use tradepulse_core::order::Side;

use super::Report;
use super::text::{DASH, count, duration, fixed, or_dash, percent, signed_percent, tone};

/// Every figure of the backtest by its name, and longs beside shorts.
pub(super) fn section(report: &Report<'_>) -> String {
    let groups: String = groups(report)
        .iter()
        .map(|(title, rows)| {
            let rows: String = rows.iter().map(row).collect();
            format!("<div class=\"group\"><h3>{title}</h3><table class=\"metrics\"><tbody>{rows}</tbody></table></div>\n")
        })
        .collect();
    format!(
        "<section id=\"metrics\">\n<h2>Metrics</h2>\n<div class=\"groups\">\n{groups}</div>\n{}\
         <p class=\"caption\">Money in {}. {DASH} stands where a figure is not defined. Point at a \
         name for its definition.</p>\n</section>\n",
        sides(report),
        super::text::escape(&report.money().currency),
    )
}

/// Name, value, definition.
type Row = (&'static str, String, &'static str);

fn row((name, value, meaning): &Row) -> String {
    format!(
        "<tr><th scope=\"row\"><dfn tabindex=\"0\">{name}<span role=\"tooltip\">{meaning}</span>\
         </dfn></th><td>{value}</td></tr>\n"
    )
}

fn groups(report: &Report<'_>) -> [(&'static str, Vec<Row>); 5] {
    let m = &report.outcome.metrics;
    let money = report.money();
    let timeframe_ms = report.series.timeframe().as_ms();
    let ratio = |v: Option<f64>| or_dash(v, |v| fixed(v, 3));
    let share = |v: Option<f64>| or_dash(v, |v| percent(v * 100.0));
    let amount = |v: Option<f64>| or_dash(v, |v| money.signed(v));
    let held = |candles: f64| duration((candles * timeframe_ms as f64) as i64);
    [
        (
            "Return",
            vec![
                ("net_profit", money.signed(m.net_profit), "Final equity less capital."),
                ("net_profit_pct", signed_percent(m.net_profit_pct), "Net profit over capital."),
                (
                    "cagr",
                    or_dash(m.cagr, |v| signed_percent(v * 100.0)),
                    "Compound annual growth: (final / capital) ^ (365.25 days / span) − 1.",
                ),
                (
                    "exposure",
                    share(m.exposure),
                    "Share of candles in a position. An exit at the open does not count its candle.",
                ),
                (
                    "turnover",
                    format!("{}×", fixed(m.turnover, 2)),
                    "Notional of all entries and exits over capital.",
                ),
            ],
        ),
        (
            "Risk",
            vec![
                (
                    "max_drawdown_pct",
                    percent(m.max_drawdown_pct),
                    "Deepest fall of marked equity below its running peak, which starts at the capital.",
                ),
                (
                    "max_drawdown_duration",
                    format!(
                        "{} candles ({})",
                        count(m.max_drawdown_duration),
                        held(m.max_drawdown_duration as f64)
                    ),
                    "Longest run of candles below the peak.",
                ),
                (
                    "average_drawdown_pct",
                    or_dash(m.average_drawdown_pct, percent),
                    "Mean drawdown over all candles.",
                ),
                (
                    "ulcer_index",
                    ratio(m.ulcer_index),
                    "Root mean square of the drawdown over all candles, percent.",
                ),
                (
                    "var_95",
                    share(m.var_95),
                    "Daily value at risk: minus the 5 % quantile of daily returns. A loss is positive.",
                ),
                (
                    "cvar_95",
                    share(m.cvar_95),
                    "Daily expected shortfall: minus the mean of the returns at or below that quantile.",
                ),
            ],
        ),
        (
            "Trades",
            vec![
                ("trades", count(m.trades), "Round trips."),
                ("wins", count(m.wins), "Trades with a profit above zero."),
                ("losses", count(m.losses), "Trades with a profit below zero."),
                ("win_rate", share(m.win_rate), "Wins over trades."),
                (
                    "gross_profit",
                    money.plain(m.gross_profit),
                    "Sum of the winning trades' profits.",
                ),
                ("gross_loss", money.plain(m.gross_loss), "Sum of the losing trades' profits."),
                ("average_win", amount(m.average_win), "Mean profit of the winning trades."),
                ("average_loss", amount(m.average_loss), "Mean profit of the losing trades."),
                ("largest_win", amount(m.largest_win), "Largest profit of a trade."),
                ("largest_loss", amount(m.largest_loss), "Largest loss of a trade."),
                ("expectancy", amount(m.expectancy), "Mean profit of a trade."),
                (
                    "average_holding",
                    or_dash(m.average_holding, |v| {
                        format!("{} candles ({})", fixed(v, 1), held(v))
                    }),
                    "Mean time in a position; the entry candle counts as one.",
                ),
            ],
        ),
        (
            "Ratios and evidence",
            vec![
                (
                    "sharpe",
                    ratio(m.sharpe),
                    "Mean over standard deviation of daily returns, times √365.",
                ),
                (
                    "sortino",
                    ratio(m.sortino),
                    "Mean over downside deviation of daily returns, times √365.",
                ),
                ("calmar", ratio(m.calmar), "cagr over max_drawdown_pct (both as fractions)."),
                (
                    "profit_factor",
                    ratio(m.profit_factor),
                    "gross_profit over the magnitude of gross_loss.",
                ),
                (
                    "payoff_ratio",
                    ratio(m.payoff_ratio),
                    "average_win over the magnitude of average_loss.",
                ),
                (
                    "trade_sharpe",
                    ratio(m.trade_sharpe),
                    "Mean over standard deviation of the trades' profit_pct, not annualised.",
                ),
                ("z_score", ratio(m.z_score), "t statistic of the mean daily return."),
                (
                    "p_value",
                    or_dash(m.p_value, super::text::probability),
                    "Probability of such a mean daily return or a higher one if the true mean were \
                     zero: one-sided, Student's t with n − 1 degrees of freedom.",
                ),
            ],
        ),
        (
            "Costs",
            vec![
                ("fees_paid", money.plain(m.fees_paid), "Fees of all trades."),
                (
                    "slippage_paid",
                    money.plain(m.slippage_paid),
                    "Distance of each fill from its reference price, times quantity.",
                ),
                (
                    "funding_paid",
                    money.plain(m.funding_paid),
                    "Funding of all trades; negative if more was received than paid.",
                ),
                (
                    "ambiguous_trades",
                    count(m.ambiguous_trades),
                    "Trades ended by a candle that reaches both stop and target.",
                ),
                (
                    "net_profit_target_first",
                    or_dash(m.net_profit_target_first, |v| money.signed(v)),
                    "Net profit of the whole run if in such candles the target came first.",
                ),
            ],
        ),
    ]
}

/// Longs beside shorts, if there are both.
fn sides(report: &Report<'_>) -> String {
    let trades = &report.outcome.trades;
    let of = |side| trades.iter().filter(|t| t.side == side).collect::<Vec<&Trade>>();
    let (long, short) = (of(Side::Long), of(Side::Short));
    if long.is_empty() || short.is_empty() {
        return String::new();
    }
    let money = report.money();
    let rows: String = [("Long", long), ("Short", short), ("All", trades.iter().collect())]
        .iter()
        .map(|(label, trades)| {
            let n = trades.len() as f64;
            let sum = |value: fn(&Trade) -> f64| trades.iter().map(|t| value(t)).sum::<f64>();
            let wins = trades.iter().filter(|t| t.profit > 0.0).count() as f64;
            let (won, lost) = (sum(|t| t.profit.max(0.0)), sum(|t| t.profit.min(0.0)));
            let factor = (lost < 0.0).then(|| won / -lost);
            format!(
                "<tr><th scope=\"row\">{label}</th><td>{}</td><td>{}</td>\
                 <td class=\"{}\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                count(trades.len() as u64),
                percent(wins / n * 100.0),
                tone(won + lost),
                money.signed(won + lost),
                or_dash(factor, |v| fixed(v, 2)),
                signed_percent(sum(|t| t.profit_pct) / n),
                fixed(sum(|t| f64::from(t.holding)) / n, 1),
            )
        })
        .collect();
    format!(
        "<h3>Long and short</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Long and short\"><table class=\"figures\">\n<thead><tr><td></td>\
         <th scope=\"col\">Trades</th><th scope=\"col\">Win rate</th><th scope=\"col\">Profit</th>\
         <th scope=\"col\">Profit factor</th><th scope=\"col\">Mean profit %</th>\
         <th scope=\"col\">Mean holding, candles</th></tr></thead>\n<tbody>{rows}</tbody></table>\
         </div>\n"
    )
}

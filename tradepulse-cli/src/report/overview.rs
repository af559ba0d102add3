use tradepulse_core::backtest::Outcome;
use tradepulse_core::market::Series;

use super::head::{market_line, notes};
use super::text::{self, Money, count, escape, fixed, or_dash, percent, signed_percent, tone};
use super::{Page, ReportError, fill, page};

/// Several strategies on one market.
#[derive(Clone, Debug)]
pub(crate) struct Overview<'a> {
    /// Heading.
    pub(crate) title: &'a str,
    /// The market, such as `BTC/USDT`.
    pub(crate) symbol: &'a str,
    /// Where the candles come from, if known.
    pub(crate) exchange: Option<&'a str>,
    /// The candles of all backtests.
    pub(crate) series: &'a Series,
    /// Starting capital of all backtests.
    pub(crate) capital: f64,
    /// One backtest each.
    pub(crate) rows: Vec<OverviewRow<'a>>,
    /// What a reader must know besides, such as `synthetic market`.
    pub(crate) notes: Vec<String>,
}

/// One strategy of an [`Overview`].
#[derive(Clone, Debug)]
pub(crate) struct OverviewRow<'a> {
    /// What its backtest found, run with `keep_equity`.
    pub(crate) outcome: &'a Outcome,
    /// Where its own report is, relative to this file.
    pub(crate) link: Option<String>,
}

/// Points of a sparkline.
const POINTS: usize = 160;

/// The overview as HTML.
///
/// # Errors
/// If an outcome was run without `keep_equity`.
pub(crate) fn render_overview(overview: &Overview<'_>) -> Result<String, ReportError> {
    if overview.series.is_empty() || overview.rows.iter().any(|r| r.outcome.equity.is_empty()) {
        return Err(ReportError::NoEquity);
    }
    let money = Money::new(overview.capital, overview.symbol);
    let mut rows: Vec<&OverviewRow<'_>> = overview.rows.iter().collect();
    let profit = |row: &OverviewRow<'_>| row.outcome.metrics.net_profit;
    rows.sort_by(|a, b| profit(b).total_cmp(&profit(a)));
    let rows: String = rows.iter().map(|r| row(r, overview, &money)).collect();
    let head = format!(
        "<header class=\"head\">\n<h1>{}</h1>\n{}\n{}</header>\n",
        escape(overview.title),
        market_line(overview.symbol, overview.exchange, overview.series),
        notes(&overview.notes),
    );
    let body = fill(
        include_str!("overview.html"),
        &[
            ("head", &head),
            ("rows", &(rows + &market_row(overview))),
            ("currency", &escape(&money.currency)),
            ("capital", &money.plain(overview.capital)),
            ("engine", env!("CARGO_PKG_VERSION")),
        ],
    );
    let title = format!("{} · {}", overview.title, overview.symbol);
    Ok(page(&Page { title: &title, nav: "", body: &body, data: None, scripts: &[] }))
}

fn row(row: &OverviewRow<'_>, overview: &Overview<'_>, money: &Money) -> String {
    let (outcome, m) = (row.outcome, &row.outcome.metrics);
    let name = escape(outcome.about.name);
    let name = match &row.link {
        Some(link) => format!("<a href=\"{}\">{name}</a>", escape(link)),
        None => name,
    };
    let two = |value: Option<f64>| or_dash(value, |v| fixed(v, 2));
    format!(
        "<tr><th scope=\"row\">{name}<small>{}</small></th><td class=\"spark\">{}</td>\
         <td class=\"{}\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
         <td>{}</td><td>{}</td></tr>\n",
        escape(outcome.about.summary),
        sparkline(&outcome.equity, overview.capital),
        tone(m.net_profit),
        signed_percent(m.net_profit_pct),
        money.signed(m.net_profit),
        two(m.sharpe),
        percent(m.max_drawdown_pct),
        count(m.trades),
        or_dash(m.win_rate, |v| percent(v * 100.0)),
        two(m.profit_factor),
        or_dash(m.p_value, text::probability),
        or_dash(m.exposure, |v| percent(v * 100.0)),
    )
}

/// The market itself, bought at the first open and held.
fn market_row(overview: &Overview<'_>) -> String {
    let (open, close) = (overview.series.open(), overview.series.close());
    let change = close.last().zip(open.first()).map(|(last, first)| (last / first - 1.0) * 100.0);
    format!(
        "<tr class=\"market-row\"><th scope=\"row\">the market<small>bought at the first open and \
         held, no costs</small></th><td class=\"spark\">{}</td><td class=\"{}\">{}</td>{}</tr>\n",
        sparkline(close, open[0]),
        tone(change.unwrap_or(0.0)),
        or_dash(change, signed_percent),
        "<td></td>".repeat(8),
    )
}

/// The curve of `values` with a line at `start`.
pub(super) fn sparkline(values: &[f64], start: f64) -> String {
    let (low, high) = values.iter().fold((start, start), |(a, b), v| (a.min(*v), b.max(*v)));
    let span = if high > low { high - low } else { 1.0 };
    let y = |value: f64| (1.0 - (value - low) / span) * 30.0 + 1.0;
    let points = POINTS.min(values.len());
    let line: Vec<String> = std::iter::once(start)
        .chain((1..=points).map(|k| values[k * values.len() / points - 1]))
        .enumerate()
        .map(|(k, value)| format!("{:.1},{:.1}", k as f64 / points as f64 * 160.0, y(value)))
        .collect();
    let end = values.last().copied().unwrap_or(start);
    format!(
        "<svg viewBox=\"0 0 160 32\" preserveAspectRatio=\"none\" class=\"{}\" role=\"img\" \
         aria-label=\"from {} to {}\"><line x1=\"0\" x2=\"160\" y1=\"{base:.1}\" y2=\"{base:.1}\"/>\
         <polyline points=\"{}\"/></svg>",
        tone(end - start),
        fixed(start, 2),
        fixed(end, 2),
        line.join(" "),
        base = y(start),
    )
}

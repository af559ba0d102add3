//! The human-readable result of a backtest.

use anyhow::Result;
use tradepulse_core::strategy::FunnelStep;

use super::Finished;
use crate::output::{line, maybe, number, table};

pub(super) fn print(finished: &Finished<'_>, funnel: bool) -> Result<()> {
    let Finished { outcome, market, .. } = finished;
    let m = &outcome.metrics;
    let symbol = market.symbol.as_ref().map_or_else(String::new, |s| format!(" {s}"));
    let exchange = market.exchange.as_ref().map_or_else(String::new, |e| format!(" {e}"));
    let timeframe = market.series.timeframe();
    line(format!("{} on{exchange}{symbol} {timeframe}", outcome.about.name))?;
    if let Some((from, to)) = market.series.span() {
        let candles = number(market.series.len() as f64, 0);
        line(format!("{candles} candles, {from} to {to}"))?;
    }
    let changed = outcome.parameters.iter().filter(|(v, value)| v.default != *value);
    let changed: Vec<_> = changed.map(|(v, value)| format!("{}={value}", v.name)).collect();
    if !changed.is_empty() {
        line(format!("with {}", changed.join(" ")))?;
    }

    let mut rows = table(&["result", "", "risk", "", "trades", ""], &[1, 3, 5]);
    let percent = |value: f64| format!("{} %", number(value, 2));
    let maybe_percent = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |v| format!("{} %", number(v * 100.0, 2)))
    };
    let cells = [
        [
            ("net profit", number(m.net_profit, 2)),
            ("max drawdown", percent(m.max_drawdown_pct)),
            ("trades", number(m.trades as f64, 0)),
        ],
        [
            ("net profit", percent(m.net_profit_pct)),
            ("its duration", format!("{} candles", number(m.max_drawdown_duration as f64, 0))),
            ("win rate", maybe_percent(m.win_rate)),
        ],
        [
            ("CAGR", maybe_percent(m.cagr)),
            ("ulcer index", maybe(m.ulcer_index, 2)),
            ("profit factor", maybe(m.profit_factor, 2)),
        ],
        [
            ("Sharpe", maybe(m.sharpe, 2)),
            ("daily VaR 95 %", maybe_percent(m.var_95)),
            ("payoff ratio", maybe(m.payoff_ratio, 2)),
        ],
        [
            ("Sortino", maybe(m.sortino, 2)),
            ("daily CVaR 95 %", maybe_percent(m.cvar_95)),
            ("expectancy", maybe(m.expectancy, 2)),
        ],
        [
            ("Calmar", maybe(m.calmar, 2)),
            ("exposure", maybe_percent(m.exposure)),
            ("average holding", maybe(m.average_holding, 1)),
        ],
        [
            ("p-value", maybe(m.p_value, 4)),
            ("turnover", format!("{} ×", number(m.turnover, 1))),
            ("ambiguous", number(m.ambiguous_trades as f64, 0)),
        ],
        [
            ("fees paid", number(m.fees_paid, 2)),
            ("slippage paid", number(m.slippage_paid, 2)),
            ("target first", maybe(m.net_profit_target_first, 2)),
        ],
    ];
    for row in cells {
        rows.add_row(row.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
    }
    line(rows)?;

    if finished.backtest.funding().is_some() {
        line(format!("Funding paid: {}", number(m.funding_paid, 2)))?;
    }
    let refused = finished.refusals();
    if !refused.is_empty() {
        let each: Vec<_> = refused.iter().map(|(rule, n)| format!("{n} by {rule}")).collect();
        line(format!("Entries refused: {}", each.join(", ")))?;
    }
    if let Some(monte_carlo) = &finished.monte_carlo {
        let (equity, drawdown) = (monte_carlo.final_equity, monte_carlo.max_drawdown_pct);
        let header = ["monte carlo", "5 %", "50 %", "95 %"];
        let mut rows = table(&header, &[1, 2, 3]);
        for (name, p) in [("final equity", equity), ("max drawdown %", drawdown)] {
            let cell = |value| number(value, 2);
            rows.add_row([name.to_owned(), cell(p.p5), cell(p.p50), cell(p.p95)]);
        }
        line(rows)?;
        let loss = number(monte_carlo.probability_of_loss * 100.0, 1);
        line(format!("{} runs; {loss} % of them end with a loss", monte_carlo.runs))?;
    }
    if funnel || m.trades == 0 {
        print_funnel("long", &outcome.funnel.long)?;
        print_funnel("short", &outcome.funnel.short)?;
    }
    for note in &finished.notes {
        line(format!("Note: {note}"))?;
    }
    line(format!("fingerprint {}", finished.fingerprint))?;
    line(format!("trades hash {}", finished.trades_hash))
}

fn print_funnel(side: &str, steps: &[FunnelStep]) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let mut rows = table(&[&format!("{side}: condition"), "candles"], &[1]);
    for step in steps {
        rows.add_row([step.condition.to_owned(), number(step.candles as f64, 0)]);
    }
    line(rows)
}

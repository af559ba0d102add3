use serde::Serialize;
use tradepulse_core::account::Trade;
use tradepulse_core::order::{ExitReason, Side};

use super::candle_columns::CandleColumns;
use super::equity_columns::EquityColumns;
use super::text::json_in_script;
use super::{Report, ReportError};

/// What the browser draws from.
#[derive(Serialize)]
struct Embedded<'a> {
    capital: f64,
    currency: String,
    money_decimals: usize,
    timeframe: String,
    series_candles: usize,
    candles: CandleColumns,
    equity: EquityColumns,
    exit_reasons: Vec<&'static str>,
    trades: Vec<Row>,
    symbol: &'a str,
}

/// One trade: side (1 long, −1 short), entry time and price, exit time and price, quantity, fees,
/// slippage, profit, profit %, index of the exit reason, holding, ambiguous (1 or 0).
type Row = (i8, i64, f64, i64, f64, f64, f64, f64, f64, f64, usize, u32, u8);

/// The data of the page as JSON, safe inside a `<script>` element.
pub(super) fn json(report: &Report<'_>) -> Result<String, ReportError> {
    let mut exit_reasons: Vec<ExitReason> = Vec::new();
    let trades = report.outcome.trades.iter().map(|t| row(t, &mut exit_reasons)).collect();
    let money = report.money();
    let data = Embedded {
        capital: report.settings.capital,
        currency: money.currency,
        money_decimals: money.decimals,
        timeframe: report.series.timeframe().to_string(),
        series_candles: report.series.len(),
        candles: CandleColumns::new(report.series),
        equity: EquityColumns::new(report.series, &report.outcome.equity, report.settings.capital),
        exit_reasons: exit_reasons.iter().map(|r| r.name()).collect(),
        trades,
        symbol: report.symbol,
    };
    Ok(json_in_script(&data)?)
}

fn row(trade: &Trade, exit_reasons: &mut Vec<ExitReason>) -> Row {
    let known = exit_reasons.iter().position(|r| *r == trade.exit_reason);
    let reason = known.unwrap_or_else(|| {
        exit_reasons.push(trade.exit_reason);
        exit_reasons.len() - 1
    });
    (
        if trade.side == Side::Long { 1 } else { -1 },
        trade.entry_time_ms,
        shortened(trade.entry_price),
        trade.exit_time_ms,
        shortened(trade.exit_price),
        shortened(trade.quantity),
        shortened(trade.fees),
        shortened(trade.slippage),
        shortened(trade.profit),
        shortened(trade.profit_pct),
        reason,
        trade.holding,
        u8::from(trade.ambiguous),
    )
}

/// Nine significant digits: more than is ever shown, and half the room.
pub(super) fn shortened(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

use serde::{Deserialize, Serialize};

use super::EquityCurve;
use super::statistics::{DailyStatistics, finite, mean, mean_over_deviation};
use crate::account::{Trade, is_zero};
use crate::time::DAY_MS;

/// The figures of one backtest. Money is in quote currency; losses are negative; `None` where a
/// figure is not defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Final equity less capital.
    pub net_profit: f64,
    /// Net profit over capital, percent.
    pub net_profit_pct: f64,
    /// Number of trades.
    pub trades: u64,
    /// Trades with a profit above zero.
    pub wins: u64,
    /// Trades with a profit below zero.
    pub losses: u64,
    /// Wins over trades, 0..1.
    pub win_rate: Option<f64>,
    /// Sum of the winning trades' profits.
    pub gross_profit: f64,
    /// Sum of the losing trades' profits.
    pub gross_loss: f64,
    /// Gross profit over the magnitude of gross loss.
    pub profit_factor: Option<f64>,
    /// Mean profit of the winning trades.
    pub average_win: Option<f64>,
    /// Mean profit of the losing trades.
    pub average_loss: Option<f64>,
    /// Largest profit of a winning trade.
    pub largest_win: Option<f64>,
    /// Largest loss of a losing trade.
    pub largest_loss: Option<f64>,
    /// Mean profit of a trade.
    pub expectancy: Option<f64>,
    /// Average win over the magnitude of the average loss.
    pub payoff_ratio: Option<f64>,
    /// Annualised Sharpe ratio of daily returns.
    pub sharpe: Option<f64>,
    /// Annualised Sortino ratio of daily returns.
    pub sortino: Option<f64>,
    /// Compound annual growth rate, a fraction.
    pub cagr: Option<f64>,
    /// Deepest fall of marked equity from its running peak, percent, positive.
    pub max_drawdown_pct: f64,
    /// Longest run of candles below the peak.
    pub max_drawdown_duration: u64,
    /// Mean drawdown over all candles, percent.
    pub average_drawdown_pct: Option<f64>,
    /// Root mean square of the drawdown over all candles, percent.
    pub ulcer_index: Option<f64>,
    /// Growth rate over the maximum drawdown (both fractions).
    pub calmar: Option<f64>,
    /// Mean over standard deviation of the trades' percent profits, not annualised.
    pub trade_sharpe: Option<f64>,
    /// One-sided p-value of the mean daily return.
    pub p_value: Option<f64>,
    /// Its t statistic.
    pub z_score: Option<f64>,
    /// Daily value at risk at 95 %, a fraction; losses positive.
    pub var_95: Option<f64>,
    /// Daily expected shortfall at 95 %, a fraction; losses positive.
    pub cvar_95: Option<f64>,
    /// Share of candles in a position, 0..1.
    pub exposure: Option<f64>,
    /// Mean holding of a trade, candles.
    pub average_holding: Option<f64>,
    /// Notional of all entries and exits over capital.
    pub turnover: f64,
    /// Fees of all trades.
    pub fees_paid: f64,
    /// Slippage of all trades: distance of fill and reference price, times quantity.
    pub slippage_paid: f64,
    /// Funding of all trades; negative if more was received than paid. Left out of JSON where it is
    /// zero, as on every spot market.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub funding_paid: f64,
    /// Trades ended by a candle that holds both stop and target.
    pub ambiguous_trades: u64,
    /// Net profit of the whole run if in such candles the target came first; `None` if that was
    /// not asked.
    pub net_profit_target_first: Option<f64>,
}

impl Metrics {
    /// The figures of `trades` on `curve`, which began with `capital` and spans `span_ms` from the
    /// first open to the last close. `net_profit_target_first` is left equal to `net_profit`.
    pub fn new(capital: f64, trades: &[Trade], curve: &EquityCurve, span_ms: i64) -> Self {
        let profits = |keep: fn(f64) -> bool| -> Vec<f64> {
            trades.iter().map(|t| t.profit).filter(|p| keep(*p)).collect()
        };
        let (won, lost) = (profits(|p| p > 0.0), profits(|p| p < 0.0));
        let (gross_profit, gross_loss) = (total(&won), total(&lost));
        let (average_win, average_loss) = (mean(&won), mean(&lost));
        let net_profit = curve.equity() - capital;
        let years = span_ms as f64 / (365.25 * DAY_MS as f64);
        let growth = curve.equity() / capital;
        let cagr = finite(growth.powf(1.0 / years) - 1.0).filter(|_| growth > 0.0);
        let daily = DailyStatistics::new(curve.daily_returns());
        let each = |value: fn(&Trade) -> f64| -> Vec<f64> { trades.iter().map(value).collect() };
        let held: u64 = trades.iter().map(|t| u64::from(t.holding)).sum();
        let count = trades.len() as f64;
        Self {
            net_profit,
            net_profit_pct: net_profit / capital * 100.0,
            trades: trades.len() as u64,
            wins: won.len() as u64,
            losses: lost.len() as u64,
            win_rate: finite(won.len() as f64 / count),
            gross_profit,
            gross_loss,
            profit_factor: finite(gross_profit / -gross_loss),
            average_win,
            average_loss,
            largest_win: won.iter().copied().reduce(f64::max),
            largest_loss: lost.iter().copied().reduce(f64::min),
            expectancy: mean(&each(|t| t.profit)),
            payoff_ratio: average_win.zip(average_loss).map(|(win, loss)| win / -loss),
            sharpe: daily.sharpe(),
            sortino: daily.sortino(),
            cagr,
            max_drawdown_pct: curve.max_drawdown_pct(),
            max_drawdown_duration: curve.max_drawdown_duration(),
            average_drawdown_pct: curve.average_drawdown_pct(),
            ulcer_index: curve.ulcer_index(),
            calmar: cagr.and_then(|c| finite(c / (curve.max_drawdown_pct() / 100.0))),
            trade_sharpe: mean_over_deviation(&each(|t| t.profit_pct)),
            p_value: daily.p_value(),
            z_score: daily.z_score(),
            var_95: daily.var_95(),
            cvar_95: daily.cvar_95(),
            exposure: finite(held as f64 / curve.candles() as f64),
            average_holding: finite(held as f64 / count),
            turnover: total(&each(|t| (t.entry_price + t.exit_price) * t.quantity)) / capital,
            fees_paid: total(&each(|t| t.fees)),
            slippage_paid: total(&each(|t| t.slippage)),
            funding_paid: total(&each(|t| t.funding)),
            ambiguous_trades: trades.iter().filter(|t| t.ambiguous).count() as u64,
            net_profit_target_first: Some(net_profit),
        }
    }
}

/// The sum; plain zero for no values (an empty float sum is −0).
fn total(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

//! What a person, or a program, wants to see of a run that has ended.

use anyhow::Result;
use serde::Serialize;
use tradepulse_core::account::Trade;
use tradepulse_core::backtest::trades_hash;
use tradepulse_core::desk::{Level, Notice};
use tradepulse_core::store::trading::TradeRecord;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::coordinator::Counters;
use tradepulse_exec::coordinator::session::WalletOutcome;

use crate::output::{line, number, table};

/// What became of one wallet.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    run: String,
    wallet: String,
    ended: &'static str,
    goes_on: bool,
    events: u64,
    capital: f64,
    equity: f64,
    trades_hash: String,
    trades: Vec<Trade>,
    counters: Counters,
    notices: Vec<Notice>,
}

impl From<WalletOutcome> for Summary {
    fn from(outcome: WalletOutcome) -> Self {
        let trades: Vec<Trade> = outcome.trades.iter().map(TradeRecord::trade).collect();
        Self {
            run: outcome.run,
            wallet: outcome.wallet,
            ended: match outcome.ended {
                tradepulse_exec::coordinator::Ended::FeedEnded => "feed_ended",
                _ => "stopped",
            },
            goes_on: outcome.goes_on,
            events: outcome.events,
            capital: outcome.capital,
            equity: outcome.equity,
            trades_hash: trades_hash(&trades),
            trades,
            counters: outcome.counters,
            notices: outcome.notices,
        }
    }
}

impl Summary {
    /// Whether something happened that nobody can explain.
    pub(crate) fn is_unexplained(&self) -> bool {
        self.counters.unexplained > 0
    }

    /// Prints it for a person.
    pub(crate) fn print(&self) -> Result<()> {
        let Self { run, wallet, events, capital, equity, trades, counters, .. } = self;
        let stopped = if self.ended == "stopped" { ", stopped" } else { "" };
        line(format!("wallet {wallet}, run {run}{stopped}: {} events", number(*events as f64, 0)))?;
        line(format!(
            "{} orders, {} fills, {} trades, {} entries refused; equity {} of {} ({} %)",
            counters.orders,
            counters.fills,
            counters.trades,
            counters.refusals,
            number(*equity, 2),
            number(*capital, 2),
            number((equity / capital - 1.0) * 100.0, 2),
        ))?;
        if self.goes_on {
            line("it holds positions or has orders, and goes on with its next start")?;
        }
        for notice in self.notices.iter().filter(|n| n.level > Level::Info).take(5) {
            line(format!("{}: {}", notice.level.name(), notice.text))?;
        }
        const SHOWN: usize = 10;
        if trades.is_empty() {
            return Ok(());
        }
        let mut rows = table(
            &["entry", "side", "entry price", "exit price", "quantity", "profit", "why"],
            &[2, 3, 4, 5],
        );
        let first = trades.len().saturating_sub(SHOWN);
        for trade in &trades[first..] {
            rows.add_row([
                Timestamp::from_ms(trade.entry_time_ms).to_string(),
                trade.side.name().to_owned(),
                number(trade.entry_price, 2),
                number(trade.exit_price, 2),
                number(trade.quantity, 6),
                number(trade.profit, 2),
                trade.exit_reason.name().to_owned(),
            ]);
        }
        if first > 0 {
            line(format!("the last {SHOWN} of {} trades:", trades.len()))?;
        }
        line(rows)
    }
}

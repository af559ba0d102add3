use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tradepulse_core::desk::Desk;
use tradepulse_core::store::trading::{EventLevel, SystemEventRecord, TradeRecord};
use tradepulse_core::time::{DAY_MS, Timestamp};

use crate::alert::{Alert, AlertLevel, Alerter};
use crate::coordinator::Clock;

/// What happened since the last summary, wallet by wallet. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct DailySummary(Arc<Mutex<BTreeMap<String, Day>>>);

/// The day of one wallet.
#[derive(Clone, Debug, Default)]
struct Day {
    trades: u32,
    wins: u32,
    profit: f64,
    fees: f64,
    refusals: u32,
    warnings: u32,
    errors: u32,
    began_with: Option<f64>,
    equity: Option<f64>,
    open: usize,
}

impl DailySummary {
    fn with(&self, wallet: &str, change: impl FnOnce(&mut Day)) {
        let mut days = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(days.entry(wallet.to_owned()).or_default());
    }

    pub(super) fn trade(&self, wallet: &str, trade: &TradeRecord) {
        self.with(wallet, |day| {
            day.trades += 1;
            day.wins += u32::from(trade.profit > 0.0);
            day.profit += trade.profit;
            day.fees += trade.fees;
        });
    }

    pub(super) fn event(&self, wallet: &str, event: &SystemEventRecord) {
        self.with(wallet, |day| match event.level {
            EventLevel::Error => day.errors += 1,
            EventLevel::Warning => day.warnings += 1,
            EventLevel::Info => day.refusals += u32::from(event.kind == "refusal"),
        });
    }

    pub(super) fn stands(&self, wallet: &str, desk: &Desk) {
        let equity = desk.equity();
        let open = desk.lanes().filter(|lane| lane.position.is_some()).count();
        self.with(wallet, |day| {
            day.began_with.get_or_insert(equity);
            day.equity = Some(equity);
            day.open = open;
        });
    }

    /// The day in words, and a new one begins.
    pub fn take(&self) -> String {
        let mut days = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if days.is_empty() {
            return "no candle came".to_owned();
        }
        let mut text = String::new();
        for (wallet, day) in days.iter_mut() {
            let Day { trades, wins, profit, fees, refusals, warnings, errors, open, .. } = *day;
            let equity = match (day.began_with, day.equity) {
                (Some(began), Some(equity)) => {
                    format!("equity {equity:.2} ({:+.2})", equity - began)
                }
                _ => "equity not known".to_owned(),
            };
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{wallet}: {equity}, {trades} trades ({wins} won), profit {profit:+.2}, fees \
                 {fees:.2}, {open} open, {refusals} entries refused, {warnings} warnings, {errors} \
                 errors"
            );
            *day = Day { began_with: day.equity, equity: day.equity, open, ..Day::default() };
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// Tells the day whenever this hour of a UTC day begins, until it is dropped.
    pub async fn run(&self, hour: u32, clock: Clock, alerter: Arc<dyn Alerter>) {
        loop {
            let at = next_hour(clock.now(), hour);
            while let wait = at.as_ms() - clock.now().as_ms()
                && wait > 0
            {
                tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
            }
            alerter.alert(Alert { level: AlertLevel::DailySummary, at, text: self.take() });
        }
    }
}

/// The next instant at which that hour of a UTC day begins, after `now`.
fn next_hour(now: Timestamp, hour: u32) -> Timestamp {
    let at = now.utc_day() * DAY_MS + i64::from(hour) * 3_600_000;
    Timestamp::from_ms(if at > now.as_ms() { at } else { at + DAY_MS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_hour_is_always_ahead() {
        let day = 19_000 * DAY_MS;
        let at = |ms: i64, hour| next_hour(Timestamp::from_ms(day + ms), hour).as_ms() - day;
        assert_eq!(at(0, 0), DAY_MS);
        assert_eq!(at(1, 0), DAY_MS);
        assert_eq!(at(1, 7), 7 * 3_600_000);
        assert_eq!(at(7 * 3_600_000, 7), DAY_MS + 7 * 3_600_000);
    }
}

use std::collections::BTreeSet;

use tradepulse_core::store::trading::{
    EquityPoint, EventLevel, First, Record, RecordFilter, RunMode, RunRecord, SystemEventRecord,
    TradeRecord, TradingStoreExt,
};
use tradepulse_core::store::{Page, StoreError};
use tradepulse_core::time::{DAY_MS, Timestamp};

use super::Preflight;
use crate::check::{Check, with_causes};
use crate::store::sqlite::SqliteStore;

const HOUR_MS: i64 = 3_600_000;

/// What the dry runs of the configuration's wallets on live candles have shown.
#[derive(Debug, Default, PartialEq)]
struct Evidence {
    runs: usize,
    /// Complete UTC days in a row, up to yesterday, with a record in each slot.
    days: u32,
    /// Slots with a record, of all since the first in the days wanted; `None` before the first.
    availability: Option<f64>,
    /// Events of level error in the days wanted.
    errors: usize,
    trades: usize,
    /// Mean profit of a trade.
    expectancy: f64,
    win_rate: f64,
    /// Largest drawdown of equity within a run, a fraction of the peak.
    drawdown: f64,
}

impl Preflight<'_> {
    /// `dry run` and `performance`.
    pub(super) async fn evidence(&self, store: Option<&SqliteStore>) -> [Check; 2] {
        const NAMES: [&str; 2] = ["dry run", "performance"];
        if self.config.mode.dry_run || self.config.mode.testnet {
            return NAMES.map(|name| Check::skipped(name, "asked for before money is traded"));
        }
        let found = match store {
            None => Ok(Evidence::default()),
            Some(store) => self.gather(store).await,
        };
        match found {
            Ok(found) => [self.dry_run(&found), self.performance(&found)],
            Err(error) => NAMES.map(|name| {
                Check::fail(name, with_causes(&error), "see the check of the database")
            }),
        }
    }

    async fn gather(&self, store: &SqliteStore) -> Result<Evidence, StoreError> {
        let all = RecordFilter { first: First::Oldest, ..RecordFilter::default() };
        let runs = store.records::<RunRecord>(&all, Page::ALL).await?;
        let wallets = self.config.wallet_names();
        let counts = |run: &&RunRecord| {
            let replay = run.config.get("replay").and_then(serde_json::Value::as_bool);
            run.mode == RunMode::DryRun
                && replay != Some(true)
                && wallets.contains(&run.wallet.as_str())
        };
        let (mut points, mut events, mut trades) = (Vec::new(), Vec::new(), Vec::new());
        let mut found = Evidence::default();
        for run in runs.iter().filter(counts) {
            let of_run = RecordFilter { run: Some(run.id.clone()), ..all.clone() };
            let equity = records::<EquityPoint>(store, &of_run).await?;
            found.runs += 1;
            found.drawdown = found.drawdown.max(drawdown(&equity));
            points.extend(equity.iter().map(|point| point.at));
            let errors = RecordFilter { level: Some(EventLevel::Error), ..of_run.clone() };
            let errors = records::<SystemEventRecord>(store, &errors).await?;
            events.extend(errors.iter().map(|event| event.at));
            trades.extend(records::<TradeRecord>(store, &of_run).await?.iter().map(|t| t.profit));
        }
        found.presence(&points, &events, self.now, self.config.preflight.dry_run_days, self.slot());
        found.profits(&trades);
        Ok(found)
    }

    /// How long a run may be silent without a gap: an hour, or a candle where those are longer.
    fn slot(&self) -> i64 {
        let own = self.config.trading.configurations.iter().filter_map(|c| c.timeframe);
        let all = own.chain(self.config.data.timeframes.iter().copied());
        all.map(|timeframe| timeframe.as_ms()).min().unwrap_or(HOUR_MS).clamp(HOUR_MS, DAY_MS)
    }

    fn dry_run(&self, found: &Evidence) -> Check {
        let wanted = &self.config.preflight;
        let available = found.availability.unwrap_or(0.0);
        let text = format!(
            "{} dry runs on live candles: {} days without a gap up to yesterday ({} wanted), \
             available {:.2} % of the time ({:.2} % wanted), {} errors ({} allowed)",
            found.runs,
            found.days,
            wanted.dry_run_days,
            available * 100.0,
            wanted.min_availability * 100.0,
            found.errors,
            wanted.max_errors
        );
        let enough = found.days >= wanted.dry_run_days
            && (wanted.dry_run_days == 0 || available >= wanted.min_availability)
            && found.errors <= wanted.max_errors as usize;
        match enough {
            true => Check::pass("dry run", text),
            false => Check::fail("dry run", text, "run it dry for longer; see tradepulse events"),
        }
    }

    fn performance(&self, found: &Evidence) -> Check {
        let wanted = &self.config.preflight;
        let text = format!(
            "{} trades ({} wanted), {:.2} a trade (at least {:.2}), won {:.1} % (at least {:.1} \
             %), drawdown {:.1} % (at most {:.1} %)",
            found.trades,
            wanted.min_trades,
            found.expectancy,
            wanted.min_expectancy,
            found.win_rate * 100.0,
            wanted.min_win_rate * 100.0,
            found.drawdown * 100.0,
            wanted.max_drawdown * 100.0
        );
        let enough = found.trades >= wanted.min_trades as usize
            && found.expectancy >= wanted.min_expectancy
            && found.win_rate >= wanted.min_win_rate
            && found.drawdown <= wanted.max_drawdown;
        match enough {
            true => Check::pass("performance", text),
            false => Check::fail("performance", text, "dry runs do not show what is wanted"),
        }
    }
}

impl Evidence {
    /// Counts days and availability by the instants of records; a day has `DAY_MS / slot` slots.
    fn presence(
        &mut self,
        points: &[Timestamp],
        errors: &[Timestamp],
        now: Timestamp,
        days: u32,
        slot: i64,
    ) {
        let seen: BTreeSet<i64> = points.iter().map(|at| at.as_ms().div_euclid(slot)).collect();
        let slots = |day: i64| {
            let (first, end) = (day * DAY_MS, (day + 1) * DAY_MS);
            first.div_euclid(slot)..(end - 1).div_euclid(slot) + 1
        };
        let today = now.utc_day();
        let whole = |day: &i64| slots(*day).all(|slot| seen.contains(&slot));
        let streak = (0..today).rev().take_while(whole).count();
        self.days = u32::try_from(streak).unwrap_or(u32::MAX);
        let from = slots(today - i64::from(days)).start;
        let until = slots(today).start;
        self.availability = seen
            .range(from..until)
            .next()
            .map(|first| seen.range(*first..until).count() as f64 / (until - first) as f64);
        let begin = (today - i64::from(days)) * DAY_MS;
        self.errors = errors.iter().filter(|at| at.as_ms() >= begin).count();
    }

    fn profits(&mut self, profits: &[f64]) {
        self.trades = profits.len();
        if !profits.is_empty() {
            let count = profits.len() as f64;
            self.expectancy = profits.iter().sum::<f64>() / count;
            self.win_rate = profits.iter().filter(|profit| **profit > 0.0).count() as f64 / count;
        }
    }
}

fn drawdown(points: &[EquityPoint]) -> f64 {
    let (mut peak, mut worst) = (f64::NEG_INFINITY, 0.0_f64);
    for point in points {
        peak = peak.max(point.equity);
        if peak > 0.0 {
            worst = worst.max(1.0 - point.equity / peak);
        }
    }
    worst
}

async fn records<R: Record>(
    store: &SqliteStore,
    filter: &RecordFilter,
) -> Result<Vec<R>, StoreError> {
    store.records(filter, Page::ALL).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: impl IntoIterator<Item = i64>) -> Vec<Timestamp> {
        hours.into_iter().map(|hour| Timestamp::from_ms(hour * HOUR_MS + 7)).collect()
    }

    #[test]
    fn days_count_back_from_yesterday_until_an_hour_is_missing() {
        let now = Timestamp::from_ms(10 * DAY_MS + HOUR_MS);
        let mut found = Evidence::default();
        // Days 5 to 9 are whole but for an hour of day 6; of today nothing is wanted.
        let points = hours((5 * 24..10 * 24).filter(|hour| *hour != 6 * 24 + 3));
        let errors = hours([6 * 24, 240]);
        found.presence(&points, &errors, now, 4, HOUR_MS);
        assert_eq!(found.days, 3);
        assert_eq!(found.availability, Some(95.0 / 96.0));
        assert_eq!(found.errors, 2);
        found.presence(&points, &errors, now, 3, HOUR_MS);
        assert_eq!((found.availability, found.errors), (Some(1.0), 1));
        // With candles of a day one record a day is all there can be.
        found.presence(&hours([8 * 24 + 5, 9 * 24 + 5]), &[], now, 3, DAY_MS);
        assert_eq!((found.days, found.availability), (2, Some(1.0)));
        found.presence(&[], &[], now, 3, HOUR_MS);
        assert_eq!((found.days, found.availability), (0, None));
    }

    #[test]
    fn figures_of_trades_and_equity() {
        let mut found = Evidence::default();
        found.profits(&[10.0, -5.0, 0.0, 3.0]);
        assert_eq!((found.trades, found.expectancy, found.win_rate), (4, 2.0, 0.5));
        let point = |equity| EquityPoint {
            run: String::new(),
            wallet: String::new(),
            at: Timestamp::from_ms(0),
            equity,
            cash: equity,
            exposure: 0.0,
        };
        let points = [100.0, 120.0, 90.0, 130.0, 117.0].map(point);
        assert_eq!(drawdown(&points), 0.25);
    }
}

use tradepulse_core::desk::Desk;
use tradepulse_core::risk::RiskState;
use tradepulse_core::store::trading::{EquityPoint, RiskStateRecord};
use tradepulse_core::time::Timestamp;

use super::Recorder;

impl Recorder {
    /// Equity and the state of the risk gate: each hour, and as they change by what was done.
    pub(super) fn marks(&mut self, at: Timestamp, desk: &Desk) {
        let hour = at.as_ms().div_euclid(3_600_000);
        self.risk(at, desk, hour > self.hour);
        // A point never changes: what comes at the same time waits for the next event.
        let due = hour > self.hour || self.trades > self.marked;
        if due && self.marked_at.is_none_or(|last| at > last) {
            self.equity(at, desk);
            (self.hour, self.marked, self.marked_at) = (hour, self.trades, Some(at));
        }
    }

    fn equity(&mut self, at: Timestamp, desk: &Desk) {
        let equity = desk.equity();
        if !equity.is_finite() {
            return;
        }
        let open = || desk.lanes().filter_map(|lane| Some((lane.position?, lane.last_price)));
        let notionals = open().map(|(position, price)| position.quantity * price);
        let exposure: f64 = notionals.filter(|notional| notional.is_finite()).sum();
        let unrealised: f64 = open().map(|(position, price)| position.unrealised(price)).sum();
        let point = EquityPoint {
            run: self.owner.run.clone(),
            wallet: self.owner.wallet.clone(),
            at,
            equity,
            cash: equity - unrealised,
            exposure: exposure + 0.0,
        };
        self.news.push(point.into());
    }

    /// The peak of equity, which moves with the price, is worth a record an hour; all else at once.
    fn risk(&mut self, at: Timestamp, desk: &Desk, hourly: bool) {
        let Some(created_at) = self.risk_since else { return };
        let state = desk.gate().state();
        let peak_equity = self.risk.peak_equity;
        if !hourly && self.risk == (RiskState { peak_equity, ..state.clone() }) {
            return;
        }
        self.risk = state.clone();
        if let Ok(counters) = serde_json::to_value(state) {
            let wallet = self.owner.wallet.clone();
            let record = RiskStateRecord { wallet, counters, created_at, updated_at: at };
            self.news.push(record.into());
        }
    }
}

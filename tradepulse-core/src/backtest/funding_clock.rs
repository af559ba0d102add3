use std::ops::Range;

use crate::account::Funding;
use crate::market::FundingSeries;
use crate::time::Timeframe;

/// Which funding payments have come due, as a run moves on.
pub(super) struct FundingClock<'a> {
    payments: Option<&'a FundingSeries>,
    at: usize,
    /// When the next one is due; beyond all times if there is none.
    next_ms: i64,
}

impl<'a> FundingClock<'a> {
    pub(super) fn new(payments: Option<&'a FundingSeries>) -> Self {
        let mut clock = Self { payments, at: 0, next_ms: 0 };
        clock.look_at(0);
        clock
    }

    /// Whether a payment is due by `until_ms`.
    #[inline(always)]
    pub(super) fn is_due(&self, until_ms: i64) -> bool {
        self.next_ms <= until_ms
    }

    /// The first of `rows`, whose candles open at `times`, by whose close a payment is due; their
    /// end if there is none.
    #[inline]
    pub(super) fn first_due(
        &self,
        times: &[i64],
        timeframe: Timeframe,
        rows: Range<usize>,
    ) -> usize {
        if self.next_ms == i64::MAX || rows.is_empty() {
            return rows.end;
        }
        let open_ms = self.next_ms - timeframe.as_ms();
        rows.start + times[rows].partition_point(|&time| time < open_ms)
    }

    /// The next payment due by `until_ms`, at `mark_price`.
    #[cold]
    pub(super) fn next(&mut self, until_ms: i64, mark_price: f64) -> Option<Funding> {
        if !self.is_due(until_ms) {
            return None;
        }
        let rate = *self.payments?.rate().get(self.at)?;
        let funding = Funding { time_ms: self.next_ms, rate, mark_price };
        self.look_at(self.at + 1);
        Some(funding)
    }

    fn look_at(&mut self, at: usize) {
        self.at = at;
        let times = self.payments.map_or(&[][..], FundingSeries::time);
        self.next_ms = times.get(at).copied().unwrap_or(i64::MAX);
    }
}

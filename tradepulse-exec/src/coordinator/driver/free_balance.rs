use tradepulse_core::desk::{Desk, DeskEventKind};
use tradepulse_core::exchange::Exchange;
use tradepulse_core::time::Timestamp;

const HOUR_MS: i64 = 3_600_000;

/// Whether the venue has to be asked what is free to use: money has moved since it was, or an hour
/// has passed.
pub(super) struct FreeBalance {
    /// The quote currency; `None` where no rule wants to know.
    currency: Option<String>,
    moved: bool,
    hour: i64,
}

impl FreeBalance {
    pub(super) fn new(desk: &Desk) -> Self {
        let wanted = desk.gate().rules().balance_buffer.is_some();
        let quote = desk.lanes().next().map(|lane| lane.setup.symbol.quote().to_owned());
        Self { currency: quote.filter(|_| wanted), moved: true, hour: i64::MIN }
    }

    /// Something was told that may have moved money, or bound it.
    pub(super) fn note(&mut self, kind: &DeskEventKind) {
        self.moved |= matches!(
            kind,
            DeskEventKind::Report(_)
                | DeskEventKind::Gap
                | DeskEventKind::Submitted { .. }
                | DeskEventKind::CancelAnswered { .. }
                | DeskEventKind::Asked { .. }
        );
    }

    /// The currency to ask for, if it is to be asked for at `at`.
    pub(super) fn due(&mut self, at: Timestamp) -> Option<String> {
        let hour = at.as_ms().div_euclid(HOUR_MS);
        let due = self.moved || hour > self.hour;
        let currency = self.currency.clone().filter(|_| due)?;
        (self.moved, self.hour) = (false, hour);
        Some(currency)
    }
}

/// What is free to use, as the venue says; not known if it does not.
pub(super) async fn ask(exchange: &dyn Exchange, currency: String) -> DeskEventKind {
    let free = exchange.balances().await.ok().map(|balances| {
        let held = balances.iter().find(|balance| balance.currency == currency);
        held.map_or(0.0, |balance| balance.free.to_f64())
    });
    DeskEventKind::Free { currency, free }
}

//! What holds whatever happens.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::random::Seed;

/// Something that is done to a venue.
#[derive(Clone, Copy, Debug)]
enum Act {
    Submit { long: bool, tenths: u32, kind: u8, near: i32, far: i32, reduce_only: bool },
    Cancel { which: u32 },
    Candle { gap: i32, body: i32, up: u32, down: u32 },
    Quote { middle: i32 },
    Drain,
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (any::<bool>(), 1..80_u32, 0..5_u8, 1..30, 1..30, any::<bool>()).prop_map(
            |(long, tenths, kind, near, far, reduce_only)| {
                Act::Submit { long, tenths, kind, near, far, reduce_only }
            }
        ),
        1 => (0..30_u32).prop_map(|which| Act::Cancel { which }),
        3 => (-20..20, -20..20, 0..20_u32, 0..20_u32)
            .prop_map(|(gap, body, up, down)| Act::Candle { gap, body, up, down }),
        1 => (-20..20).prop_map(|middle| Act::Quote { middle }),
        3 => Just(Act::Drain),
        1 => Just(Act::Restart),
    ]
}

/// The venue, and what an observer reckons from its reports.
struct Observed {
    venue: SimulatedExchange,
    /// Base and quote, by what executions say.
    base: Decimal,
    quote: Decimal,
    requests: Vec<OrderRequest>,
    minute: i64,
    last: f64,
}

impl Observed {
    fn new(account: AccountKind, partial: bool, received: bool) -> Self {
        let partial_fills = partial.then_some(PartialFills { parts: 3, seed: Seed(1) });
        let fee_currency = if received { FeeCurrency::Received } else { FeeCurrency::Quote };
        let settings =
            SimulatedExchangeSettings { partial_fills, fee_currency, ..settings(account) };
        let base = if account == AccountKind::Spot { 10.into() } else { 0.into() };
        let venue = venue(settings);
        Self { venue, base, quote: 1000.into(), requests: Vec::new(), minute: 1, last: 100.0 }
    }

    fn act(&mut self, act: Act) {
        let percent = |n: i32| 1.0 + f64::from(n) / 1000.0;
        match act {
            Act::Submit { long, tenths, kind, near, far, reduce_only } => {
                let side = if long { Side::Long } else { Side::Short };
                let at = |n: i32| {
                    Price::from_f64((self.last * percent(n) * 100.0).round() / 100.0).unwrap()
                };
                let toward = if long { 1 } else { -1 };
                let kind = match kind {
                    0 => RequestKind::Market,
                    1 => RequestKind::Limit { price: at(-toward * near) },
                    2 => RequestKind::Stop { trigger: at(toward * near) },
                    3 => {
                        RequestKind::StopLimit { trigger: at(toward * near), price: at(far - near) }
                    }
                    _ => RequestKind::Oco { stop: at(toward * near), target: at(-toward * far) },
                };
                let sequence = u32::try_from(self.requests.len()).unwrap();
                let size = format!("{}.{}", tenths / 10, tenths % 10);
                let request = OrderRequest { reduce_only, ..request(sequence, side, &size, kind) };
                // Refusals use no number up here, so that ids are tried again.
                if submit(&self.venue, request.clone()).is_ok() {
                    self.requests.push(request);
                }
            }
            Act::Cancel { which } => {
                cancel(&self.venue, id(which));
            }
            Act::Candle { gap, body, up, down } => {
                let open = self.last * percent(gap);
                let close = open * percent(body);
                let high = open.max(close) * (1.0 + f64::from(up) / 1000.0);
                let low = open.min(close) * (1.0 - f64::from(down) / 1000.0);
                let candle = candle(self.minute, [open, high, low, close]);
                self.venue.begin(&symbol(), &candle, Timeframe::M1).unwrap();
                self.minute += 1;
                self.last = close;
            }
            Act::Quote { middle } => {
                let bid = self.last * percent(middle);
                let at = Timestamp::from_ms(self.minute * 60_000);
                self.venue.quote(&symbol(), Quote { bid, ask: bid * 1.001 }, at).unwrap();
            }
            Act::Drain => {
                let events = self.venue.drain();
                events.iter().for_each(|event| self.observe(event));
            }
            Act::Restart => {
                let text = serde_json::to_string(&self.venue.snapshot()).unwrap();
                self.venue = SimulatedExchange::restore(serde_json::from_str(&text).unwrap());
            }
        }
    }

    fn observe(&mut self, event: &VenueEvent) {
        let VenueEvent::Order(report) = event else { panic!("{event:?}") };
        for e in &report.executions {
            let bought = self.requests[report.id.sequence() as usize].side == Side::Long;
            let (size, worth) = (Decimal::from(e.quantity), e.quantity.times(e.price).into());
            let (base, quote): (Decimal, Decimal) =
                if bought { (size, worth) } else { (-size, -worth) };
            self.base += base;
            self.quote -= quote;
            let fee = Decimal::from(e.fee);
            *(if e.fee_currency == "BTC" { &mut self.base } else { &mut self.quote }) -= fee;
        }
    }

    fn drain_all(&mut self) {
        loop {
            let events = self.venue.drain();
            if events.is_empty() {
                return;
            }
            events.iter().for_each(|event| self.observe(event));
        }
    }

    /// What the account is said to hold: base and quote.
    fn held(&self) -> (Decimal, Decimal) {
        let balances = pollster::block_on(self.venue.balances()).unwrap();
        let of = |currency: &str| {
            let found = balances.iter().find(|b| b.currency == currency);
            found.map_or(Decimal::ZERO, |b| b.free.plus(b.locked).into())
        };
        (of("BTC"), of("USDT"))
    }

    fn check_orders(&self) {
        for request in &self.requests {
            let reports: Vec<OrderReport> =
                request.reported_as().map(|id| order(&self.venue, id)).collect();
            for report in &reports {
                let sum = report.executions.iter().fold(Quantity::ZERO, |s, e| s.plus(e.quantity));
                assert_eq!(sum, report.filled);
                assert!(report.filled <= request.quantity, "{report:?}");
                assert_eq!(report.status == OrderStatus::Filled, report.filled == request.quantity);
            }
            let filled = reports.iter().filter(|report| !report.filled.is_zero());
            assert!(filled.count() <= 1, "both legs filled: {reports:?}");
            if let RequestKind::Limit { price } = request.kind {
                for e in &reports[0].executions {
                    let fair = if request.side == Side::Long {
                        e.price <= price
                    } else {
                        e.price >= price
                    };
                    assert!(fair, "{request:?} {e:?}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Nothing appears or vanishes but fees; nothing is sold that is not held; what is bound is
    /// held.
    #[test]
    fn spot_money_is_conserved(
        acts in prop::collection::vec(act(), 1..80),
        partial in any::<bool>(),
        received in any::<bool>(),
    ) {
        let mut observed = Observed::new(AccountKind::Spot, partial, received);
        for act in acts {
            observed.act(act);
            let state = observed.venue.snapshot();
            for (currency, held) in state.wallet.currencies() {
                prop_assert!(held >= Default::default(), "{} of {}", held, currency);
            }
            for balance in state.balances() {
                let held = state.wallet.held(&balance.currency);
                let shown = Decimal::from(balance.free.plus(balance.locked));
                // A sum of two parts may round in its 28th digit.
                let off = (Decimal::from(held) - shown).abs();
                prop_assert!(off < Decimal::new(1, 18), "{} {}", held, shown);
            }
            observed.check_orders();
        }
        observed.drain_all();
        let (base, quote) = observed.held();
        let off = Decimal::new(1, 18);
        prop_assert!((base - observed.base).abs() < off, "{} {}", base, observed.base);
        prop_assert!((quote - observed.quote).abs() < off, "{} {}", quote, observed.quote);
    }

    /// Cash, and what the position would earn, is what executions left.
    #[test]
    fn margin_money_is_conserved(
        acts in prop::collection::vec(act(), 1..80),
        partial in any::<bool>(),
    ) {
        let mut observed =
            Observed::new(AccountKind::Margin { leverage: 3.0 }, partial, false);
        for act in acts {
            observed.act(act);
            observed.check_orders();
        }
        observed.drain_all();
        let state = observed.venue.snapshot();
        let position = state.wallet.position(&symbol());
        prop_assert_eq!(position, observed.base);
        let mark = price("100");
        let equity = state.wallet.held("USDT").plus(state.wallet.unrealised(&symbol(), mark));
        let expected = observed.quote + observed.base * Decimal::from(100);
        let off = (Decimal::from(equity) - expected).abs();
        prop_assert!(off < Decimal::new(1, 18), "{} {}", equity, expected);
    }
}

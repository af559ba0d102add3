use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::exchange::{Balance, CancelOutcome, OpenOrders, Protection, VenueEvent, VenuePosition};
use crate::market::{Candle, InstrumentKind};
use crate::order::{ClientOrderId, OrderReport, OrderRequest};
use crate::random::Seed;
use crate::risk::Approved;
use crate::simulation::{
    AccountKind, FeeCurrency, PartialFills, SimulatedExchange, SimulatedExchangeSettings,
};
use crate::time::{Timeframe, Timestamp};

struct Factory(SimulatedExchangeSettings);

struct Simulated {
    exchange: Arc<SimulatedExchange>,
    minute: AtomicI64,
}

#[async_trait]
impl ExchangeFactory for Factory {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities.clone()
    }

    async fn make(
        &self,
        balances: &BTreeMap<String, Quantity>,
    ) -> Result<Box<dyn TestVenue>, Failure> {
        let balances = balances.clone();
        let settings = SimulatedExchangeSettings { balances, ..self.0.clone() };
        let settings = settings.market(symbol()?, rules(&self.0.capabilities)?);
        let exchange = Arc::new(SimulatedExchange::new(settings).map_err(Failure::new)?);
        let venue = Simulated { exchange, minute: AtomicI64::new(0) };
        venue.trade(100.0, 100.0, 100.0, 100.0).await?;
        assert_eq!(venue.exchange.drain(), []);
        Ok(Box::new(venue))
    }
}

#[async_trait]
impl TestVenue for Simulated {
    fn exchange(&self) -> Arc<dyn Exchange> {
        Arc::clone(&self.exchange) as Arc<dyn Exchange>
    }

    async fn trade(&self, open: f64, high: f64, low: f64, close: f64) -> Result<(), Failure> {
        let minute = self.minute.fetch_add(1, Ordering::Relaxed);
        let open_time = Timestamp::from_ms(minute * 60_000);
        let candle = Candle { open_time, open, high, low, close, volume: 1000.0 };
        self.exchange.begin(&symbol()?, &candle, Timeframe::M1).map_err(Failure::new)
    }

    async fn settle(&self) {}

    async fn place_foreign(&self) -> Result<Option<String>, Failure> {
        self.exchange.place_foreign(&symbol()?, "web-4711").map_err(Failure::new)?;
        Ok(Some("web-4711".to_owned()))
    }
}

fn settings(kind: InstrumentKind, change: fn(&mut Capabilities)) -> SimulatedExchangeSettings {
    let mut capabilities = Capabilities::full("simulated".parse().unwrap(), kind);
    change(&mut capabilities);
    let account = match kind {
        InstrumentKind::Spot => AccountKind::Spot,
        InstrumentKind::Perpetual => AccountKind::Margin { leverage: 5.0 },
    };
    SimulatedExchangeSettings::new(capabilities, account)
}

fn conforms(settings: SimulatedExchangeSettings) -> usize {
    let report = pollster::block_on(run(&Factory(settings)));
    assert!(report.is_clean(), "{report}");
    report.results.len()
}

#[test]
fn the_simulated_spot_venue_conforms() {
    let all = conforms(settings(InstrumentKind::Spot, |_| {}));
    assert_eq!(all, cases().len() - 1, "all cases but that of positions");
    conforms(settings(InstrumentKind::Spot, |can| can.protection = Protection::StopOnly));
    let least = conforms(settings(InstrumentKind::Spot, |can| {
        can.protection = Protection::Watched;
        (can.limit, can.stop_limit, can.reduce_only) = (false, false, false);
    }));
    assert!(least < all, "{least} of {all} cases");
}

#[test]
fn the_simulated_perpetual_venue_conforms() {
    conforms(settings(InstrumentKind::Perpetual, |_| {}));
    conforms(settings(InstrumentKind::Perpetual, |can| can.protection = Protection::TwoOrders));
}

#[test]
fn it_conforms_with_partial_fills_and_fees_in_what_is_received() {
    let partial_fills = Some(PartialFills { parts: 3, seed: Seed(3) });
    let fee_currency = FeeCurrency::Received;
    let settings = settings(InstrumentKind::Spot, |_| {});
    conforms(SimulatedExchangeSettings { partial_fills, fee_currency, ..settings });
}

#[test]
fn ids_are_unique() {
    let mut ids: Vec<_> = cases().iter().map(|c| c.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), cases().len());
}

/// How an adapter goes wrong.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    CancelsWithoutEffect,
    TellsNothing,
    ForgetsExecutions,
    TakesDuplicates,
}

struct Flawed(Arc<SimulatedExchange>, Flaw);

#[async_trait]
impl Exchange for Flawed {
    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        match (self.1, self.0.submit(order).await) {
            (Flaw::TakesDuplicates, Err(ExchangeError::Rejected { .. })) => Ok(Vec::new()),
            (_, answer) => answer,
        }
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        match self.1 {
            Flaw::CancelsWithoutEffect => Ok(CancelOutcome::NotFound),
            _ => self.0.cancel(symbol, id).await,
        }
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        let mut found = self.0.order(symbol, id).await?;
        if let (Flaw::ForgetsExecutions, Some(report)) = (self.1, &mut found) {
            report.executions.pop();
        }
        Ok(found)
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        self.0.open_orders(symbol).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        self.0.balances().await
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        self.0.positions().await
    }

    fn drain(&self) -> Vec<VenueEvent> {
        let events = self.0.drain();
        match self.1 {
            Flaw::TellsNothing => self.drain_rest(events),
            _ => events,
        }
    }

    async fn wait(&self) {
        self.0.wait().await;
    }
}

impl Flawed {
    fn drain_rest(&self, mut events: Vec<VenueEvent>) -> Vec<VenueEvent> {
        while !events.is_empty() {
            events = self.0.drain();
        }
        events
    }
}

struct FlawedFactory(Flaw);

struct FlawedVenue(Simulated, Flaw);

#[async_trait]
impl ExchangeFactory for FlawedFactory {
    fn capabilities(&self) -> Capabilities {
        settings(InstrumentKind::Spot, |_| {}).capabilities
    }

    async fn make(
        &self,
        balances: &BTreeMap<String, Quantity>,
    ) -> Result<Box<dyn TestVenue>, Failure> {
        let balances = balances.clone();
        let settings = settings(InstrumentKind::Spot, |_| {});
        let settings = SimulatedExchangeSettings { balances, ..settings }
            .market(symbol()?, rules(&self.capabilities())?);
        let exchange = Arc::new(SimulatedExchange::new(settings).map_err(Failure::new)?);
        let venue = Simulated { exchange, minute: AtomicI64::new(0) };
        venue.trade(100.0, 100.0, 100.0, 100.0).await?;
        venue.exchange.drain();
        Ok(Box::new(FlawedVenue(venue, self.0)))
    }
}

#[async_trait]
impl TestVenue for FlawedVenue {
    fn exchange(&self) -> Arc<dyn Exchange> {
        Arc::new(Flawed(Arc::clone(&self.0.exchange), self.1))
    }

    async fn trade(&self, open: f64, high: f64, low: f64, close: f64) -> Result<(), Failure> {
        self.0.trade(open, high, low, close).await
    }

    async fn settle(&self) {}

    async fn place_foreign(&self) -> Result<Option<String>, Failure> {
        Ok(None)
    }
}

/// The suite finds what is wrong, and says where.
#[test]
fn flaws_are_found() {
    for (flaw, found_by) in [
        (Flaw::CancelsWithoutEffect, "cancel/a-resting-order"),
        (Flaw::TellsNothing, "events/tell-of-a-fill"),
        (Flaw::ForgetsExecutions, "order/has-all-executions"),
        (Flaw::TakesDuplicates, "submit/an-id-once"),
    ] {
        // A venue that tells nothing keeps a waiting caller waiting for ever.
        let cases = cases();
        let case = cases.iter().find(|case| case.id == found_by).unwrap();
        let result = pollster::block_on(case.run(&FlawedFactory(flaw)));
        assert!(result.is_err(), "{flaw:?} is not found");
    }
}

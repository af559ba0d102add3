//! Sessions whose orders go to accounts at a venue.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tradepulse_core::exchange::{Capabilities, Exchange, TradingRules};
use tradepulse_core::market::InstrumentKind;
use tradepulse_core::money::Quantity;
use tradepulse_core::simulation::{AccountKind, SimulatedExchange, SimulatedExchangeSettings};
use tradepulse_core::store::trading::RunMode;
use tradepulse_core::strategy::Quote;
use tradepulse_core::time::Timeframe;
use tradepulse_exec::coordinator::live_feed::LiveFeedSettings;
use tradepulse_exec::coordinator::session::{
    Accounts, LiveMarket, SessionError, Stopper, WalletOutcome,
};

use super::venue::{Venue, candle};
use super::{BEGUN, CONFIG, Computer, MINUTE, btc};

/// The venue's account, whose prices go with the clock until it is dropped.
struct Account {
    exchange: Arc<SimulatedExchange>,
    prices: JoinHandle<()>,
}

impl Drop for Account {
    fn drop(&mut self) {
        self.prices.abort();
    }
}

impl Account {
    fn new(computer: &Computer, kind: InstrumentKind, quote: f64) -> Self {
        let capabilities = Capabilities::full("binance".parse().unwrap(), kind);
        let margin = match kind {
            InstrumentKind::Spot => AccountKind::Spot,
            InstrumentKind::Perpetual => AccountKind::Margin { leverage: 5.0 },
        };
        let settings = SimulatedExchangeSettings::new(capabilities, margin)
            .market(btc(), TradingRules::default())
            .balance("USDT", Quantity::from_f64(quote).unwrap());
        let exchange = Arc::new(SimulatedExchange::new(settings).unwrap());
        let (market, clock) = (Arc::clone(&exchange), computer.clock.clone());
        let prices = tokio::spawn(async move {
            loop {
                let now = clock.now();
                let candle = candle(&btc(), Timeframe::M1, now.as_ms().div_euclid(MINUTE));
                let part = now.as_ms().rem_euclid(MINUTE) as f64 / MINUTE as f64;
                let price = candle.open + (candle.close - candle.open) * part;
                market.quote(&btc(), Quote { bid: price, ask: price }, now).unwrap();
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        Self { exchange, prices }
    }

    async fn held(&self, currency: &str) -> f64 {
        let balances = self.exchange.balances().await.unwrap();
        let held = balances.iter().find(|balance| balance.currency == currency);
        held.map_or(0.0, |balance| balance.free.to_f64() + balance.locked.to_f64())
    }

    /// Trades until so many minutes after the beginning.
    async fn trade(
        &self,
        computer: &Computer,
        config: &str,
        minutes: i64,
    ) -> Result<WalletOutcome, SessionError> {
        let exchange: Arc<dyn Exchange> = self.exchange.clone();
        let by_wallet = [("main".to_owned(), exchange)].into();
        let market = LiveMarket {
            data: Arc::new(Venue::new(computer.clock.clone(), [])),
            accounts: Accounts::Venue { mode: RunMode::Testnet, by_wallet },
            clock: computer.clock.clone(),
            feed: LiveFeedSettings::default(),
        };
        let (stopper, stop) = Stopper::new();
        let until = BEGUN + minutes * MINUTE + 30_000;
        let wait = Duration::from_millis((until - computer.clock.now().as_ms()).unsigned_abs());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            stopper.stop();
        });
        let mut outcomes = computer.session(config).trade(&market, &stop).await?;
        Ok(outcomes.remove(0))
    }
}

fn at_testnet() -> String {
    format!("mode: {{dry_run: false, testnet: true}}\non_shutdown: close\n{CONFIG}")
}

#[tokio::test(start_paused = true)]
async fn the_books_are_the_venues() {
    for kind in [InstrumentKind::Spot, InstrumentKind::Perpetual] {
        let computer = Computer::new();
        let account = Account::new(&computer, kind, 5_000.0);
        let market = if kind == InstrumentKind::Spot { "spot" } else { "perpetual" };
        let config = format!("exchange: {{market: {market}}}\n{}", at_testnet());
        let outcome = account.trade(&computer, &config, 240).await.unwrap();
        assert_eq!(outcome.capital, 5_000.0, "what the account holds, not the paper capital");
        assert!(outcome.trades.len() > 8, "{kind:?}: {:?}", outcome.trades);
        assert!(!outcome.goes_on, "all was closed at the end");
        let profit: f64 = outcome.trades.iter().map(|trade| trade.profit).sum();
        let earned = account.held("USDT").await - 5_000.0;
        assert!((profit - earned).abs() < 1e-6, "{kind:?}: {profit} booked, {earned} at the venue");
        assert_eq!(account.held("BTC").await, 0.0);
        assert_eq!((outcome.counters.unexplained, outcome.counters.errors), (0, 0));
        let open = account.exchange.open_orders(&btc()).await.unwrap();
        assert!(open.ours.is_empty(), "{open:?}");
        let runs = computer.runs().await;
        assert!(runs.iter().all(|run| run.mode == RunMode::Testnet));
    }
}

#[tokio::test(start_paused = true)]
async fn a_position_that_was_kept_is_gone_on_with_though_no_money_is_free() {
    let config = at_testnet().replace("on_shutdown: close", "on_shutdown: keep");
    let computer = Computer::new();
    let account = Account::new(&computer, InstrumentKind::Spot, 5_000.0);
    let mut minutes = 1;
    while !account.trade(&computer, &config, minutes).await.unwrap().goes_on {
        minutes += 1;
    }
    assert!(account.held("BTC").await > 0.0);
    let outcome = account.trade(&computer, &config, minutes + 60).await.unwrap();
    assert!(!outcome.trades.is_empty());
    assert_eq!((outcome.counters.unexplained, outcome.counters.errors), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_traded_is_said_before_anything_is_sent() {
    let computer = Computer::new();
    let empty = Account::new(&computer, InstrumentKind::Spot, 0.0);
    let error = empty.trade(&computer, &at_testnet(), 5).await.unwrap_err();
    assert!(matches!(error, SessionError::NoCapital(_)), "{error}");
    assert!(computer.runs().await.is_empty(), "no run began");
    let two = at_testnet().replace("[BTC/USDT]", "[BTC/USDT, ETH/BTC]");
    let account = Account::new(&computer, InstrumentKind::Spot, 100.0);
    let error = account.trade(&computer, &two, 5).await.unwrap_err().to_string();
    assert!(error.contains("it trades against BTC, USDT"), "{error}");
}

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::simulation::SimulationError;

use super::binance;
use super::coinbase;
use super::fault::{Chance, EventFault, HttpFault};
use super::hub::Hub;
use super::kraken;
use super::ledger::Ledger;
use super::market::Market;
use super::settings::{Dialect, SimulatorKey, SimulatorSettings};
use crate::private_key::PrivateKey;

pub(super) type Shared = Arc<Mutex<Venue>>;

pub(super) fn lock(shared: &Shared) -> MutexGuard<'_, Venue> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything a simulated venue is.
#[derive(Debug)]
pub(super) struct Venue {
    pub(super) dialect: Dialect,
    pub(super) key: Option<SimulatorKey>,
    /// The account's private key, where requests are signed with one.
    pub(super) private_key: Option<PrivateKey>,
    pub(super) ledger: Ledger,
    pub(super) markets: Vec<Market>,
    pub(super) hub: Hub,
    pub(super) limits: Limits,
    pub(super) listen_keys: BTreeSet<String>,
    /// The highest nonce of the account's key, at Kraken.
    pub(super) nonce: u64,
    /// Numbers that a client gave its orders besides their names, at Kraken.
    pub(super) user_references: BTreeMap<i64, i64>,
    /// Of futures, by the venue's name of the market.
    pub(super) leverage: BTreeMap<String, u32>,
    pub(super) isolated: BTreeSet<String>,
    /// Whether the account wants to know of each order to which side's position it belongs.
    pub(super) hedges: bool,
    pub(super) faults: VecDeque<HttpFault>,
    pub(super) chance: Option<Chance>,
    /// An event that comes after the next one.
    held: Option<Value>,
    /// How far the venue's clock is ahead of the machine's, milliseconds.
    pub(super) skew_ms: i64,
    /// Since when the venue's clock runs, by the machine's, and how fast.
    running: (i64, f64),
    pub(super) next_connection: u64,
}

fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What has been used of the venue's limits.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) weight_limit: u64,
    window_ms: i64,
    window: i64,
    pub(super) weight: u64,
    ten_seconds: i64,
    pub(super) orders: u64,
}

impl Limits {
    const fn new(weight_limit: u64, dialect: Dialect) -> Self {
        let window_ms = match dialect {
            Dialect::Binance | Dialect::BinanceUs | Dialect::BinanceUsdM | Dialect::Kraken => {
                60_000
            }
            Dialect::Coinbase => 1_000,
        };
        Self { weight_limit, window_ms, window: 0, weight: 0, ten_seconds: 0, orders: 0 }
    }

    /// Counts a request. `false` if it is too much.
    pub(super) fn admit(&mut self, now_ms: i64, weight: u64, orders: u64) -> bool {
        let window = now_ms.div_euclid(self.window_ms);
        if window != self.window {
            (self.window, self.weight) = (window, 0);
        }
        let ten_seconds = now_ms.div_euclid(10_000);
        if ten_seconds != self.ten_seconds {
            (self.ten_seconds, self.orders) = (ten_seconds, 0);
        }
        self.weight += weight;
        self.orders += orders;
        self.weight <= self.weight_limit
    }
}

impl Venue {
    pub(super) fn shared(settings: SimulatorSettings) -> Result<Shared, SimulationError> {
        let ledger = Ledger::new(&settings)?;
        Ok(Arc::new(Mutex::new(Self {
            dialect: settings.dialect,
            key: settings.key,
            private_key: None,
            ledger,
            markets: settings.markets.into_iter().map(Market::new).collect(),
            hub: Hub::default(),
            limits: Limits::new(settings.weight_limit, settings.dialect),
            listen_keys: BTreeSet::new(),
            nonce: 0,
            user_references: BTreeMap::new(),
            leverage: BTreeMap::new(),
            isolated: BTreeSet::new(),
            hedges: false,
            faults: VecDeque::new(),
            chance: settings.faults.map(|rates| Chance::new(rates, settings.fault_seed)),
            held: None,
            skew_ms: 0,
            running: (0, 1.0),
            next_connection: 0,
        })))
    }

    /// The venue's clock.
    pub(super) fn now_ms(&self) -> i64 {
        let (since, speed) = self.running;
        let machine = machine_ms();
        let ahead = (machine - since) as f64 * (speed - 1.0);
        machine.saturating_add(self.skew_ms).saturating_add(ahead as i64)
    }

    /// What goes wrong with a request that changes something.
    pub(super) fn next_fault(&mut self) -> Option<HttpFault> {
        let planned = self.faults.pop_front();
        planned.or_else(|| self.chance.as_mut().and_then(Chance::of_request))
    }

    /// The venue's clock runs this fast from now on.
    pub(super) fn run_clock(&mut self, speed: f64) {
        self.skew_ms = self.now_ms() - machine_ms();
        self.running = (machine_ms(), speed);
    }

    /// The oldest time that a request may bear now and be no older than `window_ms`: where the
    /// clock runs ahead, nobody can keep up with it, and the machine's time will do.
    pub(super) fn oldest_ms(&self, window_ms: f64) -> i64 {
        let now_ms = self.now_ms();
        let (_, speed) = self.running;
        let now_ms = if speed > 1.0 { now_ms.min(machine_ms()) } else { now_ms };
        now_ms.saturating_sub(window_ms as i64)
    }

    pub(super) fn market(&self, name: &str) -> Option<&Market> {
        self.markets.iter().find(|market| market.name == name)
    }

    /// Tells the streams what has happened to orders.
    pub(super) fn tell_happened(&mut self) {
        let now_ms = self.now_ms();
        for happened in self.ledger.take_happened() {
            let events = match self.dialect {
                Dialect::Coinbase => coinbase::events(self, &happened, now_ms),
                Dialect::Kraken => kraken::events(&happened),
                _ => binance::events(self, &happened, now_ms),
            };
            for event in events {
                self.tell_users(event);
            }
        }
    }

    /// Tells the account's streams, unless something goes wrong.
    fn tell_users(&mut self, event: Value) {
        let fault = self.chance.as_mut().and_then(Chance::of_event);
        let late = self.held.take();
        match fault {
            Some(EventFault::Disconnected) => self.hub.close_all(),
            Some(EventFault::Reordered) => self.held = Some(event),
            Some(EventFault::Duplicated) => {
                self.hub.tell_users(&event);
                self.hub.tell_users(&event);
            }
            None => self.hub.tell_users(&event),
        }
        if let Some(late) = late {
            self.hub.tell_users(&late);
        }
    }

    /// A candle has closed.
    pub(super) fn close_candle(
        &mut self,
        symbol: &Symbol,
        candle: Candle,
    ) -> Result<(), SimulationError> {
        let now_ms = self.now_ms();
        let at = self.markets.iter().position(|market| market.symbol == *symbol);
        let at = at.ok_or_else(|| SimulationError::UnknownMarket(symbol.clone()))?;
        let timeframe = self.markets[at].timeframe;
        self.ledger.meet(symbol, &candle, timeframe, now_ms)?;
        let market = &mut self.markets[at];
        market.candles.push(candle);
        market.forming = None;
        self.tell_candle(at, &candle, true, now_ms);
        self.tell_happened();
        Ok(())
    }

    /// The candle that is still open has come so far.
    pub(super) fn form_candle(&mut self, symbol: &Symbol, candle: Candle) {
        let now_ms = self.now_ms();
        let Some(at) = self.markets.iter().position(|market| market.symbol == *symbol) else {
            return;
        };
        self.markets[at].forming = Some(candle);
        self.tell_candle(at, &candle, false, now_ms);
    }

    /// Tells the streams of the newest candle of a market.
    fn tell_candle(&mut self, at: usize, candle: &Candle, closed: bool, now_ms: i64) {
        let market = &self.markets[at];
        let event = match self.dialect {
            Dialect::Coinbase => coinbase::candle_event(market, now_ms),
            Dialect::Kraken => Some(kraken::candle_event(market, candle)),
            _ => Some(binance::kline_event(market, candle, closed, now_ms)),
        };
        if let Some((stream, event)) = event {
            self.hub.tell_market(&stream, &event);
        }
    }
}

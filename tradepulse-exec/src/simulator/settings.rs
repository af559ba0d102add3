use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use tradepulse_core::exchange::{Capabilities, TradingRules};
use tradepulse_core::market::{Candle, ExchangeName, Instrument, InstrumentKind, Symbol};
use tradepulse_core::money::{MoneyError, Quantity};
use tradepulse_core::random::Seed;
use tradepulse_core::simulation::{
    AccountKind, FeeCurrency, PartialFills, SimulatedExchangeSettings,
};
use tradepulse_core::time::Timeframe;

use super::fault::FaultRates;
use crate::secret::Secret;

/// Which venue is spoken like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Binance, spot.
    Binance,
    /// Binance.US, spot.
    BinanceUs,
    /// Binance USD-M futures.
    BinanceUsdM,
    /// Coinbase Advanced Trade.
    Coinbase,
    /// Kraken, spot.
    Kraken,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Binance, Self::BinanceUs, Self::BinanceUsdM, Self::Coinbase, Self::Kraken];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binance => "binance",
            Self::BinanceUs => "binanceus",
            Self::BinanceUsdM => "binanceusdm",
            Self::Coinbase => "coinbase",
            Self::Kraken => "kraken",
        }
    }

    /// What is traded there.
    pub const fn kind(self) -> InstrumentKind {
        match self {
            Self::Binance | Self::BinanceUs | Self::Coinbase | Self::Kraken => InstrumentKind::Spot,
            Self::BinanceUsdM => InstrumentKind::Perpetual,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|dialect| dialect.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no venue that can be simulated: choose one of {names}")
        })
    }
}

/// The key of the simulated account.
#[derive(Clone, Debug)]
pub struct SimulatorKey {
    /// Its name, sent with requests.
    pub key: String,
    /// What requests are signed with: the secret of an HMAC (at Kraken as base64), or, at
    /// Coinbase, a private key.
    pub secret: Secret,
}

impl SimulatorKey {
    /// The key of accounts that nobody has given another: everybody knows it.
    pub fn known(dialect: Dialect) -> Self {
        let secret = match dialect {
            Dialect::Binance | Dialect::BinanceUs | Dialect::BinanceUsdM => "simulated-secret",
            // The Ed25519 key of RFC 8410: its seed, and its public key.
            Dialect::Coinbase => {
                "1O5y2/kTWErVttjx92n4rTr+fCjL8dT74Jeoj0R1WEIZv0QJaYTN/oVBusFn3DuWyFCGqjC2tssMXDit\
                 cDFm4Q=="
            }
            Dialect::Kraken => "c2ltdWxhdGVkLXNlY3JldA==",
        };
        Self { key: "simulated-key".to_owned(), secret: Secret::new(secret) }
    }
}

/// A market of a simulated venue.
#[derive(Clone, Debug)]
pub struct SimulatedMarket {
    /// Its symbol.
    pub symbol: Symbol,
    /// Its rules for orders.
    pub rules: TradingRules,
    /// Length of its candles.
    pub timeframe: Timeframe,
    /// What has been traded so far. The close of the last one is the price.
    pub history: Vec<Candle>,
}

impl SimulatedMarket {
    /// A market with rules that suit most pairs: prices in steps of 0.01, quantities in steps of
    /// 0.00001, orders worth at least 5.
    ///
    /// # Errors
    /// None: the figures are decimals.
    pub fn new(
        dialect: Dialect,
        symbol: Symbol,
        timeframe: Timeframe,
        history: Vec<Candle>,
    ) -> Result<Self, MoneyError> {
        let instrument = Instrument {
            kind: dialect.kind(),
            quantity_step: Some("0.00001".parse()?),
            min_quantity: Some("0.00001".parse()?),
            min_notional: Some("5".parse()?),
        };
        let rules = TradingRules { instrument, price_tick: Some("0.01".parse()?) };
        Ok(Self { symbol, rules, timeframe, history })
    }
}

/// What a simulated venue is like.
#[derive(Clone, Debug)]
pub struct SimulatorSettings {
    /// Which venue it speaks like.
    pub dialect: Dialect,
    /// Its markets.
    pub markets: Vec<SimulatedMarket>,
    /// What the account holds at first, by currency.
    pub balances: BTreeMap<String, Quantity>,
    /// The account's key; without one, nothing that needs a key is answered.
    pub key: Option<SimulatorKey>,
    /// Largest exposure over equity, of futures.
    pub leverage: f64,
    /// Weight of requests in a minute; at Coinbase, requests in a second; at Kraken, of questions
    /// about the account.
    pub weight_limit: u64,
    /// Orders that rest fill in several executions.
    pub partial_fills: Option<PartialFills>,
    /// What goes wrong by chance.
    pub faults: Option<FaultRates>,
    /// Decides when.
    pub fault_seed: Seed,
}

impl SimulatorSettings {
    /// A venue without markets, money and key, with the venue's own limits.
    pub const fn new(dialect: Dialect) -> Self {
        let weight_limit = match dialect {
            Dialect::Binance => 6_000,
            Dialect::BinanceUs => 1_200,
            Dialect::BinanceUsdM => 2_400,
            Dialect::Coinbase => 30,
            // What the counter of the highest tier takes and lets fall in a minute.
            Dialect::Kraken => 80,
        };
        Self {
            dialect,
            markets: Vec::new(),
            balances: BTreeMap::new(),
            key: None,
            leverage: 20.0,
            weight_limit,
            partial_fills: None,
            faults: None,
            fault_seed: Seed(0),
        }
    }

    /// The venue behind the dialect.
    pub(super) fn venue(&self) -> SimulatedExchangeSettings {
        let account = match self.dialect.kind() {
            InstrumentKind::Spot => AccountKind::Spot,
            InstrumentKind::Perpetual => AccountKind::Margin { leverage: self.leverage },
        };
        let fee_currency = match self.dialect {
            Dialect::Binance | Dialect::BinanceUs => FeeCurrency::Received,
            Dialect::BinanceUsdM | Dialect::Coinbase | Dialect::Kraken => FeeCurrency::Quote,
        };
        let name = self.dialect.name().parse().unwrap_or_else(|_| ExchangeName::binance());
        let capabilities = Capabilities::full(name, self.dialect.kind());
        let mut venue = SimulatedExchangeSettings::new(capabilities, account);
        venue.fee_currency = fee_currency;
        venue.partial_fills = self.partial_fills;
        venue.balances.clone_from(&self.balances);
        for market in &self.markets {
            venue = venue.market(market.symbol.clone(), market.rules);
        }
        venue
    }
}

//! The venues there are adapters for: from a name to the ports.
//!
#![doc = include_str!("capabilities.md")]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tradepulse_core::exchange::{Capabilities, Exchange, MarketData};
use tradepulse_core::market::{ExchangeName, InstrumentKind};

#[cfg(feature = "binance")]
use super::binance::{
    BinanceError, BinanceExchange, BinanceMarketData, BinanceSettings, BinanceVenue, Credentials,
    SigningError,
};
#[cfg(feature = "coinbase")]
use super::coinbase::{
    self, CoinbaseError, CoinbaseExchange, CoinbaseMarketData, CoinbaseSettings,
};
#[cfg(feature = "kraken")]
use super::kraken::{self, KrakenError, KrakenExchange, KrakenMarketData, KrakenSettings};
#[cfg(feature = "coinbase")]
use crate::private_key::PrivateKeyError;
use crate::secret::{Secret, SecretError};

/// A venue with an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Venue {
    /// One of the venues of Binance.
    #[cfg(feature = "binance")]
    Binance(BinanceVenue),
    /// Coinbase Advanced Trade.
    #[cfg(feature = "coinbase")]
    Coinbase,
    /// Kraken, spot.
    #[cfg(feature = "kraken")]
    Kraken,
}

/// How to reach a venue.
#[derive(Clone, Debug)]
pub struct VenueAccess {
    /// Its test network in its place.
    pub testnet: bool,
    /// Base of REST addresses; `None` is the venue's own.
    pub rest_url: Option<String>,
    /// Base of stream addresses; `None` is the venue's own, or, where REST is at this machine, there.
    pub stream_url: Option<String>,
    /// The account's key; market data needs none.
    pub key: Option<ApiKey>,
    /// How long an answer may take before it counts as lost.
    pub timeout: Duration,
}

impl Default for VenueAccess {
    /// The venue itself, without a key.
    fn default() -> Self {
        let timeout = Duration::from_secs(10);
        Self { testnet: false, rest_url: None, stream_url: None, key: None, timeout }
    }
}

impl VenueAccess {
    /// A simulated venue has all at one address.
    fn with_streams(mut self) -> Self {
        let beside = || {
            let place = self.rest_url.as_deref()?.strip_prefix("http://")?;
            let local = ["127.0.0.1", "localhost", "[::1]"];
            local.iter().any(|host| place.starts_with(host)).then(|| format!("ws://{place}"))
        };
        self.stream_url = self.stream_url.take().or_else(beside);
        self
    }
}

/// The key of an account.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its name, sent with requests.
    pub key: Secret,
    /// What requests are signed with.
    pub secret: Secret,
}

impl Venue {
    /// All of them.
    pub fn all() -> Vec<Self> {
        [
            #[cfg(feature = "binance")]
            BinanceVenue::ALL.map(Self::Binance).as_slice(),
            #[cfg(feature = "coinbase")]
            [Self::Coinbase].as_slice(),
            #[cfg(feature = "kraken")]
            [Self::Kraken].as_slice(),
        ]
        .concat()
    }

    /// The venue of this name that trades instruments of this kind.
    ///
    /// # Errors
    /// [`VenueError::Unknown`] if there is no adapter for it.
    pub fn named(name: &ExchangeName, kind: InstrumentKind) -> Result<Self, VenueError> {
        #[cfg(feature = "binance")]
        if let Some(venue) = BinanceVenue::named(name, kind) {
            return Ok(Self::Binance(venue));
        }
        #[cfg(feature = "coinbase")]
        if name.as_str() == coinbase::NAME && kind == InstrumentKind::Spot {
            return Ok(Self::Coinbase);
        }
        #[cfg(feature = "kraken")]
        if name.as_str() == kraken::NAME && kind == InstrumentKind::Spot {
            return Ok(Self::Kraken);
        }
        Err(VenueError::Unknown { name: name.clone(), kind })
    }

    /// The venue of this name, whatever it trades; spot where it trades both under one name.
    ///
    /// # Errors
    /// [`VenueError::Unknown`] if there is no adapter for it.
    pub fn of_name(name: &ExchangeName) -> Result<Self, VenueError> {
        Self::named(name, InstrumentKind::Spot)
            .or_else(|error| Self::named(name, InstrumentKind::Perpetual).map_err(|_| error))
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "binance")]
            Self::Binance(venue) => venue.name(),
            #[cfg(feature = "coinbase")]
            Self::Coinbase => coinbase::NAME,
            #[cfg(feature = "kraken")]
            Self::Kraken => kraken::NAME,
        }
    }

    /// What it can do.
    pub fn capabilities(self) -> Capabilities {
        match self {
            #[cfg(feature = "binance")]
            Self::Binance(venue) => venue.capabilities(),
            #[cfg(feature = "coinbase")]
            Self::Coinbase => coinbase::capabilities(),
            #[cfg(feature = "kraken")]
            Self::Kraken => kraken::capabilities(),
        }
    }

    /// Connects to its market data.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn market_data(self, access: VenueAccess) -> Result<Arc<dyn MarketData>, VenueError> {
        let access = VenueAccess { key: None, ..access.with_streams() };
        match self {
            #[cfg(feature = "binance")]
            Self::Binance(venue) => {
                let data = BinanceMarketData::connect(binance(venue, access)?).await?;
                Ok(Arc::new(data))
            }
            #[cfg(feature = "coinbase")]
            Self::Coinbase => {
                let data = CoinbaseMarketData::connect(coinbase(access)?).await?;
                Ok(Arc::new(data))
            }
            #[cfg(feature = "kraken")]
            Self::Kraken => {
                let data = KrakenMarketData::connect(kraken(access)?).await?;
                Ok(Arc::new(data))
            }
        }
    }

    /// Connects to an account there.
    ///
    /// # Errors
    /// If there is no key, or it cannot be reached, or does not accept the key.
    pub async fn exchange(self, access: VenueAccess) -> Result<Arc<dyn Exchange>, VenueError> {
        let access = access.with_streams();
        match self {
            #[cfg(feature = "binance")]
            Self::Binance(venue) => {
                let exchange = BinanceExchange::connect(binance(venue, access)?).await?;
                Ok(Arc::new(exchange))
            }
            #[cfg(feature = "coinbase")]
            Self::Coinbase => {
                let exchange = CoinbaseExchange::connect(coinbase(access)?).await?;
                Ok(Arc::new(exchange))
            }
            #[cfg(feature = "kraken")]
            Self::Kraken => {
                let exchange = KrakenExchange::connect(kraken(access)?).await?;
                Ok(Arc::new(exchange))
            }
        }
    }
}

impl fmt::Display for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(feature = "binance")]
fn binance(venue: BinanceVenue, access: VenueAccess) -> Result<BinanceSettings, SigningError> {
    let VenueAccess { testnet, rest_url, stream_url, key, timeout } = access;
    let credentials = key.map(|key| Credentials::new(key.key, &key.secret)).transpose()?;
    Ok(BinanceSettings { venue, testnet, rest_url, stream_url, credentials, timeout })
}

#[cfg(feature = "coinbase")]
fn coinbase(access: VenueAccess) -> Result<CoinbaseSettings, VenueError> {
    let VenueAccess { testnet, rest_url, stream_url, key, timeout } = access;
    if testnet && rest_url.is_none() {
        return Err(CoinbaseError::NoTestnet.into());
    }
    let credentials =
        key.map(|key| coinbase::Credentials::new(key.key, &key.secret)).transpose()?;
    let settings = CoinbaseSettings::default();
    Ok(CoinbaseSettings { rest_url, stream_url, credentials, timeout, ..settings })
}

#[cfg(feature = "kraken")]
fn kraken(access: VenueAccess) -> Result<KrakenSettings, KrakenError> {
    let VenueAccess { testnet, rest_url, stream_url, key, timeout } = access;
    if testnet && rest_url.is_none() {
        return Err(KrakenError::NoTestnet);
    }
    let credentials = key.map(|key| kraken::Credentials::new(key.key, &key.secret)).transpose()?;
    let settings = KrakenSettings::default();
    Ok(KrakenSettings { rest_url, stream_url, credentials, timeout, ..settings })
}

#[cfg(feature = "config")]
impl VenueAccess {
    /// As a configuration says for this wallet; `environment` gives the value of a variable. A dry
    /// run has the market data of the venue itself and needs no key.
    ///
    /// # Errors
    /// If a key that is named is not there.
    pub fn of_config(
        config: &crate::config::Config,
        wallet: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, VenueError> {
        let keys = config.keys(wallet);
        let key = match (keys.key(), keys.secret()) {
            (Some(key), Some(secret)) if !config.mode.dry_run => {
                Some(ApiKey { key: key.read(&environment)?, secret: secret.read(&environment)? })
            }
            _ => None,
        };
        let url = |url: &Option<crate::config::Url>| url.as_ref().map(|u| u.as_str().to_owned());
        Ok(Self {
            testnet: config.mode.testnet && !config.mode.dry_run,
            rest_url: url(&config.exchange.rest_url),
            stream_url: url(&config.exchange.stream_url),
            key,
            timeout: Duration::from_secs(config.timing.request_timeout.into()),
        })
    }
}

/// A venue that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VenueError {
    /// There is no adapter for it.
    #[error(
        "there is no adapter for {name} ({}): supported are {}",
        kind_name(*kind),
        supported()
    )]
    Unknown {
        /// The name.
        name: ExchangeName,
        /// What is to be traded there.
        kind: InstrumentKind,
    },
    /// The key cannot sign.
    #[cfg(feature = "binance")]
    #[error(transparent)]
    Key(#[from] SigningError),
    /// The private key is none that the venue takes.
    #[cfg(feature = "coinbase")]
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// The key is not where it should be.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A venue of Binance cannot be connected to.
    #[cfg(feature = "binance")]
    #[error(transparent)]
    Binance(#[from] BinanceError),
    /// Coinbase cannot be connected to.
    #[cfg(feature = "coinbase")]
    #[error(transparent)]
    Coinbase(#[from] CoinbaseError),
    /// Kraken cannot be connected to.
    #[cfg(feature = "kraken")]
    #[error(transparent)]
    Kraken(#[from] KrakenError),
}

const fn kind_name(kind: InstrumentKind) -> &'static str {
    match kind {
        InstrumentKind::Spot => "spot",
        InstrumentKind::Perpetual => "perpetual",
    }
}

fn supported() -> String {
    let text = |venue: Venue| format!("{venue} ({})", kind_name(venue.capabilities().kind));
    Venue::all().into_iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use tradepulse_core::exchange::Protection;

    use super::*;

    /// What the adapters declare, as a table.
    fn table() -> String {
        let yes = |can: bool| if can { "yes" } else { "no" };
        let mut table = "| venue | trades | stop and target | limit | stop-limit | reduce-only | \
                         test network | an order may arrive late by | an id once used |\n\
                         |---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
        for venue in Venue::all() {
            let can = venue.capabilities();
            let protection = match can.protection {
                Protection::NativeOco => "a pair of the venue (OCO)",
                Protection::TwoOrders => "two reduce-only orders",
                Protection::StopOnly => "a stop; the target is watched",
                Protection::Watched => "both are watched",
            };
            table += &format!(
                "| `{venue}` | {} | {protection} | {} | {} | {} | {} | {} s | {} |\n",
                kind_name(can.kind),
                yes(can.limit),
                yes(can.stop_limit),
                yes(can.reduce_only),
                yes(can.testnet),
                can.arrival_window_ms as f64 / 1_000.0,
                if can.remembers_ids { "is refused for ever" } else { "is refused while it rests" },
            );
        }
        table
    }

    /// `TRADEPULSE_WRITE=1` writes it anew.
    #[test]
    fn the_table_in_the_docs_is_what_the_adapters_declare() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/exchange/capabilities.md");
        if std::env::var_os("TRADEPULSE_WRITE").is_some() {
            std::fs::write(file, table()).unwrap();
        }
        let written = std::fs::read_to_string(file).unwrap();
        assert_eq!(written, table(), "TRADEPULSE_WRITE=1 writes {file} anew");
    }

    #[test]
    fn streams_of_a_venue_on_this_machine_are_where_it_is() {
        let streams = |rest: &str| {
            let rest_url = Some(rest.to_owned());
            VenueAccess { rest_url, ..VenueAccess::default() }.with_streams().stream_url
        };
        assert_eq!(streams("http://127.0.0.1:8080").as_deref(), Some("ws://127.0.0.1:8080"));
        assert_eq!(streams("https://api1.binance.com"), None);
    }

    #[test]
    fn venues_are_found_by_name() {
        for venue in Venue::all() {
            let name = venue.name().parse().unwrap();
            assert_eq!(Venue::of_name(&name).unwrap(), venue);
            assert_eq!(Venue::named(&name, venue.capabilities().kind).unwrap(), venue);
            assert_eq!(venue.capabilities().exchange, name);
        }
        let nowhere = "nowhere".parse().unwrap();
        let error = Venue::of_name(&nowhere).unwrap_err().to_string();
        let names = "there is no adapter for nowhere (spot): supported are ";
        let listed = error.strip_prefix(names).unwrap();
        assert_eq!(listed.split(", ").count(), Venue::all().len());
        for venue in Venue::all() {
            assert!(listed.contains(&format!("{venue} (")), "{error}");
        }
    }
}

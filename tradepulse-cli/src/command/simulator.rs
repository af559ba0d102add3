use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use tradepulse_core::market::{Candle, Symbol, SyntheticMarket};
use tradepulse_core::money::Quantity;
use tradepulse_core::random::Seed;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_exec::import;
use tradepulse_exec::secret::Secret;
use tradepulse_exec::simulator::{
    Dialect, FaultRates, SimulatedMarket, SimulatorKey, SimulatorSettings, VenueSimulator, shifted,
};

use crate::output::{self, Verdict, number};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Which exchange it speaks like: binance, binanceus, binanceusdm, coinbase or
    /// kraken
    #[arg(long, value_name = "NAME")]
    venue: Dialect,
    /// Address to serve at
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Candles of the market (CSV, .csv.gz or Parquet) [default: made-up ones]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The market
    #[arg(long, value_name = "BASE/QUOTE", default_value = "BTC/USDT")]
    symbol: Symbol,
    /// Length of its candles
    #[arg(long, default_value = "1m")]
    timeframe: Timeframe,
    /// Seed of made-up candles, and of faults
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Name of the account's API key
    #[arg(long, default_value = "simulated-key", env = "TRADEPULSE_SIMULATOR_KEY")]
    key: String,
    /// Secret of the account's API key: an HMAC's (for kraken as base64), or a private key for
    /// coinbase [default: one that everybody knows]
    #[arg(
        long,
        allow_hyphen_values = true,
        env = "TRADEPULSE_SIMULATOR_SECRET",
        hide_env_values = true
    )]
    secret: Option<String>,
    /// What the account holds, such as USDT=10000,BTC=1
    #[arg(long, value_delimiter = ',', value_parser = balance, default_value = "USDT=10000")]
    balance: Vec<(String, Quantity)>,
    /// Trade the newest candles from now on, this many times as fast as they are long; without
    /// this, time stands still
    #[arg(long, value_name = "TIMES")]
    speed: Option<f64>,
    /// How many candles are the past when trading begins [default: half of them]
    #[arg(long, value_name = "CANDLES", requires = "speed")]
    history: Option<usize>,
    /// What goes wrong by chance: a probability for everything, or such as
    /// answer-lost=0.01,duplicated=0.02 (error-before, error-after, timeout-after, answer-lost,
    /// rate-limited; duplicated, reordered, disconnected)
    #[arg(long, value_name = "RATES")]
    faults: Option<FaultRates>,
    /// Weight of requests in a minute [default: the exchange's]
    #[arg(long)]
    weight_limit: Option<u64>,
}

fn balance(text: &str) -> Result<(String, Quantity), String> {
    let (currency, held) = text.split_once('=').ok_or("expected CURRENCY=AMOUNT")?;
    let held = held.parse::<Quantity>().map_err(|error| error.to_string())?;
    Ok((currency.to_ascii_uppercase(), held))
}

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let mut candles = candles(&arguments)?;
    let Arguments { venue, host, port, symbol, timeframe, .. } = arguments;
    let replayed = match arguments.speed {
        None => Vec::new(),
        Some(speed) if speed > 0.0 && speed.is_finite() => {
            let past = arguments.history.unwrap_or(candles.len() / 2);
            if past == 0 || past >= candles.len() {
                bail!("--history {past}: of {} candles, some must be left to trade", candles.len());
            }
            // The first one that is traded opens now.
            let now = timeframe.floor(crate::clock::now());
            shifted(&mut candles, past, now);
            candles.split_off(past)
        }
        Some(speed) => bail!("--speed {speed}: expected a number above zero"),
    };
    let last = candles.last().context("there are no candles")?;
    let price = last.close;
    let past = candles.len();
    let mut settings = SimulatorSettings::new(venue);
    settings.markets = vec![SimulatedMarket::new(venue, symbol.clone(), timeframe, candles)?];
    settings.balances = arguments.balance.into_iter().collect();
    let known = SimulatorKey::known(venue);
    let is_known = arguments.secret.is_none();
    let secret = arguments.secret.map_or(known.secret, Secret::new);
    settings.key = Some(SimulatorKey { key: arguments.key.clone(), secret: secret.clone() });
    (settings.faults, settings.fault_seed) = (arguments.faults, Seed(arguments.seed));
    if let Some(limit) = arguments.weight_limit {
        settings.weight_limit = limit;
    }
    crate::records::runtime()?.block_on(async {
        let simulator = Arc::new(VenueSimulator::start(host, port, settings).await?);
        output::line(format!(
            "{venue} is simulated at {} (streams at {}): {symbol} {timeframe}, {} candles, last \
             price {price}; API key {}",
            simulator.rest_url(),
            simulator.stream_url(),
            number(past as f64, 0),
            arguments.key
        ))?;
        if is_known {
            output::note(format!("the secret of the key is {}", secret.expose()));
        }
        if let Some(speed) = arguments.speed {
            simulator.replay(&symbol, replayed, speed).await?;
            output::note("all candles have been traded; the market stands still");
        }
        std::future::pending::<Result<Verdict>>().await
    })
}

/// How many candles are made up.
const MADE_UP: usize = 20_000;

fn candles(arguments: &Arguments) -> Result<Vec<Candle>> {
    let timeframe = arguments.timeframe;
    let series = match &arguments.data {
        Some(file) => {
            let symbol = Some(arguments.symbol.clone());
            let options = import::Options { symbol, ..import::Options::default() };
            import::import(&[file], timeframe, &options)?.series
        }
        None => {
            output::note("the candles are made up: --data FILE takes real ones");
            let now = timeframe.floor(crate::clock::now());
            let start = now.as_ms() - MADE_UP as i64 * timeframe.as_ms();
            let market = SyntheticMarket::new(Seed(arguments.seed), timeframe);
            let start = Timestamp::from_ms(start);
            SyntheticMarket { candles: MADE_UP, start, ..market }.generate()?
        }
    };
    Ok(series.candles().collect())
}

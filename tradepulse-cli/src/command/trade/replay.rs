//! A dry run on candles of the past: the coordinator with a replay in the place of a feed and the
//! simulated venue in the place of a real one.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tradepulse_core::account::Trade;
use tradepulse_core::backtest::trades_hash;
use tradepulse_core::desk::{Control, DeskEventKind, DeskSettings, Level, Notice};
use tradepulse_core::exchange::{Feed, TradingRules};
use tradepulse_core::market::{Market, Series, Symbol};
use tradepulse_core::order::RunTag;
use tradepulse_core::simulation::SimulatedExchange;
use tradepulse_core::store::trading::{RunMode, RunRecord, TradeRecord, TradingStore};
use tradepulse_core::strategy::Registry;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::config::Config;
use tradepulse_exec::coordinator::{
    Clock, Counters, DeskAccount, Driver, DriverSetup, Owner, Pace, PaperFeed, Plan, ReplayFeed,
    ReplaySpeed,
};
use tradepulse_exec::import;
use tradepulse_exec::store::columnar::CandleStore;
use tradepulse_exec::store::trades_csv::TradesCsv;

use crate::arguments::DataDir;
use crate::clock::now;
use crate::output::{line, number, table};

/// From when to when; open at either end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((from, to)) = text.split_once("..") else {
            return Err("expected FROM..TO, such as 2024-06-01..2024-07-01".to_owned());
        };
        let instant = |text: &str| {
            if text.is_empty() {
                return Ok(None);
            }
            text.parse().map(Some).map_err(|error| format!("{error}"))
        };
        Ok(Self { from: instant(from)?, to: instant(to)? })
    }
}

/// How a replay goes.
pub(crate) struct How {
    pub(crate) span: Span,
    pub(crate) speed: ReplaySpeed,
}

/// What became of one wallet.
#[derive(Debug, Serialize)]
pub(crate) struct ReplayOutcome {
    pub(crate) run: String,
    pub(crate) wallet: String,
    pub(crate) candles: usize,
    pub(crate) events: u64,
    pub(crate) seconds: f64,
    pub(crate) capital: f64,
    pub(crate) equity: f64,
    pub(crate) trades_hash: String,
    pub(crate) trades: Vec<Trade>,
    pub(crate) counters: Counters,
    pub(crate) notices: Vec<Notice>,
}

/// The candles that a plan needs, from a file or from the store.
pub(crate) fn series(
    plan: &Plan,
    config: &Config,
    file: Option<&Path>,
    place: &DataDir,
) -> Result<Vec<(Symbol, Series)>> {
    let markets = plan.markets();
    if let Some(file) = file {
        let [(symbol, timeframe)] = &markets[..] else {
            bail!("--data is one market, and the configuration trades {}", markets.len());
        };
        let options =
            import::Options { symbol: Some(symbol.clone()), ..import::Options::default() };
        let series = import::import(&[file], *timeframe, &options)?.series;
        return Ok(vec![(symbol.clone(), series)]);
    }
    let store = CandleStore::open(place.path()?);
    markets
        .into_iter()
        .map(|(symbol, timeframe)| {
            let exchange = config.exchange.name.clone();
            let market = Market { exchange, symbol: symbol.clone(), timeframe };
            let series = store.load(&market, None, None).with_context(|| {
                format!(
                    "candles of {} {symbol} {timeframe}: take some in with `tradepulse import`",
                    config.exchange.name
                )
            })?;
            Ok((symbol, series))
        })
        .collect()
}

/// Replays every wallet of the configuration, one after the other: they share nothing.
pub(crate) async fn wallets(
    config: &Config,
    registry: &Registry,
    plan: &Plan,
    series: &[(Symbol, Series)],
    how: &How,
    store: &Arc<dyn TradingStore>,
) -> Result<Vec<ReplayOutcome>> {
    let mut csv = config.database.trades_csv.as_deref().map(TradesCsv::open).transpose()?;
    let mut outcomes = Vec::new();
    let whole = [("main".to_owned(), 1.0, Vec::new())];
    let named: Vec<_> = config
        .wallets
        .iter()
        .map(|wallet| (wallet.name.clone(), wallet.allocation, wallet.configurations.clone()))
        .collect();
    for (name, share, names) in if named.is_empty() { &whole[..] } else { &named[..] } {
        let plan = plan.only(names);
        if plan.lanes.is_empty() {
            bail!("wallet {name}: none of its configurations is in the plan");
        }
        let capital = config.trading.paper_capital * share;
        let wallet = Wallet { name, capital, config, registry, plan: &plan, series };
        outcomes.push(wallet.replay(how, store, csv.as_mut()).await?);
    }
    Ok(outcomes)
}

struct Wallet<'a> {
    name: &'a str,
    capital: f64,
    config: &'a Config,
    registry: &'a Registry,
    plan: &'a Plan,
    series: &'a [(Symbol, Series)],
}

impl Wallet<'_> {
    async fn replay(
        &self,
        how: &How,
        store: &Arc<dyn TradingStore>,
        csv: Option<&mut TradesCsv>,
    ) -> Result<ReplayOutcome> {
        let Self { name, capital, config, registry, plan, .. } = *self;
        let began = now();
        let tag = RunTag::new(began.as_ms().unsigned_abs() ^ (name.len() as u64) << 24);
        let run = format!("{tag}-{name}");
        let account = plan.paper_account(config, capital);
        let venue = Arc::new(SimulatedExchange::new(account.clone())?);
        let longest = plan.lanes.iter().map(|lane| lane.timeframe.as_ms()).max().unwrap_or(0);
        let settings = DeskSettings {
            // An order of a replay meets the next candle, however long that is.
            entry_patience_ms: 2 * longest,
            order_check_ms: 0,
            ..config.desk_settings()
        };
        let rules: Vec<(Symbol, TradingRules)> = account.markets.clone().into_iter().collect();
        let desk = plan.desk(
            config,
            registry,
            &DeskAccount {
                tag,
                capital,
                capabilities: account.capabilities.clone(),
                rules: Box::new(move |symbol| {
                    rules.iter().find(|(s, _)| s == symbol).map(|(_, r)| *r).unwrap_or_default()
                }),
                settings,
            },
        )?;
        let record = RunRecord {
            id: run.clone(),
            tag,
            wallet: name.to_owned(),
            mode: RunMode::DryRun,
            exchange: config.exchange.name.clone(),
            config: serde_json::json!({ "replay": true, "lanes": self.lanes() }),
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: began,
            ended_at: None,
            ending: None,
        };
        store.put(&[record.clone().into()]).await?;
        let owner = Owner {
            run: run.clone(),
            wallet: name.to_owned(),
            exchange: config.exchange.name.clone(),
            lanes: plan.owners(),
        };
        let clock = Clock::events();
        let trades: Arc<Mutex<Vec<TradeRecord>>> = Arc::default();
        let kept = Arc::clone(&trades);
        let mut driver = Driver::new(DriverSetup {
            desk,
            exchange: venue.clone(),
            store: Arc::clone(store),
            owner,
            clock,
            pace: Pace::Lockstep,
        })
        .with_trade_hook(Box::new(move |trade| {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(trade.clone());
        }));
        if how.speed == ReplaySpeed::Max {
            driver = driver.with_venue_in_process();
        }
        let started = Instant::now();
        driver.recover().await?;
        let part = self.begin(&mut driver, how.span).await?;
        let candles = part.iter().map(|(_, series)| series.len()).sum::<usize>();
        let markets = plan.markets();
        let mut feed = PaperFeed::new(ReplayFeed::new(part, how.speed), venue.clone(), markets);
        let bar = progress(candles as u64);
        let mut last = Timestamp::EARLIEST;
        while let Some(event) = feed.next().await? {
            driver.feed_event(event).await?;
            bar.inc(1);
            last = driver.now();
        }
        driver.drain().await?;
        driver.tell(DeskEventKind::Control(Control::EndOfData)).await?;
        for (symbol, _) in self.series {
            venue.fill_at_close(symbol, last)?;
        }
        driver.finish().await?;
        bar.finish_and_clear();
        let seconds = started.elapsed().as_secs_f64();
        let ended =
            RunRecord { ended_at: Some(now()), ending: Some("replay ended".into()), ..record };
        store.put(&[ended.into()]).await?;
        let records = std::mem::take(&mut *trades.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(csv) = csv {
            for trade in &records {
                csv.append(trade)?;
            }
        }
        let trades: Vec<Trade> = records.iter().map(TradeRecord::trade).collect();
        Ok(ReplayOutcome {
            run,
            wallet: name.to_owned(),
            candles,
            events: driver.events(),
            seconds,
            capital,
            equity: driver.desk().equity(),
            trades_hash: trades_hash(&trades),
            trades,
            counters: driver.counters().clone(),
            notices: driver.take_notices(),
        })
    }

    fn lanes(&self) -> Vec<serde_json::Value> {
        let lanes = self.plan.lanes.iter().map(|lane| {
            let values: serde_json::Map<_, _> = lane
                .parameters
                .iter()
                .map(|(variable, value)| (variable.name.to_owned(), value.to_string().into()))
                .collect();
            serde_json::json!({
                "strategy": lane.strategy,
                "symbol": lane.symbol,
                "timeframe": lane.timeframe,
                "regime": lane.regime.as_str(),
                "parameters": values,
            })
        });
        lanes.collect()
    }

    /// Warms the strategies up with what came before the span, and returns what lies in it.
    async fn begin(&self, driver: &mut Driver, span: Span) -> Result<Vec<(Symbol, Series)>> {
        let mut part = Vec::new();
        let (from, to) =
            (span.from.unwrap_or(Timestamp::EARLIEST), span.to.unwrap_or(Timestamp::LATEST));
        let needed = self.plan.markets();
        for (symbol, series) in self.series {
            let timeframe = series.timeframe();
            if !needed.iter().any(|(s, t)| s == symbol && *t == timeframe) {
                continue;
            }
            for candle in series.between(Timestamp::EARLIEST, from).candles() {
                let symbol = symbol.clone();
                driver.tell(DeskEventKind::WarmUp { symbol, timeframe, candle }).await?;
            }
            let traded = series.between(from, to);
            if traded.is_empty() {
                bail!("{symbol} {timeframe}: no candles in the span of the replay");
            }
            part.push((symbol.clone(), traded));
        }
        Ok(part)
    }
}

fn progress(candles: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} candles, {per_sec}, {eta} left");
    ProgressBar::new(candles).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// What a person wants to see of it.
pub(crate) fn print(outcome: &ReplayOutcome) -> Result<()> {
    let ReplayOutcome { run, wallet, candles, seconds, capital, equity, trades, .. } = outcome;
    line(format!(
        "wallet {wallet}, run {run}: {} candles in {seconds:.1} s",
        number(*candles as f64, 0)
    ))?;
    let counters = &outcome.counters;
    line(format!(
        "{} orders, {} fills, {} trades, {} entries refused; equity {} of {} ({} %)",
        counters.orders,
        counters.fills,
        counters.trades,
        counters.refusals,
        number(*equity, 2),
        number(*capital, 2),
        number((equity / capital - 1.0) * 100.0, 2),
    ))?;
    for notice in outcome.notices.iter().filter(|n| n.level > Level::Info).take(5) {
        line(format!("{}: {}", notice.level.name(), notice.text))?;
    }
    const SHOWN: usize = 10;
    if trades.is_empty() {
        return Ok(());
    }
    let mut rows = table(
        &["entry", "side", "entry price", "exit price", "quantity", "profit", "why"],
        &[2, 3, 4, 5],
    );
    let first = trades.len().saturating_sub(SHOWN);
    for trade in &trades[first..] {
        rows.add_row([
            Timestamp::from_ms(trade.entry_time_ms).to_string(),
            trade.side.name().to_owned(),
            number(trade.entry_price, 2),
            number(trade.exit_price, 2),
            number(trade.quantity, 6),
            number(trade.profit, 2),
            trade.exit_reason.name().to_owned(),
        ]);
    }
    if first > 0 {
        line(format!("the last {SHOWN} of {} trades:", trades.len()))?;
    }
    line(rows)
}

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tradepulse_core::desk::{Control, DeskEventKind};
use tradepulse_core::exchange::{Feed, MarketData, MarketDataError, TradingRules};
use tradepulse_core::market::Symbol;
use tradepulse_core::store::trading::EventLevel;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::{
    Accounts, Background, Session, SessionError, StopSignal, Stopper, WalletOutcome, WalletPlan,
    WalletRun,
};
use crate::config::OnShutdown;
use crate::coordinator::live_feed::{LiveFeed, LiveFeedSettings, warm_up};
use crate::coordinator::{Clock, Ended, PaperFeed};
use crate::exchange::paper::PaperExchange;

/// How often something that has to be known before trading is asked for.
const TRIES: u32 = 5;

/// How long a quote may take at the end, and then the exits: less than ten seconds together.
const LAST_QUOTE: Duration = Duration::from_secs(3);
const LAST_EXITS: Duration = Duration::from_secs(4);

/// The market of now, and the accounts that trade it.
#[derive(Clone)]
pub struct LiveMarket {
    /// The venue's market data.
    pub data: Arc<dyn MarketData>,
    /// Where orders go.
    pub accounts: Accounts,
    /// The time. A system's clock is set by the venue's at the beginning.
    pub clock: Clock,
    /// How candles are collected.
    pub feed: LiveFeedSettings,
}

/// A wallet that is ready to trade.
struct Ready {
    run: WalletRun,
    feed: Box<dyn Feed>,
    /// What fills at quotes that somebody has to bring.
    paper: Option<Arc<PaperExchange>>,
    data: Arc<dyn MarketData>,
    clock: Clock,
    on_shutdown: OnShutdown,
}

impl Session {
    /// Trades every wallet side by side on the candles of now until `stop` comes. Then no more
    /// entries are made, and what is held is kept or closed as the configuration says, within ten
    /// seconds.
    ///
    /// # Errors
    /// If the venue cannot be asked for rules, history and balances, a paper account cannot be
    /// opened, or the store or a feed fails: the other wallets end in good order then.
    pub async fn trade(
        &self,
        market: &LiveMarket,
        stop: &StopSignal,
    ) -> Result<Vec<WalletOutcome>, SessionError> {
        let time = ask(&market.feed, "the venue's clock", || market.data.time()).await?;
        market.clock.set(time);
        let mut wallets = JoinSet::new();
        let (stopper, failed) = Stopper::new();
        let (mut outcomes, mut error) = (BTreeMap::new(), None);
        let all = self.wallets()?;
        let names: Vec<_> = all.iter().map(|wallet| &*wallet.name).collect();
        let _listening = self.listen(&names).await?;
        *self.advisor.lock().await = None;
        let _training = self.keep_training(&market.clock).await?;
        for (i, wallet) in all.iter().cloned().enumerate() {
            let ready = tokio::select! {
                biased;
                // A wallet that is not ready yet is left as a crash would leave it.
                () = stop.stopped() => break,
                ready = self.make_ready(wallet, market) => ready,
            };
            match ready {
                Ok(ready) => {
                    let (stop, failed) = (stop.clone(), failed.clone());
                    wallets.spawn(async move { (i, ready.trade(stop, failed).await) });
                }
                Err(first) => {
                    stopper.stop();
                    error = Some(first);
                    break;
                }
            }
        }
        while let Some(ended) = wallets.join_next().await {
            let ended = ended.map_err(|e| SessionError::Broken(e.to_string()));
            match ended.and_then(|(i, outcome)| Ok((i, outcome?))) {
                Ok((i, outcome)) => {
                    outcomes.insert(i, outcome);
                }
                Err(first) => {
                    stopper.stop();
                    error.get_or_insert(first);
                }
            }
        }
        match error {
            Some(error) => Err(error),
            None => Ok(outcomes.into_values().collect()),
        }
    }

    /// Asks models to train at their times, until what is returned is dropped.
    async fn keep_training(&self, clock: &Clock) -> Result<Option<Background>, SessionError> {
        let Some(advisors) = &self.advisors else { return Ok(None) };
        let trainer = self.shared_advisor(advisors).await?.trainer();
        let schedule = trainer.map(|trainer| trainer.keep_schedule(clock.clone()));
        Ok(schedule.map(|schedule| Background(tokio::spawn(schedule))))
    }

    async fn make_ready(
        &self,
        wallet: WalletPlan,
        market: &LiveMarket,
    ) -> Result<Ready, SessionError> {
        let LiveMarket { data, accounts, clock, feed: settings } = market;
        let plan = wallet.plan.clone();
        let mut rules: BTreeMap<Symbol, TradingRules> = BTreeMap::new();
        for (symbol, _) in plan.markets() {
            let what = format!("the rules of {symbol}");
            let found = ask(settings, &what, || data.trading_rules(&symbol)).await?;
            rules.insert(symbol, found);
        }
        let (venue, paper) = match accounts {
            Accounts::Paper(folder) => {
                let (venue, account) = self.paper_account(&wallet, rules, folder, clock).await?;
                (venue, Some(account))
            }
            Accounts::Venue { mode, by_wallet } => {
                let found = by_wallet.get(&wallet.name);
                let exchange = found.ok_or_else(|| SessionError::NoAccount(wallet.name.clone()))?;
                (self.account(&wallet, rules, exchange, *mode, clock).await?, None)
            }
        };
        let mut run = self.begin(wallet, venue).await?;
        let feed = self.begin_feed(&mut run, market).await?;
        let feed: Box<dyn Feed> = match &paper {
            Some(account) => Box::new(PaperFeed::new(feed, account.clone(), plan.markets())),
            None => Box::new(feed),
        };
        let (data, clock) = (Arc::clone(data), clock.clone());
        Ok(Ready { run, feed, paper, data, clock, on_shutdown: self.config.on_shutdown })
    }

    /// Warms a run up, unless it goes on from candles it has traded, and begins its feed behind
    /// what it knows.
    async fn begin_feed(
        &self,
        run: &mut WalletRun,
        market: &LiveMarket,
    ) -> Result<LiveFeed, SessionError> {
        let LiveMarket { data, clock, feed: settings, .. } = market;
        let needed = run.wallet.plan.history(&self.config, &self.registry)?;
        let verb = if run.went_on() { "goes on" } else { "begins" };
        let text = format!("wallet {}: run {} {verb}", run.wallet.name, run.id());
        run.driver.note(EventLevel::Info, &text);
        let mut markets = Vec::new();
        for ((symbol, timeframe), count) in needed {
            if !run.driver.has_traded_candles() {
                self.warm_up(run, market, (&symbol, timeframe), count).await?;
            }
            let known = run.driver.last_close(&symbol, timeframe);
            let from = known.unwrap_or_else(|| timeframe.floor(clock.now()));
            markets.push((symbol, timeframe, from));
        }
        Ok(LiveFeed::start(Arc::clone(data), markets, clock.clone(), settings.clone()))
    }

    async fn warm_up(
        &self,
        run: &mut WalletRun,
        market: &LiveMarket,
        (symbol, timeframe): (&Symbol, Timeframe),
        count: usize,
    ) -> Result<(), SessionError> {
        let LiveMarket { data, clock, feed: settings, .. } = market;
        let loaded = warm_up(&**data, (symbol, timeframe), count, clock.now(), settings).await;
        let candles = loaded.map_err(|source| SessionError::MarketData {
            what: format!("the history of {symbol} {timeframe}"),
            source,
        })?;
        if candles.len() < count {
            let text = format!(
                "{symbol} {timeframe}: the venue has {} candles of history, and {count} are \
                 wanted: the first signals depend on where it begins",
                candles.len()
            );
            run.driver.note(EventLevel::Warning, &text);
        }
        // A process that died in the middle of it told some already.
        let told = run.driver.last_close(symbol, timeframe).unwrap_or(Timestamp::EARLIEST);
        let rest = candles.into_iter().filter(|candle| candle.open_time >= told);
        run.warm_up(symbol, timeframe, rest).await
    }
}

impl Ready {
    async fn trade(
        mut self,
        stop: StopSignal,
        failed: StopSignal,
    ) -> Result<WalletOutcome, SessionError> {
        let (stopper, both) = Stopper::new();
        let forward = tokio::spawn(async move {
            tokio::select! {
                () = stop.stopped() => {}
                () = failed.stopped() => {}
            }
            stopper.stop();
        });
        let ended = self.run.trade(&mut *self.feed, &both).await;
        forward.abort();
        if let Err(error) = &ended {
            self.run.driver.note(EventLevel::Error, &error.to_string());
        }
        let ended = ended?;
        if ended == Ended::Stopped && self.on_shutdown == OnShutdown::Close {
            self.close().await?;
        }
        let held = self.run.driver.lanes().filter(|lane| lane.position.is_some()).count();
        let rest = match held {
            _ if self.run.driver.is_idle() => "nothing is held".to_owned(),
            0 => "an order is on its way: the run goes on with its next start".to_owned(),
            count => format!("{count} positions stay open: the run goes on with its next start"),
        };
        let text = format!("wallet {}: stopped; {rest}", self.run.wallet.name);
        self.run.driver.note(EventLevel::Info, &text);
        self.run.finish(ended, "stopped").await
    }

    /// Closes what is held, at the prices of now.
    async fn close(&mut self) -> Result<(), SessionError> {
        self.run.tell(DeskEventKind::Control(Control::Close { symbol: None })).await?;
        if let Some(account) = self.paper.clone() {
            self.quote(&account).await?;
        }
        let settled = self.run.driver.settle(sleep(LAST_EXITS)).await;
        settled.map(drop).map_err(|source| self.run.error(source))
    }

    /// Brings the quotes of now to a paper account, for what is to be closed there.
    async fn quote(&mut self, account: &PaperExchange) -> Result<(), SessionError> {
        let lanes = self.run.driver.lanes().filter(|lane| !lane.is_idle);
        let mut symbols: Vec<_> = lanes.map(|lane| lane.setup.symbol.clone()).collect();
        symbols.sort();
        symbols.dedup();
        let deadline = tokio::time::Instant::now() + LAST_QUOTE;
        for symbol in symbols {
            let asked = tokio::time::timeout_at(deadline, self.data.quote(&symbol)).await;
            match asked {
                Ok(Ok(quote)) => {
                    account.quote(&symbol, quote, self.clock.now()).map_err(|source| {
                        SessionError::Paper { wallet: self.run.wallet.name.clone(), source }
                    })?
                }
                Ok(Err(_)) | Err(_) => {
                    let text = format!("{symbol}: no quote to close at; the position stays");
                    self.run.driver.note(EventLevel::Warning, &text);
                }
            }
        }
        Ok(())
    }
}

/// Asks for what has to be known, several times if need be.
async fn ask<T, F>(
    settings: &LiveFeedSettings,
    what: &str,
    mut question: impl FnMut() -> F,
) -> Result<T, SessionError>
where
    F: Future<Output = Result<T, MarketDataError>>,
{
    let mut pause = settings.retry_pause;
    let mut tries = 1;
    loop {
        let late = |_| Err(MarketDataError::Unavailable("no answer in time".to_owned()));
        let answer = timeout(settings.request_timeout, question()).await.unwrap_or_else(late);
        match answer {
            Ok(answer) => return Ok(answer),
            Err(MarketDataError::Unavailable(_) | MarketDataError::RateLimited { .. })
                if tries < TRIES =>
            {
                tries += 1;
                sleep(pause).await;
                pause = (2 * pause).min(settings.max_retry_pause);
            }
            Err(source) => {
                return Err(SessionError::MarketData { what: what.to_owned(), source });
            }
        }
    }
}

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tradepulse_core::desk::{Control, DeskEventKind, DeskSettings};
use tradepulse_core::exchange::{Exchange, Feed, TradingRules};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::order::RunTag;
use tradepulse_core::store::RecordId;
use tradepulse_core::store::trading::{RunMode, RunRecord, TradingStore};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::keeper::Keeper;
use super::run_book::{Beginning, RunBook};
use super::{Session, SessionError, StopSignal, WalletOutcome, WalletPlan};
use crate::coordinator::advisor::{Advisor, Advisors};
use crate::coordinator::{
    Clock, DeskAccount, Driver, DriverError, DriverSetup, Ended, Owner, Pace, Plan, RunSettings,
};

/// The account at a venue that a wallet trades.
pub struct Venue {
    /// The venue.
    pub exchange: Arc<dyn Exchange>,
    /// Its rules for orders in each market.
    pub rules: BTreeMap<Symbol, TradingRules>,
    /// What a new run begins with, quote currency.
    pub capital: f64,
    /// Paper, test network or money.
    pub mode: RunMode,
    /// Whether the candles are those of the past: such a run is never gone on with, and leaves
    /// nothing in the risk gate.
    pub replay: bool,
    /// Whether the venue lives in this process and ends with it
    /// ([`Driver::with_venue_in_process`]).
    pub in_process: bool,
    /// How commands are carried out.
    pub pace: Pace,
    /// The time, as the desk sees it.
    pub clock: Clock,
    /// How patient the desk is.
    pub settings: DeskSettings,
}

/// How a process left a run that holds something.
const GOES_ON: &str = "goes on with the next start";

/// The run of one wallet.
pub struct WalletRun {
    pub(super) driver: Driver,
    pub(super) wallet: WalletPlan,
    record: RunRecord,
    capital: f64,
    went_on: bool,
    kept: Keeper,
    store: Arc<dyn TradingStore>,
    controls: mpsc::Receiver<Control>,
    clock: Clock,
}

impl Session {
    /// The run of `wallet` at `venue`, recovered: a new one, or the last one if that has not come
    /// to its end. It is warmed up and traded next.
    ///
    /// # Errors
    /// If there is a run that cannot be gone on with, the venue cannot be asked, or the store
    /// fails.
    pub async fn begin(&self, wallet: WalletPlan, venue: Venue) -> Result<WalletRun, SessionError> {
        let Venue { exchange, rules, capital, mode, replay, in_process, pace, clock, settings } =
            venue;
        let WalletPlan { name, plan, .. } = &wallet;
        let began = self.clock.now();
        let capabilities = exchange.capabilities().clone();
        let kind = if replay { "replay" } else { mode.name() };
        let account = DeskAccount {
            tag: tag(name, kind, began),
            capital,
            capabilities: capabilities.clone(),
            rules: Box::new(move |symbol| rules.get(symbol).copied().unwrap_or_default()),
            settings,
        };
        let mut fresh = RunSettings::new(plan, &self.config, &account, replay);
        let (mut earlier, mut risk_since) = (None, None);
        if !replay {
            let mut book = RunBook::open(Arc::clone(&self.store), name).await?;
            if self.gives_up {
                book.give_up(began).await?;
            }
            risk_since = Some(book.risk_since().await?.unwrap_or(began));
            match book.beginning(mode, &fresh, began).await? {
                Beginning::GoOn(record, config) => earlier = Some((*record, *config)),
                Beginning::New(_) if fresh.capital <= 0.0 => {
                    return Err(SessionError::NoCapital(name.clone()));
                }
                Beginning::New(state) => fresh.risk_state = *state,
            }
        }
        let went_on = earlier.is_some();
        let (record, settings) = match earlier {
            // It goes on now, and has an ending again when this process comes to its end.
            Some((record, settings)) => (RunRecord { ending: None, ..record }, settings),
            None => (self.record(name, account.tag, mode, began, &fresh)?, fresh),
        };
        let patience = settings.desk.clone();
        let desk = settings.desk(&self.registry, record.tag, capabilities, patience)?;
        self.store.put(&[record.clone().into()]).await?;
        let owner = Owner {
            run: record.id.clone(),
            wallet: name.clone(),
            exchange: record.exchange.clone(),
            lanes: plan.owners(),
        };
        let kept = Keeper::default();
        let store = Arc::clone(&self.store);
        let mut driver = Driver::new(DriverSetup { desk, exchange, store, owner, clock, pace });
        driver = driver.with_observer(Box::new(kept.clone()));
        if in_process {
            driver = driver.with_venue_in_process();
        }
        if let Some(advisor) = self.advisor(plan, replay).await? {
            driver = driver.with_advisor(advisor);
        }
        for observer in (self.observers)(name) {
            driver = driver.with_observer(observer);
        }
        let (controls, hook) = self.take_controls(name);
        if let Some(hook) = hook {
            driver = driver.with_control_hook(hook);
        }
        if let Some(since) = risk_since {
            driver = driver.with_risk_record(since);
        }
        let mut run = WalletRun {
            driver,
            record,
            capital: settings.capital,
            went_on,
            kept,
            store: Arc::clone(&self.store),
            controls,
            clock: self.clock.clone(),
            wallet,
        };
        let recovered = run.driver.recover().await;
        recovered.map_err(|source| run.error(source))?;
        Ok(run)
    }

    /// Who asks models about the candles of `plan`. A replay knows nothing of other runs, and models
    /// are not told of its trades.
    async fn advisor(&self, plan: &Plan, replay: bool) -> Result<Option<Advisor>, SessionError> {
        let Some(advisors) = &self.advisors else { return Ok(None) };
        if replay {
            let advisors =
                Advisors { feedback_after: None, retraining: None, ..(**advisors).clone() };
            return Ok(Some(Advisor::new(Arc::new(advisors), plan.markets())));
        }
        Ok(Some(self.shared_advisor(advisors).await?.beside(plan.markets())))
    }

    /// What the wallets share, as it is stored when the first of them begins.
    pub(super) async fn shared_advisor(
        &self,
        advisors: &Arc<Advisors>,
    ) -> Result<Advisor, SessionError> {
        let mut shared = self.advisor.lock().await;
        let advisor = match &*shared {
            Some(advisor) => advisor,
            None => {
                let mut advisor = Advisor::new(Arc::clone(advisors), self.plan.markets());
                advisor.recall(&*self.store).await?;
                shared.insert(advisor)
            }
        };
        Ok(advisor.beside(self.plan.markets()))
    }

    fn record(
        &self,
        wallet: &str,
        tag: RunTag,
        mode: RunMode,
        began: Timestamp,
        settings: &RunSettings,
    ) -> Result<RunRecord, SessionError> {
        Ok(RunRecord {
            id: format!("{tag}-{wallet}"),
            tag,
            wallet: wallet.to_owned(),
            mode,
            exchange: self.config.exchange.name.clone(),
            config: serde_json::to_value(settings).map_err(|error| SessionError::Unreadable {
                what: "the configuration of the run".to_owned(),
                reason: error.to_string(),
            })?,
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: began,
            ended_at: None,
            ending: None,
        })
    }
}

/// The first digits of a hash: two wallets that begin together have two tags.
fn tag(wallet: &str, kind: &str, began: Timestamp) -> RunTag {
    let id = RecordId::derive(&[wallet, kind, &began.as_ms().to_string()]).to_string();
    let digits: String = id.chars().filter(|c| *c != '-').take(15).collect();
    RunTag::new(u64::from_str_radix(&digits, 16).unwrap_or_default())
}

impl WalletRun {
    /// The run.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// Whether it goes on from where an earlier process left it.
    pub fn went_on(&self) -> bool {
        self.went_on
    }

    /// The loop around its desk.
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Tells it of candles of the past.
    ///
    /// # Errors
    /// If the journal or the store fails.
    pub async fn warm_up(
        &mut self,
        symbol: &Symbol,
        timeframe: Timeframe,
        candles: impl IntoIterator<Item = Candle>,
    ) -> Result<(), SessionError> {
        for candle in candles {
            let kind = DeskEventKind::WarmUp { symbol: symbol.clone(), timeframe, candle };
            self.tell(kind).await?;
        }
        Ok(())
    }

    /// Trades until the feed ends or `stop` comes.
    ///
    /// # Errors
    /// If the journal, the store or the feed fails.
    pub async fn trade(
        &mut self,
        feed: &mut dyn Feed,
        stop: &StopSignal,
    ) -> Result<Ended, SessionError> {
        let ended = self.driver.run(feed, &mut self.controls, stop.stopped()).await;
        ended.map_err(|source| self.error(source))
    }

    /// Writes what there is to write. The run has come to its end if it holds nothing; else it goes
    /// on with its next start, unless it is a replay.
    ///
    /// # Errors
    /// If the journal or the store fails.
    pub async fn finish(
        mut self,
        ended: Ended,
        ending: &str,
    ) -> Result<WalletOutcome, SessionError> {
        let finished = self.driver.finish().await;
        finished.map_err(|source| self.error(source))?;
        let goes_on = !self.driver.is_idle();
        let (ended_at, ending) = match goes_on {
            true => (None, format!("{ending}; {GOES_ON}")),
            false => (Some(self.clock.now()), ending.to_owned()),
        };
        let record = RunRecord { ended_at, ending: Some(ending), ..self.record };
        self.store.put(&[record.clone().into()]).await?;
        Ok(WalletOutcome {
            run: record.id,
            wallet: self.wallet.name,
            ended,
            goes_on,
            events: self.driver.events(),
            capital: self.capital,
            equity: self.driver.desk().equity(),
            trades: self.kept.take(),
            counters: self.driver.counters().clone(),
            notices: self.driver.take_notices(),
        })
    }

    pub(super) async fn tell(&mut self, kind: DeskEventKind) -> Result<(), SessionError> {
        let told = self.driver.tell(kind).await;
        told.map_err(|source| self.error(source))
    }

    pub(super) fn error(&self, source: DriverError) -> SessionError {
        SessionError::Driver { wallet: self.wallet.name.clone(), source }
    }
}

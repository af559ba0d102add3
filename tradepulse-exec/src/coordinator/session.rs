//! A session: the wallets of a configuration, each with its desk, journal and records, traded on
//! candles of the past or of now.
//!
//! A [`Session`] knows what is traded ([`Plan`]) and where records go. [`Session::replay`] trades
//! it on candles of the past; `Session::trade` (feature `paper`) on those of a venue, as they
//! close, against simulated accounts that outlive the process or against accounts at that venue.
//! For any other venue or feed, [`Session::begin`] makes the [`WalletRun`] of one wallet.
//!
//! A run that does not come to its end (a crash, or positions kept at the end of a process) is gone
//! on with by the next session of the same wallet and configuration; a new run begins with the
//! state of the risk gate that earlier ones left.

#[cfg(feature = "paper")]
mod accounts;
mod keeper;
#[cfg(feature = "paper")]
mod live;
mod outcome;
mod replay;
mod run_book;
mod stop;
mod wallet_run;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tradepulse_core::desk::Control;
use tradepulse_core::exchange::{ExchangeError, FeedError, MarketDataError};
use tradepulse_core::market::Symbol;
use tradepulse_core::simulation::SimulationError;
use tradepulse_core::store::trading::{RunMode, TradingStore};
use tradepulse_core::store::{StoreError, TrainedConfiguration};
use tradepulse_core::strategy::Registry;

#[cfg(feature = "paper")]
pub use accounts::Accounts;
#[cfg(feature = "paper")]
pub use live::LiveMarket;
pub use outcome::WalletOutcome;
pub use replay::Replay;
pub use stop::{StopSignal, Stopper};
pub use wallet_run::{Venue, WalletRun};

use super::advisor::{Advisor, Advisors};
use super::{
    Clock, ControlDoor, ControlHook, ControlMailbox, DriverError, Observer, Plan, PlanError,
};
use crate::config::Config;

/// Makes those who look on at the run of a wallet, by its name.
type Observers = Box<dyn Fn(&str) -> Vec<Box<dyn Observer>> + Send + Sync>;

/// Where a run takes controls from, and who answers them.
type Controls = (mpsc::Receiver<Control>, Option<ControlHook>);

/// A task that goes on while this is there.
struct Background(JoinHandle<()>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is traded, by which wallets, and where records go.
pub struct Session {
    config: Config,
    registry: Registry,
    plan: Plan,
    store: Arc<dyn TradingStore>,
    clock: Clock,
    observers: Observers,
    controls: Mutex<BTreeMap<String, Controls>>,
    takes_commands: bool,
    gives_up: bool,
    advisors: Option<Arc<Advisors>>,
    /// What wallets that trade side by side share.
    advisor: tokio::sync::Mutex<Option<Advisor>>,
}

/// One wallet of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct WalletPlan {
    /// Its name.
    pub name: String,
    /// Share of the account that it trades, 0..1.
    pub allocation: f64,
    /// What it trades.
    pub plan: Plan,
}

impl Session {
    /// A session that trades what `config` and `trained` name, with the strategies of `registry`.
    /// `clock` tells when runs begin and end.
    ///
    /// # Errors
    /// If there is nothing to trade, or a strategy or parameter is not known.
    pub fn new(
        config: Config,
        registry: Registry,
        trained: &[TrainedConfiguration],
        store: Arc<dyn TradingStore>,
        clock: Clock,
    ) -> Result<Self, SessionError> {
        let plan = Plan::new(&config, &registry, trained)?;
        Ok(Self::of(plan, config, registry, store, clock))
    }

    /// A session that trades `plan`.
    pub fn of(
        plan: Plan,
        config: Config,
        registry: Registry,
        store: Arc<dyn TradingStore>,
        clock: Clock,
    ) -> Self {
        Self {
            config,
            registry,
            plan,
            store,
            clock,
            observers: Box::new(|_| Vec::new()),
            controls: Mutex::default(),
            takes_commands: false,
            gives_up: false,
            advisors: None,
            advisor: tokio::sync::Mutex::default(),
        }
    }

    /// Lets others look on: `make` gives those of a wallet, by its name.
    #[must_use]
    pub fn with_observers(
        mut self,
        make: impl Fn(&str) -> Vec<Box<dyn Observer>> + Send + Sync + 'static,
    ) -> Self {
        self.observers = Box::new(make);
        self
    }

    /// Asks models about each closed candle.
    #[must_use]
    pub fn with_advisors(mut self, advisors: Advisors) -> Self {
        self.advisors = (!advisors.members.is_empty()).then(|| Arc::new(advisors));
        self
    }

    /// Where the run of this wallet takes a person's controls from.
    #[must_use]
    pub fn with_controls(self, wallet: &str, controls: mpsc::Receiver<Control>) -> Self {
        let mut all = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(wallet.to_owned(), (controls, None));
        drop(all);
        self
    }

    /// Takes the commands that other processes store for its wallets, and answers them. They come
    /// in the place of [`with_controls`](Self::with_controls).
    #[must_use]
    pub fn taking_commands(mut self, takes_commands: bool) -> Self {
        self.takes_commands = takes_commands;
        self
    }

    /// Begins new runs also where an earlier one has not come to its end under the configuration
    /// of now: that one is given up as it is, with what it holds.
    #[must_use]
    pub fn giving_up_unfinished(mut self, gives_up: bool) -> Self {
        self.gives_up = gives_up;
        self
    }

    /// What is traded, by all wallets together.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What it was configured with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The wallets: those of the configuration, or one called `main`.
    ///
    /// # Errors
    /// [`SessionError::EmptyWallet`].
    pub fn wallets(&self) -> Result<Vec<WalletPlan>, SessionError> {
        if self.config.wallets.is_empty() {
            let (name, plan) = ("main".to_owned(), self.plan.clone());
            return Ok(vec![WalletPlan { name, allocation: 1.0, plan }]);
        }
        let wallets = self.config.wallets.iter().map(|wallet| {
            let plan = self.plan.only(&wallet.configurations);
            if plan.lanes.is_empty() {
                return Err(SessionError::EmptyWallet(wallet.name.clone()));
            }
            Ok(WalletPlan { name: wallet.name.clone(), allocation: wallet.allocation, plan })
        });
        wallets.collect()
    }

    /// Takes the commands for these wallets until what is returned is dropped.
    async fn listen(&self, wallets: &[&str]) -> Result<Option<Background>, StoreError> {
        if !self.takes_commands {
            return Ok(None);
        }
        let mut doors = Vec::new();
        for wallet in wallets {
            let (door, controls, hook) = ControlDoor::new(*wallet);
            let mut all = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert((*wallet).to_owned(), (controls, Some(hook)));
            doors.push(door);
        }
        let mut mailbox = ControlMailbox::new(Arc::clone(&self.store), doors, self.clock.clone());
        mailbox.begin().await?;
        Ok(Some(Background(tokio::spawn(async move {
            // A store that fails here fails the runs too, which say so.
            let _ = mailbox.run().await;
        }))))
    }

    fn take_controls(&self, wallet: &str) -> Controls {
        let mut all = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody sends on a channel without a sender.
        all.remove(wallet).unwrap_or_else(|| (mpsc::channel(1).1, None))
    }
}

/// A session that cannot begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// There is nothing to trade, or it cannot be traded.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A wallet's configurations are not in the plan.
    #[error("wallet {0}: none of its configurations is traded here; name others, or none for all")]
    EmptyWallet(String),
    /// A wallet has no account at the venue.
    #[error("wallet {0}: there is no account for it at the venue")]
    NoAccount(String),
    /// A wallet would need several currencies at a venue.
    #[error("wallet {wallet}: it trades against {quotes}; give each currency a wallet of its own")]
    Quotes {
        /// The wallet.
        wallet: String,
        /// The currencies.
        quotes: String,
    },
    /// There is nothing to trade with.
    #[error("wallet {0}: its account holds nothing of the quote currency to begin a run with")]
    NoCapital(String),
    /// There are no candles where a replay wants them.
    #[error("{symbol} {timeframe}: no candles in the span of the replay")]
    NoCandles {
        /// The market.
        symbol: Symbol,
        /// The length of its candles.
        timeframe: tradepulse_core::time::Timeframe,
    },
    /// An earlier run has not come to its end, and cannot be gone on with.
    #[error(
        "run {run} of wallet {wallet} has not come to its end, and the configuration has changed \
         since ({differences}): start it once more with the one it had, and close its positions; \
         or give it up (`tradepulse trade --new-run`)"
    )]
    Unfinished {
        /// The wallet.
        wallet: String,
        /// The run.
        run: String,
        /// The parts of the configuration that differ.
        differences: String,
    },
    /// The wallet traded something else before.
    #[error(
        "wallet {wallet} has runs that are {}, and this one is {}: give it another name",
        .mode.name(),
        .wanted.name()
    )]
    OtherMode {
        /// The wallet.
        wallet: String,
        /// What its runs are.
        mode: RunMode,
        /// What this one is.
        wanted: RunMode,
    },
    /// Something that was stored makes no sense.
    #[error("{what} cannot be read: {reason}")]
    Unreadable {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// The store failed.
    #[error("records: {0}")]
    Store(#[from] StoreError),
    /// A run cannot go on.
    #[error("wallet {wallet}: {source}")]
    Driver {
        /// The wallet.
        wallet: String,
        /// Why.
        source: DriverError,
    },
    /// A feed, or a simulated venue behind it, cannot go on.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A simulated venue cannot be made.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// A paper account cannot be opened.
    #[cfg(feature = "paper")]
    #[error("the paper account of wallet {wallet}: {source}")]
    Paper {
        /// The wallet.
        wallet: String,
        /// Why.
        source: crate::exchange::paper::PaperError,
    },
    /// The venue could not be asked for what has to be known before trading.
    #[error("{what}: {source}")]
    MarketData {
        /// What was asked.
        what: String,
        /// Why.
        source: MarketDataError,
    },
    /// The venue could not be asked for the account.
    #[error("the account of wallet {wallet}: {source}")]
    Account {
        /// The wallet.
        wallet: String,
        /// Why.
        source: ExchangeError,
    },
    /// A part of the session has ended without saying why.
    #[error("the run of a wallet broke off: {0}")]
    Broken(String),
}

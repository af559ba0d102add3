//! Paper trading: the market is real, the venue is simulated and outlives the process.
//!
//! [`PaperExchange`] is a [`SimulatedExchange`] whose state is saved after each change, before
//! anything is told of it: what it said is still so after a restart or a `kill -9`. Of orders that
//! have ended only the newest are kept, so that what is saved does not grow with the account's age.
//! Feed it the candles (and quotes) of the real market.
//!
//! ```
//! use tradepulse_core::exchange::{Capabilities, Exchange, TradingRules};
//! use tradepulse_core::market::{Candle, InstrumentKind};
//! use tradepulse_core::simulation::{AccountKind, SimulatedExchangeSettings};
//! use tradepulse_core::time::{Timeframe, Timestamp};
//! use tradepulse_exec::exchange::paper::{PaperExchange, PaperFile};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("paper.json");
//! let capabilities = Capabilities::full("paper".parse()?, InstrumentKind::Spot);
//! let settings = SimulatedExchangeSettings::new(capabilities, AccountKind::Spot)
//!     .market("BTC/USDT".parse()?, TradingRules::default())
//!     .balance("USDT", "10000".parse()?);
//! let paper = PaperExchange::open(settings, PaperFile::new(path))?;
//! let (open, high, low, close, volume) = (100.0, 101.0, 99.0, 100.5, 12.0);
//! let candle = Candle { open_time: Timestamp::default(), open, high, low, close, volume };
//! paper.begin(&"BTC/USDT".parse()?, &candle, Timeframe::M1)?;
//! assert!(paper.drain().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tradepulse_core::exchange::{
    Balance, CancelOutcome, Capabilities, Exchange, ExchangeError, OpenOrders, VenueEvent,
    VenuePosition,
};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::order::{ClientOrderId, OrderReport, OrderRequest};
use tradepulse_core::risk::Approved;
use tradepulse_core::simulation::{
    ExchangeState, SimulatedExchange, SimulatedExchangeSettings, SimulationError,
};
use tradepulse_core::strategy::Quote;
use tradepulse_core::time::{Timeframe, Timestamp};

pub use state::{PaperFile, PaperState, StateError};

/// A simulated venue that remembers.
///
/// While its state cannot be saved it answers nothing: a request that was not saved has an unknown
/// outcome, later ones are not sent, questions are left unanswered, events are held back. Each call
/// tries to save again.
#[derive(Debug)]
pub struct PaperExchange {
    venue: SimulatedExchange,
    keeper: Mutex<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    state: Box<dyn PaperState>,
    /// Something has changed that is not saved.
    unsaved: bool,
    /// Events that happened, and are told once that is saved.
    held: Vec<VenueEvent>,
}

impl Keeper {
    fn save(&mut self, venue: &SimulatedExchange) -> Result<(), StateError> {
        self.unsaved = true;
        let bytes = serde_json::to_vec(&venue.snapshot())
            .map_err(|error| StateError { reason: error.to_string() })?;
        self.state.save(&bytes)?;
        self.unsaved = false;
        Ok(())
    }

    /// Saves what an earlier call could not save.
    fn flush(&mut self, venue: &SimulatedExchange) -> Result<(), StateError> {
        if self.unsaved { self.save(venue) } else { Ok(()) }
    }
}

impl PaperExchange {
    /// Goes on with what `state` has, under these settings; begins anew if it has nothing. The
    /// balances of the settings count only then.
    ///
    /// # Errors
    /// If the state cannot be read or saved, or does not fit the settings.
    pub fn open(
        settings: SimulatedExchangeSettings,
        state: impl PaperState + 'static,
    ) -> Result<Self, PaperError> {
        let venue = match state.load()? {
            None => SimulatedExchange::new(settings)?,
            Some(bytes) => {
                let saved: ExchangeState = serde_json::from_slice(&bytes)
                    .map_err(|error| PaperError::Unreadable(error.to_string()))?;
                SimulatedExchange::restore(saved.under(settings)?)
            }
        };
        let mut keeper = Keeper { state: Box::new(state), unsaved: false, held: Vec::new() };
        keeper.save(&venue)?;
        Ok(Self { venue, keeper: Mutex::new(keeper) })
    }

    /// Meets a closed candle, as [`SimulatedExchange::begin`].
    ///
    /// # Errors
    /// If the venue refuses it, or its state cannot be saved: then it has begun all the same.
    pub fn begin(
        &self,
        symbol: &Symbol,
        candle: &Candle,
        timeframe: Timeframe,
    ) -> Result<(), PaperError> {
        self.venue.begin(symbol, candle, timeframe)?;
        Ok(self.save()?)
    }

    /// Meets a quote, as [`SimulatedExchange::quote`].
    ///
    /// # Errors
    /// If the venue refuses it, or its state cannot be saved: then it was met all the same.
    pub fn quote(&self, symbol: &Symbol, quote: Quote, at: Timestamp) -> Result<(), PaperError> {
        let before = self.venue.changes();
        self.venue.quote(symbol, quote, at)?;
        // Most quotes move nothing but the last price.
        if self.venue.changes() == before { Ok(()) } else { Ok(self.save()?) }
    }

    /// Fills waiting market orders, as [`SimulatedExchange::fill_at_close`].
    ///
    /// # Errors
    /// If the venue refuses, or its state cannot be saved: then they are filled all the same.
    pub fn fill_at_close(&self, symbol: &Symbol, at: Timestamp) -> Result<(), PaperError> {
        self.venue.fill_at_close(symbol, at)?;
        Ok(self.save()?)
    }

    /// When the last candle closed that was met in this market, in whichever process.
    pub fn last_close(&self, symbol: &Symbol) -> Option<Timestamp> {
        self.venue.last_close(symbol)
    }

    fn lock(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self) -> Result<(), StateError> {
        self.lock().save(&self.venue)
    }

    fn flush(&self) -> Result<(), StateError> {
        self.lock().flush(&self.venue)
    }

    /// Before a request leaves.
    fn before_sending(&self) -> Result<(), ExchangeError> {
        self.flush().map_err(|error| ExchangeError::NotSent(error.to_string()))
    }

    /// Before a request is answered.
    fn after_sending(&self) -> Result<(), ExchangeError> {
        self.save().map_err(|error| ExchangeError::OutcomeUnknown(error.to_string()))
    }

    /// Before a question is answered.
    fn before_asking(&self) -> Result<(), ExchangeError> {
        self.flush().map_err(|error| ExchangeError::Unavailable(error.to_string()))
    }
}

#[async_trait]
impl Exchange for PaperExchange {
    fn capabilities(&self) -> &Capabilities {
        self.venue.capabilities()
    }

    async fn submit(
        &self,
        order: &Approved<OrderRequest>,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        self.before_sending()?;
        let reports = self.venue.submit(order).await?;
        self.after_sending()?;
        Ok(reports)
    }

    async fn cancel(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<CancelOutcome, ExchangeError> {
        self.before_sending()?;
        let outcome = self.venue.cancel(symbol, id).await?;
        self.after_sending()?;
        Ok(outcome)
    }

    async fn order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        self.before_asking()?;
        self.venue.order(symbol, id).await
    }

    async fn open_orders(&self, symbol: &Symbol) -> Result<OpenOrders, ExchangeError> {
        self.before_asking()?;
        self.venue.open_orders(symbol).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        self.before_asking()?;
        self.venue.balances().await
    }

    async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        self.before_asking()?;
        self.venue.positions().await
    }

    fn drain(&self) -> Vec<VenueEvent> {
        let mut keeper = self.lock();
        if keeper.held.is_empty() {
            let before = self.venue.changes();
            keeper.held = self.venue.drain();
            keeper.unsaved |= self.venue.changes() != before;
        }
        match keeper.flush(&self.venue) {
            Ok(()) => std::mem::take(&mut keeper.held),
            Err(_) => Vec::new(),
        }
    }

    /// May end early while the state cannot be saved.
    async fn wait(&self) {
        let holds_something = {
            let keeper = self.lock();
            keeper.unsaved || !keeper.held.is_empty()
        };
        if !holds_something {
            self.venue.wait().await;
        }
    }
}

/// What went wrong with a paper account.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaperError {
    /// The state could not be loaded or saved.
    #[error(transparent)]
    State(#[from] StateError),
    /// What was saved is no state.
    #[error("the saved paper account cannot be read ({0}): restore it, or move it away")]
    Unreadable(String),
    /// The venue refused.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
}

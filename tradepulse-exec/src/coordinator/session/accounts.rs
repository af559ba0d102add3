use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tradepulse_core::desk::DeskSettings;
use tradepulse_core::exchange::{Balance, Exchange, ExchangeError, TradingRules};
use tradepulse_core::market::{InstrumentKind, Symbol};
use tradepulse_core::store::trading::RunMode;

use super::{Session, SessionError, Venue, WalletPlan};
use crate::coordinator::{Clock, Pace};
use crate::exchange::paper::{PaperExchange, PaperFile};

/// Where the orders of a live session go.
#[derive(Clone)]
pub enum Accounts {
    /// To simulated accounts that outlive the process, one file for each wallet in this folder,
    /// which has to be there.
    Paper(PathBuf),
    /// To accounts at the venue whose market data is traded on.
    Venue {
        /// The venue's test network, or money.
        mode: RunMode,
        /// The account of each wallet, by its name. Each is a connection of its own, also where two
        /// wallets share an account.
        by_wallet: BTreeMap<String, Arc<dyn Exchange>>,
    },
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paper(folder) => f.debug_tuple("Paper").field(folder).finish(),
            Self::Venue { mode, by_wallet } => f
                .debug_struct("Venue")
                .field("mode", mode)
                .field("wallets", &by_wallet.keys())
                .finish(),
        }
    }
}

/// An answer may take so many times as long as a request: an adapter asks again what is safe to
/// ask, and asks before it repeats a command.
const PATIENCE: u64 = 4;

impl Session {
    /// The paper account of a wallet. What earlier runs earned or lost is in it.
    pub(super) async fn paper_account(
        &self,
        wallet: &WalletPlan,
        rules: BTreeMap<Symbol, TradingRules>,
        folder: &Path,
        clock: &Clock,
    ) -> Result<(Venue, Arc<PaperExchange>), SessionError> {
        let initial = self.config.trading.paper_capital * wallet.allocation;
        let mut account = wallet.plan.paper_account(&self.config, initial);
        account.markets.clone_from(&rules);
        let quotes = account.balances.clone();
        let file = PaperFile::new(folder.join(format!("paper-{}.json", wallet.name)));
        let opened = PaperExchange::open(account, file);
        let account = opened
            .map_err(|source| SessionError::Paper { wallet: wallet.name.clone(), source })
            .map(Arc::new)?;
        let balances = balances(wallet, &*account).await?;
        let earned =
            quotes.iter().map(|(currency, held)| total(&balances, currency) - held.to_f64());
        let longest = wallet.plan.lanes.iter().map(|lane| lane.timeframe.as_ms()).max();
        let venue = Venue {
            exchange: account.clone(),
            rules,
            capital: initial + earned.sum::<f64>(),
            mode: RunMode::DryRun,
            replay: false,
            in_process: false,
            pace: Pace::Lockstep,
            clock: clock.clone(),
            settings: DeskSettings {
                // A paper order meets the next candle, however long that is.
                entry_patience_ms: 2 * longest.unwrap_or(0),
                order_check_ms: 0,
                ..self.config.desk_settings()
            },
        };
        Ok((venue, account))
    }

    /// The account of a wallet at a venue. A new run begins with the wallet's share of the quote
    /// currency that is there.
    pub(super) async fn account(
        &self,
        wallet: &WalletPlan,
        rules: BTreeMap<Symbol, TradingRules>,
        exchange: &Arc<dyn Exchange>,
        mode: RunMode,
        clock: &Clock,
    ) -> Result<Venue, SessionError> {
        let mut quotes: Vec<&str> = rules.keys().map(Symbol::quote).collect();
        quotes.sort_unstable();
        quotes.dedup();
        let &[quote] = &quotes[..] else {
            let quotes = quotes.join(", ");
            return Err(SessionError::Quotes { wallet: wallet.name.clone(), quotes });
        };
        if exchange.capabilities().kind == InstrumentKind::Perpetual {
            // The venue's leverage bounds a position; sizes come from the trading rules.
            let leverage = self.config.trading.leverage.ceil().max(1.0) as u32;
            for symbol in rules.keys() {
                let prepared = exchange.prepare(symbol, leverage).await;
                prepared.map_err(|source| failed(wallet, source))?;
            }
        }
        let capital = total(&balances(wallet, &**exchange).await?, quote) * wallet.allocation;
        let timeout_ms = u64::from(self.config.timing.request_timeout) * 1_000 * PATIENCE;
        Ok(Venue {
            exchange: Arc::clone(exchange),
            rules,
            capital,
            mode,
            replay: false,
            in_process: false,
            pace: Pace::Concurrent { timeout_ms },
            clock: clock.clone(),
            settings: self.config.desk_settings(),
        })
    }
}

fn total(balances: &[Balance], currency: &str) -> f64 {
    let held = balances.iter().find(|balance| balance.currency == currency);
    held.map_or(0.0, |balance| balance.free.to_f64() + balance.locked.to_f64())
}

async fn balances(
    wallet: &WalletPlan,
    exchange: &dyn Exchange,
) -> Result<Vec<Balance>, SessionError> {
    exchange.balances().await.map_err(|source| failed(wallet, source))
}

fn failed(wallet: &WalletPlan, source: ExchangeError) -> SessionError {
    SessionError::Account { wallet: wallet.name.clone(), source }
}

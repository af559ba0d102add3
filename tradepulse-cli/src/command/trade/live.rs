//! Trading on the candles of now: on paper, on a test network, with money.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::runtime::Runtime;
use tradepulse_core::exchange::MarketData;
use tradepulse_core::random::Seed;
use tradepulse_core::store::TrainedConfiguration;
use tradepulse_core::store::trading::RunMode;
use tradepulse_exec::alert::AlertLevel;
use tradepulse_exec::config::Config;
use tradepulse_exec::coordinator::Clock;
use tradepulse_exec::coordinator::live_feed::LiveFeedSettings;
use tradepulse_exec::coordinator::services::Services;
use tradepulse_exec::coordinator::session::{Accounts, LiveMarket, Session, WalletOutcome};
use tradepulse_exec::logging::LogSettings;
use tradepulse_exec::store::sqlite::SqliteStore;
use tradepulse_strategies::registry_with_models;

use crate::clock::now;
use crate::output::note;
use crate::signals::stop_signal;

/// Where and what is traded.
pub(crate) struct Place {
    pub(crate) data: Arc<dyn MarketData>,
    pub(crate) accounts: Accounts,
    pub(crate) folder: PathBuf,
    pub(crate) store: SqliteStore,
    pub(crate) trained: Vec<TrainedConfiguration>,
    pub(crate) new_run: bool,
}

/// Trades until a signal comes.
pub(crate) fn trade(config: Config, place: Place, runtime: &Runtime) -> Result<Vec<WalletOutcome>> {
    let variable = |name: &str| std::env::var(name).ok();
    let log = LogSettings::from(&config.logging).with_environment(variable(LogSettings::VARIABLE));
    let _log = log.start()?;
    let stop = stop_signal()?;
    runtime.block_on(async {
        let Place { data, accounts, folder, store, trained, new_run } = place;
        let clock = Clock::system();
        let kind = match &accounts {
            Accounts::Paper(_) => RunMode::DryRun,
            Accounts::Venue { mode, .. } => *mode,
        };
        let kind = kind.name();
        let services = Services::start(&config, &folder, &store, clock.clone(), variable).await?;
        if let Some(address) = services.metrics_address() {
            note(format!("figures at http://{address}/metrics, health at http://{address}/health"));
        }
        services.alert(AlertLevel::System, format!("tradepulse trade begins ({kind})"));
        if kind != RunMode::DryRun.name() {
            note(format!("orders go to {} ({kind})", config.exchange.name));
        }
        let services = Arc::new(services);
        let looking_on = Arc::clone(&services);
        let seed = Seed(now().as_ms().unsigned_abs());
        let feed = LiveFeedSettings::new(&config, seed);
        let advisors = crate::models::advisors(&config).await?;
        let session =
            Session::new(config, registry_with_models(), &trained, Arc::new(store), clock.clone())?
                .with_advisors(advisors)
                .giving_up_unfinished(new_run)
                .taking_commands(true)
                .with_observers(move |wallet| looking_on.observers(wallet));
        let market = LiveMarket { data, accounts, clock, feed };
        let traded = session.trade(&market, &stop).await;
        drop(session);
        let text = match &traded {
            Ok(_) => "tradepulse trade has ended in good order".to_owned(),
            Err(error) => format!("tradepulse trade broke off: {error}"),
        };
        let level = if traded.is_ok() { AlertLevel::System } else { AlertLevel::Error };
        services.alert(level, text);
        let Some(services) = Arc::into_inner(services) else {
            bail!("somebody looks on at a session that has ended");
        };
        match services.end().await {
            0 => {}
            count => note(format!("{count} alerts could not be delivered")),
        }
        traded.context("trading broke off; what was done is in the records")
    })
}

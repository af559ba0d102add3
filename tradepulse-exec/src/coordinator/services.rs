//! What goes on around a session: logs, alerts, figures for Prometheus, backups, `trades.csv`.
//!
//! [`Services::start`] begins what the configuration wants; its observers look on at the wallets.
//! What fails here is told and tried again, and never stops trading.

mod alert_observer;
mod csv_observer;
mod daily_summary;
mod log_observer;
mod metrics_observer;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tradepulse_core::store::trading::{TradeRecord, TradingStore, TradingStoreExt};
use tradepulse_core::store::{Page, StoreError};

pub use alert_observer::AlertObserver;
pub use csv_observer::CsvObserver;
pub use daily_summary::DailySummary;
pub use log_observer::LogObserver;
pub use metrics_observer::MetricsObserver;

use super::{Clock, Observer};
use crate::alert::{Alert, AlertLevel, Alerter, Dispatcher};
use crate::config::{AlertsError, Config};
use crate::metrics::{Metrics, MetricsServer, MetricsServerError};
use crate::store::backup::Backups;
use crate::store::trades_csv::{TradesCsv, TradesCsvError};

/// How long alerts may take to be delivered at the end.
const LAST_ALERTS: Duration = Duration::from_secs(2);

/// What goes on around a session, until it is ended.
pub struct Services {
    clock: Clock,
    metrics: Metrics,
    server: Option<MetricsServer>,
    dispatcher: Arc<Dispatcher>,
    summary: DailySummary,
    csv: Option<CsvObserver>,
    tasks: JoinSet<()>,
}

/// Services that cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServicesError {
    /// An alert cannot be delivered to where the configuration says.
    #[error(transparent)]
    Alerts(#[from] AlertsError),
    /// Figures cannot be served.
    #[error(transparent)]
    Metrics(#[from] MetricsServerError),
    /// `trades.csv` cannot be written.
    #[error(transparent)]
    TradesCsv(#[from] TradesCsvError),
    /// The trades cannot be read.
    #[error("records: {0}")]
    Store(#[from] StoreError),
}

impl Services {
    /// Begins what `config` wants, for the database in `data_dir`. `environment` gives the value
    /// of a variable, for secrets. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If a secret is not where it should be, the port is taken, or `trades.csv` cannot be
    /// written.
    pub async fn start(
        config: &Config,
        data_dir: &Path,
        store: &dyn TradingStore,
        clock: Clock,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ServicesError> {
        let subscriptions = config.alerts.subscriptions(environment)?;
        let settings = config.alerts.dispatcher_settings();
        let runtime = tokio::runtime::Handle::current();
        let dispatcher = Arc::new(Dispatcher::start(&runtime, subscriptions, settings));
        let metrics = Metrics::new();
        let server = if config.monitoring.enabled {
            let (host, port, time) =
                (config.monitoring.host, config.monitoring.port, clock.clone());
            Some(MetricsServer::start(host, port, metrics.clone(), move || time.now()).await?)
        } else {
            None
        };
        let csv = match &config.database.trades_csv {
            None => None,
            Some(path) => {
                let mut csv = TradesCsv::open(path)?;
                // Those that a crash came before.
                let trades: Vec<TradeRecord> = store.records(&oldest_first(), Page::ALL).await?;
                for trade in &trades {
                    csv.append(trade)?;
                }
                Some(CsvObserver::new(csv, metrics.clone()))
            }
        };
        let summary = DailySummary::default();
        let mut tasks = JoinSet::new();
        if let Some(hours) = config.database.backup_interval_hours {
            let folder = config.database.backup_folder.clone();
            let backups = Backups {
                data_dir: data_dir.to_owned(),
                folder: folder.unwrap_or_else(|| data_dir.join("backups")),
                every: Duration::from_secs(u64::from(hours) * 3600),
                keep: config.database.backup_keep as usize,
            };
            let (alerter, metrics, time) = (dispatcher.clone(), metrics.clone(), clock.clone());
            tasks.spawn(async move {
                let tell = |taken: Result<_, StoreError>| match taken {
                    Ok(backup) => {
                        let backup: crate::store::backup::Backup = backup;
                        metrics.health().well("backup");
                        tracing::info!(path = %backup.path.display(), "backup");
                    }
                    Err(error) => {
                        let text = format!("the backup failed: {error}");
                        tracing::error!("{text}");
                        metrics.error("backup");
                        metrics.health().unwell("backup", error.to_string());
                        alerter.alert(Alert { level: AlertLevel::Error, at: time.now(), text });
                    }
                };
                backups.run(tell).await;
            });
        }
        let (daily, time, alerter) = (summary.clone(), clock.clone(), dispatcher.clone());
        let hour = config.alerts.daily_summary_hour;
        tasks.spawn(async move { daily.run(hour, time, alerter).await });
        Ok(Self { clock, metrics, server, dispatcher, summary, csv, tasks })
    }

    /// Those who look on at this wallet.
    pub fn observers(&self, wallet: &str) -> Vec<Box<dyn Observer>> {
        let alerts = AlertObserver::new(
            wallet,
            self.dispatcher.clone(),
            self.clock.clone(),
            self.summary.clone(),
        );
        let mut observers: Vec<Box<dyn Observer>> = vec![
            Box::new(LogObserver::new(wallet)),
            Box::new(MetricsObserver::new(wallet, self.metrics.clone())),
            Box::new(alerts),
        ];
        if let Some(csv) = &self.csv {
            observers.push(Box::new(csv.clone()));
        }
        observers
    }

    /// The figures.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Where figures are served, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(MetricsServer::address)
    }

    /// Tells people something of the whole.
    pub fn alert(&self, level: AlertLevel, text: impl Into<String>) {
        self.dispatcher.alert(Alert { level, at: self.clock.now(), text: text.into() });
    }

    /// Ends everything; alerts that wait are delivered, if that takes no more than two seconds.
    /// Gives the number of messages that were given up since the start.
    pub async fn end(self) -> u64 {
        let Self { dispatcher, mut tasks, server, .. } = self;
        tasks.shutdown().await;
        drop(server);
        match Arc::try_unwrap(dispatcher) {
            Ok(dispatcher) => dispatcher.close(LAST_ALERTS).await,
            // Somebody looks on still: it delivers in the background.
            Err(_) => 0,
        }
    }
}

fn oldest_first() -> tradepulse_core::store::trading::RecordFilter {
    tradepulse_core::store::trading::RecordFilter {
        first: tradepulse_core::store::trading::First::Oldest,
        ..Default::default()
    }
}

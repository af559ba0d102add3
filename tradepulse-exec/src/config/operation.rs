use std::net::IpAddr;
use std::path::PathBuf;

use tradepulse_core::market::ExchangeName;
use tradepulse_core::time::Timeframe;

use super::reader::Reader;
use super::section::{choice, section};
use super::setting::VariableName;
use super::yaml::Node;
use super::{SecretKeys, check_secret_keys};

choice! {
    /// How logs are written.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }

    /// The least severe entry that is written.
    LogLevel {
        /// Failures.
        Error = "error",
        /// And what needs a look.
        Warn = "warn",
        /// And what happened.
        Info = "info",
        /// And why.
        Debug = "debug",
        /// And everything else.
        Trace = "trace",
    }

    /// What becomes of open positions when the process is told to stop.
    OnShutdown {
        /// They stay; so do their protective orders at the venue.
        Keep = "keep",
        /// They are closed at market.
        Close = "close",
    }
}

section! {
    /// Candles.
    Data {
        /// Lengths of candle that configurations without a timeframe of their own are traded on.
        timeframes: Vec<Timeframe> = vec![Timeframe::M5], "";
        /// Closed candles loaded before the first decision; more where a strategy needs more.
        candles_count: u32 = 100, "candles", 1 ..= 100_000;
    }
    check Data::check;

    /// Records of what was decided, ordered and traded.
    Database {
        /// Folder of the SQLite file; null is the data directory.
        folder: Option<PathBuf> = None, "";
        /// CSV file to which each closed trade is appended; null writes none.
        trades_csv: Option<PathBuf> = None, "";
        /// How often a backup is made while running; null makes none.
        backup_interval_hours: Option<u32> = Some(24), "h", 1 ..= 8760;
        /// Folder of the backups; null is `backups` beside the SQLite file.
        backup_folder: Option<PathBuf> = None, "";
        /// Backups kept; the oldest goes first.
        backup_keep: u32 = 14, "files", 1 ..= 10_000;
    }

    /// Logs. TRADEPULSE_LOG in the environment comes before `level`.
    Logging {
        /// The least severe entry that is written.
        level: LogLevel = LogLevel::Info, "";
        /// How entries are written.
        format: LogFormat = LogFormat::Text, "";
        /// Folder of a log file a day; null writes to stderr only.
        folder: Option<PathBuf> = None, "";
        /// Log files kept; the oldest goes first.
        keep_files: u32 = 14, "files", 1 ..= 10_000;
    }

    /// Figures for Prometheus at /metrics, and /health.
    Monitoring {
        /// Whether they are served.
        enabled: bool = false, "";
        /// Address they are served at. There is no login: keep it on loopback or behind a proxy.
        host: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), "";
        /// Port they are served at; 0 takes a free one.
        port: u16 = 9184, "", 0 ..= 65535;
    }

    /// An account at a venue, with limits and journal of its own. Without any, there is one called
    /// `main` with the keys of `exchange`.
    Wallet {
        /// What it is called.
        name: String = "main".to_owned(), "";
        /// The venue; null is that of `exchange`.
        exchange: Option<ExchangeName> = None, "";
        /// Environment variable with its API key.
        api_key_env: Option<VariableName> = None, "";
        /// File with its API key.
        api_key_file: Option<PathBuf> = None, "";
        /// Environment variable with its API secret.
        api_secret_env: Option<VariableName> = None, "";
        /// File with its API secret.
        api_secret_file: Option<PathBuf> = None, "";
        /// Share of its balance that may be traded.
        allocation: f64 = 1.0, "fraction", 0.0001 ..= 1.0;
        /// Strategies, and ids of trained configurations, that it trades; none named is all.
        configurations: Vec<String> = Vec::new(), "";
    }
    check Wallet::check;
}

impl Data {
    fn check(&self, node: &Node, reader: &mut Reader) {
        if self.timeframes.is_empty() {
            reader.refuse_entry(node, "timeframes", "name at least one, such as 5m");
        }
    }
}

impl Wallet {
    /// Where its keys are.
    pub fn keys(&self) -> SecretKeys {
        let Self { api_key_env, api_key_file, api_secret_env, api_secret_file, .. } = self;
        SecretKeys::new(api_key_env, api_key_file, api_secret_env, api_secret_file)
    }

    fn check(&self, node: &Node, reader: &mut Reader) {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if self.name.is_empty() || self.name.len() > 32 || !self.name.bytes().all(allowed) {
            let message = "expected 1 to 32 letters, digits, _ and -";
            reader.refuse_entry(node, "name", message);
        }
        check_secret_keys(&self.keys(), node, reader);
    }
}

#[cfg(feature = "logging")]
impl From<&Logging> for crate::logging::LogSettings {
    fn from(logging: &Logging) -> Self {
        Self {
            filter: logging.level.as_str().to_owned(),
            json: logging.format == LogFormat::Json,
            folder: logging.folder.clone(),
            keep_files: logging.keep_files as usize,
        }
    }
}

//! Logs: what `tracing` is told, as text or JSON, on stderr and in a file a day.

use std::io;
use std::path::PathBuf;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::{BoxMakeWriter, MakeWriterExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// How and where logs are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// What is written: a level, or directives of `tracing_subscriber::EnvFilter` such as
    /// `info,tradepulse_exec=debug`.
    pub filter: String,
    /// JSON, one object a line; otherwise text.
    pub json: bool,
    /// Folder of the files `tradepulse.YYYY-MM-DD.log` (UTC days); without one only stderr is
    /// written to.
    pub folder: Option<PathBuf>,
    /// Files kept; the oldest goes first.
    pub keep_files: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "info".to_owned(), json: false, folder: None, keep_files: 14 }
    }
}

impl LogSettings {
    /// The environment variable whose filter comes before all others.
    pub const VARIABLE: &'static str = "TRADEPULSE_LOG";

    /// The same with the filter in the value of [`VARIABLE`](Self::VARIABLE), if it is set.
    #[must_use]
    pub fn with_environment(mut self, value: Option<String>) -> Self {
        if let Some(filter) = value.filter(|filter| !filter.trim().is_empty()) {
            self.filter = filter;
        }
        self
    }

    /// Begins to log, for the whole process. Keep what is returned: when it goes, what is still in
    /// memory is written.
    ///
    /// # Errors
    /// If the filter or the folder cannot be used, or something else logs already.
    pub fn start(&self) -> Result<LogGuard, LogError> {
        let (subscriber, guard) = self.subscriber(io::stderr)?;
        subscriber.try_init().map_err(LogError::Taken)?;
        Ok(guard)
    }

    /// What [`start`](Self::start) uses, with another writer in the place of stderr.
    ///
    /// # Errors
    /// If the filter or the folder cannot be used.
    pub fn subscriber<W>(
        &self,
        writer: W,
    ) -> Result<(Box<dyn tracing::Subscriber + Send + Sync>, LogGuard), LogError>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let filter = EnvFilter::builder().parse(&self.filter).map_err(|error| {
            LogError::Filter { filter: self.filter.clone(), reason: error.to_string() }
        })?;
        let (writer, worker) = match &self.folder {
            None => (BoxMakeWriter::new(writer), None),
            Some(folder) => {
                let unusable = |source| LogError::Folder { folder: folder.clone(), source };
                let file = RollingFileAppender::builder()
                    .rotation(Rotation::DAILY)
                    .filename_prefix("tradepulse")
                    .filename_suffix("log")
                    .max_log_files(self.keep_files.max(1))
                    .build(folder)
                    .map_err(unusable)?;
                // A disk that stalls loses lines rather than holding up trading.
                let (file, worker) = tracing_appender::non_blocking(file);
                (BoxMakeWriter::new(writer.and(file)), Some(worker))
            }
        };
        let builder =
            tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer);
        let subscriber: Box<dyn tracing::Subscriber + Send + Sync> = if self.json {
            Box::new(builder.json().flatten_event(true).finish())
        } else {
            Box::new(builder.finish())
        };
        Ok((subscriber, LogGuard { _worker: worker }))
    }
}

/// Writes what is left when it goes.
#[derive(Debug)]
pub struct LogGuard {
    _worker: Option<WorkerGuard>,
}

/// Logs that cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The filter cannot be read.
    #[error(
        "log filter {filter:?}: {reason}; expected a level (error, warn, info, debug, trace) or \
         directives such as info,tradepulse_exec=debug"
    )]
    Filter {
        /// The filter.
        filter: String,
        /// Why.
        reason: String,
    },
    /// The folder cannot be written to.
    #[error("cannot write logs in {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: InitError,
    },
    /// Something else logs already.
    #[error("logging was started before: {0}")]
    Taken(TryInitError),
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn log_file(folder: &Path) -> String {
        let files: Vec<_> =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let name = files[0].file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with("tradepulse.") && name.ends_with(".log"), "{name}");
        fs::read_to_string(&files[0]).unwrap()
    }

    fn log(settings: &LogSettings) {
        let (subscriber, guard) = settings.subscriber(io::sink).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(symbol = "BTC/USDT", "an entry");
            tracing::debug!("a detail");
        });
        drop(guard);
    }

    #[test]
    fn files_have_what_the_filter_lets_pass() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("logs");
        let settings = LogSettings { folder: Some(dir.clone()), ..LogSettings::default() };
        log(&settings);
        let text = log_file(&dir);
        assert!(
            text.contains("an entry symbol=\"BTC/USDT\"") && !text.contains("detail"),
            "{text}"
        );

        let json = LogSettings { json: true, folder: Some(folder.path().join("j")), ..settings };
        let json = json.with_environment(Some("debug".into())).with_environment(Some(" ".into()));
        log(&json);
        let text = log_file(&folder.path().join("j"));
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["symbol"], "BTC/USDT");
        assert_eq!(
            (&lines[1]["message"], &lines[1]["level"]),
            (&"a detail".into(), &"DEBUG".into())
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let settings = LogSettings { filter: "loud=yes=no".into(), ..LogSettings::default() };
        let error = settings.subscriber(io::sink).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("loud=yes=no") && error.contains("warn"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let settings = LogSettings { folder: Some(file), ..LogSettings::default() };
        let error = settings.subscriber(io::sink).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("cannot write logs in"), "{error}");
    }
}

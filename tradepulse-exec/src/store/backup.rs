//! Backups of a database in use: when, where, and how many are kept.
//!
//! ```
//! use std::time::Duration;
//! use tradepulse_core::time::Timestamp;
//! use tradepulse_exec::store::{backup::Backups, sqlite::SqliteStore};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let _in_use = SqliteStore::open(folder.path()).await?;
//! let backups = Backups {
//!     data_dir: folder.path().to_owned(),
//!     folder: folder.path().join("backups"),
//!     every: Duration::from_secs(24 * 3600),
//!     keep: 7,
//! };
//! let now: Timestamp = "2024-05-01T12:30:00Z".parse()?;
//! assert_eq!(backups.due_in(now)?, Duration::ZERO);
//! let backup = backups.take(now).await?;
//! assert!(backup.path.ends_with("tradepulse-20240501T123000.db"));
//! assert_eq!(backups.due_in(now)?, Duration::from_secs(24 * 3600));
//! backups.rehearse(&backup).await?;
//! # Ok(())
//! # }
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tradepulse_core::{store::StoreError, time::Timestamp};

use super::sqlite::{
    error::io_failed,
    maintenance::{self, Status},
};

/// How long a backup that failed waits for its next try, at most.
const RETRY: Duration = Duration::from_secs(60);

/// Backups of the database in a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backups {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Where they go; made if it is not there.
    pub folder: PathBuf,
    /// Time from one to the next.
    pub every: Duration,
    /// How many are kept: the newest. At least one is.
    pub keep: usize,
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Backup {
    /// When it was taken, to the second, ms.
    pub at: Timestamp,
    /// The file: `tradepulse-YYYYMMDDTHHMMSS.db`, in UTC.
    pub path: PathBuf,
}

impl Backup {
    fn new(folder: &Path, at: Timestamp) -> Self {
        let at = Timestamp::from_ms(at.as_ms() - at.as_ms().rem_euclid(1000));
        let digits = at.to_string().replace(['-', ':', 'Z'], "");
        Self { at, path: folder.join(format!("tradepulse-{digits}.db")) }
    }

    /// The backup that a file is by its name.
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let digits = name.strip_prefix("tradepulse-")?.strip_suffix(".db")?;
        let part = |range: std::ops::Range<usize>| digits.get(range);
        let (date, time) = (part(0..8)?, part(9..15)?);
        let text = format!(
            "{}-{}-{}T{}:{}:{}Z",
            &date.get(..4)?,
            &date.get(4..6)?,
            &date.get(6..)?,
            &time.get(..2)?,
            &time.get(2..4)?,
            &time.get(4..)?
        );
        let backup = Self::new(path.parent()?, text.parse().ok()?);
        (backup.path == path).then_some(backup)
    }
}

impl Backups {
    /// Their folder in a data directory, unless another one is wanted.
    pub const FOLDER: &str = "backups";

    /// Takes one: a copy of one instant, verified by opening and reading all of it, durable. Then
    /// deletes those beyond the newest [`keep`](Self::keep), never the one just taken.
    ///
    /// # Errors
    /// As [`maintenance::backup`]; [`StoreError::Io`] if an old one cannot be deleted.
    pub async fn take(&self, now: Timestamp) -> Result<Backup, StoreError> {
        fs::create_dir_all(&self.folder).map_err(|e| io_failed(&self.folder, e))?;
        let backup = Backup::new(&self.folder, now);
        maintenance::backup(&self.data_dir, &backup.path).await?;
        let mut others = self.list()?;
        others.retain(|other| *other != backup);
        for old in others.into_iter().skip(self.keep.max(1) - 1) {
            fs::remove_file(&old.path).map_err(|e| io_failed(&old.path, e))?;
        }
        Ok(backup)
    }

    /// Those that are there, the newest first. Other files in the folder are not looked at.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Backup>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| io_failed(&self.folder, e))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| io_failed(&self.folder, e))?.path();
            found.extend(Backup::of(&path));
        }
        found.sort_by(|a, b| b.cmp(a));
        Ok(found)
    }

    /// How long it is until the next one is due: no time if there is none, never more than
    /// [`every`](Self::every), also if the clock was set back.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn due_in(&self, now: Timestamp) -> Result<Duration, StoreError> {
        let Some(newest) = self.list()?.into_iter().next() else { return Ok(Duration::ZERO) };
        let age = now.as_ms().saturating_sub(newest.at.as_ms());
        Ok(self.every.saturating_sub(Duration::from_millis(u64::try_from(age).unwrap_or(0))))
    }

    /// Takes one whenever it is due, tells what came of it, and goes on, until it is dropped. One
    /// that failed is tried again within a minute.
    pub async fn run(&self, mut tell: impl FnMut(Result<Backup, StoreError>)) {
        let now = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        };
        loop {
            let wait = match self.due_in(now()) {
                Ok(Duration::ZERO) => {
                    let taken = self.take(now()).await;
                    let failed = taken.is_err();
                    tell(taken);
                    if failed { RETRY.min(self.every) } else { Duration::ZERO }
                }
                Ok(wait) => wait,
                Err(error) => {
                    tell(Err(error));
                    RETRY.min(self.every)
                }
            };
            // A pause even where backups are wanted without one: names have whole seconds.
            tokio::time::sleep(wait.max(Duration::from_secs(1))).await;
        }
    }

    /// Restores a backup to a place of its own, reads all of it, and returns what is in it. The
    /// data directory is not touched.
    ///
    /// # Errors
    /// As [`maintenance::restore`] and [`maintenance::check`].
    pub async fn rehearse(&self, backup: &Backup) -> Result<Status, StoreError> {
        let place = self.folder.join(".rehearsal");
        clear(&place)?;
        let restored = async {
            maintenance::restore(&place, &backup.path).await?;
            maintenance::check(&place).await?;
            maintenance::status(&place).await
        }
        .await;
        clear(&place)?;
        restored
    }
}

fn clear(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_failed(folder, e)),
        _ => Ok(()),
    }
}

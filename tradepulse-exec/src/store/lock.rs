//! One process per data directory: a lock that names who holds it.
//!
//! The lock belongs to the open file, so the kernel releases it however the process ends; the file
//! `tradepulse.lock` stays and is no sign of a running process by itself.
//!
//! ```
//! use tradepulse_exec::store::lock::{InstanceLock, LockError, LockState};
//! let folder = tempfile::tempdir()?;
//! let lock = InstanceLock::take(folder.path())?;
//! let refused = InstanceLock::take(folder.path()).unwrap_err();
//! assert!(matches!(&refused, LockError::Held { holder: Some(h), .. } if h.pid == std::process::id()));
//! assert!(LockState::of(folder.path())?.held);
//! drop(lock);
//! assert!(!LockState::of(folder.path())?.held);
//! InstanceLock::take(folder.path())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    env, fmt,
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use tradepulse_core::time::Timestamp;

/// Name of the lock in the data directory.
pub const LOCK_NAME: &str = "tradepulse.lock";

/// A process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// What it was started with.
    pub command: String,
    /// When it took the lock, ms.
    pub started_at: Timestamp,
}

impl Holder {
    fn this_process() -> Self {
        let words = env::args_os().map(|word| word.to_string_lossy().into_owned());
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            pid: process::id(),
            command: words.collect::<Vec<_>>().join(" "),
            started_at: Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({}), running since {}", self.pid, self.command, self.started_at)
    }
}

/// The right to be the one process that trades with a data directory; ends with the value, or with
/// the process.
#[derive(Debug)]
pub struct InstanceLock {
    file: File,
}

impl InstanceLock {
    /// Takes the right, making the directory if there is none.
    ///
    /// # Errors
    /// [`LockError::Held`] if another has it, [`LockError::Io`] if the file cannot be used.
    pub fn take(data_dir: &Path) -> Result<Self, LockError> {
        let path = data_dir.join(LOCK_NAME);
        let io = |source| LockError::Io { path: path.clone(), source };
        fs::create_dir_all(data_dir).map_err(io)?;
        let mut options = File::options();
        let opened = options.create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = opened.map_err(io)?;
        let mut tried = file.try_lock();
        if matches!(tried, Err(TryLockError::WouldBlock)) {
            // It may have been held for an instant only, by somebody who looks.
            thread::sleep(Duration::from_millis(20));
            tried = file.try_lock();
        }
        match tried {
            Ok(()) => {
                let holder = serde_json::to_string(&Holder::this_process());
                let line = holder.map_err(|e| io(e.into()))? + "\n";
                file.set_len(0).and_then(|()| file.write_all(line.as_bytes())).map_err(io)?;
                Ok(Self { file })
            }
            Err(TryLockError::WouldBlock) => Err(LockError::Held { holder: read(file), path }),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

/// Whether a data directory is locked, as somebody sees it who does not want the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockState {
    /// Whether a process holds the lock.
    pub held: bool,
    /// Who holds it, if it says so.
    pub holder: Option<Holder>,
}

impl LockState {
    /// The state of the lock of this directory. Nothing is made or written.
    ///
    /// # Errors
    /// [`LockError::Io`] if the file cannot be used.
    pub fn of(data_dir: &Path) -> Result<Self, LockError> {
        const FREE: LockState = LockState { held: false, holder: None };
        let path = data_dir.join(LOCK_NAME);
        let io = |source| LockError::Io { path: path.clone(), source };
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FREE),
            opened => opened.map_err(io)?,
        };
        // A lock given back in good order names nobody; only what a crash may have left is tried.
        if file.metadata().map_err(io)?.len() == 0 {
            return Ok(FREE);
        }
        match file.try_lock_shared() {
            Ok(()) => Ok(FREE),
            Err(TryLockError::WouldBlock) => Ok(Self { held: true, holder: read(file) }),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        // Best effort: what is left names nobody who could be asked.
        let _ = self.file.set_len(0);
    }
}

/// Who holds the lock, as the file says; asked again if it was taken this very moment.
fn read(mut file: File) -> Option<Holder> {
    for _ in 0..5 {
        let mut text = String::new();
        let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
        if read.is_ok()
            && let Ok(holder) = serde_json::from_str(&text)
        {
            return Some(holder);
        }
        thread::sleep(Duration::from_millis(20));
    }
    None
}

/// A lock that was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process has it: end that, or use another data directory.
    #[error(
        "{} is held by {}: end it first, or use another data directory",
        .path.display(),
        .holder.as_ref().map_or("a process that does not say which".to_owned(), ToString::to_string)
    )]
    Held {
        /// The lock.
        path: PathBuf,
        /// Who has it, if it says so.
        holder: Option<Holder>,
    },
    /// The lock cannot be used.
    #[error("cannot use the lock {}", .path.display())]
    Io {
        /// The lock.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

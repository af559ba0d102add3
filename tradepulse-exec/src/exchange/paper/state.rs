use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic;

/// Where the state of a paper account is kept: one document, replaced whole.
pub trait PaperState: fmt::Debug + Send + Sync {
    /// What was saved last; `None` if nothing ever was.
    ///
    /// # Errors
    /// If that cannot be said.
    fn load(&self) -> Result<Option<Vec<u8>>, StateError>;

    /// Replaces it, durably. After an error the old state may be there, or the new one.
    ///
    /// # Errors
    /// If it may not be durable.
    fn save(&self, state: &[u8]) -> Result<(), StateError>;
}

/// State that could not be loaded or saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state of the paper account cannot be loaded or saved: {reason}")]
pub struct StateError {
    /// What was tried, and what went wrong.
    pub reason: String,
}

/// A JSON file. It is replaced atomically: after a crash there is the old state or the new one.
#[derive(Clone, Debug)]
pub struct PaperFile {
    path: PathBuf,
}

impl PaperFile {
    /// The file at `path`; its folder has to be there. One process at a time may use it.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn error(&self, what: &str, error: &io::Error) -> StateError {
        StateError { reason: format!("{what} {}: {error}", self.path.display()) }
    }
}

impl PaperState for PaperFile {
    fn load(&self) -> Result<Option<Vec<u8>>, StateError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error("reading", &error)),
        }
    }

    fn save(&self, state: &[u8]) -> Result<(), StateError> {
        let write = || -> io::Result<()> {
            atomic::write(&self.path, |file| io::Write::write_all(file, state))?;
            atomic::sync_folder(self.path.parent().unwrap_or(Path::new("")))
        };
        write().map_err(|error| self.error("writing", &error))
    }
}

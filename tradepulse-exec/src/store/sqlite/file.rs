//! The file, looked at from outside.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
};

use tradepulse_core::store::StoreError;

use super::error::io_failed;

/// Name of the database in the data directory.
pub const FILE_NAME: &str = "tradepulse.db";

/// What the header of our files says ("TPls"), so that no other program's file is taken for one.
pub(super) const APPLICATION_ID: u32 = 0x5450_6c73;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing, or an empty file.
    Nothing,
    /// A database of ours.
    Ours,
}

/// What `path` leads to, found out by reading alone.
///
/// The mark is in the file from its first transaction on, which is made before write-ahead logging
/// begins; so it never is in the log only.
pub(super) fn inspect(path: &Path) -> Result<Found, StoreError> {
    let foreign = |reason: &str| {
        let (place, reason) = (path.display().to_string(), reason.to_owned());
        Err(StoreError::Foreign { place, reason })
    };
    let mut header = Vec::new();
    match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(e) => return Err(io_failed(path, e)),
        Ok(file) => {
            file.take(100).read_to_end(&mut header).map_err(|e| io_failed(path, e))?;
        }
    }
    if header.is_empty() {
        return Ok(Found::Nothing);
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return foreign("it is not a SQLite file");
    }
    match header.get(68..72) {
        Some(id) if id == APPLICATION_ID.to_be_bytes() => Ok(Found::Ours),
        _ => foreign("it is a SQLite file of another program"),
    }
}

/// `path` with `suffix` behind its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The right to use the database, or to replace it; ends with the value, or with the process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// The right to use the database, which many may have.
    pub(super) fn shared(path: &Path) -> Result<Self, StoreError> {
        Self::take(path, File::try_lock_shared, "a backup is being restored")
    }

    /// The right to replace it, which one has alone.
    pub(super) fn exclusive(path: &Path) -> Result<Self, StoreError> {
        Self::take(path, File::try_lock, "it is open: end what uses it")
    }

    fn take(
        path: &Path,
        lock: fn(&File) -> Result<(), TryLockError>,
        reason: &str,
    ) -> Result<Self, StoreError> {
        let place = beside(path, ".lock");
        let mut options = File::options();
        let opened = options.create(true).truncate(false).write(true).open(&place);
        let file = opened.map_err(|e| io_failed(&place, e))?;
        match lock(&file) {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let (place, reason) = (path.display().to_string(), reason.to_owned());
                Err(StoreError::Busy { place, reason })
            }
            Err(TryLockError::Error(e)) => Err(io_failed(&place, e)),
        }
    }
}

/// Size of a file, bytes; 0 if there is none.
pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |m| m.len())
}

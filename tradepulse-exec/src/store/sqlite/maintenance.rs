//! Looking after the database: status, migration, backup, restore, vacuum.
//!
//! ```
//! use tradepulse_exec::store::sqlite::{SCHEMA_VERSION, SqliteStore, maintenance};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = SqliteStore::open(folder.path()).await?;
//! let copy = folder.path().join("copy.db");
//! maintenance::backup(folder.path(), &copy).await?; // while the store is in use
//! store.close().await;
//! maintenance::restore(folder.path(), &copy).await?;
//! let status = maintenance::status(folder.path()).await?;
//! assert_eq!(status.schema_version, Some(SCHEMA_VERSION));
//! # Ok(())
//! # }
//! ```

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde::Serialize;
use sqlx::{ConnectOptions, Row, SqliteConnection};
use tradepulse_core::store::StoreError;

use super::{
    FILE_NAME, Options, SCHEMA_VERSION,
    error::{Failure, failed, io_failed},
    file::{self, Found, Lock, beside},
    prepare,
    schema::{self, execute},
};

/// What a database is like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The file.
    pub path: PathBuf,
    /// Its schema version; `None` if there is no database yet.
    pub schema_version: Option<u32>,
    /// The latest schema version this program knows.
    pub known_version: u32,
    /// Size of the file, bytes.
    pub bytes: u64,
    /// Size of its write-ahead log, bytes.
    pub log_bytes: u64,
    /// Bytes in the file that hold nothing, to be given back by [`vacuum`].
    pub unused_bytes: u64,
    /// The tables and how many rows each has, in order of names.
    pub tables: Vec<(String, u64)>,
}

/// What the database in `data_dir` is like. Nothing is made or migrated; a later schema is told,
/// not refused.
///
/// # Errors
/// [`StoreError::Foreign`] if the file is another program's; what reading met.
pub async fn status(data_dir: &Path) -> Result<Status, StoreError> {
    let path = data_dir.join(FILE_NAME);
    let mut status = Status {
        schema_version: None,
        known_version: SCHEMA_VERSION,
        bytes: file::size(&path),
        log_bytes: file::size(&beside(&path, "-wal")),
        unused_bytes: 0,
        tables: Vec::new(),
        path: path.clone(),
    };
    if file::inspect(&path)? == Found::Ours {
        let _lock = Lock::shared(&path)?;
        let mut connection = connect(&path).await?;
        look(&mut connection, &mut status).await.map_err(|e| e.at(&path))?;
        schema::close(connection, &path).await?;
    }
    Ok(status)
}

async fn look(connection: &mut SqliteConnection, status: &mut Status) -> Result<(), Failure> {
    status.schema_version = Some(schema::found_version(connection).await?);
    let free: i64 = number(connection, "PRAGMA freelist_count".to_owned()).await?;
    let page: i64 = number(connection, "PRAGMA page_size".to_owned()).await?;
    status.unused_bytes = u64::try_from(free.saturating_mul(page)).unwrap_or_default();
    let tables = "SELECT name FROM sqlite_schema
                  WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    for row in sqlx::query(tables).fetch_all(&mut *connection).await? {
        let name: String = row.try_get(0)?;
        let quoted = name.replace('"', "\"\"");
        let rows: i64 = number(connection, format!("SELECT COUNT(*) FROM \"{quoted}\"")).await?;
        status.tables.push((name, u64::try_from(rows).unwrap_or_default()));
    }
    Ok(())
}

/// The version of SQLite that is built in.
///
/// # Errors
/// [`StoreError::Io`] if it does not start.
pub async fn sqlite_version() -> Result<String, StoreError> {
    let memory = Path::new(":memory:");
    let mut connection = connect(memory).await?;
    let version = number(&mut connection, "SELECT sqlite_version()".to_owned()).await;
    version.map_err(|failure| failure.at(memory))
}

/// Brings the database in `data_dir` to [`SCHEMA_VERSION`], making it if there is none. Returns
/// the version it had, 0 if there was none. Opening a store does the same.
///
/// # Errors
/// As [`SqliteStore::open`](super::SqliteStore::open).
pub async fn migrate(data_dir: &Path) -> Result<u32, StoreError> {
    prepare(data_dir, Options::default()).await.map(|(_, _, version)| version)
}

/// Writes a copy of the database in `data_dir` to the file `to`, which must not be there yet. The
/// database may be in use: the copy is of one instant, compact and verified.
///
/// # Errors
/// [`StoreError::Conflict`] if there is a file `to`, [`StoreError::Io`] if there is no database,
/// [`StoreError::Corrupt`] if it is damaged, [`StoreError::Full`] if there is no room.
pub async fn backup(data_dir: &Path, to: &Path) -> Result<(), StoreError> {
    let path = data_dir.join(FILE_NAME);
    if to.try_exists().map_err(|e| io_failed(to, e))? {
        return Err(StoreError::Conflict(format!("{} is there already", to.display())));
    }
    require(&path)?;
    let _lock = Lock::shared(&path)?;
    let unfinished = beside(to, ".unfinished");
    let copied = async {
        copy(&path, &unfinished).await?;
        // Unlike a rename, a link does not replace what another may have put there meanwhile.
        fs::hard_link(&unfinished, to).map_err(|e| io_failed(to, e))?;
        sync_folder_of(to)
    }
    .await;
    // Best effort: the first error is the one to tell.
    let _ = fs::remove_file(&unfinished);
    copied
}

/// Puts the backup `from` in the place of the database in `data_dir`, which nothing may be using.
/// The backup is verified before anything is changed, and takes the place in one step; what was
/// there before is kept beside it as `tradepulse.db.before-restore`, with a number where that is
/// there already; its path is returned.
///
/// # Errors
/// [`StoreError::Busy`] if the database is in use; [`StoreError::Foreign`], [`StoreError::Newer`]
/// or [`StoreError::Corrupt`] if the backup cannot be taken, or if the database is another
/// program's.
pub async fn restore(data_dir: &Path, from: &Path) -> Result<Option<PathBuf>, StoreError> {
    let path = data_dir.join(FILE_NAME);
    require(from)?;
    let present = file::inspect(&path);
    if let Err(error @ (StoreError::Foreign { .. } | StoreError::Io { .. })) = present {
        return Err(error);
    }
    fs::create_dir_all(data_dir).map_err(|e| io_failed(data_dir, e))?;
    let _lock = Lock::exclusive(&path)?;
    let unfinished = beside(&path, ".unfinished");
    let restored = async {
        copy(from, &unfinished).await?;
        let kept = match present? {
            Found::Ours => Some(set_aside(&path).await?),
            Found::Nothing => None,
        };
        fs::rename(&unfinished, &path).map_err(|e| io_failed(&path, e))?;
        sync_folder_of(&path)?;
        Ok(kept)
    }
    .await;
    if restored.is_err() {
        // Best effort: the first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    restored
}

/// Keeps the database beside itself, and leaves no log that could be taken for the next one's.
/// Returns where it is kept.
async fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    match settle(path).await {
        Ok(()) | Err(StoreError::Corrupt { .. }) => {}
        Err(error) => return Err(error),
    }
    let aside = free_beside(path)?;
    for suffix in ["", "-wal"] {
        let (old, kept) = (beside(path, suffix), beside(&aside, suffix));
        if old.try_exists().map_err(|e| io_failed(&old, e))? {
            fs::hard_link(&old, &kept).map_err(|e| io_failed(&kept, e))?;
        }
    }
    remove(&beside(path, "-wal"))?;
    remove(&beside(path, "-shm"))?;
    Ok(aside)
}

/// The first name beside `path` under which nothing is kept yet.
fn free_beside(path: &Path) -> Result<PathBuf, StoreError> {
    let mut number = 1_u32;
    loop {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let aside = beside(path, &format!(".before-restore{suffix}"));
        let taken = |path: &Path| path.try_exists().map_err(|e| io_failed(path, e));
        if !taken(&aside)? && !taken(&beside(&aside, "-wal"))? {
            return Ok(aside);
        }
        number = number.saturating_add(1);
    }
}

/// Takes the log into the file, which nobody else may have open.
async fn settle(path: &Path) -> Result<(), StoreError> {
    let mut connection = connect(path).await?;
    let alone = execute(&mut connection, "PRAGMA journal_mode = DELETE").await;
    // What cannot be read any more cannot be closed in good order either.
    let _ = schema::close(connection, path).await;
    alone.map_err(|e| failed(path, e))
}

/// Rewrites the database in `data_dir` without the room that nothing uses any more. Returns how
/// many bytes that gave back.
///
/// # Errors
/// [`StoreError::Busy`] if another process writes, [`StoreError::Full`] if there is no room for
/// the copy that is made on the way.
pub async fn vacuum(data_dir: &Path) -> Result<u64, StoreError> {
    let path = data_dir.join(FILE_NAME);
    require(&path)?;
    let _lock = Lock::shared(&path)?;
    let mut connection = connect(&path).await?;
    schema::version(&mut connection, &path).await?;
    let sizes = || file::size(&path) + file::size(&beside(&path, "-wal"));
    let before = sizes();
    for step in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
        execute(&mut connection, step).await.map_err(|e| failed(&path, e))?;
    }
    schema::close(connection, &path).await?;
    Ok(before.saturating_sub(sizes()))
}

/// Reads every page, index and reference of the database in `data_dir`.
///
/// # Errors
/// [`StoreError::Corrupt`] with the first thing that is wrong.
pub async fn check(data_dir: &Path) -> Result<(), StoreError> {
    let path = data_dir.join(FILE_NAME);
    require(&path)?;
    let _lock = Lock::shared(&path)?;
    check_file(&path).await
}

/// Reads every page, index and reference of the database file `path`, such as a backup.
///
/// # Errors
/// As [`check`]; [`StoreError::Foreign`] or [`StoreError::Newer`] if it is not for this program.
pub async fn check_file(path: &Path) -> Result<(), StoreError> {
    require(path)?;
    let mut connection = connect(path).await?;
    verify(&mut connection, path).await?;
    schema::close(connection, path).await
}

/// A verified and durable copy of the database `from` as the file `to`.
async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    remove(to)?;
    let mut connection = connect(from).await?;
    verify(&mut connection, from).await?;
    let text = to.to_str().ok_or_else(|| {
        let reason = "its name is not Unicode, which SQLite needs";
        io_failed(to, std::io::Error::new(std::io::ErrorKind::InvalidInput, reason))
    })?;
    sqlx::query("VACUUM INTO ?")
        .bind(text.to_owned())
        .execute(&mut connection)
        .await
        .map_err(|e| failed(to, e))?;
    schema::close(connection, from).await?;
    let mut copy = connect(to).await?;
    verify(&mut copy, to).await?;
    schema::close(copy, to).await?;
    File::open(to).and_then(|file| file.sync_all()).map_err(|e| io_failed(to, e))
}

async fn verify(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    schema::version(connection, path).await?;
    let corrupt =
        |reason: String| StoreError::Corrupt { place: path.display().to_string(), reason };
    let found: String =
        number(connection, "PRAGMA integrity_check(1)".to_owned()).await.map_err(|e| e.at(path))?;
    if found != "ok" {
        return Err(corrupt(found));
    }
    let dangling = sqlx::query("PRAGMA foreign_key_check").fetch_optional(connection).await;
    match dangling.map_err(|e| failed(path, e))? {
        None => Ok(()),
        Some(row) => {
            let table: String = row.try_get(0).map_err(|e| failed(path, e))?;
            Err(corrupt(format!("a row of {table} refers to one that is not there")))
        }
    }
}

/// The first value of the first row.
async fn number<T>(connection: &mut SqliteConnection, sql: String) -> Result<T, Failure>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    Options::default().connect(path).connect().await.map_err(|e| failed(path, e))
}

/// That `path` is a database of ours.
fn require(path: &Path) -> Result<(), StoreError> {
    match file::inspect(path)? {
        Found::Ours => Ok(()),
        Found::Nothing => Err(io_failed(path, std::io::ErrorKind::NotFound.into())),
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io_failed(path, e)),
        _ => Ok(()),
    }
}

fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    crate::atomic::sync_folder(folder).map_err(|e| io_failed(folder, e))
}

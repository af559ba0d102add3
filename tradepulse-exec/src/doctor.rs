//! The machine and the installation: each thing with what was found, and what to do about it.
//!
//! Nothing is made, migrated or repaired.

use std::fs;
use std::path::Path;

use tradepulse_core::store::trading::{RecordFilter, RunRecord, TradingStoreExt};
use tradepulse_core::store::{Page, StoreError};
use tradepulse_core::time::Timestamp;

use crate::check::{Check, free_bytes, nearest_folder, size, with_causes};
use crate::config::ConfigError;
use crate::store::columnar::CandleStore;
use crate::store::lock::{LOCK_NAME, LockState};
use crate::store::sqlite::{FILE_NAME, SCHEMA_VERSION, SqliteStore, maintenance};

/// Free space below which it is said so.
const LITTLE_DISK: u64 = 1 << 30;
/// Free memory below which it is said so.
const LITTLE_MEMORY: u64 = 256 << 20;
/// The clock of a machine that runs this program is not before 2025-01-01.
const EARLIEST_CLOCK: Timestamp = Timestamp::from_ms(1_735_689_600_000);

/// Looks at everything: the data directory, the configuration as it was read (`None`: there is no
/// file), and the machine.
pub async fn examine(
    data_dir: &Path,
    config: Option<(&Path, Result<(), ConfigError>)>,
    now: Timestamp,
) -> Vec<Check> {
    let database = database(data_dir).await;
    vec![
        folder(data_dir),
        disk(data_dir),
        memory(),
        processor(),
        clock(data_dir, now).await,
        Check::of(
            "SQLite",
            maintenance::sqlite_version().await.map(|version| format!("version {version}")),
            "build the program anew: SQLite is built in",
        ),
        database,
        candles(data_dir),
        lock(data_dir),
        configuration(config),
    ]
}

/// Whether the data directory, or the folder it would be made in, can be written to.
fn folder(data_dir: &Path) -> Check {
    let place = nearest_folder(data_dir);
    let probe = place.join(format!(".tradepulse-doctor-{}", std::process::id()));
    let written = fs::write(&probe, b"probe").and_then(|()| fs::remove_file(&probe));
    let found = written.map(|()| match place == data_dir {
        true => format!("{} can be written to", data_dir.display()),
        false => format!("{} is not there yet, and can be made", data_dir.display()),
    });
    Check::of("data directory", found, "give yourself the right to write there, or use --data-dir")
}

fn disk(data_dir: &Path) -> Check {
    match free_bytes(data_dir) {
        Err(error) => Check::skipped("disk", format!("free space cannot be asked for: {error}")),
        Ok(free) if free < LITTLE_DISK => Check::warning(
            "disk",
            format!("only {} free for {}", size(free), data_dir.display()),
            "make room: a full disk stops trading",
        ),
        Ok(free) => Check::pass("disk", format!("{} free", size(free))),
    }
}

fn memory() -> Check {
    let Ok(text) = fs::read_to_string("/proc/meminfo") else {
        return Check::skipped("memory", "this system has no /proc/meminfo");
    };
    let figure = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().ok()?;
        Some(kib << 10)
    };
    match (figure("MemAvailable"), figure("MemTotal")) {
        (Some(free), Some(total)) if free < LITTLE_MEMORY => Check::warning(
            "memory",
            format!("only {} of {} available", size(free), size(total)),
            "end other programs: trainings need some hundred MiB",
        ),
        (Some(free), Some(total)) => {
            Check::pass("memory", format!("{} of {} available", size(free), size(total)))
        }
        _ => Check::skipped("memory", "/proc/meminfo does not tell"),
    }
}

fn processor() -> Check {
    let cores = match std::thread::available_parallelism() {
        Ok(cores) if cores.get() == 1 => "1 core".to_owned(),
        Ok(cores) => format!("{cores} cores"),
        Err(error) => return Check::skipped("processor", format!("cores: {error}")),
    };
    let architecture = std::env::consts::ARCH;
    let features = features();
    let features = match features.is_empty() {
        true => "features not looked at".to_owned(),
        false => features.join(", "),
    };
    Check::pass("processor", format!("{cores}, {architecture}: {features}"))
}

/// What the processor can do of what matters here; empty where it is not looked at.
fn features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        let known = [
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
            ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
            ("sha", std::arch::is_x86_feature_detected!("sha")),
        ];
        known.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    Vec::new()
}

/// Whether the clock can be right: not before this program, nor before what was recorded.
async fn clock(data_dir: &Path, now: Timestamp) -> Check {
    const ADVICE: &str = "set the clock: switch time synchronisation on";
    const NOTE: &str = "the offset to the world's time is not measured here: tradepulse preflight \
                        compares it with the venue's";
    if now < EARLIEST_CLOCK {
        return Check::fail("clock", format!("it says {now}"), ADVICE);
    }
    let newest = match current(data_dir).await {
        None => None,
        Some(Err(error)) => return Check::skipped("clock", with_causes(&error)),
        Some(Ok(store)) => {
            let all = RecordFilter::default();
            let runs = store.records::<RunRecord>(&all, Page::first(1)).await;
            runs.ok().and_then(|runs| runs.first().map(|run| run.started_at))
        }
    };
    match newest {
        Some(newest) if newest > now => {
            let text = format!("it says {now}, and a run is recorded as of {newest}");
            Check::fail("clock", text, ADVICE)
        }
        _ => Check::pass("clock", format!("it says {now}; {NOTE}")),
    }
}

/// The database, if it is there and of this program's schema: others would be migrated.
async fn current(data_dir: &Path) -> Option<Result<SqliteStore, StoreError>> {
    let status = maintenance::status(data_dir).await.ok()?;
    if status.schema_version != Some(SCHEMA_VERSION) {
        return None;
    }
    Some(SqliteStore::open(data_dir).await)
}

async fn database(data_dir: &Path) -> Check {
    const RESTORE: &str = "restore a backup: tradepulse restore FILE --force";
    let status = match maintenance::status(data_dir).await {
        Ok(status) => status,
        Err(error) => return Check::fail("database", with_causes(&error), RESTORE),
    };
    let Some(version) = status.schema_version else {
        let text = format!("there is no {FILE_NAME} yet: it is made at first use");
        return Check::skipped("database", text);
    };
    if version > SCHEMA_VERSION {
        let text = format!("schema version {version}, this program knows up to {SCHEMA_VERSION}");
        return Check::fail("database", text, "use a later version of the program");
    }
    if let Err(error) = maintenance::check(data_dir).await {
        return Check::fail("database", with_causes(&error), RESTORE);
    }
    let text = format!("sound, schema version {version}, {}", size(status.bytes));
    match version < SCHEMA_VERSION {
        true => Check::warning(
            "database",
            format!("{text}; this program writes {SCHEMA_VERSION}"),
            "tradepulse db migrate; it is done at first use too",
        ),
        false => Check::pass("database", text),
    }
}

/// Whether every stored candle is what was stored.
fn candles(data_dir: &Path) -> Check {
    const ADVICE: &str = "delete the folder of that market, and import its candles again";
    let store = CandleStore::open(data_dir);
    let listed = match store.list() {
        Ok(listed) => listed,
        Err(error) => return Check::fail("candles", with_causes(&error), ADVICE),
    };
    let (mut markets, mut rows) = (0, 0);
    for manifest in listed {
        let checked = manifest.and_then(|manifest| store.check(&manifest.market));
        match checked {
            Ok(checked) => {
                markets += 1;
                rows += checked.manifest.rows;
            }
            Err(error) => return Check::fail("candles", with_causes(&error), ADVICE),
        }
    }
    match markets {
        0 => Check::skipped("candles", "none are stored: tradepulse import takes some in"),
        _ => Check::pass("candles", format!("{rows} in {markets} markets, checksums are right")),
    }
}

fn lock(data_dir: &Path) -> Check {
    let state = match LockState::of(data_dir) {
        Ok(state) => state,
        Err(error) => return Check::fail("lock", with_causes(&error), "may the file be read?"),
    };
    let left = fs::metadata(data_dir.join(LOCK_NAME)).is_ok_and(|file| file.len() > 0);
    match (state.held, state.holder) {
        (true, Some(holder)) => Check::pass("lock", format!("held by {holder}")),
        (true, None) => Check::warning(
            "lock",
            "held by a process that does not say which",
            "find out which program has the file open",
        ),
        (false, _) if left => Check::pass(
            "lock",
            "free; the process that held it last did not end in order, which hinders nobody",
        ),
        (false, _) => Check::pass("lock", "free"),
    }
}

fn configuration(config: Option<(&Path, Result<(), ConfigError>)>) -> Check {
    const NAME: &str = "configuration";
    match config {
        None => Check::skipped(NAME, "no config.yaml here: tradepulse config example prints one"),
        Some((path, Ok(()))) => Check::pass(NAME, format!("{} is valid", path.display())),
        Some((path, Err(ConfigError::Invalid(problems)))) => {
            let count = problems.len();
            let first = problems.first().map_or_else(String::new, |p| format!(", first {p}"));
            let text = format!("{} has {count} problems{first}", path.display());
            Check::fail(NAME, text, "tradepulse config check says all of them")
        }
        Some((_, Err(error))) => {
            Check::fail(NAME, with_causes(&error), "name the file with --config")
        }
    }
}

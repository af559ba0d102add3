//! The command, run in a folder of its own: what its tests share.

// Each test file is a program of its own, and uses a part.
#![allow(dead_code)]

pub(crate) mod simulator;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tradepulse_core::{market::SyntheticMarket, random::Seed, time::Timeframe};

/// The command in `folder`, with the data directory `data` there.
pub(crate) fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tradepulse"));
    command
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("TRADEPULSE_DATA_DIR", folder.join("data"))
        .env_remove("TRADEPULSE_CONFIG");
    command
}

/// Stdout of a run that must have succeeded.
pub(crate) fn success(arguments: &str, out: Output) -> String {
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{arguments}: {error}");
    String::from_utf8(out.stdout).unwrap()
}

/// A temporary folder, and its data directory.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        command(self.0.path(), arguments)
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Stdout of a run that must succeed.
    pub(crate) fn good(&self, arguments: &str) -> String {
        success(arguments, self.run(arguments))
    }

    /// The JSON of a run that must succeed and is asked for it.
    pub(crate) fn json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.good(&with_json(arguments))).unwrap()
    }

    /// The JSON of a run that must exit with code 1 and is asked for it.
    pub(crate) fn bad(&self, arguments: &str) -> Value {
        let out = self.run(&with_json(arguments));
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{arguments}: {error}");
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// Stderr of a run that must be refused with exit code 2 and nothing on stdout.
    pub(crate) fn refused(&self, arguments: &str) -> String {
        let out = self.run(arguments);
        assert_eq!(out.status.code(), Some(2), "{arguments}");
        assert!(out.stdout.is_empty(), "{arguments}");
        String::from_utf8(out.stderr).unwrap()
    }

    /// A file of `candles` synthetic candles of fifteen minutes.
    pub(crate) fn synthetic(&self, name: &str, candles: usize, seed: u64) {
        let market =
            SyntheticMarket { candles, ..SyntheticMarket::new(Seed(seed), Timeframe::M15) };
        tradepulse_exec::export::export(&market.generate().unwrap(), &self.path(name)).unwrap();
    }

    /// A file of `rows` candles of five minutes that swing.
    pub(crate) fn candles(&self, name: &str, rows: i64) -> PathBuf {
        let mut text = String::from("timestamp_ms,open,high,low,close,volume\n");
        let price = |i: i64| 100.0 + 8.0 * (i as f64 / 40.0).sin() + 3.0 * (i as f64 / 7.0).sin();
        for i in 0..rows {
            let (open, close) = (price(i), price(i + 1));
            let (high, low) = (open.max(close) + 0.3, open.min(close) - 0.3);
            let time = 1_704_067_200_000 + i * 300_000;
            text += &format!("{time},{open},{high},{low},{close},{}\n", 5 + i % 9);
        }
        self.write(name, text);
        self.path(name)
    }
}

fn with_json(arguments: &str) -> String {
    match arguments.contains("--json") {
        true => arguments.to_owned(),
        false => format!("{arguments} --json"),
    }
}

/// Waits until `holds`, for much longer than it takes.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(120), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

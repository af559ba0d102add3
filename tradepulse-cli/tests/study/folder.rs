use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// A folder of its own with synthetic candles, and a data directory.
pub(crate) struct Folder(tempfile::TempDir);

/// A training that takes a second.
pub(crate) const TRAIN: &str = "train --strategies volume_breakout --data c.csv --symbol BTC/USDT \
     --timeframe 15m --optimizer random --trials 24 --train-days 30 --gap-days 2 --test-days 15 \
     --min-trades 3 --json";

impl Folder {
    /// With `c.csv`, and `other.csv` of the same length.
    pub(crate) fn new() -> Self {
        use tradepulse_core::{market::SyntheticMarket, random::Seed, time::Timeframe};
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, seed) in [("c.csv", 4), ("other.csv", 5)] {
            let market = SyntheticMarket {
                candles: 12_000,
                ..SyntheticMarket::new(Seed(seed), Timeframe::M15)
            };
            tradepulse_exec::export::export(&market.generate().unwrap(), &folder.path(name))
                .unwrap();
        }
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tradepulse"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .env("TRADEPULSE_DATA_DIR", self.path("data"));
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Stdout of a run that must succeed.
    pub(crate) fn good(&self, arguments: &str) -> String {
        let out = self.run(arguments);
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{arguments}: {error}");
        String::from_utf8(out.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.good(arguments)).unwrap()
    }

    /// Stderr of a run that must be refused with exit code 2 and nothing on stdout.
    pub(crate) fn refused(&self, arguments: &str) -> String {
        let out = self.run(arguments);
        assert_eq!(out.status.code(), Some(2), "{arguments}");
        assert!(out.stdout.is_empty(), "{arguments}");
        String::from_utf8(out.stderr).unwrap()
    }

    /// Trains one study; its id.
    pub(crate) fn trained(&self) -> String {
        let training = self.json(TRAIN);
        training["studies"][0]["id"].as_str().unwrap().to_owned()
    }
}

use std::ops::Deref;

use crate::program;

/// A folder of its own with synthetic candles, and a data directory.
pub(crate) struct Folder(program::Folder);

/// A training that takes a second.
pub(crate) const TRAIN: &str = "train --strategies volume_breakout --data c.csv --symbol BTC/USDT \
     --timeframe 15m --optimizer random --trials 24 --train-days 30 --gap-days 2 --test-days 15 \
     --min-trades 3 --json";

impl Folder {
    /// With `c.csv`, and `other.csv` of the same length.
    pub(crate) fn new() -> Self {
        let folder = program::Folder::new();
        folder.synthetic("c.csv", 12_000, 4);
        folder.synthetic("other.csv", 12_000, 5);
        Self(folder)
    }

    /// Trains one study; its id.
    pub(crate) fn trained(&self) -> String {
        let training = self.json(TRAIN);
        training["studies"][0]["id"].as_str().unwrap().to_owned()
    }
}

impl Deref for Folder {
    type Target = program::Folder;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

use std::{fs, io, io::Write, path::Path};

use serde::{Deserialize, Serialize};
use tradepulse_core::{
    market::{Gaps, Market, Series},
    time::Timestamp,
};

use super::StoreError;
use crate::{atomic, export::CREATED_BY, import::Source};

/// The name of a manifest in the folder of its market.
pub(super) const MANIFEST: &str = "manifest.json";
/// The latest format.
const FORMAT: u32 = 1;

/// What a history is: kept beside its candles as `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format of manifest and files.
    pub format: u32,
    /// Which market's history it is.
    #[serde(flatten)]
    pub market: Market,
    /// Number of candles.
    pub rows: u64,
    /// Open time of the first candle.
    #[serde(rename = "from_ms")]
    pub from: Timestamp,
    /// Close time of the last candle.
    #[serde(rename = "to_ms")]
    pub to: Timestamp,
    /// Missing candles.
    pub gaps: Gaps,
    /// [`Series::sha256`] of the whole history.
    pub sha256: String,
    /// The files, in order of time.
    pub parts: Vec<Part>,
    /// The files the candles came from, in order of import.
    pub sources: Vec<Source>,
    /// The version of TradePulse that wrote it last.
    pub created_by: String,
}

/// One file of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name: the period and the beginning of the SHA-256 of its candles.
    pub file: String,
    /// Number of candles.
    pub rows: u64,
    /// Open time of the first candle.
    #[serde(rename = "from_ms")]
    pub from: Timestamp,
    /// Close time of the last candle.
    #[serde(rename = "to_ms")]
    pub to: Timestamp,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// CRC-32 of the file.
    pub crc32: u32,
}

impl Part {
    /// The ending of every part's name.
    pub(super) const ENDING: &str = ".parquet";

    /// Whether `name` may be that of a part: digits, dashes and lower-case hex digits, and the
    /// ending. No such name leads out of a folder.
    pub(super) fn is_name(name: &str) -> bool {
        name.strip_suffix(Self::ENDING).is_some_and(|stem| {
            stem.starts_with(|c: char| c.is_ascii_digit())
                && stem.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
        })
    }
}

impl Manifest {
    pub(super) fn new(
        market: Market,
        series: &Series,
        parts: Vec<Part>,
        sources: Vec<Source>,
    ) -> Self {
        let (from, to) = series.span().unwrap_or_default();
        Self {
            format: FORMAT,
            market,
            rows: series.len() as u64,
            from,
            to,
            gaps: series.gaps(),
            sha256: series.sha256(),
            parts,
            sources,
            created_by: CREATED_BY.to_owned(),
        }
    }

    /// The parts with candles that open at `from` or later and before `to`.
    pub(super) fn parts_between(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> &[Part] {
        let start = from.map_or(0, |t| self.parts.partition_point(|p| p.to <= t));
        let end = to.map_or(self.parts.len(), |t| self.parts.partition_point(|p| p.from < t));
        &self.parts[start..end.max(start)]
    }

    /// Reads the manifest of `market` in `folder`.
    pub(super) fn read(folder: &Path, market: &Market) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let path = folder.join(MANIFEST);
        let text = fs::read(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => StoreError::NotFound(market.clone()),
            _ => StoreError::io(&path, e),
        })?;
        let damaged = |e: serde_json::Error| StoreError::corrupt(&path, format!("has {e}"));
        let Version { format } = serde_json::from_slice(&text).map_err(damaged)?;
        if format > FORMAT {
            return Err(StoreError::Newer { path, found: format, known: FORMAT });
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(damaged)?;
        if manifest.market != *market {
            let found = manifest.market.to_string();
            return Err(StoreError::Misplaced { path, found, expected: market.clone() });
        }
        manifest.consistent().map_err(|reason| StoreError::corrupt(&path, reason))?;
        Ok(manifest)
    }

    fn consistent(&self) -> Result<(), String> {
        if let Some(part) = self.parts.iter().find(|p| !Part::is_name(&p.file)) {
            return Err(format!("names {:?}, which is no candle file", part.file));
        }
        let rows = self.parts.iter().try_fold(0u64, |sum, p| sum.checked_add(p.rows));
        let ordered = self.parts.windows(2).all(|p| p[0].to <= p[1].from);
        let ends = (self.parts.first().map(|p| p.from), self.parts.last().map(|p| p.to));
        let filled = self.parts.iter().all(|p| p.rows > 0 && p.from < p.to);
        if rows != Some(self.rows)
            || !ordered
            || !filled
            || ends != (Some(self.from), Some(self.to))
        {
            return Err("contradicts itself".to_owned());
        }
        Ok(())
    }

    /// Replaces the manifest in `folder`.
    pub(super) fn write(&self, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(MANIFEST);
        let fill = |file: &mut fs::File| {
            let mut text = serde_json::to_vec_pretty(self)?;
            text.push(b'\n');
            file.write_all(&text)
        };
        atomic::write(&path, fill)
            .and_then(|()| atomic::sync_folder(folder))
            .map_err(|e| StoreError::io(&path, e))
    }
}

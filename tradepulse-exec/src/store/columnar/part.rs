use std::{
    fs::{self, File},
    io::Write,
    ops::Range,
    path::Path,
};

use bytes::Bytes;
use tradepulse_core::{
    market::{Market, Series},
    time::{Timeframe, Timestamp},
};

use super::{Manifest, Part, StoreError, manifest::MANIFEST};
use crate::{
    atomic,
    export::write_parquet,
    import::{Options, ParquetFile, Rows},
};

/// The key under which a file says which market's it is.
const MARKET: &str = "tradepulse.market";

/// Reads and verifies `parts` of a history.
pub(super) fn load(
    folder: &Path,
    manifest: &Manifest,
    parts: &[Part],
) -> Result<Series, StoreError> {
    let market = &manifest.market;
    // The sizes are compared before memory is taken for as many rows as the manifest claims.
    for part in parts {
        let path = folder.join(&part.file);
        let bytes = fs::metadata(&path).map_err(|e| StoreError::io(&path, e))?.len();
        if bytes != part.bytes {
            let reason = format!("has {bytes} bytes instead of {}", part.bytes);
            return Err(StoreError::corrupt(&path, reason));
        }
        // Prices and volume are not compressed.
        if part.rows.saturating_mul(40) > bytes {
            let path = folder.join(MANIFEST);
            return Err(StoreError::corrupt(&path, format!("claims too much of {}", part.file)));
        }
    }
    let total: u64 = parts.iter().map(|p| p.rows).sum();
    let mut rows = Rows::with_capacity(usize::try_from(total).unwrap_or(0));
    for part in parts {
        read(folder, market, part, &mut rows)?;
    }
    Series::new(market.timeframe, rows.into_columns())
        .map_err(|source| StoreError::Impossible { market: market.clone(), source })
}

fn read(folder: &Path, market: &Market, part: &Part, rows: &mut Rows) -> Result<(), StoreError> {
    let path = folder.join(&part.file);
    let content = fs::read(&path).map_err(|e| StoreError::io(&path, e))?;
    if content.len() as u64 != part.bytes || crc32fast::hash(&content) != part.crc32 {
        return Err(StoreError::corrupt(&path, "is not what was written"));
    }
    let undecodable = |e| StoreError::Undecodable { market: market.clone(), source: Box::new(e) };
    let file = ParquetFile::open(Bytes::from(content), &path).map_err(undecodable)?;
    let found = file.metadata(MARKET).unwrap_or("an unknown market");
    if found != market.to_string() {
        let (found, expected) = (found.to_owned(), market.clone());
        return Err(StoreError::Misplaced { path, found, expected });
    }
    let before = rows.columns().len();
    file.read(&Options::default(), rows).map_err(undecodable)?;
    let times = &rows.columns().time[before..];
    let length = market.timeframe.as_ms();
    let ends = (times.first().copied(), times.last().map(|t| t.saturating_add(length)));
    if times.len() as u64 != part.rows || ends != (Some(part.from.as_ms()), Some(part.to.as_ms())) {
        return Err(StoreError::corrupt(&path, "holds other candles than its manifest says"));
    }
    Ok(())
}

/// Writes what of `series` is not in `old` parts, and gives all parts. Candles are only ever added
/// to a history: a period with as many candles as before is as it was.
pub(super) fn write(
    folder: &Path,
    market: &Market,
    series: &Series,
    old: &[Part],
) -> Result<Vec<Part>, StoreError> {
    let mut parts = Vec::new();
    for (period, rows) in periods(series) {
        let unchanged = old
            .iter()
            .find(|p| p.from.as_ms() == series.time()[rows.start] && p.rows == rows.len() as u64);
        parts.push(match unchanged {
            Some(part) => part.clone(),
            None => write_one(folder, market, &period, &series.slice(rows))?,
        });
    }
    Ok(parts)
}

fn write_one(
    folder: &Path,
    market: &Market,
    period: &str,
    series: &Series,
) -> Result<Part, StoreError> {
    let file = format!("{period}-{}{}", &series.sha256()[..16], Part::ENDING);
    let path = folder.join(&file);
    let io = |e| StoreError::io(&path, e);
    let mut content = Vec::with_capacity(series.len() * 42 + 4096);
    write_parquet(series, &[(MARKET, market.to_string())], &mut content).map_err(io)?;
    atomic::write(&path, |out: &mut File| out.write_all(&content)).map_err(io)?;
    let (from, to) = series.span().unwrap_or_default();
    Ok(Part {
        file,
        rows: series.len() as u64,
        from,
        to,
        bytes: content.len() as u64,
        crc32: crc32fast::hash(&content),
    })
}

/// The periods that files are for, with their rows: months (UTC) for timeframes below five minutes,
/// else years, so that a file has at most some 5 MB and what an import rewrites is little.
fn periods(series: &Series) -> Vec<(String, Range<usize>)> {
    let monthly = series.timeframe() < Timeframe::M5;
    let mut periods = Vec::new();
    let mut start = 0;
    while start < series.len() {
        // A checked series has no times outside the years 1 to 9999.
        let time = Timestamp::from_ms(series.time()[start]);
        let (year, month) = time.year_month().unwrap_or_default();
        let (name, next) = match (monthly, month) {
            (false, _) => (format!("{year:04}"), format!("{:04}-01-01", year + 1)),
            (true, 12) => (format!("{year:04}-12"), format!("{:04}-01-01", year + 1)),
            (true, _) => {
                (format!("{year:04}-{month:02}"), format!("{year:04}-{:02}-01", month + 1))
            }
        };
        let end = match next.parse::<Timestamp>() {
            Ok(next) => series.time().partition_point(|t| *t < next.as_ms()),
            // There is no year 10000.
            Err(_) => series.len(),
        };
        periods.push((name, start..end.max(start + 1)));
        start = periods.last().map_or(series.len(), |(_, rows)| rows.end);
    }
    periods
}

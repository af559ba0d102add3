use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::ImportError;

/// The most bytes that a file in an archive may have: a year of seconds has a tenth of it.
const MOST_BYTES: u64 = 1 << 32;

/// The one file in a zip archive, such as those of Binance's archive, unpacked.
pub(super) fn open(path: &Path, file: File) -> Result<Box<dyn BufRead>, ImportError> {
    let broken = |error: ZipError| match error {
        ZipError::Io(source) => ImportError::Io { file: path.to_owned(), source },
        error => ImportError::format(path, &format!("is no zip archive that can be read: {error}")),
    };
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let tables: Vec<usize> = (0..archive.len())
        .filter(|i| {
            archive
                .name_for_index(*i)
                .is_some_and(|name| name.is_ok_and(|name| name.ends_with(".csv")))
        })
        .collect();
    let &[table] = &tables[..] else {
        let reason = format!("is a zip archive with {} CSV files: unpack it", tables.len());
        return Err(ImportError::format(path, &reason));
    };
    let entry = archive.by_index(table).map_err(broken)?;
    let mut text = Vec::new();
    let read = entry.take(MOST_BYTES + 1).read_to_end(&mut text);
    read.map_err(|source| ImportError::Io { file: path.to_owned(), source })?;
    if text.len() as u64 > MOST_BYTES {
        return Err(ImportError::format(path, "has more than 4 GiB unpacked: split it"));
    }
    Ok(Box::new(Cursor::new(text)))
}

//! The importers meet any bytes without a panic. The fuzz targets in `fuzz/` go deeper.
#![cfg(feature = "data")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sample_series;

use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;
use sample_series::candles;
use tradepulse_core::{market::Series, time::Timeframe};
use tradepulse_exec::{
    export::{write_csv, write_parquet},
    import::{Options, Rows, read_csv, read_parquet},
};

fn checked(rows: Rows) {
    let columns = rows.into_columns();
    if let Ok(series) = Series::new(Timeframe::M5, columns.clone()) {
        // What was accepted is written and read as itself.
        let mut text = Vec::new();
        write_csv(&series, &mut text).unwrap();
        let mut rows = Rows::default();
        read_csv(&text[..], Path::new("x"), &Options::default(), &mut rows).unwrap();
        let again = Series::new(Timeframe::M5, rows.into_columns()).unwrap();
        assert_eq!(again.sha256(), series.sha256());
    }
    let _ = Series::repair(Timeframe::M5, columns);
}

fn csv(bytes: &[u8]) {
    let options = Options { max_rows: 1000, ..Options::default() };
    let mut rows = Rows::default();
    if read_csv(bytes, Path::new("x"), &options, &mut rows).is_ok() {
        checked(rows);
    }
}

fn parquet(bytes: Vec<u8>) {
    let options = Options { max_rows: 1000, ..Options::default() };
    let mut rows = Rows::default();
    if read_parquet(Bytes::from(bytes), Path::new("x"), &options, &mut rows).is_ok() {
        checked(rows);
    }
}

/// Changes some bytes of a sound file.
fn changed(mut bytes: Vec<u8>, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (at, value) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        csv(&bytes);
        let header = [b"timestamp_ms,open,high,low,close,volume\n", &bytes[..]].concat();
        csv(&header);
        parquet([b"PAR1", &bytes[..], b"PAR1"].concat());
        parquet(bytes);
    }

    #[test]
    fn any_text(text in "(time|open|high|low|close|volume|[0-9.,;\"\n\r\t eE+-]|\\PC){0,200}") {
        csv(text.as_bytes());
        csv(format!("time,o,h,l,c,v\n{text}").as_bytes());
    }

    #[test]
    fn almost_sound_files(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let series = candles("2024-01-01T00:00:00Z", 20);
        let mut text = Vec::new();
        write_csv(&series, &mut text).unwrap();
        csv(&changed(text, &changes));
        let mut file = Vec::new();
        write_parquet(&series, &[], &mut file).unwrap();
        parquet(changed(file, &changes));
    }
}

//! CSV files, good and bad.
#![cfg(feature = "data")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sample_series;

use std::{io::Write, path::PathBuf};

use proptest::prelude::*;
use sample_series::{any_series, any_timeframe_series};
use tempfile::TempDir;
use tradepulse_core::{market::Repair, time::Timeframe};
use tradepulse_exec::{
    export::export,
    import::{Import, ImportError, OnGap, Options, import},
};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The message, with the folder left out.
    fn message(&self, result: Result<Import, ImportError>) -> String {
        let folder = format!("{}{}", self.0.path().display(), std::path::MAIN_SEPARATOR);
        let error = result.map(|i| i.series.len()).unwrap_err();
        let source = std::error::Error::source(&error).map(|e| format!(": {e}"));
        format!("{error}{}", source.unwrap_or_default()).replace(&folder, "")
    }
}

fn read(content: impl AsRef<[u8]>, options: &Options) -> Result<Import, ImportError> {
    let folder = Folder::new();
    import(&[folder.file("f.csv", content)], Timeframe::M5, options)
}

fn refused(content: impl AsRef<[u8]>, options: &Options) -> String {
    let folder = Folder::new();
    let file = folder.file("f.csv", content);
    folder.message(import(&[file], Timeframe::M5, options))
}

const HEADER: &str = "timestamp_ms,open,high,low,close,volume\n";
const FIRST: &str = "1704067200000,10,12,9,11,5\n";

/// The message about one bad row after a good one.
fn bad_row(row: &str) -> String {
    refused(format!("{HEADER}{FIRST}{row}\n"), &Options::default())
}

#[test]
fn bad_values_are_named() {
    for (row, message) in [
        ("1704067500000,,12,9,11,5", "f.csv, line 3, column open: \"\" is empty"),
        ("1704067500000,10,,9,11,5", "f.csv, line 3, column high: \"\" is empty"),
        ("1704067500000,10,12, ,11,5", "f.csv, line 3, column low: \"\" is empty"),
        ("1704067500000,10,12,9,x11,5", "f.csv, line 3, column close: \"x11\" is not a number"),
        (
            "1704067500000,10,12,9,11,5 BTC",
            "f.csv, line 3, column volume: \"5 BTC\" is not a number",
        ),
        (
            "1704067500000,10,12,9,NaN,5",
            "f.csv, line 3, column close: \"NaN\" is not a finite number",
        ),
        (
            "1704067500000,10,inf,9,11,5",
            "f.csv, line 3, column high: \"inf\" is not a finite number",
        ),
        (
            "1704067500000,10,1e999,9,11,5",
            "f.csv, line 3, column high: \"1e999\" is not a finite number",
        ),
        (
            "1704067500000,10,12,9,11,-Infinity",
            "f.csv, line 3, column volume: \"-Infinity\" is not a finite number",
        ),
        ("1704067500000,-10,12,9,11,5", "f.csv, line 3, column open: open -10 is not above zero"),
        ("1704067500000,10,12,0,11,5", "f.csv, line 3, column low: low 0 is not above zero"),
        ("1704067500000,10,8,9,11,5", "f.csv, line 3, column high: high 8 is below the low"),
        ("1704067500000,10,12,9,13,5", "f.csv, line 3, column close: close 13 is above the high"),
        ("1704067500000,10,12,9,11,-5", "f.csv, line 3, column volume: volume -5 is negative"),
        (
            "1704067500001,10,12,9,11,5",
            "f.csv, line 3, column time: time 2024-01-01T00:05:00.001Z is not the open time of a 5m candle",
        ),
        (
            "1704066900000,10,12,9,11,5",
            "f.csv, line 3, column time: time 2023-12-31T23:55:00Z is before that of the previous row \
          (2024-01-01T00:00:00Z)",
        ),
        (
            "1704067200000,10,12,9,11,5",
            "f.csv, line 3, column time: time 2024-01-01T00:00:00Z appears a second time \
          (first in f.csv, line 2)",
        ),
        (
            "1704067200000,10,12,9,11,6",
            "f.csv, line 3, column time: time 2024-01-01T00:00:00Z appears a second time with other \
          values (first in f.csv, line 2)",
        ),
        (",10,12,9,11,5", "f.csv, line 3, column time: \"\" is empty"),
        (
            "17040675OO000,10,12,9,11,5",
            "f.csv, line 3, column time: \"17040675OO000\" is not a time: expected seconds, \
          milliseconds, microseconds or nanoseconds since 1970, or a date such as \
          2024-01-31T00:00:00Z",
        ),
        (
            "9223372036854775807,10,12,9,11,5",
            "f.csv, line 3, column time: time 9223372036854775807 ms is not in the years 1 to 9999",
        ),
        ("1704067500000,10,12,9,11", "f.csv, line 3: 5 fields, expected 6"),
        ("1704067500000,10,12,9,11,5,", "f.csv, line 3: 7 fields, expected 6"),
        ("1704067500000,10,12,9,11,\"5", "f.csv, line 3: a quote is not closed on its line"),
        (
            "1704067500000,10,12,9,\"11\"x,5",
            "f.csv, line 3: a quoted field is followed by something else than a separator",
        ),
    ] {
        assert_eq!(bad_row(row), message, "{row}");
    }
    let long = format!("1704067500000,10,12,9,11,{}", "9x".repeat(500));
    assert!(bad_row(&long).len() < 200);
    let endless = format!("1704067500000,{}", "1".repeat(400_000));
    assert_eq!(bad_row(&endless), "f.csv, line 3: is too long for a line of candles");
}

#[test]
fn bad_files_are_named() {
    let plain = Options::default();
    for (content, message) in [
        ("", "f.csv holds no candles"),
        ("\n\n", "f.csv holds no candles"),
        (HEADER, "f.csv holds no candles"),
        ("a,b\n1,2\n", "f.csv: no column for time; found: a, b"),
        (
            "time,open,high,low,volume\n",
            "f.csv: no column for close; found: time, open, high, low, volume",
        ),
        (
            "time,open,high,low,close,Close,volume\n",
            "f.csv: more than one column for close: close, Close",
        ),
        (
            "1704067200000,10,12,9,11,5\n",
            "f.csv, line 1: numbers where the header should be: name the columns \
          timestamp_ms,open,high,low,close,volume",
        ),
        (
            "timestamp,open,high,low,close,volume\n300000,10,12,9,11,5\n",
            "f.csv, line 2, column time: \"300000\" could count any unit: name the column \
          timestamp_s, timestamp_ms, timestamp_us or timestamp_ns",
        ),
        (
            "time,o,h,l,c,v\n1704067200000,10,12,9,11,5\n1704067500,10,12,9,11,5\n",
            "f.csv, line 3, column time: \"1704067500\" does not count milliseconds, as the times \
          before it do",
        ),
    ] {
        assert_eq!(refused(content, &plain), message);
    }
    assert!(refused(b"\xff\xfe\x00\x01\n\x80", &plain).starts_with("f.csv: no column for time"));
    let folder = Folder::new();
    let nowhere = folder.0.path().join("nowhere.csv");
    let message = folder.message(import(&[nowhere], Timeframe::M5, &plain));
    assert!(message.starts_with("cannot read nowhere.csv: "), "{message}");
    let none: [PathBuf; 0] = [];
    assert_eq!(folder.message(import(&none, Timeframe::M5, &plain)), "no file to import");
    let few = Options { max_rows: 1, ..plain };
    let two = format!("{HEADER}{FIRST}1704067500000,10,12,9,11,5\n");
    assert_eq!(refused(two, &few), "f.csv: more than 1 candles");
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for content in [
        "\u{feff}timestamp_ms,open,high,low,close,volume\r\n1704067200000,10,12,9,11,5\r\n\r\n\
         1704067500000,10,12,9,x,5\r\n",
        "\n\ntimestamp_ms,open,high,low,close,volume\n1704067500000,10,12,9,x,5",
        "https://example.org\ntimestamp_ms,open,high,low,close,volume\n1704067200000,10,12,9,11,5\n\
         1704067500000,10,12,9,x,5",
    ] {
        let message = refused(content, &Options::default());
        assert_eq!(message, "f.csv, line 4, column close: \"x\" is not a number");
    }
}

#[test]
fn many_spellings_of_the_same_candles() {
    let expected = read(
        format!("{HEADER}{FIRST}1704067500000,11,12,9,11.5,0\n"),
        &Options { symbol: Some("BTC/USDT".parse().unwrap()), ..Options::default() },
    )
    .unwrap()
    .series;
    let rest = "1704067499999,0,3,1,1,0";
    for content in [
        "Date;Open;High;Low;Close;Volume\n2024-01-01 00:00:00;10;12;9;11;5\n2024-01-01 00:05:00;11;12;9;11.5;0\n".to_owned(),
        "time\tv\tc\tl\th\to\n1704067200\t5\t11\t9\t12\t10\n1704067500\t0\t11.5\t9\t12\t11\n".to_owned(),
        "\"open_time\",\"open\",\"high\",\"low\",\"close\",\"volume\"\n\"1704067200000000\",\"10\",\"12\",\"9\",\"11\",\"5\"\n1704067500000000, 11 ,12,9,11.5,0".to_owned(),
        "timestamp,open,high,low,close,volume,note\n2024-01-01T00:00:00Z,10.0,1.2e1,9,11,5,\"a, \"\"b\"\"\"\n2024-01-01T01:05:00+01:00,11,12,9,11.5,0,\n".to_owned(),
        format!("1704067200000,10,12,9,11,5,{rest}\n1704067500000,11,12,9,11.5,0,{rest}\n"),
        "1704067200,10,12,9,11,5,3\n1704067500,11,12,9,11.5,0,0\n".to_owned(),
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT\n1704067200.0,x,BTC/USDT,10,12,9,11,5,55\n1704067500.0,x,BTC/USDT,11,12,9,11.5,0,0\n".to_owned(),
    ] {
        let options = Options { symbol: Some("BTC/USDT".parse().unwrap()), ..Options::default() };
        let import = read(&content, &options).unwrap_or_else(|e| panic!("{e}: {content}"));
        assert_eq!(import.series, expected, "{content}");
    }
}

#[test]
fn several_files_are_one() {
    let folder = Folder::new();
    let a = folder.file("a.csv", format!("{HEADER}{FIRST}"));
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(b"time,o,h,l,c,v\n1704067500,10,12,9,11,5\n\n1704067800,10,12,9,11,5\n").unwrap();
    let gz = gz.finish().unwrap();
    let b = folder.file("b.csv.gz", &gz);
    let both = import(&[&a, &b], Timeframe::M5, &Options::default()).unwrap();
    assert_eq!(both.series.time(), [1_704_067_200_000, 1_704_067_500_000, 1_704_067_800_000]);
    assert_eq!(both.place(0).unwrap().to_string(), format!("{}, line 2", a.display()));
    assert_eq!(both.place(2).unwrap().to_string(), format!("{}, line 4", b.display()));
    assert_eq!(both.place(3), None);
    let sources: Vec<_> = both.sources.iter().map(|s| (s.name.as_str(), s.rows)).collect();
    assert_eq!(sources, [("a.csv", 1), ("b.csv.gz", 2)]);
    assert_eq!(
        folder.message(import(&[&b, &a], Timeframe::M5, &Options::default())),
        "a.csv, line 2, column time: time 2024-01-01T00:00:00Z is before that of the previous row \
         (2024-01-01T00:10:00Z)"
    );
    // A file whose end is missing is not a shorter file.
    let cut = folder.file("cut.csv.gz", &gz[..gz.len() - 9]);
    let message = folder.message(import(&[&cut], Timeframe::M5, &Options::default()));
    assert!(message.starts_with("cannot read cut.csv.gz: "), "{message}");
}

#[test]
fn repair_and_gaps() {
    let content =
        format!("{HEADER}1704067500000,10,12,9,11,5\n{FIRST}{FIRST}1704068100000,10,12,9,11,5\n");
    let repair = Options { repair: true, ..Options::default() };
    let mended = read(&content, &repair).unwrap();
    assert_eq!(mended.repair, Some(Repair { moved: 1, dropped: 1 }));
    assert_eq!((mended.series.len(), mended.series.gaps().missing), (3, 1));
    assert_eq!(mended.place(0), None);
    let strict = Options { on_gap: OnGap::Error, ..repair.clone() };
    assert_eq!(
        refused(&content, &strict),
        "after the repair, 1 candles are missing before 2024-01-01T00:15:00Z"
    );
    let strict = Options { on_gap: OnGap::Error, ..Options::default() };
    assert_eq!(
        refused(format!("{HEADER}{FIRST}1704068100000,10,12,9,11,5\n"), &strict),
        "f.csv, line 3, column time: 2 candles are missing before 2024-01-01T00:15:00Z"
    );
    assert_eq!(
        refused(
            format!("{HEADER}{FIRST}1704067500000,10,12,9,11,5\n1704067200000,10,12,9,11,6\n"),
            &repair
        ),
        "f.csv, line 4, column time: time 2024-01-01T00:00:00Z appears a second time with other \
         values (first in f.csv, line 2)"
    );
    assert_eq!("error".parse(), Ok(OnGap::Error));
    assert_eq!(OnGap::Allow.to_string().parse(), Ok(OnGap::Allow));
    assert!("maybe".parse::<OnGap>().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_reads_back_bit_for_bit(series in any_series()) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["f.csv", "f.csv.gz", "f.parquet"] {
            let file = folder.path().join(name);
            export(&series, &file).unwrap();
            let back = import(&[&file], series.timeframe(), &Options::default()).unwrap().series;
            prop_assert_eq!(back.sha256(), series.sha256(), "{}", name);
        }
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn repair_undoes_any_shuffle(series in any_timeframe_series(Timeframe::M1), seed in any::<u64>()) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f.csv");
        export(&series, &file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        let mut state = seed | 1;
        for i in (2..lines.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            lines.swap(i, 1 + (state >> 33) as usize % i);
        }
        std::fs::write(&file, lines.join("\n")).unwrap();
        let options = Options { repair: true, ..Options::default() };
        let mended = import(&[&file], Timeframe::M1, &options).unwrap().series;
        prop_assert_eq!(mended.sha256(), series.sha256());
    }
}

/// A zip archive of these files.
fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut archive, text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn archives_of_binance_are_read_as_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("BTCUSDT-5m-2025-01.zip");
    // Without a header, in microseconds.
    let rows = "1735689600000000,10,12,9,11,5,1735689899999999,55.0,7,2.5,27.5,0\n\
                1735689900000000,11,13,10,12,6,1735690199999999,72.0,9,3.5,42.0,0\n";
    std::fs::write(&file, zipped(&[("BTCUSDT-5m-2025-01.csv", rows)])).unwrap();
    let read = import(&[&file], Timeframe::M5, &Options::default()).unwrap();
    assert_eq!(read.series.close(), [11.0, 12.0]);
    assert_eq!(read.series.time()[0], 1_735_689_600_000);
    assert_eq!(read.place(1).unwrap().line(), 2);
    let whole = zipped(&[("a.csv", rows)]);
    for (content, message) in [
        (zipped(&[("a.csv", rows), ("b.csv", rows)]), "is a zip archive with 2 CSV files"),
        (zipped(&[("a.txt", rows)]), "is a zip archive with 0 CSV files"),
        (whole[..whole.len() / 2].to_vec(), "is no zip archive that can be read"),
        (b"PK\x03\x04rest".to_vec(), "is no zip archive that can be read"),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = import(&[&file], Timeframe::M5, &Options::default()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

//! Parquet files of others.
#![cfg(feature = "data")]
#![allow(clippy::unwrap_used)]

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::Compression,
    data_type::{
        ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type, Int96,
        Int96Type,
    },
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use tradepulse_core::market::Columns;
use tradepulse_exec::import::{ImportError, Options, Rows, read_parquet};

const TIMES: [i64; 2] = [1_704_067_200_000, 1_704_067_500_000];

enum Values {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Text(Vec<&'static str>),
    /// Which rows are there, and those.
    Some(Vec<i16>, Vec<f64>),
}

/// A file of one row group per element of `groups`.
fn file(schema: &str, compression: Compression, groups: Vec<Vec<Values>>) -> Bytes {
    let schema = parse_message_type(&format!("message m {{ {schema} }}")).unwrap();
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut out = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(properties)).unwrap();
    for group in groups {
        let mut rows = writer.next_row_group().unwrap();
        for values in group {
            let mut column = rows.next_column().unwrap().unwrap();
            fn all<T: DataType>(
                column: &mut parquet::file::writer::SerializedColumnWriter<'_>,
                values: &[T::T],
                levels: Option<&[i16]>,
            ) {
                column.typed::<T>().write_batch(values, levels, None).unwrap();
            }
            match values {
                Values::Int32(v) => all::<Int32Type>(&mut column, &v, None),
                Values::Int64(v) => all::<Int64Type>(&mut column, &v, None),
                Values::Int96(v) => all::<Int96Type>(&mut column, &v, None),
                Values::Float(v) => all::<FloatType>(&mut column, &v, None),
                Values::Double(v) => all::<DoubleType>(&mut column, &v, None),
                Values::Text(v) => {
                    let v: Vec<ByteArray> = v.into_iter().map(ByteArray::from).collect();
                    all::<ByteArrayType>(&mut column, &v, None);
                }
                Values::Some(levels, v) => all::<DoubleType>(&mut column, &v, Some(&levels)),
            }
            column.close().unwrap();
        }
        rows.close().unwrap();
    }
    writer.close().unwrap();
    Bytes::from(out)
}

fn read(file: Bytes) -> Result<Columns, ImportError> {
    let mut rows = Rows::default();
    read_parquet(file, Path::new("f.parquet"), &Options::default(), &mut rows)?;
    Ok(rows.into_columns())
}

fn refused(file: Bytes) -> String {
    let error = read(file).unwrap_err();
    let source = std::error::Error::source(&error).map(|e| format!(": {e}"));
    format!("{error}{}", source.unwrap_or_default())
}

const PRICES: &str = "required double open; required double high; required double low; \
                      required double close; required double volume;";

fn prices() -> Vec<Values> {
    [[10.0, 11.0], [12.0, 12.0], [9.0, 9.0], [11.0, 11.5], [5.0, 0.0]]
        .map(|v| Values::Double(v.to_vec()))
        .into()
}

fn with_time(column: &str, values: Values) -> Bytes {
    let mut columns = vec![values];
    columns.extend(prices());
    file(&format!("{column} {PRICES}"), Compression::SNAPPY, vec![columns])
}

#[test]
fn times_of_every_kind() {
    let times = |factor: i64| Values::Int64(TIMES.map(|t| t * factor).to_vec());
    let seconds = || TIMES.map(|t| (t / 1000) as i32).to_vec();
    // 2024-01-01 is Julian day 2,460,311.
    let mut day = [Int96::new(), Int96::new()];
    day[0].set_data(0, 0, 2_460_311);
    day[1].set_data((300_000_000_000i64 & 0xffff_ffff) as u32, 69, 2_460_311);
    for (column, values) in [
        ("required int64 timestamp (TIMESTAMP(MILLIS,true));", times(1)),
        ("required int64 timestamp (TIMESTAMP(MICROS,true));", times(1000)),
        ("required int64 timestamp (TIMESTAMP(NANOS,false));", times(1_000_000)),
        ("required int64 timestamp (TIMESTAMP_MILLIS);", times(1)),
        ("required int64 timestamp (TIMESTAMP_MICROS);", times(1000)),
        ("required int64 Open_Time;", times(1)),
        ("required int64 unix;", Values::Int64(TIMES.map(|t| t / 1000).to_vec())),
        ("required int64 timestamp_us;", times(1000)),
        ("required int64 timestamp;", times(1_000_000)),
        ("required int32 time;", Values::Int32(seconds())),
        ("required double time;", Values::Double(TIMES.map(|t| t as f64).to_vec())),
        ("required int96 time;", Values::Int96(day.to_vec())),
        ("required binary date (UTF8);", Values::Text(vec!["2024-01-01", "2024-01-01 00:05:00"])),
        ("required binary date (STRING);", Values::Text(vec!["1704067200", "1704067500"])),
    ] {
        let read = read(with_time(column, values)).unwrap_or_else(|e| panic!("{column} {e}"));
        assert_eq!(read.time, TIMES, "{column}");
        assert_eq!(read.close, [11.0, 11.5]);
    }
    let days = with_time("required int32 date (DATE);", Values::Int32(vec![19_723, 19_724]));
    assert_eq!(read(days).unwrap().time, [TIMES[0], TIMES[0] + 86_400_000]);
}

#[test]
fn any_order_any_number_any_codec() {
    for codec in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::GZIP(Default::default()),
        #[cfg(feature = "zstd")]
        Compression::ZSTD(Default::default()),
    ] {
        let group = |time: i64| {
            vec![
                Values::Float(vec![0.1]),
                Values::Int64(vec![11]),
                Values::Text(vec!["9.25"]),
                Values::Int32(vec![12]),
                Values::Some(vec![1], vec![10.0]),
                Values::Int64(vec![time]),
            ]
        };
        let schema = "required float Volume; required int64 c; required binary l (UTF8); \
                      required int32 HIGH; optional double Open; required int64 timestamp_ms;";
        let columns = read(file(schema, codec, vec![group(0), group(300_000)])).unwrap();
        assert_eq!(columns.time, [0, 300_000]);
        assert_eq!(columns.open, [10.0, 10.0]);
        assert_eq!(columns.high, [12.0, 12.0]);
        assert_eq!(columns.low, [9.25, 9.25]);
        assert_eq!(columns.close, [11.0, 11.0]);
        assert_eq!(columns.volume, [f64::from(0.1f32), f64::from(0.1f32)]);
    }
}

#[test]
fn bad_values_are_named() {
    let one = |open: &str, values: Values| {
        let schema = format!("required int64 timestamp_ms; {open} {}", &PRICES[21..]);
        let mut columns = vec![Values::Int64(TIMES.to_vec()), values];
        columns.extend(prices().into_iter().skip(1));
        refused(file(&schema, Compression::UNCOMPRESSED, vec![columns]))
    };
    for (column, values, message) in [
        (
            "optional double open;",
            Values::Some(vec![1, 0], vec![10.0]),
            "f.parquet, row 2, column open: \"\" is empty",
        ),
        (
            "required double open;",
            Values::Double(vec![10.0, f64::NAN]),
            "f.parquet, row 2, column open: \"NaN\" is not a finite number",
        ),
        (
            "required float open;",
            Values::Float(vec![f32::INFINITY, 1.0]),
            "f.parquet, row 1, column open: \"inf\" is not a finite number",
        ),
        (
            "required binary open (UTF8);",
            Values::Text(vec!["10", "ten"]),
            "f.parquet, row 2, column open: \"ten\" is not a number",
        ),
        (
            "required int64 open;",
            Values::Int64(vec![10, (1 << 53) + 1]),
            "f.parquet, row 2, column open: \"9007199254740993\" has more digits than a 64-bit float \
          can hold",
        ),
        (
            "required int64 open (DECIMAL(18,8));",
            Values::Int64(vec![10, 10]),
            "f.parquet: column open is of type INT64 Decimal, which cannot be read",
        ),
        (
            "required double first;",
            Values::Double(vec![10.0, 10.0]),
            "f.parquet: no column for open; found: timestamp_ms, first, high, low, close, volume",
        ),
    ] {
        assert_eq!(one(column, values), message);
    }
    for (column, values, message) in [
        (
            "required int64 timestamp (TIMESTAMP(MICROS,true));",
            Values::Int64(vec![1_704_067_200_000_001, 0]),
            "f.parquet, row 1, column time: \"1704067200000001\" is not a whole number of milliseconds",
        ),
        (
            "required int64 timestamp;",
            Values::Int64(vec![TIMES[0], 5]),
            "f.parquet, row 2, column time: \"5\" does not count milliseconds, as the times before it do",
        ),
        (
            "required double timestamp;",
            Values::Double(vec![TIMES[0] as f64, f64::NAN]),
            "f.parquet, row 2, column time: \"NaN\" is not a whole number",
        ),
        (
            "required float timestamp;",
            Values::Float(vec![1.0, 2.0]),
            "f.parquet: column time is of type FLOAT, which cannot be read",
        ),
        (
            "required int32 time (TIME_MILLIS);",
            Values::Int32(vec![1, 2]),
            "f.parquet: column time is of type INT32 TIME_MILLIS, which cannot be read",
        ),
    ] {
        assert_eq!(refused(with_time(column, values)), message);
    }
}

#[test]
fn every_cut_and_every_flip_is_an_error_or_the_same_shape() {
    let whole = with_time("required int64 timestamp_ms;", Values::Int64(TIMES.to_vec()));
    for length in 0..whole.len() {
        assert!(read(whole.slice(..length)).is_err(), "{length}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0x55;
        if let Ok(columns) = read(Bytes::from(bytes)) {
            let len = columns.time.len();
            assert!([&columns.open, &columns.volume].iter().all(|c| c.len() == len), "{at}");
        }
    }
}

#[cfg(not(feature = "zstd"))]
#[test]
fn an_unknown_codec_is_named() {
    // A real file in whose footer every byte that may be the codec Snappy (2: zigzag of 1) becomes
    // Zstandard (12), one at a time.
    let whole = with_time("required int64 timestamp_ms;", Values::Int64(TIMES.to_vec()));
    let mut bytes = whole.to_vec();
    let footer = bytes.len()
        - 8
        - u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    let mut found = false;
    for at in footer..bytes.len() - 12 {
        let before = bytes.clone();
        bytes[at] = if bytes[at] == 2 { 12 } else { continue };
        found |= read(Bytes::from(bytes.clone()))
            .is_err_and(|e| format!("{e:?}").to_lowercase().contains("zstd"));
        bytes = before;
    }
    assert!(found);
}

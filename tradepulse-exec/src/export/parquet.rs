use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as PhysicalType},
    data_type::{DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterVersion},
        writer::SerializedFileWriter,
    },
    schema::types::Type,
};
use tradepulse_core::market::Series;

/// Candles in a row group, by which readers go: 5 MB.
const ROW_GROUP: usize = 128 * 1024;
/// What files say they were written by.
pub(crate) const CREATED_BY: &str = concat!("tradepulse-exec ", env!("CARGO_PKG_VERSION"));

const NUMBERS: [&str; 5] = ["open", "high", "low", "close", "volume"];

/// Writes a series as a Parquet file, with `metadata` as its key-value pairs.
///
/// `timestamp_ms` is a UTC timestamp in milliseconds, the others are doubles. Times are written as
/// differences, numbers as they are, nothing is compressed: that loads fastest.
///
/// # Errors
/// What writing met.
pub fn write_parquet(
    series: &Series,
    metadata: &[(&str, String)],
    out: impl Write + Send,
) -> io::Result<()> {
    write(series, metadata, out).map_err(|error| match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    })
}

fn write(
    series: &Series,
    metadata: &[(&str, String)],
    out: impl Write + Send,
) -> Result<(), ParquetError> {
    let pairs = metadata.iter().map(|(k, v)| KeyValue::new((*k).to_owned(), v.clone())).collect();
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_write_batch_size(64 * 1024)
        .set_column_encoding("timestamp_ms".into(), Encoding::DELTA_BINARY_PACKED)
        .set_key_value_metadata(Some(pairs));
    for name in NUMBERS {
        properties = properties.set_column_encoding(name.into(), Encoding::PLAIN);
    }
    let mut file =
        SerializedFileWriter::new(out, Arc::new(schema()?), Arc::new(properties.build()))?;
    let mut start = 0;
    while start < series.len() {
        let rows = start..(start + ROW_GROUP).min(series.len());
        let mut group = file.next_row_group()?;
        let missing = || ParquetError::General("too few columns".to_owned());
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<Int64Type>().write_batch(&series.time()[rows.clone()], None, None)?;
        column.close()?;
        for values in [series.open(), series.high(), series.low(), series.close(), series.volume()]
        {
            let mut column = group.next_column()?.ok_or_else(missing)?;
            column.typed::<DoubleType>().write_batch(&values[rows.clone()], None, None)?;
            column.close()?;
        }
        group.close()?;
        start = rows.end;
    }
    file.close()?;
    Ok(())
}

fn schema() -> Result<Type, ParquetError> {
    let required = |name, physical| {
        Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED)
    };
    let time = LogicalType::timestamp(true, TimeUnit::MILLIS);
    let time = required("timestamp_ms", PhysicalType::INT64).with_logical_type(Some(time));
    let mut fields = vec![Arc::new(time.build()?)];
    for name in NUMBERS {
        fields.push(Arc::new(required(name, PhysicalType::DOUBLE).build()?));
    }
    Type::group_type_builder("candles").with_fields(fields).build()
}

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit as ParquetUnit, Type as PhysicalType},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader},
    schema::types::ColumnDescriptor,
};

use super::{
    ImportError, Options, Rows,
    csv::{excerpt, number},
    header::{Layout, NAMES},
    place::{Place, Unit},
    time_column::{TimeColumn, Unit as TimeUnit},
};

/// Values converted at a time.
const BATCH: usize = 16 * 1024;

/// Reads the candles of a Parquet file and adds them to `rows`; `file` is named in errors.
///
/// Most callers want [`import`](super::import()), which opens and checks.
///
/// # Errors
/// The first value that cannot be read, or damage that is met: see [`ImportError`].
pub fn read_parquet<R: ChunkReader + 'static>(
    input: R,
    file: &Path,
    options: &Options,
    rows: &mut Rows,
) -> Result<(), ImportError> {
    ParquetFile::open(input, file)?.read(options, rows)
}

/// An open Parquet file.
pub(crate) struct ParquetFile<'a, R: ChunkReader> {
    reader: SerializedFileReader<R>,
    file: &'a Path,
}

impl<'a, R: ChunkReader + 'static> ParquetFile<'a, R> {
    pub(crate) fn open(input: R, file: &'a Path) -> Result<Self, ImportError> {
        guarded(file, || {
            let length = input.len();
            let reader = SerializedFileReader::new(input)
                .and_then(|reader| check_offsets(&reader, length).map(|()| reader))
                .map_err(|source| ImportError::Parquet { file: file.to_owned(), source })?;
            Ok(Self { reader, file })
        })
    }

    /// The value of `key` in the file's own metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        let pairs = self.reader.metadata().file_metadata().key_value_metadata()?;
        pairs.iter().find(|p| p.key == key)?.value.as_deref()
    }

    /// After an error `rows` holds what was read before it, in columns of any length.
    pub(crate) fn read(&self, options: &Options, rows: &mut Rows) -> Result<(), ImportError> {
        guarded(self.file, || self.read_groups(options, rows))
    }

    fn read_groups(&self, options: &Options, rows: &mut Rows) -> Result<(), ImportError> {
        let damaged = |source| ImportError::Parquet { file: self.file.to_owned(), source };
        rows.origins.begin(self.file, Unit::Row);
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let names: Vec<String> = schema.columns().iter().map(|c| c.path().string()).collect();
        let layout = Layout::by_name(&names, options.symbol.as_ref(), self.file)?;
        let mut time = TimeColumn::new(layout.unit);
        let mut first_row = 1;
        for index in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(index).map_err(damaged)?;
            let before = rows.columns.len();
            let count = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
            if count > options.max_rows - before {
                let max = options.max_rows;
                return Err(ImportError::TooMany { file: self.file.to_owned(), max });
            }
            let group = Group { file: self.file, group: &*group, count, first_row };
            let columns = &mut rows.columns;
            group.times(layout.columns[0], &mut time, &mut columns.time)?;
            for (kind, out) in [
                (1, &mut columns.open),
                (2, &mut columns.high),
                (3, &mut columns.low),
                (4, &mut columns.close),
                (5, &mut columns.volume),
            ] {
                group.numbers(layout.columns[kind], kind, out)?;
            }
            rows.origins.add(before, first_row, count as u64);
            first_row += count as u64;
        }
        Ok(())
    }
}

/// Runs the decoder. It panics on some kinds of damage: that is an error about the file, as any
/// other damage is.
fn guarded<T>(
    file: &Path,
    decode: impl FnOnce() -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        let source = ParquetError::General("the file is damaged".to_owned());
        Err(ImportError::Parquet { file: file.to_owned(), source })
    })
}

/// Refuses column chunks that are not inside the file, and row groups whose columns differ in
/// length, before anything is read by their offsets.
fn check_offsets<R: ChunkReader + 'static>(
    reader: &SerializedFileReader<R>,
    length: u64,
) -> Result<(), ParquetError> {
    for group in reader.metadata().row_groups() {
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let start = u64::try_from(start.min(column.data_page_offset()));
            let size = u64::try_from(column.compressed_size());
            let end = start.ok().zip(size.ok()).and_then(|(start, size)| start.checked_add(size));
            if end.is_none_or(|end| end > length) {
                return Err(ParquetError::EOF("a column chunk is not inside the file".to_owned()));
            }
            let flat = column.column_descr().max_rep_level() == 0;
            if flat && column.num_values() != group.num_rows() {
                return Err(ParquetError::General("columns differ in length".to_owned()));
            }
        }
    }
    Ok(())
}

/// One row group of a file.
struct Group<'a> {
    file: &'a Path,
    group: &'a dyn RowGroupReader,
    count: usize,
    first_row: u64,
}

/// What is wrong with a column, before it is known where.
enum Fault {
    Damaged(ParquetError),
    /// The value at this row of the group.
    Value(usize, String, String),
    Type,
}

impl From<ParquetError> for Fault {
    fn from(error: ParquetError) -> Self {
        Self::Damaged(error)
    }
}

impl Group<'_> {
    fn times(
        &self,
        column: usize,
        time: &mut TimeColumn,
        out: &mut Vec<i64>,
    ) -> Result<(), ImportError> {
        let descriptor = self.group.metadata().column(column).column_descr();
        let unit = timestamp_unit(descriptor);
        let mut stamped = TimeColumn::new(unit);
        let time = if unit.is_some() { &mut stamped } else { time };
        let integers_only = plain_integer(descriptor);
        let result = self.group.get_column_reader(column).map_err(Fault::from).and_then(|reader| {
            let push = |text: &dyn ToString, ms: Result<i64, String>, out: &mut Vec<i64>| {
                ms.map(|ms| out.push(ms)).map_err(|reason| (text.to_string(), reason))
            };
            match reader {
                ColumnReader::Int64ColumnReader(r) if unit.is_some() || integers_only => {
                    self.each(r, descriptor, |v| push(v, time.integer(*v), out))
                }
                ColumnReader::Int32ColumnReader(r) if is_date(descriptor) => {
                    self.each(r, descriptor, |v| push(v, Ok(i64::from(*v) * 86_400_000), out))
                }
                ColumnReader::Int32ColumnReader(r) if integers_only => {
                    self.each(r, descriptor, |v| push(v, time.integer(i64::from(*v)), out))
                }
                ColumnReader::Int96ColumnReader(r) => self.each(r, descriptor, |v| {
                    let [nanos_low, nanos_high, day] = v.data() else {
                        return Err((String::new(), "is not a time".to_owned()));
                    };
                    // Nanoseconds of the day, and a Julian day number.
                    let nanos = (u64::from(*nanos_high) << 32 | u64::from(*nanos_low)) as i64;
                    let days = i64::from(*day) - 2_440_588;
                    let ms = if nanos % 1_000_000 == 0 {
                        Ok(days * 86_400_000 + nanos / 1_000_000)
                    } else {
                        Err("is not a whole number of milliseconds".to_owned())
                    };
                    push(&format!("day {days} and {nanos} ns"), ms, out)
                }),
                ColumnReader::DoubleColumnReader(r) => self.each(r, descriptor, |v| {
                    // Every whole number below 2^63 converts exactly.
                    let whole = v.fract() == 0.0 && v.abs() < 9.2e18;
                    let ms = if whole {
                        time.integer(*v as i64)
                    } else {
                        Err("is not a whole number".to_owned())
                    };
                    push(v, ms, out)
                }),
                ColumnReader::ByteArrayColumnReader(r) if is_text(descriptor) => {
                    self.each(r, descriptor, |v| {
                        push(&excerpt(v.data()), time.text(v.data().trim_ascii()), out)
                    })
                }
                _ => Err(Fault::Type),
            }
        });
        result.map_err(|fault| self.error(0, descriptor, fault))
    }

    fn numbers(&self, column: usize, kind: usize, out: &mut Vec<f64>) -> Result<(), ImportError> {
        let descriptor = self.group.metadata().column(column).column_descr();
        let before = out.len();
        let result =
            self.group.get_column_reader(column).map_err(Fault::from).and_then(
                |reader| match reader {
                    ColumnReader::DoubleColumnReader(r) => {
                        self.directly(r, descriptor, out)?;
                        match out[before..].iter().position(|v| !v.is_finite()) {
                            Some(row) => {
                                let text = out[before + row].to_string();
                                Err(Fault::Value(row, text, "is not a finite number".to_owned()))
                            }
                            None => Ok(()),
                        }
                    }
                    ColumnReader::FloatColumnReader(r) => self.each(r, descriptor, |v| {
                        if !v.is_finite() {
                            return Err((v.to_string(), "is not a finite number".to_owned()));
                        }
                        out.push(f64::from(*v));
                        Ok(())
                    }),
                    ColumnReader::Int32ColumnReader(r) if plain_integer(descriptor) => {
                        self.each(r, descriptor, |v| {
                            out.push(f64::from(*v));
                            Ok(())
                        })
                    }
                    ColumnReader::Int64ColumnReader(r) if plain_integer(descriptor) => {
                        self.each(r, descriptor, |v| {
                            if v.unsigned_abs() > 1 << 53 {
                                let reason = "has more digits than a 64-bit float can hold";
                                return Err((v.to_string(), reason.to_owned()));
                            }
                            out.push(*v as f64);
                            Ok(())
                        })
                    }
                    ColumnReader::ByteArrayColumnReader(r) if is_text(descriptor) => {
                        self.each(r, descriptor, |v| {
                            let value = number(v.data().trim_ascii());
                            let value = value.map_err(|r| (excerpt(v.data()), r.to_owned()))?;
                            out.push(value);
                            Ok(())
                        })
                    }
                    _ => Err(Fault::Type),
                },
            );
        result.map_err(|fault| self.error(kind, descriptor, fault))
    }

    /// Hands every value of a column to `take`.
    fn each<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        descriptor: &ColumnDescriptor,
        mut take: impl FnMut(&T::T) -> Result<(), (String, String)>,
    ) -> Result<(), Fault> {
        let mut values = Vec::new();
        let mut row = 0;
        while row < self.count {
            values.clear();
            let batch = (self.count - row).min(BATCH);
            self.batch(&mut reader, descriptor, row, batch, &mut values)?;
            for value in &values {
                take(value).map_err(|(text, reason)| Fault::Value(row, text, reason))?;
                row += 1;
            }
        }
        Ok(())
    }

    /// Appends a column to `out` without a detour.
    fn directly<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        descriptor: &ColumnDescriptor,
        out: &mut Vec<T::T>,
    ) -> Result<(), Fault> {
        let mut row = 0;
        while row < self.count {
            let batch = (self.count - row).min(64 * BATCH);
            row += self.batch(&mut reader, descriptor, row, batch, out)?;
        }
        Ok(())
    }

    /// Appends at least one and at most `batch` values to `out`.
    fn batch<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        descriptor: &ColumnDescriptor,
        row: usize,
        batch: usize,
        out: &mut Vec<T::T>,
    ) -> Result<usize, Fault> {
        if descriptor.max_rep_level() != 0 {
            return Err(Fault::Type);
        }
        let optional = descriptor.max_def_level() > 0;
        let mut levels = Vec::new();
        let before = out.len();
        let (records, values, _) =
            reader.read_records(batch, optional.then_some(&mut levels), None, out)?;
        if records == 0 || out.len() - before != values {
            return Err(Fault::Damaged(ParquetError::EOF(format!(
                "a column ends after {row} of {} rows of its row group",
                self.count
            ))));
        }
        if values < records {
            let there = |level: &i16| *level == descriptor.max_def_level();
            let missing = levels.iter().position(|l| !there(l)).unwrap_or(0);
            return Err(Fault::Value(row + missing, String::new(), "is empty".to_owned()));
        }
        Ok(records)
    }

    fn error(&self, kind: usize, descriptor: &ColumnDescriptor, fault: Fault) -> ImportError {
        let (file, column) = (self.file.to_owned(), NAMES[kind]);
        match fault {
            Fault::Damaged(source) => ImportError::Parquet { file, source },
            Fault::Value(row, text, reason) => {
                let line = self.first_row + row as u64;
                ImportError::Value {
                    place: Place { file: self.file.into(), line, unit: Unit::Row },
                    column,
                    text,
                    reason,
                }
            }
            Fault::Type => {
                let physical = descriptor.physical_type();
                let logical = descriptor.logical_type_ref().map(|l| format!("{l:?}"));
                let found = match (logical, descriptor.converted_type()) {
                    (Some(l), _) => format!("{physical} {}", l.split('(').next().unwrap_or(&l)),
                    (None, ConvertedType::NONE) => physical.to_string(),
                    (None, converted) => format!("{physical} {converted}"),
                };
                ImportError::ColumnType { file, column, found }
            }
        }
    }
}

/// The unit of a timestamp column.
fn timestamp_unit(descriptor: &ColumnDescriptor) -> Option<TimeUnit> {
    if descriptor.physical_type() != PhysicalType::INT64 {
        return None;
    }
    match (descriptor.logical_type_ref(), descriptor.converted_type()) {
        (Some(LogicalType::Timestamp(stamp)), _) => Some(match stamp.unit {
            ParquetUnit::MILLIS => TimeUnit::Milliseconds,
            ParquetUnit::MICROS => TimeUnit::Microseconds,
            ParquetUnit::NANOS => TimeUnit::Nanoseconds,
        }),
        (None, ConvertedType::TIMESTAMP_MILLIS) => Some(TimeUnit::Milliseconds),
        (None, ConvertedType::TIMESTAMP_MICROS) => Some(TimeUnit::Microseconds),
        _ => None,
    }
}

fn is_date(descriptor: &ColumnDescriptor) -> bool {
    matches!(descriptor.logical_type_ref(), Some(LogicalType::Date))
        || descriptor.converted_type() == ConvertedType::DATE
}

/// Integers that mean themselves: no decimals, no times of day.
fn plain_integer(descriptor: &ColumnDescriptor) -> bool {
    match descriptor.logical_type_ref() {
        Some(LogicalType::Integer(_)) => true,
        Some(_) => false,
        None => !matches!(
            descriptor.converted_type(),
            ConvertedType::DECIMAL
                | ConvertedType::DATE
                | ConvertedType::TIME_MILLIS
                | ConvertedType::TIME_MICROS
        ),
    }
}

fn is_text(descriptor: &ColumnDescriptor) -> bool {
    match descriptor.logical_type_ref() {
        Some(LogicalType::String) => true,
        Some(_) => false,
        None => matches!(descriptor.converted_type(), ConvertedType::NONE | ConvertedType::UTF8),
    }
}

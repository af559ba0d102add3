use std::{
    borrow::Cow,
    io::{self, BufRead},
    path::Path,
};

use super::{
    ImportError, Options, Rows,
    header::{Layout, NAMES},
    place::{Place, Unit},
    time_column::TimeColumn,
};

/// Bytes read at a time.
pub(super) const BUFFER: usize = 256 * 1024;
/// The longest line; what is longer is no table of candles.
const LONGEST_LINE: usize = 64 * 1024;

/// Reads the candles of a CSV text and adds them to `rows`; `file` is named in errors.
///
/// Most callers want [`import`](super::import()), which opens, unpacks and checks.
///
/// # Errors
/// The first line that cannot be read: see [`ImportError`].
pub fn read_csv(
    mut input: impl BufRead,
    file: &Path,
    options: &Options,
    rows: &mut Rows,
) -> Result<(), ImportError> {
    rows.origins.begin(file, Unit::Line);
    let mut table = Table { file, options, rows, reader: None };
    let mut rest = Vec::new();
    let mut number = 0;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(ImportError::Io { file: file.to_owned(), source }),
        };
        if buffer.is_empty() {
            break;
        }
        let mut at = 0;
        while let Some(length) = memchr::memchr(b'\n', &buffer[at..]) {
            number += 1;
            let line = &buffer[at..at + length];
            at += length + 1;
            if rest.is_empty() {
                table.line(number, line)?;
            } else {
                rest.extend_from_slice(line);
                table.line(number, &rest)?;
                rest.clear();
            }
        }
        rest.extend_from_slice(&buffer[at..]);
        if rest.len() > LONGEST_LINE {
            return Err(table.refuse(number + 1, "is too long for a line of candles"));
        }
        let used = buffer.len();
        input.consume(used);
    }
    if rest.is_empty() { Ok(()) } else { table.line(number + 1, &rest) }
}

/// A CSV file while it is read.
struct Table<'a> {
    file: &'a Path,
    options: &'a Options,
    rows: &'a mut Rows,
    reader: Option<LineReader>,
}

/// What the header, or the first line, says about the lines.
struct LineReader {
    delimiter: u8,
    width: usize,
    /// For each column of the file: which of [`NAMES`] it is.
    kinds: Vec<Option<usize>>,
    time: TimeColumn,
}

impl Table<'_> {
    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), ImportError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line =
            if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        if self.reader.is_some() {
            return self.candle(number, line);
        }
        if line.starts_with(b"http://") || line.starts_with(b"https://") {
            return Ok(());
        }
        let delimiter = delimiter(line);
        let fields = match split_quoted(line, delimiter) {
            Ok(fields) => fields,
            Err(reason) => return Err(self.refuse(number, reason)),
        };
        let first_is_data = fields.iter().all(|f| fast_float2::parse::<f64, _>(f).is_ok());
        let layout = if first_is_data {
            Layout::without_header(fields.len()).ok_or_else(|| {
                let text = "numbers where the header should be: name the columns \
                            timestamp_ms,open,high,low,close,volume";
                self.refuse(number, text)
            })?
        } else {
            let names: Vec<String> = fields.iter().map(|f| excerpt(f)).collect();
            Layout::by_name(&names, self.options.symbol.as_ref(), self.file)?
        };
        let mut kinds = vec![None; layout.width];
        for (kind, &column) in layout.columns.iter().enumerate() {
            kinds[column] = Some(kind);
        }
        let time = TimeColumn::new(layout.unit);
        self.reader = Some(LineReader { delimiter, width: layout.width, kinds, time });
        if first_is_data { self.candle(number, line) } else { Ok(()) }
    }

    fn candle(&mut self, number: u64, line: &[u8]) -> Result<(), ImportError> {
        let Some(reader) = &mut self.reader else { return Ok(()) };
        let row = self.rows.columns.len();
        if row == self.options.max_rows {
            let max = self.options.max_rows;
            return Err(ImportError::TooMany { file: self.file.to_owned(), max });
        }
        let values = if memchr::memchr(b'"', line).is_none() {
            reader.values(split(line, reader.delimiter))
        } else {
            match split_quoted(line, reader.delimiter) {
                Ok(fields) => reader.values(fields.iter().map(|f| f.as_ref())),
                Err(reason) => Err(Fault::Line(reason.to_owned())),
            }
        };
        let (time, [open, high, low, close, volume]) = match values {
            Ok(values) => values,
            Err(fault) => return Err(self.fault(number, fault)),
        };
        let columns = &mut self.rows.columns;
        columns.time.push(time);
        columns.open.push(open);
        columns.high.push(high);
        columns.low.push(low);
        columns.close.push(close);
        columns.volume.push(volume);
        self.rows.origins.add(row, number, 1);
        Ok(())
    }

    fn fault(&self, line: u64, fault: Fault) -> ImportError {
        let place = Place { file: self.file.into(), line, unit: Unit::Line };
        match fault {
            Fault::Line(reason) => ImportError::Line { place, reason },
            Fault::Value { kind, text, reason } => {
                ImportError::Value { place, column: NAMES[kind], text, reason }
            }
        }
    }

    fn refuse(&self, line: u64, reason: &str) -> ImportError {
        self.fault(line, Fault::Line(reason.to_owned()))
    }
}

enum Fault {
    Line(String),
    Value { kind: usize, text: String, reason: String },
}

impl LineReader {
    #[inline]
    fn values<'a>(
        &mut self,
        fields: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(i64, [f64; 5]), Fault> {
        let mut time = 0;
        let mut numbers = [0.0; 5];
        let mut count = 0;
        let mut wrong = None;
        for field in fields {
            if let Some(&Some(kind)) = self.kinds.get(count) {
                let field = field.trim_ascii();
                let fault = |reason| Fault::Value { kind, text: excerpt(field), reason };
                if kind == 0 {
                    match self.time.text(field) {
                        Ok(ms) => time = ms,
                        Err(reason) => wrong = wrong.or_else(|| Some(fault(reason))),
                    }
                } else {
                    match number(field) {
                        Ok(value) => numbers[kind - 1] = value,
                        Err(reason) => wrong = wrong.or_else(|| Some(fault(reason.to_owned()))),
                    }
                }
            }
            count += 1;
        }
        if count != self.width {
            return Err(Fault::Line(format!("{count} fields, expected {}", self.width)));
        }
        wrong.map_or(Ok((time, numbers)), Err)
    }
}

/// A finite number.
pub(super) fn number(text: &[u8]) -> Result<f64, &'static str> {
    match fast_float2::parse::<f64, _>(text) {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err("is not a finite number"),
        Err(_) if text.is_empty() => Err("is empty"),
        Err(_) => Err("is not a number"),
    }
}

/// The beginning of a text, for a message; without what a terminal would obey.
pub(super) fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).replace(char::is_control, "\u{fffd}");
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[inline]
fn split(line: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        // Fields are short: a plain loop is faster than a vectorised search.
        match line.iter().position(|&b| b == delimiter) {
            Some(end) => {
                rest = Some(&line[end + 1..]);
                Some(&line[..end])
            }
            None => rest.take(),
        }
    })
}

/// What seems to separate the fields of a header.
pub(super) fn delimiter(header: &[u8]) -> u8 {
    [b',', b';', b'\t'].into_iter().find(|d| header.contains(d)).unwrap_or(b',')
}

/// Splits a line in which fields may be quoted, with `""` for a quote.
pub(super) fn split_quoted(line: &[u8], delimiter: u8) -> Result<Vec<Cow<'_, [u8]>>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let trimmed = without_spaces(rest);
        let Some(quoted) = trimmed.strip_prefix(b"\"") else {
            match memchr::memchr(delimiter, rest) {
                Some(end) => {
                    fields.push(Cow::Borrowed(rest[..end].trim_ascii()));
                    rest = &rest[end + 1..];
                    continue;
                }
                None => {
                    fields.push(Cow::Borrowed(rest.trim_ascii()));
                    return Ok(fields);
                }
            }
        };
        let mut field = Vec::new();
        let mut at = 0;
        loop {
            let Some(end) = memchr::memchr(b'"', &quoted[at..]) else {
                return Err("a quote is not closed on its line");
            };
            field.extend_from_slice(&quoted[at..at + end]);
            at += end + 1;
            if quoted.get(at) != Some(&b'"') {
                break;
            }
            field.push(b'"');
            at += 1;
        }
        fields.push(Cow::Owned(field));
        match without_spaces(&quoted[at..]) {
            [] => return Ok(fields),
            [next, after @ ..] if *next == delimiter => rest = after,
            _ => return Err("a quoted field is followed by something else than a separator"),
        }
    }
}

/// `text` from its first character on that is not a space (a tab may be the separator).
fn without_spaces(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|b| **b == b' ').count()..]
}

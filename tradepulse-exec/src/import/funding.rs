use std::{io::BufRead, path::Path};

use tradepulse_core::market::{FundingError, FundingSeries};

use super::{
    Content, ImportError,
    csv::{delimiter, excerpt, number, split_quoted},
    header::{normal, unit},
    open,
    place::{Place, Unit},
    time_column::TimeColumn,
};

/// Reads the funding rates of a perpetual from a CSV file (or `.csv.gz`).
///
/// Columns are found by name, others are ignored:
///
/// | column | names |
/// |---|---|
/// | time | `time`, `timestamp`, `funding_time`, `fundingTime`, `calc_time`, `date`, `datetime`; with `_s`, `_ms`, `_us` or `_ns` at the end the unit is known |
/// | rate | `rate`, `funding_rate`, `fundingRate`, `last_funding_rate`: a fraction of the notional (0.0001 is 0.01 %) |
///
/// Times are read as those of [candles](super#times), and milliseconds are dropped: venues stamp a
/// payment some milliseconds after the time it is for.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("funding.csv");
/// std::fs::write(&file, "time,rate\n2024-01-01 00:00:00,0.0001\n2024-01-01 08:00:00,-0.00002\n")?;
/// let funding = tradepulse_exec::import::read_funding(&file)?;
/// assert_eq!(funding.rate(), [0.0001, -0.00002]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first line that cannot be read or cannot be true, see [`ImportError`]; a file without rates.
pub fn read_funding(file: &Path) -> Result<FundingSeries, ImportError> {
    let Content::Text(input) = open(file)?.0 else {
        return Err(ImportError::format(
            file,
            "is a Parquet file: funding rates are read from CSV",
        ));
    };
    let mut table: Option<Layout> = None;
    let (mut times, mut rates, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for (line, text) in (1..).zip(input.split(b'\n')) {
        let text = text.map_err(|source| ImportError::Io { file: file.to_owned(), source })?;
        let text = text.strip_suffix(b"\r").unwrap_or(&text);
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if text.trim_ascii().is_empty() {
            continue;
        }
        let place = Place { file: file.into(), line, unit: Unit::Line };
        let Some(layout) = &mut table else {
            table = Some(Layout::new(file, text, place)?);
            continue;
        };
        let (time, rate) = layout.payment(text, &place)?;
        times.push(time.div_euclid(1000) * 1000);
        rates.push(rate);
        places.push(place);
    }
    if times.is_empty() {
        return Err(ImportError::format(file, "holds no funding rates"));
    }
    FundingSeries::new(times, rates).map_err(|error| at(file, &places, error))
}

/// `error` with the place its row came from.
fn at(file: &Path, places: &[Place], error: FundingError) -> ImportError {
    match error.row().and_then(|row| places.get(row)) {
        Some(place) => ImportError::Funding { place: place.clone(), error },
        None => ImportError::format(file, &error.to_string()),
    }
}

/// Where time and rate stand on a line.
struct Layout {
    delimiter: u8,
    width: usize,
    time: usize,
    rate: usize,
    times: TimeColumn,
}

impl Layout {
    fn new(file: &Path, header: &[u8], place: Place) -> Result<Self, ImportError> {
        let delimiter = delimiter(header);
        let fields =
            split_quoted(header, delimiter).map_err(|reason| ImportError::line(place, reason))?;
        let names: Vec<String> = fields.iter().map(|f| excerpt(f)).collect();
        let plain: Vec<String> = names.iter().map(|n| normal(n)).collect();
        let find = |column: &'static str, fits: &dyn Fn(&str) -> bool| {
            let hits: Vec<usize> = (0..plain.len()).filter(|&i| fits(&plain[i])).collect();
            let file = file.to_owned();
            match hits[..] {
                [one] => Ok(one),
                [] => Err(ImportError::MissingColumn { file, column, found: names.clone() }),
                _ => {
                    let found = hits.iter().map(|&i| names[i].clone()).collect();
                    Err(ImportError::DoubledColumn { file, column, found })
                }
            }
        };
        let time = find("time", &|n| {
            matches!(
                unit(n).0,
                "time"
                    | "timestamp"
                    | "funding_time"
                    | "fundingtime"
                    | "calc_time"
                    | "date"
                    | "datetime"
            )
        })?;
        let rate = find("rate", &|n| {
            matches!(n, "rate" | "funding_rate" | "fundingrate" | "last_funding_rate")
        })?;
        let times = TimeColumn::new(unit(&plain[time]).1);
        Ok(Self { delimiter, width: names.len(), time, rate, times })
    }

    fn payment(&mut self, line: &[u8], place: &Place) -> Result<(i64, f64), ImportError> {
        let fields = split_quoted(line, self.delimiter)
            .map_err(|reason| ImportError::line(place.clone(), reason))?;
        if fields.len() != self.width {
            let reason = format!("{} fields, expected {}", fields.len(), self.width);
            return Err(ImportError::line(place.clone(), &reason));
        }
        let value = |column: &'static str, text: &[u8], reason: String| ImportError::Value {
            place: place.clone(),
            column,
            text: excerpt(text),
            reason,
        };
        let (time, rate) = (&fields[self.time], &fields[self.rate]);
        Ok((
            self.times.text(time).map_err(|reason| value("time", time, reason))?,
            number(rate).map_err(|reason| value("rate", rate, reason.to_owned()))?,
        ))
    }
}

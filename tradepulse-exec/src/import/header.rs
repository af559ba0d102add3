use std::path::Path;

use tradepulse_core::market::Symbol;

use super::{ImportError, time_column::Unit};

/// The columns of a candle, in the order of [`Layout::columns`].
pub(super) const NAMES: [&str; 6] = ["time", "open", "high", "low", "close", "volume"];

/// Which column of a file is which column of a candle.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// Index of each of [`NAMES`] in the file.
    pub(super) columns: [usize; 6],
    /// Number of columns of the file.
    pub(super) width: usize,
    /// The unit of the time, if its name says it.
    pub(super) unit: Option<Unit>,
}

impl Layout {
    /// The first six columns, in the usual order, of files without a header: 12 columns in the
    /// archive of Binance, 7 in that of Kraken.
    pub(super) fn without_header(width: usize) -> Option<Self> {
        matches!(width, 7 | 12).then_some(Self { columns: [0, 1, 2, 3, 4, 5], width, unit: None })
    }

    /// Finds the columns by name.
    pub(super) fn by_name(
        names: &[String],
        symbol: Option<&Symbol>,
        file: &Path,
    ) -> Result<Self, ImportError> {
        let plain: Vec<String> = names.iter().map(|n| normal(n)).collect();
        // The better of two kinds of names wins; within one kind a second one is an error.
        let find = |kind: usize, ranks: &[&dyn Fn(&str) -> bool]| -> Result<usize, ImportError> {
            for rank in ranks {
                let hits: Vec<usize> = (0..plain.len()).filter(|&i| rank(&plain[i])).collect();
                match hits[..] {
                    [] => {}
                    [one] => return Ok(one),
                    _ => {
                        return Err(ImportError::DoubledColumn {
                            file: file.to_owned(),
                            column: NAMES[kind],
                            found: hits.iter().map(|&i| names[i].clone()).collect(),
                        });
                    }
                }
            }
            Err(ImportError::MissingColumn {
                file: file.to_owned(),
                column: NAMES[kind],
                found: names.to_vec(),
            })
        };
        let price =
            |kind: usize| find(kind, &[&|n: &str| n == NAMES[kind] || n == &NAMES[kind][..1]]);
        let time = find(
            0,
            &[
                &|n| matches!(unit(n).0, "timestamp" | "time" | "open_time" | "opentime" | "unix"),
                &|n| matches!(unit(n).0, "date" | "datetime" | "date_time"),
            ],
        )?;
        let base = symbol.map(|s| s.base().to_ascii_lowercase());
        let volume = find(
            5,
            &[
                &|n| matches!(n, "volume" | "vol" | "v" | "base_volume" | "volume_base"),
                &|n| match (n.strip_prefix("volume_"), &base) {
                    (Some(currency), Some(base)) => currency == base,
                    (Some(_), None) => true,
                    (None, _) => false,
                },
            ],
        )?;
        Ok(Self {
            columns: [time, price(1)?, price(2)?, price(3)?, price(4)?, volume],
            width: names.len(),
            unit: unit(&plain[time]).1,
        })
    }
}

/// A name without what does not matter: case, quotes, brackets, spaces or dashes for underscores.
pub(super) fn normal(name: &str) -> String {
    name.trim()
        .chars()
        .filter(|c| !matches!(c, '(' | ')' | '<' | '>' | '[' | ']'))
        .map(|c| if matches!(c, ' ' | '-') { '_' } else { c.to_ascii_lowercase() })
        .collect()
}

/// A name without the unit at its end, and the unit.
pub(super) fn unit(name: &str) -> (&str, Option<Unit>) {
    for (ending, unit) in [
        ("_s", Unit::Seconds),
        ("_ms", Unit::Milliseconds),
        ("_us", Unit::Microseconds),
        ("_ns", Unit::Nanoseconds),
    ] {
        if let Some(name) = name.strip_suffix(ending) {
            return (name, Some(unit));
        }
    }
    (name, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(header: &str, symbol: Option<&str>) -> Result<Layout, String> {
        let names: Vec<String> = header.split(',').map(str::to_owned).collect();
        let symbol = symbol.map(|s| s.parse().unwrap());
        Layout::by_name(&names, symbol.as_ref(), Path::new("f.csv")).map_err(|e| e.to_string())
    }

    #[test]
    fn usual_headers() {
        for (header, columns, unit) in [
            (
                "timestamp_ms,open,high,low,close,volume",
                [0, 1, 2, 3, 4, 5],
                Some(Unit::Milliseconds),
            ),
            ("Date,Open,High,Low,Close,Volume", [0, 1, 2, 3, 4, 5], None),
            ("t,v,c,l,h,o,Time", [6, 5, 4, 3, 2, 1], None),
            (
                "Open Time,Open,High,Low,Close,Volume,Close Time,Quote Volume",
                [0, 1, 2, 3, 4, 5],
                None,
            ),
            (
                "unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount",
                [0, 3, 4, 5, 6, 7],
                None,
            ),
            (
                "Timestamp,Open,High,Low,Close,Volume_(BTC),Volume_(Currency),Weighted_Price",
                [0, 1, 2, 3, 4, 5],
                None,
            ),
        ] {
            let layout = layout(header, Some("BTC/USDT")).unwrap();
            assert_eq!((layout.columns, layout.unit), (columns, unit), "{header}");
        }
        assert!(layout("time,o,h,l,c,Volume BTC", None).is_ok());
    }

    #[test]
    fn what_is_missing_or_doubled_is_said() {
        for (header, symbol, message) in [
            (
                "time,open,high,low,volume",
                None,
                "f.csv: no column for close; found: time, open, high, low, volume",
            ),
            (
                "open,high,low,close,volume",
                None,
                "f.csv: no column for time; found: open, high, low, close, volume",
            ),
            (
                "time,Timestamp,o,h,l,c,v",
                None,
                "f.csv: more than one column for time: time, Timestamp",
            ),
            ("time,o,Open,h,l,c,v", None, "f.csv: more than one column for open: o, Open"),
            (
                "time,o,h,l,c,Volume BTC,Volume USDT",
                None,
                "f.csv: more than one column for volume: Volume BTC, Volume USDT",
            ),
            (
                "time,o,h,l,c,Volume USDT",
                Some("BTC/USDT"),
                "f.csv: no column for volume; found: time, o, h, l, c, Volume USDT",
            ),
        ] {
            assert_eq!(layout(header, symbol).unwrap_err(), message);
        }
    }
}

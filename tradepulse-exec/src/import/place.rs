use std::{fmt, path::Path, sync::Arc};

/// Where a row came from: displayed as `file.csv, line 7` or `file.parquet, row 6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) file: Arc<Path>,
    pub(super) line: u64,
    pub(super) unit: Unit,
}

impl Place {
    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line of a CSV file or the row of a Parquet file; the first is 1.
    pub fn line(&self) -> u64 {
        self.line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} {}", self.file.display(), self.unit, self.line)
    }
}

/// What a file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Line,
    Row,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "line",
            Self::Row => "row",
        })
    }
}

/// Where every row came from, kept as runs of consecutive lines, so that it costs next to nothing.
#[derive(Debug, Default)]
pub(super) struct Origins {
    files: Vec<(Arc<Path>, Unit)>,
    runs: Vec<Run>,
    expected: u64,
}

#[derive(Debug)]
struct Run {
    row: usize,
    file: usize,
    line: u64,
}

impl Origins {
    /// The rows that follow are from `file`.
    pub(super) fn begin(&mut self, file: &Path, unit: Unit) {
        self.files.push((file.into(), unit));
        self.expected = 0;
    }

    /// `count` rows, the first of them row `row` overall, are on the lines from `line` on.
    pub(super) fn add(&mut self, row: usize, line: u64, count: u64) {
        if line != self.expected {
            self.runs.push(Run { row, file: self.files.len().saturating_sub(1), line });
        }
        self.expected = line + count;
    }

    /// Where row `row` came from.
    pub(super) fn place(&self, row: usize) -> Option<Place> {
        let after = self.runs.partition_point(|run| run.row <= row);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let (file, unit) = self.files.get(run.file)?;
        Some(Place { file: file.clone(), line: run.line + (row - run.row) as u64, unit: *unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_find_their_lines() {
        let mut origins = Origins::default();
        origins.begin(Path::new("a.csv"), Unit::Line);
        for (row, line) in [(0, 2), (1, 3), (2, 5)] {
            origins.add(row, line, 1);
        }
        origins.begin(Path::new("b.parquet"), Unit::Row);
        origins.add(3, 1, 10);
        let text = |row| origins.place(row).unwrap().to_string();
        assert_eq!(text(1), "a.csv, line 3");
        assert_eq!(text(2), "a.csv, line 5");
        assert_eq!(text(3), "b.parquet, row 1");
        assert_eq!(text(12), "b.parquet, row 10");
        assert_eq!(Origins::default().place(0), None);
    }
}

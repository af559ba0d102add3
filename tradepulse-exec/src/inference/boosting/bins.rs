/// How the values of a feature fall into bins: bin `b` has the values up to `upper[b]`, above those
/// of the bin before. Missing values have a bin of their own, behind all others.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bins {
    /// The highest value of each bin; of the last it is infinite.
    upper: Vec<f64>,
    pub(super) has_missing: bool,
    /// Lowest and highest value seen; `None` if all are missing.
    pub(super) span: Option<(f64, f64)>,
}

impl Bins {
    /// At most `most` bins with about as many rows in each; a value that is frequent has its own.
    pub(super) fn of(column: &[f64], most: u32) -> Self {
        let mut values: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
        let has_missing = values.len() < column.len();
        values.sort_unstable_by(f64::total_cmp);
        let span = values.first().copied().zip(values.last().copied());
        let mut distinct: Vec<(f64, usize)> = Vec::new();
        for value in values {
            match distinct.last_mut() {
                // -0.0 and 0.0 are one value.
                Some((last, count)) if *last == value => *count += 1,
                _ => distinct.push((value, 1)),
            }
        }
        let most = most as usize - usize::from(has_missing);
        let upper = cuts(&distinct, most.max(1));
        Self { upper, has_missing, span }
    }

    /// Bins, that of missing values included.
    pub(super) fn count(&self) -> usize {
        self.upper.len() + usize::from(self.has_missing)
    }

    /// Bins of values.
    pub(super) fn of_values(&self) -> usize {
        self.upper.len()
    }

    /// The bin of a value. A missing one where none was seen counts as zero, as in LightGBM.
    pub(super) fn find(&self, value: f64) -> u8 {
        let value = match (value.is_nan(), self.has_missing) {
            (true, true) => return self.upper.len() as u8,
            (true, false) => 0.0,
            (false, _) => value,
        };
        self.upper.partition_point(|upper| *upper < value) as u8
    }

    /// The threshold behind bin `bin`: what is not above it goes left.
    pub(super) fn threshold(&self, bin: usize) -> f64 {
        self.upper[bin]
    }
}

/// The upper ends of bins of these values and their counts.
fn cuts(distinct: &[(f64, usize)], most: usize) -> Vec<f64> {
    let mut upper = Vec::new();
    let mut rest: usize = distinct.iter().map(|(_, count)| count).sum();
    let mut filled = 0;
    for (i, pair) in distinct.windows(2).enumerate() {
        let [(value, count), (next, next_count)] = [pair[0], pair[1]];
        filled += count;
        let bins_left = most - upper.len();
        if bins_left <= 1 {
            break;
        }
        let wanted = rest as f64 / bins_left as f64;
        let few = distinct.len() - i <= bins_left;
        // A frequent value that comes next begins a bin of its own.
        let heavy = next_count as f64 >= wanted && filled as f64 >= wanted / 2.0;
        if few || filled as f64 >= wanted || heavy {
            upper.push(between(value, next));
            rest -= filled;
            filled = 0;
        }
    }
    upper.push(f64::INFINITY);
    upper
}

/// A number from `low` on and below `high`, in the middle where there is one.
fn between(low: f64, high: f64) -> f64 {
    let middle = low + (high - low) / 2.0;
    if middle >= low && middle < high { middle } else { low }
}

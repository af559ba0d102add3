use sha2::{Digest, Sha256};

use crate::time::Timestamp;

/// The funding rates of a perpetual: at each time, every position pays or receives `rate` of its
/// notional. A positive rate is paid by longs to shorts, a negative one by shorts to longs.
///
/// A `FundingSeries` is the proof that its times rise and its rates are possible.
///
/// ```
/// use tradepulse_core::market::FundingSeries;
/// let eight_hours = 8 * 3_600_000;
/// let funding = FundingSeries::new(vec![0, eight_hours], vec![0.0001, -0.00005])?;
/// assert_eq!(funding.len(), 2);
/// assert!(FundingSeries::new(vec![eight_hours, 0], vec![0.0001, 0.0001]).is_err());
/// # Ok::<(), tradepulse_core::market::FundingError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FundingSeries {
    time: Vec<i64>,
    rate: Vec<f64>,
}

impl FundingSeries {
    /// Rates (fractions of the notional) and the times at which they are paid, milliseconds since
    /// the Unix epoch.
    ///
    /// # Errors
    /// If there are not as many rates as times, a time is not later than the one before it or not
    /// in the years 1 to 9999, or a rate is not between −1 and 1.
    pub fn new(time: Vec<i64>, rate: Vec<f64>) -> Result<Self, FundingError> {
        if time.len() != rate.len() {
            return Err(FundingError::Ragged { times: time.len(), rates: rate.len() });
        }
        let mut previous = None;
        for (row, (&ms, &rate)) in time.iter().zip(&rate).enumerate() {
            let time = Timestamp::from_ms(ms);
            if !(Timestamp::EARLIEST..=Timestamp::LATEST).contains(&time) {
                return Err(FundingError::Time { row, time });
            }
            if let Some(previous) = previous.filter(|p| *p >= time) {
                return Err(FundingError::Unsorted { row, time, previous });
            }
            if !(rate > -1.0 && rate < 1.0) {
                return Err(FundingError::Rate { row, rate });
            }
            previous = Some(time);
        }
        Ok(Self { time, rate })
    }

    /// Number of payments.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is no payment.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// When each is due, milliseconds since the Unix epoch.
    pub fn time(&self) -> &[i64] {
        &self.time
    }

    /// The rate of each, a fraction of the notional.
    pub fn rate(&self) -> &[f64] {
        &self.rate
    }

    /// The first and the last time; `None` if there is no payment.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = (self.time.first()?, self.time.last()?);
        Some((Timestamp::from_ms(*first), Timestamp::from_ms(*last)))
    }

    /// SHA-256 of all times and rates, in hex: what a
    /// [`fingerprint`](crate::backtest::fingerprint()) takes of a run with funding.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update("funding");
        for (time, rate) in self.time.iter().zip(&self.rate) {
            hash.update(time.to_le_bytes());
            hash.update(rate.to_le_bytes());
        }
        crate::hex(&hash.finalize())
    }
}

/// Why funding rates are refused. Rows count from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FundingError {
    /// Not as many rates as times.
    #[error("{times} funding times, but {rates} rates")]
    Ragged {
        /// Number of times.
        times: usize,
        /// Number of rates.
        rates: usize,
    },
    /// A time that cannot be written as a date with a four-digit year.
    #[error("row {row}: time {time} is not in the years 1 to 9999")]
    Time {
        /// Row of the time.
        row: usize,
        /// The time.
        time: Timestamp,
    },
    /// A time that is not later than the one before it.
    #[error("row {row}: time {time} is not after that of the previous row ({previous})")]
    Unsorted {
        /// The row that does not go on.
        row: usize,
        /// Its time.
        time: Timestamp,
        /// The time of the row before.
        previous: Timestamp,
    },
    /// A rate no venue charges.
    #[error("row {row}: rate {rate} is not a fraction between -1 and 1")]
    Rate {
        /// Row of the rate.
        row: usize,
        /// The rate.
        rate: f64,
    },
}

impl FundingError {
    /// What is wrong, without the row: for those who can name a better place.
    pub fn reason(&self) -> String {
        let text = self.to_string();
        match self.row() {
            Some(row) => text.trim_start_matches(&format!("row {row}: ")).to_owned(),
            None => text,
        }
    }

    /// The row, counted from 0; `None` if the columns differ in length.
    pub fn row(&self) -> Option<usize> {
        match self {
            Self::Ragged { .. } => None,
            Self::Time { row, .. } | Self::Unsorted { row, .. } | Self::Rate { row, .. } => {
                Some(*row)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_venue_charges_is_refused() {
        for rate in [f64::NAN, f64::INFINITY, 1.0, -1.0] {
            let refused = FundingSeries::new(vec![0, 1], vec![0.0, rate]);
            assert_eq!(refused.map_err(|e| e.row()), Err(Some(1)), "{rate}");
        }
        for time in [vec![5, 5], vec![5, 4], vec![0, i64::MAX]] {
            let refused = FundingSeries::new(time, vec![0.0, 0.0]);
            assert_eq!(refused.map_err(|e| e.row()), Err(Some(1)));
        }
        assert!(FundingSeries::new(vec![0], vec![]).is_err());
    }

    #[test]
    fn the_hash_tells_series_apart() {
        let hash =
            |time: i64, rate: f64| FundingSeries::new(vec![time], vec![rate]).unwrap().sha256();
        assert_eq!(hash(1, 0.1), hash(1, 0.1));
        assert_ne!(hash(1, 0.1), hash(2, 0.1));
        assert_ne!(hash(1, 0.1), hash(1, -0.1));
    }
}

//! Seeded synthetic markets, for demonstrations, benchmarks and tests. They are made up: nothing
//! that trades well on them has been shown to trade well anywhere.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, LogNormal, StudentT};

use super::{Candle, Columns, DataError, Series};
use crate::random::Seed;
use crate::time::{DAY_MS, Timeframe, Timestamp};

/// A made-up market: stretches of rising, falling and sideways prices of random length, volatility
/// that clusters, fat-tailed steps (Student's t with 4 degrees of freedom), volume that rises with
/// movement and with the time of day, prices on a grid of 0.01.
///
/// ```
/// use tradepulse_core::{market::SyntheticMarket, random::Seed, time::Timeframe};
/// let market = SyntheticMarket { candles: 1000, ..SyntheticMarket::new(Seed(1), Timeframe::M5) };
/// let series = market.generate()?;
/// assert_eq!(series.len(), 1000);
/// assert_eq!(series.sha256(), market.generate()?.sha256());
/// # Ok::<(), tradepulse_core::market::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SyntheticMarket {
    /// Same seed, same market.
    pub seed: Seed,
    /// Number of candles.
    pub candles: usize,
    /// Their timeframe.
    pub timeframe: Timeframe,
    /// Open time of the first; moved back to the timeframe's grid.
    pub start: Timestamp,
    /// First price.
    pub price: f64,
    /// Volatility of a day's log return in a middling stretch (0.03 is 3 %).
    pub daily_volatility: f64,
    /// Drift of a day's log return in a rising stretch, and its opposite in a falling one; 0 makes a
    /// random walk, in which no rule can earn but by luck.
    pub daily_drift: f64,
}

/// Steps of the price inside one candle.
const STEPS: usize = 12;
const TICK: f64 = 0.01;

impl SyntheticMarket {
    /// 100,000 candles from 2024-01-01, first price 40,000, 3 % daily volatility, 0.4 % daily
    /// drift.
    pub fn new(seed: Seed, timeframe: Timeframe) -> Self {
        Self {
            seed,
            candles: 100_000,
            timeframe,
            start: Timestamp::from_ms(1_704_067_200_000),
            price: 40_000.0,
            daily_volatility: 0.03,
            daily_drift: 0.004,
        }
    }

    /// Makes the candles.
    ///
    /// # Errors
    /// If `price` or `daily_volatility` is so far off that a price leaves the range of floats.
    pub fn generate(&self) -> Result<Series, DataError> {
        let mut random = self.seed.stream("synthetic market");
        let mut columns = Columns::with_capacity(self.candles);
        let per_day = DAY_MS as f64 / self.timeframe.as_ms() as f64;
        let base = self.daily_volatility / (per_day * STEPS as f64).sqrt();
        let mut stretch = Stretch::next(&mut random, per_day, self.daily_drift);
        let mut log_price = self.price.ln();
        let (mut volatility, mut shock) = (1.0_f64, 0.0_f64);
        let start = self.timeframe.floor(self.start).as_ms();
        for i in 0..self.candles {
            if stretch.left == 0 {
                stretch = Stretch::next(&mut random, per_day, self.daily_drift);
            }
            stretch.left -= 1;
            // A volatility that remembers: pulled to the stretch's level, pushed by large moves.
            volatility = 0.97 * volatility + 0.02 * stretch.volatility + 0.01 * shock;
            let drift = stretch.daily_drift / (per_day * STEPS as f64);
            let open = self.on_grid(log_price);
            let (mut high, mut low) = (open, open);
            let before = log_price;
            for _ in 0..STEPS {
                log_price += drift + base * volatility * fat_tailed(&mut random);
                let price = self.on_grid(log_price);
                high = high.max(price);
                low = low.min(price);
            }
            let close = self.on_grid(log_price);
            let typical = base * volatility * (STEPS as f64).sqrt();
            shock = ((log_price - before).abs() / typical).min(8.0) * volatility;
            let open_time = Timestamp::from_ms(start + i as i64 * self.timeframe.as_ms());
            let volume = volume(&mut random, open_time, (high / low).ln() / typical, volatility);
            columns.push(Candle { open_time, open, high, low, close, volume });
        }
        Series::new(self.timeframe, columns)
    }

    fn on_grid(&self, log_price: f64) -> f64 {
        ((log_price.exp() / TICK).round().max(1.0) * TICK * 100.0).round() / 100.0
    }
}

/// A stretch of one character.
struct Stretch {
    left: usize,
    daily_drift: f64,
    volatility: f64,
}

impl Stretch {
    /// Bull, bear or sideways, for about ten days.
    fn next(random: &mut ChaCha8Rng, per_day: f64, drift: f64) -> Self {
        let days: f64 = 2.0 + 8.0 * Distribution::<f64>::sample(&Exp1, random);
        let (daily_drift, volatility) = match random.random_range(0..3) {
            0 => (drift, 0.9),
            1 => (-drift, 1.3),
            _ => (0.0, 0.7),
        };
        Self { left: (days * per_day).ceil() as usize, daily_drift, volatility }
    }
}

/// Student's t with 4 degrees of freedom, scaled to unit variance.
fn fat_tailed(random: &mut ChaCha8Rng) -> f64 {
    StudentT::new(4.0).map_or(0.0, |t| t.sample(random)) / std::f64::consts::SQRT_2
}

fn volume(random: &mut ChaCha8Rng, time: Timestamp, range: f64, volatility: f64) -> f64 {
    let hour = time.as_ms().rem_euclid(DAY_MS) as f64 / 3_600_000.0;
    let time_of_day = 1.0 + 0.4 * ((hour - 15.0) / 24.0 * std::f64::consts::TAU).cos();
    let noise = LogNormal::new(0.0, 0.4).map_or(1.0, |d| d.sample(random));
    let volume = 20.0 * time_of_day * noise * volatility * (0.3 + 0.5 * range * range);
    (volume * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_make_markets() {
        let market = |seed| {
            SyntheticMarket { candles: 5000, ..SyntheticMarket::new(Seed(seed), Timeframe::M5) }
                .generate()
                .unwrap()
        };
        assert_eq!(market(1), market(1));
        assert_ne!(market(1), market(2));
        let series = market(3);
        assert_eq!(series.gaps().count, 0);
        let returns: Vec<f64> =
            series.close().windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
        let n = returns.len() as f64;
        let variance = returns.iter().map(|r| r * r).sum::<f64>() / n;
        let kurtosis = returns.iter().map(|r| r.powi(4)).sum::<f64>() / n / (variance * variance);
        assert!(kurtosis > 3.5, "fat tails: {kurtosis}");
        let daily = (variance * 288.0).sqrt();
        assert!((0.01..0.1).contains(&daily), "daily volatility {daily}");
    }
}

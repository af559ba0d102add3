use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Regime, RegimeRule, Volatility, VolatilityModel};
use crate::indicator::PeriodError;
use crate::performance::normal_cdf;
use crate::time::{DAY_MS, Timeframe};

/// How likely each regime is; they sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probabilities {
    /// Rising.
    pub bull: f64,
    /// Falling.
    pub bear: f64,
    /// Neither.
    pub sideways: f64,
}

impl Probabilities {
    const NONE: Self = Self { bull: 0.0, bear: 0.0, sideways: 0.0 };

    /// Of a window with the score `z`. The score of a random walk has a standard deviation of about
    /// 1 (√1.2), so `z` is taken for a measurement with an error of that size: bull is the
    /// probability that the true one is above 1, bear that it is below −1.
    fn of_score(z: f64) -> Self {
        let (bull, bear) = (normal_cdf(z - 1.0), normal_cdf(-1.0 - z));
        Self { bull, bear, sideways: (1.0 - bull - bear).max(0.0) }
    }

    /// Adds `weight` times `other`.
    fn add(&mut self, weight: f64, other: Self) {
        self.bull += weight * other.bull;
        self.bear += weight * other.bear;
        self.sideways += weight * other.sideways;
    }

    /// Moved towards not knowing (a third each) by the share `doubt`.
    fn doubted(self, doubt: f64) -> Self {
        let moved = |p: f64| (1.0 - doubt) * p + doubt / 3.0;
        Self { bull: moved(self.bull), bear: moved(self.bear), sideways: moved(self.sideways) }
    }

    /// The probability of `regime`.
    pub fn of(&self, regime: Regime) -> f64 {
        match regime {
            Regime::Bull => self.bull,
            Regime::Bear => self.bear,
            Regime::Sideways => self.sideways,
        }
    }

    /// The most likely regime; sideways before bull before bear where they are equal.
    pub fn winner(&self) -> Regime {
        let mut winner = Regime::Sideways;
        for regime in [Regime::Bull, Regime::Bear] {
            if self.of(regime) > self.of(winner) {
                winner = regime;
            }
        }
        winner
    }
}

/// What the ensemble says of a candle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegimeReading {
    /// The most likely regime.
    pub label: Regime,
    /// How likely each is.
    pub probabilities: Probabilities,
    /// Probability that the label is another one a day from now: how often it was, from this
    /// regime, in the past.
    pub transition_probability: f64,
    /// Share of the last day's candles (of those labelled so far) that have this label, 0..1.
    pub stability: f64,
    /// The volatility of the last day; `None` until there is a day of returns.
    pub volatility: Option<Volatility>,
}

/// The base rule on windows of 1, 7 and 30 days (weights 0.2, 0.5 and 0.3), and a volatility model.
///
/// Each window's score becomes probabilities by the error of such a score on a random walk; the
/// weights mix them; the most likely regime is the label. On a day more volatile than 80 % of those
/// before, the probabilities are moved towards a third each, half of the way on the most volatile
/// one: the windows measure a trend by the volatility they hold themselves, and know little of a
/// market that has just changed it. That tempers what is claimed and never changes the label.
///
/// The transition probability is counted: of the past candles with this label, how many had another
/// one a day later, each candle as its fraction of a day, older ones fading with a half-life of 90
/// days, and one change in two days added for what is not known yet (Laplace's rule of succession).
///
/// All windows are counted in candles and have at least [`RegimeRule::MIN_WINDOW`] of them, so that
/// on candles of 12 hours and more they begin to coincide. There is a reading once the longest is
/// full. Nothing depends on what comes later; of what came before the windows, only the volatility's
/// 90 days and the fading counts.
///
/// ```
/// use tradepulse_core::{regime::{Regime, RegimeEnsemble}, time::Timeframe};
/// let mut ensemble = RegimeEnsemble::new(Timeframe::H4)?;
/// let readings: Vec<_> = (0..400)
///     .map(|i| ensemble.next(100.0 + f64::from(i) + f64::from(i % 7)))
///     .collect();
/// assert_eq!(readings[178], None);
/// let last = readings[399].ok_or("warm")?;
/// assert_eq!((last.label, last.stability), (Regime::Bull, 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RegimeEnsemble {
    windows: [(f64, RegimeRule); 3],
    volatility: VolatilityModel,
    persistence: Persistence,
}

impl RegimeEnsemble {
    /// Days and weight of each window.
    pub const WINDOWS: [(f64, f64); 3] = [(1.0, 0.2), (7.0, 0.5), (30.0, 0.3)];
    /// Volatility above this percentile casts doubt.
    pub const CALM_PERCENTILE: f64 = 0.8;
    /// The doubt on the most volatile day.
    pub const MOST_DOUBT: f64 = 0.5;

    /// The ensemble for candles of `timeframe`.
    ///
    /// # Errors
    /// If 30 days have more candles than an indicator can look back on.
    pub fn new(timeframe: Timeframe) -> Result<Self, PeriodError> {
        let [a, b, c] = Self::WINDOWS.map(|(days, weight)| {
            RegimeRule::over_days(days, timeframe).map(|rule| (weight, rule))
        });
        let per_day = (DAY_MS as f64 / timeframe.as_ms() as f64).round().max(1.0);
        Ok(Self {
            windows: [a?, b?, c?],
            volatility: VolatilityModel::new(timeframe)?,
            persistence: Persistence::new(per_day as usize),
        })
    }

    /// The reading at this close; `None` until the longest window is full.
    pub fn next(&mut self, close: f64) -> Option<RegimeReading> {
        let volatility = self.volatility.next(close);
        let mut mixed = Some(Probabilities::NONE);
        for (weight, rule) in &mut self.windows {
            let score = rule.next_score(close);
            mixed = mixed.zip(score).map(|(mut mixed, z)| {
                mixed.add(*weight, Probabilities::of_score(z));
                mixed
            });
        }
        let mixed = mixed?;
        let label = mixed.winner();
        let excess = volatility.and_then(|v| v.percentile).map_or(0.0, |percentile| {
            ((percentile - Self::CALM_PERCENTILE) / (1.0 - Self::CALM_PERCENTILE)).max(0.0)
        });
        let (transition_probability, stability) = self.persistence.next(label);
        Some(RegimeReading {
            label,
            probabilities: mixed.doubted(Self::MOST_DOUBT * excess),
            transition_probability,
            stability,
            volatility,
        })
    }
}

/// How long labels last.
#[derive(Clone, Debug)]
struct Persistence {
    /// Candles in a day.
    day: usize,
    /// Labels of the last day, oldest first.
    labels: VecDeque<Regime>,
    /// Of the labels in it.
    counts: [usize; 3],
    /// Days seen since a label, and those of them after which it had changed; fading.
    seen: [f64; 3],
    changed: [f64; 3],
    fading: f64,
}

impl Persistence {
    const HALF_LIFE_DAYS: f64 = 90.0;

    fn new(day: usize) -> Self {
        Self {
            day,
            labels: VecDeque::with_capacity(day + 1),
            counts: [0; 3],
            seen: [0.0; 3],
            changed: [0.0; 3],
            fading: 0.5_f64.powf(1.0 / (Self::HALF_LIFE_DAYS * day as f64)),
        }
    }

    /// Transition probability and stability of the label at this candle.
    fn next(&mut self, label: Regime) -> (f64, f64) {
        let now = label as usize;
        if self.labels.len() == self.day
            && let Some(past) = self.labels.pop_front()
        {
            let past = past as usize;
            self.counts[past] -= 1;
            for count in self.seen.iter_mut().chain(&mut self.changed) {
                *count *= self.fading;
            }
            let part = 1.0 / self.day as f64;
            self.seen[past] += part;
            if past != now {
                self.changed[past] += part;
            }
        }
        self.labels.push_back(label);
        self.counts[now] += 1;
        let transition = (self.changed[now] + 1.0) / (self.seen[now] + 2.0);
        (transition, self.counts[now] as f64 / self.labels.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::classify;
    use super::*;
    use crate::market::{Series, SyntheticMarket};
    use crate::random::Seed;

    fn market(seed: u64, candles: usize) -> Series {
        SyntheticMarket { candles, ..SyntheticMarket::new(Seed(seed), Timeframe::H1) }
            .generate()
            .unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// What comes later changes nothing, and figures are what they are called.
        #[test]
        fn readings_are_causal(seed in 0_u64..1000, cut in 700_usize..1400) {
            let series = market(seed, 1400);
            let all = classify(&series).unwrap();
            prop_assert_eq!(&classify(&series.slice(0..cut)).unwrap()[..], &all[..cut]);
            prop_assert!(all[..719].iter().all(Option::is_none) && all[719].is_some());
            for r in all.iter().flatten() {
                let p = r.probabilities;
                prop_assert!((p.bull + p.bear + p.sideways - 1.0).abs() < 1e-12);
                prop_assert!(Regime::ALL.iter().all(|regime| p.of(*regime) >= 0.0));
                prop_assert_eq!(p.winner(), r.label);
                prop_assert!(r.transition_probability > 0.0 && r.transition_probability < 1.0);
                prop_assert!(r.stability > 0.0 && r.stability <= 1.0);
            }
        }
    }

    #[test]
    fn all_regimes_occur_and_the_mirror_of_bull_is_bear() {
        let series = market(5, 8000);
        let readings: Vec<_> = classify(&series).unwrap().into_iter().flatten().collect();
        for regime in Regime::ALL {
            let share = readings.iter().filter(|r| r.label == regime).count() as f64
                / readings.len() as f64;
            assert!((0.05..0.8).contains(&share), "{regime:?}: {share}");
        }
        let mut mirror = RegimeEnsemble::new(Timeframe::H1).unwrap();
        let mirrored = series.close().iter().filter_map(|close| mirror.next(1e9 / close));
        for (r, m) in readings.iter().zip(mirrored) {
            assert!((r.probabilities.bull - m.probabilities.bear).abs() < 1e-6);
        }
    }

    #[test]
    fn wild_days_cast_doubt_and_keep_the_label() {
        let mut ensemble = RegimeEnsemble::new(Timeframe::H1).unwrap();
        let mut price = 100.0_f64;
        let mut step = |i: u32, size: f64| {
            let noise = if i.is_multiple_of(2) { size } else { -size };
            price *= 1.0 + 0.0004 + noise;
            ensemble.next(price)
        };
        let calm = (0..3000).map(|i| step(i, 0.001)).last().unwrap().unwrap();
        let wild = (0..24).map(|i| step(i, 0.01)).last().unwrap().unwrap();
        assert_eq!((calm.label, wild.label), (Regime::Bull, Regime::Bull));
        assert!(calm.volatility.unwrap().percentile.unwrap() < 0.8);
        assert_eq!(wild.volatility.unwrap().percentile, Some(1.0));
        assert!(wild.probabilities.bull < 0.7 * calm.probabilities.bull);
    }

    #[test]
    fn stillness_and_persistence() {
        let mut ensemble = RegimeEnsemble::new(Timeframe::H4).unwrap();
        let last = (0..1500).map(|_| ensemble.next(7.0)).last().unwrap().unwrap();
        assert_eq!((last.label, last.stability), (Regime::Sideways, 1.0));
        assert!(last.transition_probability < 0.02, "{last:?}");

        // Labels that change every half day: a day later the label is the same.
        let mut steady = Persistence::new(4);
        // Labels that change every day: a day later it is always another.
        let mut restless = Persistence::new(4);
        let at = |i: usize, n: usize| {
            if (i / n).is_multiple_of(2) { Regime::Bull } else { Regime::Bear }
        };
        let (mut a, mut b) = ((0.0, 0.0), (0.0, 0.0));
        for i in 0..4000 {
            (a, b) = (steady.next(at(i, 2)), restless.next(at(i, 4)));
        }
        assert!(a.0 < 0.02 && a.1 == 0.5, "{a:?}");
        assert!(b.0 > 0.98 && b.1 == 1.0, "{b:?}");
    }
}

use serde::{Deserialize, Serialize};

use crate::overfitting::variance;
use crate::performance::mean;
use crate::significance::TwoSample;

/// A sign that what a configuration lives on has gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeathSignal {
    /// The volume is not distributed as it was.
    VolumeProfile {
        /// The two-sample test.
        test: TwoSample,
    },
    /// It moves with another active configuration.
    CorrelationSpike {
        /// Identity of the other.
        with: String,
        /// Correlation of daily returns.
        correlation: f64,
    },
    /// The 30-day Sharpe ratio is below half the lifetime one.
    SharpeBelowHalf {
        /// Sharpe ratio of the last 30 days.
        rolling: f64,
        /// Lifetime Sharpe ratio.
        lifetime: f64,
    },
    /// Fill rate or slippage is off by three standard deviations.
    UnusualFills {
        /// What is off.
        figure: FillFigure,
        /// How many standard deviations it is off.
        deviations: f64,
    },
    /// The market's daily returns are not distributed as in training.
    RegimeBreak {
        /// The two-sample test.
        test: TwoSample,
    },
}

/// What can be unusual about fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FillFigure {
    /// Share of orders filled.
    FillRate,
    /// Distance of fill and reference price.
    Slippage,
}

/// What a detector says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reading", rename_all = "snake_case")]
pub enum Reading {
    /// Too little data to say anything: neither good nor bad.
    Unknown,
    /// Nothing unusual.
    Quiet,
    /// The signal sounds.
    Sounds {
        /// The signal.
        signal: DeathSignal,
    },
}

impl Reading {
    fn new(sounds: bool, signal: impl FnOnce() -> DeathSignal) -> Self {
        if sounds { Self::Sounds { signal: signal() } } else { Self::Quiet }
    }

    /// The signal, if it sounds.
    pub fn signal(self) -> Option<DeathSignal> {
        match self {
            Self::Sounds { signal } => Some(signal),
            Self::Unknown | Self::Quiet => None,
        }
    }
}

impl DeathSignal {
    /// Two-sample tests sound below this p-value.
    pub const LEVEL: f64 = 0.01;
    /// Fewest values of the recent sample of a two-sample test.
    pub const MIN_DAYS: usize = 20;
    /// A correlation above this is a spike.
    pub const CORRELATION: f64 = 0.8;
    /// Fills off by more than this many standard deviations are unusual.
    pub const DEVIATIONS: f64 = 3.0;

    /// Whether the `recent` volumes come from another distribution than those of `reference`, both
    /// one value a day (volumes of neighbouring candles depend on each other, and the test would
    /// sound for nothing). To look at the profile within the day, give the shares of the day's
    /// volume that fell into its busiest hours. Unknown below 20 days in either.
    pub fn volume_profile(reference: &[f64], recent: &[f64]) -> Reading {
        match samples(reference, recent) {
            None => Reading::Unknown,
            Some(test) => Reading::new(test.p_value < Self::LEVEL, || Self::VolumeProfile { test }),
        }
    }

    /// Whether the market's `recent` daily returns come from another distribution than the daily
    /// returns of the span it was trained on: a change of drift or volatility that the
    /// configuration has not seen. Unknown below 20 days in either.
    pub fn regime_break(training: &[f64], recent: &[f64]) -> Reading {
        match samples(training, recent) {
            None => Reading::Unknown,
            Some(test) => Reading::new(test.p_value < Self::LEVEL, || Self::RegimeBreak { test }),
        }
    }

    /// Whether its daily returns correlate (Pearson) with those of the configuration `with` on the
    /// same days by more than 0.8. Unknown for spans of different length, below 20 days, or
    /// without variation.
    pub fn correlation_spike(with: &str, own: &[f64], other: &[f64]) -> Reading {
        match correlation(own, other) {
            None => Reading::Unknown,
            Some(correlation) => Reading::new(correlation > Self::CORRELATION, || {
                Self::CorrelationSpike { with: with.to_owned(), correlation }
            }),
        }
    }

    /// Whether the 30-day Sharpe ratio is below half the lifetime one. Unknown unless both are.
    pub fn sharpe_below_half(rolling: Option<f64>, lifetime: Option<f64>) -> Reading {
        match rolling.zip(lifetime).filter(|(r, l)| r.is_finite() && l.is_finite()) {
            None => Reading::Unknown,
            Some((rolling, lifetime)) => {
                let fell = rolling < super::DECAY_SHARPE * lifetime;
                Reading::new(fell, || Self::SharpeBelowHalf { rolling, lifetime })
            }
        }
    }

    /// Whether `now` is off the mean of `history` by more than three of its standard deviations, to
    /// either side: fills that are suddenly too good are as strange as bad ones. Both are means
    /// over spans of the same length, such as days. Unknown below 20 values or without variation.
    pub fn unusual_fills(figure: FillFigure, history: &[f64], now: f64) -> Reading {
        match deviations(history, now) {
            None => Reading::Unknown,
            Some(deviations) => Reading::new(deviations.abs() > Self::DEVIATIONS, || {
                Self::UnusualFills { figure, deviations }
            }),
        }
    }
}

fn samples(reference: &[f64], recent: &[f64]) -> Option<TwoSample> {
    if reference.len().min(recent.len()) < DeathSignal::MIN_DAYS {
        return None;
    }
    TwoSample::new(reference, recent)
}

fn deviations(history: &[f64], now: f64) -> Option<f64> {
    if history.len() < DeathSignal::MIN_DAYS {
        return None;
    }
    let deviation = variance(history)?.sqrt();
    crate::performance::finite((now - mean(history)?) / deviation).filter(|_| deviation > 0.0)
}

fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < DeathSignal::MIN_DAYS {
        return None;
    }
    let (mean_a, mean_b) = (mean(a)?, mean(b)?);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    crate::performance::finite(ab / (aa * bb).sqrt()).filter(|_| aa > 0.0 && bb > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(level: f64, count: u32) -> Vec<f64> {
        (0..count).map(|day| level + f64::from(day * day % 17)).collect()
    }

    #[test]
    fn each_detector_is_quiet_sounds_and_knows_what_it_does_not_know() {
        let sounds = |reading: Reading| reading.signal().is_some();
        let reference = days(0.0, 90);
        for detect in [DeathSignal::volume_profile, DeathSignal::regime_break] {
            assert_eq!(detect(&reference, &days(0.0, 30)), Reading::Quiet);
            assert!(sounds(detect(&reference, &days(9.0, 30))));
            assert_eq!(detect(&reference, &days(9.0, 19)), Reading::Unknown);
        }
        let own = days(0.0, 30);
        let same: Vec<f64> = own.iter().map(|v| 3.0 * v + 1.0).collect();
        let mirror: Vec<f64> = own.iter().map(|v| -v).collect();
        assert!(sounds(DeathSignal::correlation_spike("b", &own, &same)));
        assert_eq!(DeathSignal::correlation_spike("b", &own, &mirror), Reading::Quiet);
        assert_eq!(DeathSignal::correlation_spike("b", &own, &same[1..]), Reading::Unknown);
        assert_eq!(DeathSignal::correlation_spike("b", &own, &[1.0; 30]), Reading::Unknown);
        assert!(sounds(DeathSignal::sharpe_below_half(Some(0.9), Some(2.0))));
        assert_eq!(DeathSignal::sharpe_below_half(Some(1.0), Some(2.0)), Reading::Quiet);
        assert_eq!(DeathSignal::sharpe_below_half(None, Some(2.0)), Reading::Unknown);
        let fills = |now| DeathSignal::unusual_fills(FillFigure::FillRate, &own, now);
        assert_eq!(fills(8.0), Reading::Quiet);
        assert!(sounds(fills(40.0)) && sounds(fills(-40.0)));
        assert_eq!(fills(f64::NAN), Reading::Unknown);
        let flat = DeathSignal::unusual_fills(FillFigure::Slippage, &[0.5; 30], 0.9);
        assert_eq!(flat, Reading::Unknown);
    }
}

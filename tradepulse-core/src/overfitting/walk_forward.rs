use serde::{Deserialize, Serialize};

use super::variance;
use crate::performance::mean;

/// What a walk-forward found. Sharpe ratios annualised alike; win rates 0..1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WalkForwardFigures {
    /// Sharpe ratio of the training parts.
    pub in_sample_sharpe: Option<f64>,
    /// Sharpe ratio of the joined test parts.
    pub out_of_sample_sharpe: Option<f64>,
    /// Win rate of the training parts.
    pub in_sample_win_rate: Option<f64>,
    /// Win rate of the joined test parts.
    pub out_of_sample_win_rate: Option<f64>,
    /// The result of each window's test part, such as its net profit in percent.
    pub window_results: Vec<f64>,
}

/// A sign of overfitting in a walk-forward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "flag", rename_all = "snake_case")]
#[non_exhaustive]
pub enum WalkForwardFlag {
    /// The training parts themselves did not earn anything.
    #[error("the Sharpe ratio in sample is {in_sample:.2}, not above zero")]
    NothingInSample {
        /// Sharpe ratio in sample.
        in_sample: f64,
    },
    /// Out of sample, less than 0.7 of the Sharpe ratio is left.
    #[error(
        "the Sharpe ratio falls from {in_sample:.2} in sample to {out_of_sample:.2} out of sample"
    )]
    SharpeFell {
        /// Sharpe ratio in sample.
        in_sample: f64,
        /// Sharpe ratio out of sample.
        out_of_sample: f64,
    },
    /// Out of sample, less than 0.8 of the win rate is left.
    #[error(
        "the win rate falls from {:.0} % in sample to {:.0} % out of sample",
        .in_sample * 100.0, .out_of_sample * 100.0
    )]
    WinRateFell {
        /// Win rate in sample.
        in_sample: f64,
        /// Win rate out of sample.
        out_of_sample: f64,
    },
    /// The windows' results differ too much: stability below 0.6.
    #[error("the windows disagree: stability {stability:.2}, below 0.60")]
    Unstable {
        /// Stability, 0..1.
        stability: f64,
    },
    /// A figure that is needed is not known.
    #[error("the {figure} is not known")]
    Unknown {
        /// The figure.
        figure: UnknownFigure,
    },
}

/// A figure that a judgement needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnknownFigure {
    /// Sharpe ratio in or out of sample.
    #[error("Sharpe ratio in or out of sample")]
    Sharpe,
    /// Win rate in or out of sample.
    #[error("win rate in or out of sample")]
    WinRate,
    /// Stability: fewer than two windows, or a result that is not a number.
    #[error("stability (it takes two windows)")]
    Stability,
}

/// The overfitting flags of a walk-forward. No flag is raised only where all figures are known and
/// good.
///
/// ```
/// use tradepulse_core::overfitting::{WalkForwardFigures, WalkForwardJudgement};
/// let judgement = WalkForwardJudgement::new(&WalkForwardFigures {
///     in_sample_sharpe: Some(2.0),
///     out_of_sample_sharpe: Some(1.0),
///     in_sample_win_rate: Some(0.5),
///     out_of_sample_win_rate: Some(0.45),
///     window_results: vec![3.0, 2.5, 3.5],
/// });
/// assert_eq!(judgement.flags.len(), 1);
/// let reason = judgement.flags[0].to_string();
/// assert_eq!(reason, "the Sharpe ratio falls from 2.00 in sample to 1.00 out of sample");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WalkForwardJudgement {
    /// Sharpe ratio out of sample over that in sample; `None` unless the latter is above zero.
    pub sharpe_kept: Option<f64>,
    /// Win rate out of sample over that in sample; `None` unless the latter is above zero.
    pub win_rate_kept: Option<f64>,
    /// `1 − sd/|mean|` of the windows' results (sd with n − 1), held within 0..=1; 0 where the mean
    /// is zero. `None` for fewer than two windows.
    pub stability: Option<f64>,
    /// What is wrong; empty when nothing is.
    pub flags: Vec<WalkForwardFlag>,
}

impl WalkForwardJudgement {
    /// Share of the in-sample Sharpe ratio that must be left out of sample.
    pub const SHARPE_KEPT: f64 = 0.7;
    /// Share of the in-sample win rate that must be left out of sample.
    pub const WIN_RATE_KEPT: f64 = 0.8;
    /// Least stability.
    pub const STABILITY: f64 = 0.6;

    /// Judges `figures`. A figure that is not finite counts as unknown.
    pub fn new(figures: &WalkForwardFigures) -> Self {
        let known = |a: Option<f64>, b: Option<f64>| {
            a.zip(b).filter(|(a, b)| a.is_finite() && b.is_finite())
        };
        let kept = |pair: Option<(f64, f64)>| {
            pair.filter(|(inside, _)| *inside > 0.0).map(|(inside, outside)| outside / inside)
        };
        let mut flags = Vec::new();
        let sharpe = known(figures.in_sample_sharpe, figures.out_of_sample_sharpe);
        match sharpe {
            None => flags.push(WalkForwardFlag::Unknown { figure: UnknownFigure::Sharpe }),
            Some((in_sample, _)) if in_sample <= 0.0 => {
                flags.push(WalkForwardFlag::NothingInSample { in_sample });
            }
            Some((in_sample, out_of_sample)) => {
                if out_of_sample < Self::SHARPE_KEPT * in_sample {
                    flags.push(WalkForwardFlag::SharpeFell { in_sample, out_of_sample });
                }
            }
        }
        let win_rate = known(figures.in_sample_win_rate, figures.out_of_sample_win_rate);
        match win_rate {
            None => flags.push(WalkForwardFlag::Unknown { figure: UnknownFigure::WinRate }),
            Some((in_sample, out_of_sample)) => {
                if out_of_sample < Self::WIN_RATE_KEPT * in_sample {
                    flags.push(WalkForwardFlag::WinRateFell { in_sample, out_of_sample });
                }
            }
        }
        let stability = stability(&figures.window_results);
        match stability {
            None => flags.push(WalkForwardFlag::Unknown { figure: UnknownFigure::Stability }),
            Some(stability) => {
                if stability < Self::STABILITY {
                    flags.push(WalkForwardFlag::Unstable { stability });
                }
            }
        }
        Self { sharpe_kept: kept(sharpe), win_rate_kept: kept(win_rate), stability, flags }
    }
}

fn stability(results: &[f64]) -> Option<f64> {
    let (mean, deviation) = (mean(results)?, variance(results)?.sqrt());
    if mean == 0.0 {
        return Some(0.0);
    }
    Some((1.0 - deviation / mean.abs()).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> WalkForwardFigures {
        WalkForwardFigures {
            in_sample_sharpe: Some(2.0),
            out_of_sample_sharpe: Some(1.4),
            in_sample_win_rate: Some(0.5),
            out_of_sample_win_rate: Some(0.4),
            window_results: vec![2.0, 2.0],
        }
    }

    fn flags(change: impl Fn(&mut WalkForwardFigures)) -> usize {
        let mut figures = good();
        change(&mut figures);
        WalkForwardJudgement::new(&figures).flags.len()
    }

    #[test]
    fn limits() {
        assert_eq!(flags(|_| ()), 0);
        assert_eq!(flags(|f| f.out_of_sample_sharpe = Some(1.39)), 1);
        assert_eq!(flags(|f| f.in_sample_sharpe = Some(-2.0)), 1);
        assert_eq!(flags(|f| f.out_of_sample_win_rate = Some(0.39)), 1);
        // sd 1.414, mean 3: stability 0.53; sd 1.131, mean 3: 0.62.
        assert_eq!(flags(|f| f.window_results = vec![2.0, 4.0]), 1);
        assert_eq!(flags(|f| f.window_results = vec![2.2, 3.8]), 0);
        assert_eq!(flags(|f| f.window_results = vec![-1.0, 1.0]), 1);
    }

    #[test]
    fn what_is_not_known_is_not_good() {
        assert_eq!(WalkForwardJudgement::new(&WalkForwardFigures::default()).flags.len(), 3);
        assert_eq!(flags(|f| f.in_sample_sharpe = None), 1);
        assert_eq!(flags(|f| f.out_of_sample_win_rate = Some(f64::NAN)), 1);
        assert_eq!(flags(|f| f.window_results = vec![1.0]), 1);
        assert_eq!(flags(|f| f.window_results = vec![1.0, f64::NAN]), 1);
    }
}

use serde::{Deserialize, Serialize};

use super::cause::{Cause, Figure};
use super::death_signal::DeathSignal;
use super::{
    DECAY_LOSS, DECAY_SHARPE, DECAY_SIGNALS, GATE_DEFLATED_SHARPE, GATE_OVERFITTING, GATE_P_VALUE,
    PAPER_FILL_RATE, PAPER_SHARPE, VALIDATION_TRADES,
};
use crate::overfitting::{CostJudgement, Neighbourhood, WalkForwardFlag};

/// All that is known of a configuration, `None` where nothing is.
///
/// Trades are those nobody chose the configuration by: out-of-sample, paper and live.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Number of trades.
    pub trades: u64,
    /// Their net profit, quote currency.
    pub net_profit: Option<f64>,
    /// Annualised Sharpe ratio over all of them: the lifetime one.
    pub sharpe: Option<f64>,
    /// Entry orders sent to a real or simulated venue since activation.
    pub orders: u64,
    /// Share of these that filled, 0..1.
    pub fill_rate: Option<f64>,
    /// One-sided p-value of the mean daily return.
    pub p_value: Option<f64>,
    /// Deflated Sharpe probability, with all trials ever run on the data, of the record it was chosen
    /// by. (Trades that came after the choice were not chosen: their p-value needs no deflating.)
    pub deflated_sharpe: Option<f64>,
    /// Probability of backtest overfitting of the study.
    pub probability_of_overfitting: Option<f64>,
    /// Overfitting flags of the walk-forward, empty for none; `None` if there was no walk-forward.
    pub walk_forward: Option<Vec<WalkForwardFlag>>,
    /// Annualised Sharpe ratio of the paper and live trades of the last 30 days.
    pub rolling_sharpe: Option<f64>,
    /// Share of its performance that was lost since activation (0.2 is 20 % down, negative is up),
    /// as [`performance_degradation`] gives it.
    pub performance_degradation: Option<f64>,
    /// Death signals that sound.
    pub death_signals: Vec<DeathSignal>,
    /// Trials behind the deflated Sharpe ratio. Not judged, but told.
    pub trials: Option<u64>,
    /// p-value against random entries. Not judged, but told.
    pub random_entry_p_value: Option<f64>,
    /// What is beside the parameters. Not judged, but told.
    pub neighbourhood: Option<Neighbourhood>,
    /// Whether higher costs would eat the profit. Not judged, but told.
    pub costs: Option<CostJudgement>,
}

/// The share of `level` that is lost at `now`: `(level − now) / level`. The level is any figure
/// that a good configuration keeps, such as the mean profit of a trade in percent when it was
/// activated. `None` unless both are finite and the level is above zero.
///
/// ```
/// use tradepulse_core::lifecycle::performance_degradation;
/// assert_eq!(performance_degradation(0.5, 0.375), Some(0.25));
/// assert_eq!(performance_degradation(0.0, 0.4), None);
/// ```
pub fn performance_degradation(level: f64, now: f64) -> Option<f64> {
    crate::performance::finite((level - now) / level)
        .filter(|_| level > 0.0 && level.is_finite() && now.is_finite())
}

fn known(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

/// Known and within 0..=1.
fn share(value: Option<f64>) -> Option<f64> {
    value.filter(|v| (0.0..=1.0).contains(v))
}

impl Evidence {
    pub(super) fn sharpe(&self) -> Option<f64> {
        known(self.sharpe)
    }

    pub(super) fn rolling(&self) -> Option<f64> {
        known(self.rolling_sharpe)
    }

    pub(super) fn fill_rate(&self) -> Option<f64> {
        share(self.fill_rate)
    }

    pub(super) fn net_profit(&self) -> Option<f64> {
        known(self.net_profit)
    }

    pub(super) fn p_value(&self) -> Option<f64> {
        share(self.p_value)
    }

    pub(super) fn deflated_sharpe(&self) -> Option<f64> {
        share(self.deflated_sharpe)
    }

    pub(super) fn probability_of_overfitting(&self) -> Option<f64> {
        share(self.probability_of_overfitting)
    }

    pub(super) fn random_entry_p_value(&self) -> Option<f64> {
        share(self.random_entry_p_value)
    }

    pub(super) fn degradation(&self) -> Option<f64> {
        known(self.performance_degradation)
    }

    /// The 30-day and the lifetime Sharpe ratio, if the former is below half the latter.
    fn fallen_sharpe(&self) -> Option<(f64, f64)> {
        self.rolling().zip(self.sharpe()).filter(|(rolling, all)| *rolling < DECAY_SHARPE * all)
    }

    /// What sends it to PAPER.
    pub(super) fn faults(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        let unknown = |figure| Cause::Unknown { figure };
        match self.net_profit() {
            None => causes.push(unknown(Figure::NetProfit)),
            Some(net_profit) if net_profit < 0.0 => causes.push(Cause::Loss { net_profit }),
            Some(_) => {}
        }
        match self.sharpe() {
            None => causes.push(unknown(Figure::Sharpe)),
            Some(sharpe) if sharpe < PAPER_SHARPE => causes.push(Cause::LowSharpe { sharpe }),
            Some(_) => {}
        }
        match self.fill_rate() {
            None if self.orders > 0 => causes.push(unknown(Figure::FillRate)),
            Some(fill_rate) if fill_rate < PAPER_FILL_RATE => {
                causes.push(Cause::LowFillRate { fill_rate });
            }
            _ => {}
        }
        match self.fallen_sharpe() {
            Some((rolling, lifetime)) if rolling < 0.0 => {
                causes.push(Cause::RollingSharpeNegative { rolling, lifetime });
            }
            _ => {}
        }
        causes
    }

    /// What sends a proven configuration to DECAY.
    pub(super) fn fading(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        if let Some((rolling, lifetime)) = self.fallen_sharpe() {
            causes.push(Cause::RollingSharpeFell { rolling, lifetime });
        }
        if let Some(lost) = self.degradation()
            && lost > DECAY_LOSS
        {
            causes.push(Cause::PerformanceFell { lost });
        }
        let mut distinct = Vec::new();
        for kind in self.death_signals.iter().map(std::mem::discriminant) {
            if !distinct.contains(&kind) {
                distinct.push(kind);
            }
        }
        if distinct.len() >= DECAY_SIGNALS {
            causes.push(Cause::DeathSignals { signals: self.death_signals.clone() });
        }
        causes
    }

    /// What keeps it in DISCOVERY: too few of `trades`, or a part of the evidence gate.
    pub(super) fn doubts(&self, trades: u64) -> Vec<Cause> {
        let mut causes = Vec::new();
        if trades < VALIDATION_TRADES {
            causes.push(Cause::FewTrades { trades, needed: VALIDATION_TRADES });
        }
        let unknown = |figure| Some(Cause::Unknown { figure });
        causes.extend(match self.p_value() {
            None => unknown(Figure::PValue),
            Some(p_value) => (p_value >= GATE_P_VALUE).then_some(Cause::PValue { p_value }),
        });
        causes.extend(match self.deflated_sharpe() {
            None => unknown(Figure::DeflatedSharpe),
            Some(probability) => (probability < GATE_DEFLATED_SHARPE)
                .then_some(Cause::DeflatedSharpe { probability, trials: self.trials }),
        });
        causes.extend(match self.probability_of_overfitting() {
            None => unknown(Figure::Overfitting),
            Some(probability) => {
                (probability >= GATE_OVERFITTING).then_some(Cause::Overfitting { probability })
            }
        });
        causes.extend(match &self.walk_forward {
            None => unknown(Figure::WalkForward),
            Some(flags) if flags.is_empty() => None,
            Some(flags) => Some(Cause::WalkForward { flags: flags.clone() }),
        });
        causes
    }
}

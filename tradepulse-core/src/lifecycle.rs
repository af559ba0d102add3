//! The life of a trained configuration: how much of the equity its evidence lets it trade.
//!
//! A configuration is judged when it is trained and again whenever paper or live trades arrive.
//! [`judge`] is a pure function of where it stands and of the evidence there is; the first rule
//! that matches decides:
//!
//! | stage | rule | most of equity |
//! |---|---|---|
//! | PAPER | net profit below 0, Sharpe below 0.5, or fill rate below 0.7 | 0 % |
//! | DECAY | was VALIDATION or MATURE, and it is fading | 3 % |
//! | DISCOVERY | fewer than 30 trades, or the evidence gate is not passed | 2 % |
//! | MATURE | 100 trades or more, and Sharpe 1.5 or above | 10 % |
//! | VALIDATION | the rest | 5 % |
//!
//! The evidence gate: one-sided p below 0.05, deflated Sharpe probability of at least 0.95,
//! probability of overfitting below 0.5, no walk-forward flag.
//!
//! What the rules leave open is settled so that nothing unknown counts as good and no worse figure
//! earns more (except that a lower lifetime Sharpe ratio is a lower bar for the 30-day one, as the
//! rule of DECAY has it):
//!
//! - **Unknown figures.** Net profit, Sharpe ratio and each part of the gate must be known; unknown
//!   is failed. A figure that is not finite, or a probability outside 0..=1, is unknown. A fill
//!   rate must be known once an order was sent; before that there is nothing to fill. The 30-day
//!   Sharpe ratio, the loss since activation and death signals exist only after a while of trading:
//!   until then they neither fade nor recover a configuration.
//! - **At once to PAPER.** A 30-day Sharpe ratio that is negative and below half the lifetime one
//!   matches the rule of PAPER at every stage.
//! - **"Was VALIDATION or MATURE"** means: since it was last in PAPER ([`Standing::proven`]). So
//!   DECAY holds as long as its cause does, and a configuration cannot leave it by way of
//!   DISCOVERY.
//! - **Recovery.** PAPER is left only to DISCOVERY, and only with a known 30-day Sharpe ratio of
//!   zero or above. Trades are then counted anew: the old ones did not keep it out of PAPER.
//! - **DECAY without the gate.** DECAY is looked at before DISCOVERY but may trade more. A
//!   configuration to which both apply gets the smaller share ([`Judgement::max_allocation`]), so
//!   that failing in two ways never pays.
//!
//! ```
//! use tradepulse_core::lifecycle::{Evidence, Stage, judge};
//! let evidence = Evidence {
//!     trades: 41,
//!     net_profit: Some(310.0),
//!     sharpe: Some(1.2),
//!     p_value: Some(0.03),
//!     deflated_sharpe: Some(0.71),
//!     probability_of_overfitting: Some(0.22),
//!     walk_forward: Some(Vec::new()),
//!     ..Evidence::default()
//! };
//! let judgement = judge(None, &evidence);
//! assert_eq!(judgement.standing.stage, Stage::Discovery);
//! assert_eq!(judgement.max_allocation, 0.02);
//! assert_eq!(
//!     judgement.explain(&evidence)[0],
//!     "DISCOVERY: it may trade, with at most 2 % of equity.",
//! );
//! ```

mod cause;
mod death_signal;
mod evidence;
mod explain;
mod stage;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use cause::{Cause, Figure};
pub use death_signal::{DeathSignal, FillFigure, Reading};
pub use evidence::{Evidence, performance_degradation};
pub use stage::{Stage, UnknownStage};

/// Where a configuration stands: all that the next judgement needs to know of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its stage.
    pub stage: Stage,
    /// Whether it has been VALIDATION or MATURE since it was last in PAPER.
    pub proven: bool,
    /// Trades it had when it last left PAPER; they count no more.
    pub trades_before: u64,
}

/// A change of stage, to be stored as an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// The stage before; `None` for a configuration that is judged for the first time.
    pub from: Option<Stage>,
    /// The stage after.
    pub to: Stage,
    /// Why; never empty.
    pub causes: Vec<Cause>,
}

/// What evidence amounts to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Where the configuration stands now.
    pub standing: Standing,
    /// Why; never empty.
    pub causes: Vec<Cause>,
    /// Most of the equity it may trade, a fraction. Never above that of its stage.
    pub max_allocation: f64,
    /// The change of stage, if there is one.
    pub transition: Option<Transition>,
}

/// Fewest trades for VALIDATION.
pub const VALIDATION_TRADES: u64 = 30;
/// Fewest trades for MATURE.
pub const MATURE_TRADES: u64 = 100;
/// Least Sharpe ratio for MATURE.
pub const MATURE_SHARPE: f64 = 1.5;
/// Below this Sharpe ratio, PAPER.
pub const PAPER_SHARPE: f64 = 0.5;
/// Below this fill rate, PAPER.
pub const PAPER_FILL_RATE: f64 = 0.7;
/// The p-value must be below.
pub const GATE_P_VALUE: f64 = 0.05;
/// The deflated Sharpe probability must not be below.
pub const GATE_DEFLATED_SHARPE: f64 = 0.95;
/// The probability of overfitting must be below.
pub const GATE_OVERFITTING: f64 = 0.5;
/// A 30-day Sharpe ratio below this share of the lifetime one is decay.
pub const DECAY_SHARPE: f64 = 0.5;
/// A larger loss of performance since activation is decay.
pub const DECAY_LOSS: f64 = 0.2;
/// This many kinds of death signals are decay.
pub const DECAY_SIGNALS: usize = 2;

/// The stage that `evidence` gives a configuration that stands at `standing` (`None` when it has
/// just been trained).
pub fn judge(standing: Option<Standing>, evidence: &Evidence) -> Judgement {
    let (was, proven, trades_before) =
        standing.map_or((None, false, 0), |s| (Some(s.stage), s.proven, s.trades_before));
    let trades = evidence.trades.saturating_sub(trades_before);
    let doubts = evidence.doubts(trades);
    let (stage, causes) = 'rules: {
        let mut causes = evidence.faults();
        if was == Some(Stage::Paper) && causes.is_empty() && evidence.rolling().is_none() {
            causes.push(Cause::NotRecovered);
        }
        if !causes.is_empty() {
            break 'rules (Stage::Paper, causes);
        }
        if was == Some(Stage::Paper) {
            break 'rules (Stage::Discovery, vec![Cause::Recovered]);
        }
        let fading = evidence.fading();
        if proven && !fading.is_empty() {
            break 'rules (Stage::Decay, fading);
        }
        if !doubts.is_empty() {
            break 'rules (Stage::Discovery, doubts.clone());
        }
        let passed = Cause::GatePassed { trades };
        match evidence.sharpe() {
            Some(sharpe) if trades >= MATURE_TRADES && sharpe >= MATURE_SHARPE => {
                (Stage::Mature, vec![passed, Cause::LongRecord { trades, sharpe }])
            }
            _ => (Stage::Validation, vec![passed]),
        }
    };
    let recovered = was == Some(Stage::Paper) && stage != Stage::Paper;
    let standing = Standing {
        stage,
        proven: match stage {
            Stage::Paper => false,
            Stage::Validation | Stage::Mature => true,
            Stage::Decay | Stage::Discovery => proven && !recovered,
        },
        trades_before: if recovered { evidence.trades } else { trades_before },
    };
    let mut max_allocation = stage.max_allocation();
    if stage == Stage::Decay && !doubts.is_empty() {
        max_allocation = max_allocation.min(Stage::Discovery.max_allocation());
    }
    let transition =
        (was != Some(stage)).then(|| Transition { from: was, to: stage, causes: causes.clone() });
    Judgement { standing, causes, max_allocation, transition }
}

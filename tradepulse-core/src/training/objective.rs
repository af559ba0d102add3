use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::parameter::{did_you_mean, nearest};
use crate::performance::Metrics;

/// One line for each objective: its name, whether its figure is made small, and the figure.
macro_rules! objectives {
    ($($(#[$doc:meta])* $variant:ident $name:literal $direction:ident $figure:expr;)*) => {
        /// What a search maximises.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Objective {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Objective {
            /// All objectives.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in commands and records.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether its figure is better the smaller it is.
            pub const fn is_minimised(self) -> bool {
                match self { $(Self::$variant => objectives!(@ $direction),)* }
            }

            fn figure(self, metrics: &Metrics) -> Option<f64> {
                let figure: fn(&Metrics) -> Option<f64> = match self { $(Self::$variant => $figure,)* };
                figure(metrics)
            }
        }
    };
    (@ up) => { false };
    (@ down) => { true };
}

objectives! {
    /// `sharpe × min(1, trades / 30) − max_drawdown_pct / 100`: a Sharpe ratio that few trades do
    /// not earn in full, less the deepest drawdown as a fraction.
    #[default]
    Balanced "balanced" up |m| {
        let earned = (m.trades as f64 / 30.0).min(1.0);
        Some(m.sharpe? * earned - m.max_drawdown_pct / 100.0)
    };
    /// Net profit, quote currency.
    NetProfit "net_profit" up |m| Some(m.net_profit);
    /// Net profit over capital, percent.
    NetProfitPct "net_profit_pct" up |m| Some(m.net_profit_pct);
    /// Sharpe ratio of daily returns.
    Sharpe "sharpe" up |m| m.sharpe;
    /// Sortino ratio of daily returns.
    Sortino "sortino" up |m| m.sortino;
    /// Growth over drawdown.
    Calmar "calmar" up |m| m.calmar;
    /// Compound annual growth rate.
    Cagr "cagr" up |m| m.cagr;
    /// Gross profit over gross loss.
    ProfitFactor "profit_factor" up |m| m.profit_factor;
    /// Mean profit of a trade.
    Expectancy "expectancy" up |m| m.expectancy;
    /// Average win over average loss.
    PayoffRatio "payoff_ratio" up |m| m.payoff_ratio;
    /// Mean over deviation of the trades' percent profits.
    TradeSharpe "trade_sharpe" up |m| m.trade_sharpe;
    /// Winning trades over trades.
    WinRate "win_rate" up |m| m.win_rate;
    /// Number of trades.
    Trades "trades" up |m| Some(m.trades as f64);
    /// t statistic of the mean daily return.
    ZScore "z_score" up |m| m.z_score;
    /// One-sided p-value of the mean daily return, made small.
    PValue "p_value" down |m| m.p_value;
    /// The deepest drawdown, percent, made shallow.
    Drawdown "max_drawdown_pct" down |m| Some(m.max_drawdown_pct);
    /// The longest run of candles below the peak, made short.
    DrawdownDuration "max_drawdown_duration" down |m| Some(m.max_drawdown_duration as f64);
    /// Mean drawdown, percent, made shallow.
    AverageDrawdown "average_drawdown_pct" down |m| m.average_drawdown_pct;
    /// Root mean square of the drawdown, percent, made shallow.
    UlcerIndex "ulcer_index" down |m| m.ulcer_index;
    /// Daily value at risk at 95 %, made small.
    Var95 "var_95" down |m| m.var_95;
    /// Daily expected shortfall at 95 %, made small.
    Cvar95 "cvar_95" down |m| m.cvar_95;
    /// Share of candles in a position, made small.
    Exposure "exposure" down |m| m.exposure;
    /// Notional of all entries and exits over capital, made small.
    Turnover "turnover" down |m| Some(m.turnover);
}

impl Objective {
    /// What some know them as.
    const ALIASES: &[(&str, Self)] =
        &[("drawdown", Self::Drawdown), ("max_drawdown", Self::Drawdown)];

    /// Its value, larger is better; `None` where a figure it needs is not defined.
    pub fn value(self, metrics: &Metrics) -> Option<f64> {
        self.figure(metrics).map(|figure| self.signed(figure))
    }

    /// The figure of a value, and the value of a figure: what is made small changes its sign.
    pub fn signed(self, number: f64) -> f64 {
        if self.is_minimised() { -number } else { number }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Objective {
    type Err = UnknownObjective;

    fn from_str(text: &str) -> Result<Self, UnknownObjective> {
        let mut known =
            Self::ALL.iter().map(|o| (o.name(), *o)).chain(Self::ALIASES.iter().copied());
        let found = known.find(|(name, _)| *name == text).map(|(_, objective)| objective);
        found.ok_or_else(|| UnknownObjective {
            name: text.to_owned(),
            nearest: nearest(text, Self::ALL.iter().map(|o| o.name())),
            known: Self::ALL.iter().map(|o| o.name()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// There is no objective of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no objective {name:?}{}",
    if .nearest.is_some() { did_you_mean(.nearest) } else { format!(" (known: {known})") }
)]
pub struct UnknownObjective {
    name: String,
    nearest: Option<String>,
    known: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_few_trades_earn_less() {
        for objective in Objective::ALL.iter().copied() {
            assert_eq!(objective.name().parse(), Ok(objective));
            assert_eq!(serde_json::to_value(objective).unwrap(), objective.name());
        }
        assert!("sharp".parse::<Objective>().unwrap_err().to_string().contains("\"sharpe\""));
        assert_eq!("drawdown".parse(), Ok(Objective::Drawdown));
        let metrics = |trades| Metrics {
            sharpe: Some(2.0),
            trades,
            max_drawdown_pct: 10.0,
            ..Metrics::default()
        };
        assert_eq!(Objective::Balanced.value(&metrics(15)), Some(1.0 - 0.1));
        assert_eq!(Objective::Balanced.value(&metrics(300)), Some(2.0 - 0.1));
        assert_eq!(Objective::Balanced.value(&Metrics::default()), None);
        assert_eq!(Objective::Drawdown.value(&metrics(1)), Some(-10.0));
        assert_eq!(Objective::Drawdown.signed(-10.0), 10.0);
    }
}

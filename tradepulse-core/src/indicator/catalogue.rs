//! Every indicator by name, for programs that choose one while they run.

use serde::Serialize;

use super::{
    Adx, Atr, BatchError, Bollinger, Cci, Ema, LinearRegressionSlope, Macd, Mfi, Momentum, Natr,
    Obv, RateOfChange, RollingMax, RollingMin, Rsi, Sma, StandardDeviation, Stochastic, SwingHigh,
    SwingLow, TrueRange, Vwap, WilliamsR, Wma,
};
use crate::market::Columns;
use crate::parameter::{ParameterError, Parameters};
use crate::variable::Variable;

/// An indicator that can be computed without naming its type.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CatalogueEntry {
    /// Its name, such as `rsi`.
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// One line of explanation.
    pub summary: &'static str,
    /// Its parameters.
    pub variables: &'static [Variable],
    /// Names of the columns it gives.
    pub outputs: &'static [&'static str],
    /// Whether it is computed from one column, which may be chosen, or from whole candles.
    pub takes_source: bool,
    #[serde(skip)]
    batch: Batch,
}

/// Parameters, the source column, the candles, the output columns.
type Batch = fn(&Parameters, &[f64], &Columns, &mut [&mut [f64]]) -> Result<(), CatalogueError>;

impl CatalogueEntry {
    /// One column for each of [`outputs`](Self::outputs), NaN while warming up. `source` is the
    /// column an indicator of one column is computed from; others do not look at it.
    ///
    /// # Errors
    /// If a parameter is not possible, or the columns differ in length.
    ///
    /// ```
    /// use tradepulse_core::indicator::catalogue;
    /// use tradepulse_core::market::{SyntheticMarket, Columns};
    /// use tradepulse_core::{parameter::Parameters, random::Seed, time::Timeframe};
    /// let market = SyntheticMarket { candles: 50, ..SyntheticMarket::new(Seed(1), Timeframe::H1) };
    /// let series = market.generate()?;
    /// let rsi = catalogue::find("rsi").ok_or("no such indicator")?;
    /// let parameters = Parameters::defaults(rsi.variables);
    /// let columns = rsi.compute(&parameters, series.close(), series.columns())?;
    /// assert!(columns[0][13].is_nan() && columns[0][14] > 0.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compute(
        &self,
        parameters: &Parameters,
        source: &[f64],
        candles: &Columns,
    ) -> Result<Vec<Vec<f64>>, CatalogueError> {
        let mut columns = vec![vec![f64::NAN; candles.len()]; self.outputs.len()];
        let mut outs: Vec<&mut [f64]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
        (self.batch)(parameters, source, candles, &mut outs)?;
        Ok(columns)
    }
}

/// Why an indicator chosen by name could not be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// A parameter of another indicator.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The indicator refuses.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// The indicator of that name or alias.
pub fn find(name: &str) -> Option<&'static CatalogueEntry> {
    CATALOGUE.iter().find(|entry| entry.name == name || entry.aliases.contains(&name))
}

/// Every indicator, by name.
pub fn all() -> &'static [CatalogueEntry] {
    CATALOGUE
}

const fn period(default: i64) -> [Variable; 1] {
    [Variable::integer("period", 1, 100_000, 1, default, "candles", "length of the window")]
}

const PERIOD_14: &[Variable] = &period(14);
const PERIOD_20: &[Variable] = &period(20);
const PERIOD_10: &[Variable] = &period(10);
const DEVIATION: &[Variable] = &[
    Variable::integer("period", 2, 100_000, 1, 20, "candles", "length of the window"),
    Variable::real("multiplier", 0.0, 100.0, 0.1, 1.0, "", "times the standard deviation"),
];
const BANDS: &[Variable] = &[
    Variable::integer("period", 2, 100_000, 1, 20, "candles", "length of the window"),
    Variable::real("multiplier", 0.0, 100.0, 0.1, 2.0, "", "deviations from the middle"),
];
const MACD: &[Variable] = &[
    Variable::integer("fast", 2, 100_000, 1, 12, "candles", "period of the fast average"),
    Variable::integer("slow", 2, 100_000, 1, 26, "candles", "period of the slow average"),
    Variable::integer("signal", 1, 100_000, 1, 9, "candles", "period of the signal line"),
];
const STOCHASTIC: &[Variable] = &[
    Variable::integer("period", 1, 100_000, 1, 14, "candles", "length of the window"),
    Variable::integer("k_smoothing", 1, 100_000, 1, 3, "candles", "average that makes %K slow"),
    Variable::integer("d_smoothing", 1, 100_000, 1, 3, "candles", "average of %K that is %D"),
];
const STRENGTH: &[Variable] = &[Variable::integer(
    "strength",
    1,
    1000,
    1,
    2,
    "candles",
    "candles on each side that the swing lies beyond",
)];

/// An entry of one output computed from one column.
const fn of_source(
    name: &'static str,
    aliases: &'static [&'static str],
    summary: &'static str,
    variables: &'static [Variable],
    outputs: &'static [&'static str],
    batch: Batch,
) -> CatalogueEntry {
    CatalogueEntry { name, aliases, summary, variables, outputs, takes_source: true, batch }
}

/// An entry computed from candles.
const fn of_candles(
    name: &'static str,
    aliases: &'static [&'static str],
    summary: &'static str,
    variables: &'static [Variable],
    outputs: &'static [&'static str],
    batch: Batch,
) -> CatalogueEntry {
    CatalogueEntry { name, aliases, summary, variables, outputs, takes_source: false, batch }
}

const CATALOGUE: &[CatalogueEntry] = &[
    of_candles(
        "adx",
        &[],
        "average directional index with +DI and −DI (Wilder)",
        PERIOD_14,
        &["adx", "plus_di", "minus_di"],
        |p, _, c, o| {
            let [adx, plus, minus] = o else { return Ok(()) };
            Ok(Adx::batch(p.get("period")?, c, adx, plus, minus)?)
        },
    ),
    of_candles("atr", &[], "average true range (Wilder)", PERIOD_14, &["atr"], |p, _, c, o| {
        Ok(Atr::batch(p.get("period")?, c, o[0])?)
    }),
    of_source(
        "bollinger",
        &["bbands", "bb"],
        "Bollinger bands, population deviation",
        BANDS,
        &["upper", "middle", "lower"],
        |p, x, _, o| {
            let [upper, middle, lower] = o else { return Ok(()) };
            let multiplier = p.get("multiplier")?;
            Ok(Bollinger::batch(p.get("period")?, multiplier, x, upper, middle, lower)?)
        },
    ),
    of_candles("cci", &[], "commodity channel index", PERIOD_20, &["cci"], |p, _, c, o| {
        Ok(Cci::batch(p.get("period")?, c, o[0])?)
    }),
    of_source("ema", &[], "exponential moving average", PERIOD_20, &["ema"], |p, x, _, o| {
        Ok(Ema::batch(p.get("period")?, x, o[0])?)
    }),
    of_source(
        "linear_regression_slope",
        &["linreg_slope", "linearreg_slope"],
        "slope of the line fitted to the window",
        PERIOD_14,
        &["slope"],
        |p, x, _, o| Ok(LinearRegressionSlope::batch(p.get("period")?, x, o[0])?),
    ),
    of_source(
        "macd",
        &[],
        "moving average convergence divergence",
        MACD,
        &["macd", "signal", "histogram"],
        |p, x, _, o| {
            let [line, signal, histogram] = o else { return Ok(()) };
            let periods = [p.get("fast")?, p.get("slow")?, p.get("signal")?];
            Ok(Macd::batch(periods, x, line, signal, histogram)?)
        },
    ),
    of_candles("mfi", &[], "money flow index", PERIOD_14, &["mfi"], |p, _, c, o| {
        Ok(Mfi::batch(p.get("period")?, c, o[0])?)
    }),
    of_source(
        "momentum",
        &["mom"],
        "change over the period",
        PERIOD_10,
        &["momentum"],
        |p, x, _, o| Ok(Momentum::batch(p.get("period")?, x, o[0])?),
    ),
    of_candles(
        "natr",
        &[],
        "average true range, % of close",
        PERIOD_14,
        &["natr"],
        |p, _, c, o| Ok(Natr::batch(p.get("period")?, c, o[0])?),
    ),
    of_candles("obv", &[], "on-balance volume", &[], &["obv"], |_, _, c, o| {
        Ok(Obv::batch(c, o[0])?)
    }),
    of_source(
        "roc",
        &["rate_of_change"],
        "rate of change, %",
        PERIOD_10,
        &["roc"],
        |p, x, _, o| Ok(RateOfChange::batch(p.get("period")?, x, o[0])?),
    ),
    of_source(
        "rolling_max",
        &["max"],
        "highest of the window",
        PERIOD_20,
        &["max"],
        |p, x, _, o| Ok(RollingMax::batch(p.get("period")?, x, o[0])?),
    ),
    of_source(
        "rolling_min",
        &["min"],
        "lowest of the window",
        PERIOD_20,
        &["min"],
        |p, x, _, o| Ok(RollingMin::batch(p.get("period")?, x, o[0])?),
    ),
    of_source("rsi", &[], "relative strength index (Wilder)", PERIOD_14, &["rsi"], |p, x, _, o| {
        Ok(Rsi::batch(p.get("period")?, x, o[0])?)
    }),
    of_source("sma", &[], "simple moving average", PERIOD_20, &["sma"], |p, x, _, o| {
        Ok(Sma::batch(p.get("period")?, x, o[0])?)
    }),
    of_source(
        "standard_deviation",
        &["stddev", "std"],
        "population standard deviation",
        DEVIATION,
        &["standard_deviation"],
        |p, x, _, o| Ok(StandardDeviation::batch(p.get("period")?, p.get("multiplier")?, x, o[0])?),
    ),
    of_candles(
        "stochastic",
        &["stoch"],
        "slow stochastic, simple averages",
        STOCHASTIC,
        &["k", "d"],
        |p, _, c, o| {
            let [k, d] = o else { return Ok(()) };
            let periods = [p.get("period")?, p.get("k_smoothing")?, p.get("d_smoothing")?];
            Ok(Stochastic::batch(periods, c, k, d)?)
        },
    ),
    of_candles(
        "swing_high",
        &[],
        "swing highs, at the candle that makes them known",
        STRENGTH,
        &["swing_high"],
        |p, _, c, o| Ok(SwingHigh::batch(p.get("strength")?, &c.high, o[0])?),
    ),
    of_candles(
        "swing_low",
        &[],
        "swing lows, at the candle that makes them known",
        STRENGTH,
        &["swing_low"],
        |p, _, c, o| Ok(SwingLow::batch(p.get("strength")?, &c.low, o[0])?),
    ),
    of_candles("true_range", &["trange"], "true range", &[], &["true_range"], |_, _, c, o| {
        Ok(TrueRange::batch(c, o[0])?)
    }),
    of_candles(
        "vwap",
        &[],
        "volume-weighted average price since the UTC day began",
        &[],
        &["vwap"],
        |_, _, c, o| Ok(Vwap::batch(c, o[0])?),
    ),
    of_candles(
        "williams_r",
        &["willr"],
        "Williams %R",
        PERIOD_14,
        &["williams_r"],
        |p, _, c, o| Ok(WilliamsR::batch(p.get("period")?, c, o[0])?),
    ),
    of_source("wma", &[], "linearly weighted moving average", PERIOD_20, &["wma"], |p, x, _, o| {
        Ok(Wma::batch(p.get("period")?, x, o[0])?)
    }),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::SyntheticMarket;
    use crate::random::Seed;
    use crate::time::Timeframe;

    #[test]
    fn every_entry_computes_with_its_defaults() {
        let market =
            SyntheticMarket { candles: 400, ..SyntheticMarket::new(Seed(2), Timeframe::H1) };
        let series = market.generate().unwrap();
        for entry in all() {
            let parameters = Parameters::defaults(entry.variables);
            let columns = entry.compute(&parameters, series.close(), series.columns()).unwrap();
            assert_eq!(columns.len(), entry.outputs.len(), "{}", entry.name);
            for column in columns {
                assert!(column.iter().any(|v| v.is_finite()), "{} gives values", entry.name);
            }
            assert!(std::ptr::eq(find(entry.name).unwrap(), entry));
        }
        assert!(find("bbands").is_some() && find("no such").is_none());
    }
}

//! The strategies of TradePulse: closed candles in, intents out.
//!
//! | name | what it trades |
//! |---|---|
//! | [`liquidity_sweep`](LiquiditySweep) | a stop hunt at a dense level, then the rejection |
//! | [`htf_sweep`](HtfSweep) | a higher timeframe's sweep, confirmed by a structure shift |
//! | [`volume_breakout`](VolumeBreakout) | a tight consolidation left on volume |
//! | [`divergence_capitulation`](DivergenceCapitulation) | a capitulation low the RSI does not confirm |
//! | [`capitulation_reversal`](CapitulationReversal) | a panic candle whose midpoint is taken back |
//! | [`failed_breakdown`](FailedBreakdown) | Wyckoff's spring and upthrust |
//! | [`ema_cross`](EmaCross) | two moving averages cross |
//! | [`models`](Models) | what models together advise; in [`registry_with_models`] only |
//!
//! Everything is decided at the close of a candle from that candle and earlier ones. The variables
//! of a strategy, with domains, defaults and units, are the table in its
//! [`about`](tradepulse_core::strategy::Strategy::about); its funnel tells how many candles passed
//! each of its conditions.
//!
//! ```
//! use tradepulse_core::backtest::{Backtest, Settings};
//! use tradepulse_core::parameter::Parameters;
//! # use tradepulse_core::market::{Candle, Columns, Series};
//! # use tradepulse_core::time::{Timeframe, Timestamp};
//! # let mut columns = Columns::default();
//! # for i in 0..400 {
//! #     let close = 100.0 + (f64::from(i) / 9.0).sin();
//! #     columns.push(Candle {
//! #         open_time: Timestamp::from_ms(i64::from(i) * 300_000),
//! #         open: close, high: close + 0.5, low: close - 0.5, close, volume: 1.0,
//! #     });
//! # }
//! # let series = Series::new(Timeframe::M5, columns)?;
//!
//! let registry = tradepulse_strategies::registry();
//! let strategy = registry.get("liquidity_sweep")?;
//! let parameters =
//!     Parameters::defaults(strategy.about().variables).with("key_level_lookback", 50_i64)?;
//! let backtest = Backtest::new(&series, Settings::default())?;
//! let outcome = strategy.backtest(&backtest, &parameters)?;
//! for step in &outcome.funnel.long {
//!     println!("{:>6} {}", step.candles, step.condition);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A strategy of your own needs none of this crate: implement
//! [`Strategy`](tradepulse_core::strategy::Strategy) and add it to the registry with
//! `.with::<MyStrategy>()`.

mod capitulation_reversal;
mod divergence_capitulation;
mod ema_cross;
mod failed_breakdown;
mod htf_sweep;
mod liquidity_sweep;
mod mirror;
mod models;
#[cfg(test)]
mod scene;
mod volume_breakout;

pub use capitulation_reversal::CapitulationReversal;
pub use divergence_capitulation::DivergenceCapitulation;
pub use ema_cross::EmaCross;
pub use failed_breakdown::FailedBreakdown;
pub use htf_sweep::HtfSweep;
pub use liquidity_sweep::LiquiditySweep;
pub use models::Models;
pub use volume_breakout::VolumeBreakout;

use tradepulse_core::strategy::Registry;

/// All strategies of this crate that decide by candles, by name.
pub fn registry() -> Registry {
    Registry::new()
        .with::<LiquiditySweep>()
        .with::<HtfSweep>()
        .with::<VolumeBreakout>()
        .with::<DivergenceCapitulation>()
        .with::<CapitulationReversal>()
        .with::<FailedBreakdown>()
        .with::<EmaCross>()
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The same and [`Models`], which is silent where no models are asked.
pub fn registry_with_models() -> Registry {
    registry().with::<Models>()
}

//! The pure domain of TradePulse: candles in, trades out.
//!
//! - [`market`]: candles as checked columns, aggregation, synthetic markets.
//! - [`indicator`]: technical indicators, streaming and batch by the same code.
//! - [`strategy`]: the [`Strategy`](strategy::Strategy) trait, what a strategy sees and wants.
//! - [`engine`]: intents become orders, fills become trades; [`simulation`] is the venue behind it.
//! - [`exchange`]: the ports to venues; [`order`]: an order's life; [`risk`]: what stops one.
//! - [`backtest`]: the loop around both; [`performance`]: what came out.
//! - [`inference`]: models and what they answer; [`ensemble`]: several models, one decision.
//! - [`store`]: what training and trading keep.
//!
//! Nothing here asks what time it is, throws dice it was not handed, or touches a socket, a disk or
//! a thread. The same inputs give the same trades, bit for bit.
//!
//! ```
//! use tradepulse_core::backtest::{Backtest, Settings};
//! use tradepulse_core::market::SyntheticMarket;
//! use tradepulse_core::order::Side;
//! use tradepulse_core::parameter::{ParameterError, Parameters};
//! use tradepulse_core::random::Seed;
//! use tradepulse_core::strategy::{About, Entry, Inputs, Intent, Strategy, View};
//! use tradepulse_core::time::Timeframe;
//!
//! /// Buys after three falling closes.
//! struct BuyTheDip;
//!
//! impl Strategy for BuyTheDip {
//!     fn about() -> About {
//!         About {
//!             name: "buy_the_dip",
//!             version: 1,
//!             summary: "three falling closes",
//!             variables: &[],
//!             optional_inputs: &[],
//!         }
//!     }
//!
//!     fn new(_: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
//!         Ok(Self)
//!     }
//!
//!     fn warm_up(&self) -> usize {
//!         4
//!     }
//!
//!     fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
//!         let close = view.close(0);
//!         view.closes(4)?.is_sorted_by(|a, b| a > b).then_some(Intent::Enter(Entry {
//!             side: Side::Long,
//!             stop: close * 0.98,
//!             target: Some(close * 1.03),
//!             max_holding: Some(48),
//!         }))
//!     }
//! }
//!
//! let market = SyntheticMarket { candles: 5000, ..SyntheticMarket::new(Seed(1), Timeframe::H1) };
//! let series = market.generate()?;
//! let backtest = Backtest::new(&series, Settings::default())?;
//! let outcome = backtest.run::<BuyTheDip>(&Parameters::defaults(&[]))?;
//! assert_eq!(outcome.metrics.trades, outcome.trades.len() as u64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod account;
pub mod backtest;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod desk;
pub mod engine;
pub mod ensemble;
pub mod exchange;
pub mod indicator;
pub mod inference;
pub mod lifecycle;
pub mod market;
pub mod money;
pub mod optimise;
pub mod order;
pub mod overfitting;
pub mod parameter;
pub mod parity;
pub mod performance;
pub mod random;
pub mod regime;
pub mod risk;
pub mod significance;
pub mod simulation;
pub mod sizing;
pub mod store;
pub mod strategy;
pub mod time;
pub mod training;
pub mod variable;

/// Lower-case hex digits of `bytes`.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

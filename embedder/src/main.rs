//! The smallest program around tradepulse-core: a strategy of its own, backtested.

use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::SyntheticMarket;
use tradepulse_core::order::Side;
use tradepulse_core::parameter::{ParameterError, Parameters};
use tradepulse_core::random::Seed;
use tradepulse_core::strategy::{About, Entry, Inputs, Intent, Strategy, View};
use tradepulse_core::time::Timeframe;

struct BuyTheDip;

impl Strategy for BuyTheDip {
    fn about() -> About {
        About {
            name: "buy_the_dip",
            version: 1,
            summary: "three falling closes",
            variables: &[],
            optional_inputs: &[],
        }
    }

    fn new(_: &Parameters, _: &mut Inputs) -> Result<Self, ParameterError> {
        Ok(Self)
    }

    fn warm_up(&self) -> usize {
        4
    }

    fn on_candle(&mut self, view: &View<'_>) -> Option<Intent> {
        let closes = view.closes(4)?;
        closes.is_sorted_by(|a, b| a > b).then(|| {
            let close = view.close(0);
            Intent::Enter(Entry {
                side: Side::Long,
                stop: close * 0.98,
                target: Some(close * 1.03),
                max_holding: Some(48),
            })
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let market = SyntheticMarket { candles: 5000, ..SyntheticMarket::new(Seed(1), Timeframe::H1) };
    let series = market.generate()?;
    let outcome =
        Backtest::new(&series, Settings::default())?.run::<BuyTheDip>(&Parameters::defaults(&[]))?;
    println!("{} trades", outcome.trades.len());
    assert!(!outcome.trades.is_empty());
    Ok(())
}

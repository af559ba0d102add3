//! Golden trade hashes: a change of any bit of any trade on the synthetic market is seen here.
//! Where that is meant, the strategy's version is raised and the new hash written down.

#![allow(clippy::unwrap_used)]

use tradepulse_core::backtest::{Backtest, Settings, trades_hash};
use tradepulse_core::market::SyntheticMarket;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::random::Seed;
use tradepulse_core::time::Timeframe;
use tradepulse_strategies::registry;

/// Name, version, trades, the first half of the hash.
const GOLDEN: &[(&str, u32, usize, &str)] = &[
    ("capitulation_reversal", 1, 51, "f6b031644288b4856ee06fc162c3114a"),
    ("divergence_capitulation", 1, 17, "dc954d30640fd46221bf1003dd3134ea"),
    ("ema_cross", 1, 1155, "8be191c20210cc00350c277009c2d1fd"),
    ("failed_breakdown", 1, 337, "d1f623c5f25459dd15cbdd0a8abac6e3"),
    ("htf_sweep", 1, 422, "442645bc8a595f1c3704f7e04e033dde"),
    ("liquidity_sweep", 1, 25, "ba01de89202a6731faf34d9d9bd63986"),
    ("volume_breakout", 1, 259, "6900c8d4af08c0759cd58f398f5470cb"),
];

#[test]
fn trades_are_the_same_as_ever() {
    let market =
        SyntheticMarket { candles: 60_000, ..SyntheticMarket::new(Seed(9), Timeframe::M5) };
    let series = market.generate().unwrap();
    let backtest = Backtest::new(&series, Settings::default()).unwrap();
    let mut found = Vec::new();
    for strategy in registry().iter() {
        let about = strategy.about();
        let mut parameters = Parameters::defaults(about.variables);
        if about.variables.iter().any(|v| v.name == "allow_short") {
            parameters = parameters.with("allow_short", true).unwrap();
        }
        let trades = strategy.backtest(&backtest, &parameters).unwrap().trades;
        let hash = trades_hash(&trades)[..32].to_owned();
        found.push((about.name, about.version, trades.len(), hash));
    }
    let golden: Vec<_> = GOLDEN
        .iter()
        .map(|(name, version, n, hash)| (*name, *version, *n, (*hash).to_owned()))
        .collect();
    assert_eq!(found, golden);
}

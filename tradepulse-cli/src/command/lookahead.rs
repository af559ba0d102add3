use anyhow::Result;
use clap::Args;
use tradepulse_core::backtest::Backtest;
use tradepulse_strategies::registry_with_models;

use crate::arguments::{DataDir, MarketArguments, parameters};
use crate::output::{self, Verdict};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Name of the strategy (see `tradepulse strategies`)
    strategy: String,
    #[command(flatten)]
    market: MarketArguments,
    /// Set a variable; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// How many prefixes of the data are compared with all of it
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    prefixes: u32,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let registry = registry_with_models();
    let strategy = registry.get(&arguments.strategy)?;
    let parameters = parameters(strategy.about().variables, &arguments.set)?;
    let market = arguments.market.load(place)?;
    let backtest = Backtest::new(&market.series, Default::default())?;
    let verdict = strategy.lookahead(&backtest, &parameters, arguments.prefixes as usize)?;
    if arguments.json {
        output::json(&verdict)?;
    } else {
        let name = &arguments.strategy;
        match &verdict.difference {
            None => output::line(format!(
                "{name} does not look ahead: {} prefixes of {} candles gave the same inputs and \
                 the same {} intents",
                verdict.prefixes, verdict.candles, verdict.intents
            ))?,
            Some(d) => output::line(format!(
                "{name} LOOKS AHEAD: on the first {} candles, candle {} ({}) has {} {}; on all of \
                 them it has {}",
                d.prefix, d.candle, d.open_time, d.what, d.on_prefix, d.on_whole
            ))?,
        }
    }
    Ok(if verdict.difference.is_none() { Verdict::Good } else { Verdict::Bad })
}

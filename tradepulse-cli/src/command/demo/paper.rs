//! The end of the demo: what was trained trades on paper, on candles that came afterwards.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tradepulse_core::market::{Market, Series};
use tradepulse_core::store::TrainedConfiguration;
use tradepulse_core::store::trading::TradingStore;
use tradepulse_core::time::Timestamp;
use tradepulse_exec::config::Config;
use tradepulse_exec::coordinator::session::{Replay, Session, StopSignal};
use tradepulse_exec::coordinator::{Clock, Plan, ReplaySpeed};
use tradepulse_strategies::registry_with_models;

use crate::command::trade::summary::Summary;
use crate::output::{line, number};

/// Candles before the session, which warm the strategies up.
const WARM_UP: usize = 5_000;

/// Trades those of `trained` (the best first) that were promoted, or the best as a candidate, on
/// the candles from number `known` on. Records go to `store`, which is in `folder`.
pub(super) fn session(
    market: &Market,
    series: &Series,
    known: usize,
    trained: &[TrainedConfiguration],
    store: &Arc<dyn TradingStore>,
    folder: &Path,
    runtime: &tokio::runtime::Runtime,
) -> Result<()> {
    let promoted = trained.iter().filter(|configuration| is_promoted(configuration));
    let mut chosen: Vec<TrainedConfiguration> = promoted.cloned().collect();
    let earned = !chosen.is_empty();
    if !earned {
        chosen.extend(trained.first().cloned());
    }
    let Some(best) = chosen.first() else {
        return line("\nNothing could be trained, so nothing trades.");
    };
    let candles = number((series.len() - known) as f64, 0);
    line(if earned {
        format!(
            "\nWhat was promoted trades on paper, on the {candles} candles after those it was \
             trained on:\n"
        )
    } else {
        let (strategy, stage) = (&best.cell.strategy, best.status.name());
        format!(
            "\nNothing was promoted: no configuration has earned it to trade. The best of them, \
             {strategy} ({stage}), trades all the same, on paper, as a CANDIDATE THAT HAS NOT \
             EARNED IT, on the {candles} candles after those it was trained on:\n"
        )
    })?;
    for configuration in &mut chosen {
        configuration.is_active = true;
    }
    let registry = registry_with_models();
    let mut config = Config::default();
    config.exchange.name = market.exchange.clone();
    let mut plan = Plan::new(&config, &registry, &chosen)?;
    if !earned {
        // Its stage allows it nothing; the default limits, half of the capital.
        plan.lanes.iter_mut().for_each(|lane| lane.allocation = Some(0.4));
    }
    let series_start = series.time()[known];
    let part = series.slice(known.saturating_sub(WARM_UP)..series.len());
    let series = [(market.symbol.clone(), part)];
    let replay = Replay {
        series: &series,
        from: Timestamp::from_ms(series_start),
        until: Timestamp::LATEST,
        speed: ReplaySpeed::Max,
    };
    let session = Session::of(plan, config, registry, Arc::clone(store), Clock::system());
    for outcome in runtime.block_on(session.replay(&replay, &StopSignal::never()))? {
        Summary::from(outcome).print()?;
    }
    line(format!("`tradepulse --data-dir {} trades` shows its records.", folder.display()))
}

fn is_promoted(configuration: &TrainedConfiguration) -> bool {
    configuration.status.max_allocation() > 0.0
}

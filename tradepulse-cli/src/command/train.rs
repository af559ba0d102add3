mod cell;
mod dimensions;
mod front;
mod market;
mod preflight;
mod record;
pub(crate) mod report;
mod search;
pub(crate) mod stored;
mod summary;
mod work;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tradepulse_core::backtest::Settings;
use tradepulse_core::market::{ExchangeName, Market, Series, Symbol};
use tradepulse_core::optimise::Space;
use tradepulse_core::store::TrainedConfiguration;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_core::training::{Pool, StudyPlan, Validation};
use tradepulse_exec::store::columnar::CandleStore;
use tradepulse_exec::threads::Threads;
use tradepulse_strategies::{registry, registry_with_models};

use self::cell::{Cell, cells, chosen};
pub(crate) use self::cell::{RegimeChoice, within};
use self::dimensions::DimensionArguments;
pub(crate) use self::market::TrainingMarket;
use self::market::Wanted;
pub(crate) use self::work::Records;
use self::work::{Ended, Step, train_together};
use crate::arguments::{DataDir, ModelArguments, PlanArguments, SettingsArguments, require_order};
use crate::output::{self, Verdict};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Strategies, or all
    #[arg(long, value_delimiter = ',', default_value = "all")]
    strategies: Vec<String>,
    /// Train on this file instead of the store (needs --symbol and --timeframe)
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Exchanges of stored candles
    #[arg(long, alias = "exchange", value_delimiter = ',')]
    exchanges: Vec<ExchangeName>,
    /// Markets, such as BTC/USDT,ETH/USDT
    #[arg(long, alias = "symbol", value_delimiter = ',')]
    symbols: Vec<Symbol>,
    /// Timeframes, such as 5m,1h
    #[arg(long, alias = "timeframe", value_delimiter = ',')]
    timeframes: Vec<Timeframe>,
    /// any, or some of bull, bear, sideways
    #[arg(long, value_delimiter = ',', default_value = "any")]
    regimes: Vec<RegimeChoice>,
    /// First instant (a date, or RFC 3339)
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// End, exclusive
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    dimensions: DimensionArguments,
    /// Threads [default: one a core]
    #[arg(long)]
    jobs: Option<usize>,
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(flatten)]
    models: ModelArguments,
    /// Go on with a stored study, by its id or the beginning of it; what it searches, and how, comes
    /// from its record
    #[arg(long, value_name = "ID", conflicts_with_all = OF_THE_RECORD)]
    resume: Option<String>,
    /// Write a report of each study to this folder, and an index if there are several
    #[arg(long, value_name = "DIR", conflicts_with = "estimate")]
    report: Option<PathBuf>,
    /// Say how much work it is, and how long it will take, and do nothing
    #[arg(long)]
    estimate: bool,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

/// What a resumed study has its own.
const OF_THE_RECORD: [&str; 13] = [
    "strategies",
    "exchanges",
    "symbols",
    "timeframes",
    "regimes",
    "from",
    "to",
    "estimate",
    "PlanArguments",
    "DimensionArguments",
    "SettingsArguments",
    "ModelArguments",
    "AdviceTerms",
];

impl Arguments {
    fn threads(&self) -> Threads {
        self.jobs.map_or_else(Threads::all, Threads::new)
    }

    fn markets(&self, place: &DataDir) -> Result<Vec<TrainingMarket>> {
        require_order(self.from, self.to)?;
        let wanted = Wanted {
            exchanges: &self.exchanges,
            symbols: &self.symbols,
            timeframes: &self.timeframes,
            from: self.from,
            to: self.to,
        };
        match &self.data {
            Some(file) => Ok(vec![wanted.file(file)?]),
            None => wanted.stored(&CandleStore::open(place.path()?)),
        }
    }
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let registry = registry_with_models();
    if let Some(id) = &arguments.resume {
        let runtime = crate::records::runtime()?;
        let record = runtime.block_on(async {
            let store = crate::records::open(place).await?;
            super::studies::find(&store, id).await
        })?;
        let market = stored::market(&record, arguments.data.as_deref(), place)?;
        let advising = stored::advising(&record, place)?;
        let cell = stored::cell(&registry, &record, &market, advising.as_ref())?;
        return train(&[cell], stored::plan(&record)?, &arguments, place);
    }
    let plan = arguments.plan.plan()?;
    let settings = arguments.settings.settings();
    let markets = arguments.markets(place)?;
    let advising = arguments.models.open()?;
    let chosen = chosen(&registry, &arguments.strategies, advising.is_some())?;
    let spaces = arguments.dimensions.spaces(&chosen)?;
    let chosen: Vec<_> = chosen.into_iter().zip(spaces).collect();
    let mut cells = cells(&chosen, &markets, &arguments.regimes, (&settings, advising.as_ref()))?;
    preflight::look(&mut cells, &plan, arguments.plan.max_trials())?;
    if arguments.estimate {
        return summary::estimate(&cells, &plan, arguments.threads(), arguments.json);
    }
    if let Some(models) = &advising {
        models.keep(&place.path()?)?;
    }
    train(&cells, plan, &arguments, place)
}

fn train(
    cells: &[Cell<'_>],
    plan: StudyPlan,
    arguments: &Arguments,
    place: &DataDir,
) -> Result<Verdict> {
    let threads = arguments.threads();
    if let Some(folder) = &arguments.report {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let runtime = crate::records::runtime()?;
    let store = runtime.block_on(crate::records::open(place))?;
    let records = Records { store: &store, runtime: &runtime };

    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let heard = std::sync::Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if heard.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .context("cannot listen for Ctrl-C")?;

    let total: usize = cells.iter().map(|cell| summary::trials(cell, &plan)).sum();
    let bar = progress_bar(total as u64);
    let best = Mutex::new(f64::NEG_INFINITY);
    let step = |trials: usize, objective: Option<f64>| {
        bar.inc(trials as u64);
        if let (Some(objective), Ok(mut best)) = (objective, best.lock())
            && objective > *best
        {
            *best = objective;
            bar.set_message(format!("best so far {objective:.3}"));
        }
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let started = Instant::now();
    let finished = AtomicUsize::new(0);
    let results = train_all(cells, &plan, &records, threads, &step, &|cell, ended| {
        let done = finished.fetch_add(1, Ordering::Relaxed) + 1;
        if bar.is_hidden() {
            output::note(format!("{done}/{} {cell}: {}", cells.len(), said_of(ended)));
        }
    });
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    let written = match &arguments.report {
        Some(folder) => report::write(folder, cells, &results, &records)?,
        None => Vec::new(),
    };
    summary::print(cells, &results, seconds, arguments.json, &written)?;
    if stop.load(Ordering::Relaxed) {
        output::note("stopped; the same command goes on where this one ended");
        std::process::exit(130);
    }
    let failed = results.iter().any(|r| r.is_err());
    Ok(if failed { Verdict::Bad } else { Verdict::Good })
}

/// Trains all cells; the results are in their order. `told` hears of each when it has ended.
fn train_all(
    cells: &[Cell<'_>],
    plan: &StudyPlan,
    records: &Records<'_>,
    threads: Threads,
    step: &Step<'_>,
    told: &(dyn Fn(&Cell<'_>, &Result<Ended>) + Sync),
) -> Vec<Result<Ended>> {
    let groups: Vec<&[Cell<'_>]> = cells.chunk_by(|a, b| a.is_beside(b)).collect();
    // Side by side where there are enough of them, else the trials of one search.
    let outer = Threads::new(threads.jobs().min(groups.len()));
    let inner = Threads::new((threads.jobs() / outer.jobs()).max(1));
    let results = outer.map(groups.len(), &|i| {
        let results = train_together(groups[i], plan, records, inner, step);
        groups[i].iter().zip(&results).for_each(|(cell, ended)| told(cell, ended));
        results
    });
    results.into_iter().flatten().collect()
}

fn said_of(ended: &Result<Ended>) -> String {
    match ended {
        Ok(Ended::Trained(trained)) => format!(
            "{} in {:.1} s",
            trained.validation.judgement.standing.stage.name(),
            trained.seconds
        ),
        Ok(Ended::Skipped(reason)) => format!("skipped: {reason}"),
        Ok(Ended::Stopped(id)) => format!("stopped, study {id}"),
        Err(error) => format!("failed: {error:#}"),
    }
}

pub(crate) fn progress_bar(trials: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} trials, {per_sec}, {eta} left, {msg}");
    ProgressBar::new(trials).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Trains every strategy on one market: for the demo. Prints a table and what is to be said of the
/// best; returns what was found, the best first.
pub(crate) fn demonstrate(
    market: Market,
    series: Series,
    plan: StudyPlan,
    records: &Records<'_>,
) -> Result<Vec<TrainedConfiguration>> {
    let registry = registry();
    let markets = [TrainingMarket::new(market, series)];
    let chosen = registry.iter().map(|s| Ok((s, Space::new(s.about().variables)?)));
    let chosen = chosen.collect::<Result<Vec<_>>>()?;
    let mut cells = cells(&chosen, &markets, &[RegimeChoice::Any], (&Settings::default(), None))?;
    preflight::look(&mut cells, &plan, u64::MAX)?;
    let total: usize = cells.iter().map(|cell| summary::trials(cell, &plan)).sum();
    let bar = progress_bar(total as u64);
    let step = |trials: usize, _: Option<f64>| {
        bar.inc(trials as u64);
        ControlFlow::Continue(())
    };
    let started = Instant::now();
    let results = train_all(&cells, &plan, records, Threads::all(), &step, &|_, _| ());
    bar.finish_and_clear();
    summary::table(&cells, &results, started.elapsed().as_secs_f64())?;
    let mut trained: Vec<_> = results
        .into_iter()
        .filter_map(|ended| match ended {
            Ok(Ended::Trained(trained)) => Some(trained),
            _ => None,
        })
        .collect();
    trained.sort_by(|a, b| {
        let rank = |v: &Validation| (v.judgement.standing.stage, v.evidence.sharpe);
        let order = rank(&b.validation).partial_cmp(&rank(&a.validation));
        order.unwrap_or(std::cmp::Ordering::Equal)
    });
    if let Some(best) = trained.first().map(|trained| &trained.validation) {
        output::line(format!("\nThe best of them, {}:", best.in_sample.about.name))?;
        for sentence in best.judgement.explain(&best.evidence) {
            output::line(sentence)?;
        }
    }
    Ok(trained.into_iter().map(|trained| trained.configuration).collect())
}

mod cell;
mod market;
mod record;
mod search;
mod summary;
mod work;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tradepulse_core::backtest::Settings;
use tradepulse_core::market::{ExchangeName, Market, Series, Symbol};
use tradepulse_core::optimise::Method;
use tradepulse_core::random::Seed;
use tradepulse_core::store::MemoryStore;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_core::training::{
    Objective, Pool, Search, Span, StudyPlan, Validation, WindowPlan, Windowing,
};
use tradepulse_exec::store::columnar::CandleStore;
use tradepulse_exec::threads::Threads;
use tradepulse_strategies::registry;

use self::cell::{Cell, RegimeChoice, cells};
use self::market::{TrainingMarket, Wanted};
use self::work::{Ended, Records, Step, train_together};
use crate::arguments::{DataDir, SettingsArguments, require_order};
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
    /// How parameters are searched
    #[arg(long, default_value = "bayesian")]
    optimizer: Method,
    /// Trials of each search
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    trials: u32,
    /// Seed of everything random
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Threads [default: one a core]
    #[arg(long)]
    jobs: Option<usize>,
    /// What is maximised
    #[arg(long, default_value_t = Objective::Balanced)]
    objective: Objective,
    /// Trials with fewer trades are infeasible
    #[arg(long, default_value_t = 10)]
    min_trades: u64,
    /// Training part of a walk-forward window, days
    #[arg(long, default_value_t = 60.0, value_name = "DAYS")]
    train_days: f64,
    /// Left out between training and test, days
    #[arg(long, default_value_t = 7.0, value_name = "DAYS")]
    gap_days: f64,
    /// Test part of a window, days
    #[arg(long, default_value_t = 30.0, value_name = "DAYS")]
    test_days: f64,
    /// Let the training part grow from the beginning of the data
    #[arg(long)]
    anchored: bool,
    #[command(flatten)]
    settings: SettingsArguments,
    /// Say how much work it is, and how long it will take, and do nothing
    #[arg(long)]
    estimate: bool,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn plan(&self) -> StudyPlan {
        let windowing = if self.anchored { Windowing::Anchored } else { Windowing::Rolling };
        StudyPlan {
            method: self.optimizer,
            trials: self.trials as usize,
            batch: Search::BATCH,
            objective: self.objective,
            min_trades: self.min_trades,
            seed: Seed(self.seed),
            windows: WindowPlan {
                windowing,
                train: Span::Days(self.train_days),
                gap: Span::Days(self.gap_days),
                test: Span::Days(self.test_days),
            },
        }
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
    let plan = arguments.plan();
    let settings = arguments.settings.settings();
    let registry = registry();
    let markets = arguments.markets(place)?;
    let cells = cells(&registry, &arguments.strategies, &markets, &arguments.regimes, &settings)?;
    let threads = arguments.jobs.map_or_else(Threads::all, Threads::new);
    say_unfit(&cells, &plan)?;
    if arguments.estimate {
        return summary::estimate(&cells, &plan, threads, arguments.json);
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
    let results = train_all(&cells, &plan, &records, threads, &step, &|cell, ended| {
        let done = finished.fetch_add(1, Ordering::Relaxed) + 1;
        if bar.is_hidden() {
            output::note(format!("{done}/{} {cell}: {}", cells.len(), said_of(ended)));
        }
    });
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    summary::print(&cells, &results, seconds, arguments.json)?;
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

/// Says which cells cannot be trained, before the others are.
fn say_unfit(cells: &[Cell<'_>], plan: &StudyPlan) -> Result<()> {
    let mut fit = 0;
    for cell in cells {
        match cell.unfit(plan)? {
            Some(reason) => output::note(format!("{cell} is skipped: {reason}")),
            None => fit += 1,
        }
    }
    if fit == 0 {
        bail!("nothing can be trained as planned");
    }
    Ok(())
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

fn progress_bar(trials: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} trials, {per_sec}, {eta} left, {msg}");
    ProgressBar::new(trials).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Trains every strategy on one market and keeps nothing: for the demo. Prints a table and what is
/// to be said of the best.
pub(crate) fn demonstrate(market: Market, series: Series, plan: StudyPlan) -> Result<()> {
    let registry = registry();
    let markets = [TrainingMarket::new(market, series)];
    let all = ["all".to_owned()];
    let cells = cells(&registry, &all, &markets, &[RegimeChoice::Any], &Settings::default())?;
    let runtime = crate::records::runtime()?;
    let store = MemoryStore::default();
    let records = Records { store: &store, runtime: &runtime };
    let total: usize = cells.iter().map(|cell| summary::trials(cell, &plan)).sum();
    let bar = progress_bar(total as u64);
    let step = |trials: usize, _: Option<f64>| {
        bar.inc(trials as u64);
        ControlFlow::Continue(())
    };
    let started = Instant::now();
    let results = train_all(&cells, &plan, &records, Threads::all(), &step, &|_, _| ());
    bar.finish_and_clear();
    summary::table(&cells, &results, started.elapsed().as_secs_f64())?;
    let trained = results.iter().filter_map(|ended| match ended {
        Ok(Ended::Trained(trained)) => Some(&trained.validation),
        _ => None,
    });
    let best = trained.max_by(|a, b| {
        let rank = |v: &Validation| (v.judgement.standing.stage, v.evidence.sharpe);
        rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal)
    });
    if let Some(best) = best {
        output::line(format!("\nThe best of them, {}:", best.in_sample.about.name))?;
        for sentence in best.judgement.explain(&best.evidence) {
            output::line(sentence)?;
        }
    }
    Ok(())
}

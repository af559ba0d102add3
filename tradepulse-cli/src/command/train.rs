mod cell;
mod dimensions;
mod front;
mod preflight;
mod record;
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
use tradepulse_core::optimise::{Method, Space};
use tradepulse_core::random::Seed;
use tradepulse_core::store::MemoryStore;
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_core::training::{
    Objective, Pool, Search, Span, StudyPlan, Validation, WindowPlan, Windowing,
};
use tradepulse_exec::import;
use tradepulse_exec::store::columnar::CandleStore;
use tradepulse_exec::threads::Threads;
use tradepulse_strategies::registry;

use self::cell::{RegimeChoice, TrainingMarket, cells};
use self::dimensions::DimensionArguments;
use self::work::{Ended, Records, train_cell};
use crate::arguments::{DataDir, SettingsArguments};
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
    /// How parameters are searched [default: bayesian; genetic for several objectives]
    #[arg(long)]
    optimizer: Option<Method>,
    #[command(flatten)]
    dimensions: DimensionArguments,
    /// Largest grid; a larger one is refused
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    max_trials: u64,
    /// Trials of each search; a grid has as many as it has points
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    trials: u32,
    /// Seed of everything random
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Threads [default: one a core]
    #[arg(long)]
    jobs: Option<usize>,
    /// What is improved: balanced, or a metric by its name. Up to four at once make a search for
    /// trade-offs, in which the first decides which trial is validated
    #[arg(long, value_delimiter = ',', default_value = "balanced")]
    objective: Vec<Objective>,
    /// Trials with fewer trades are infeasible
    #[arg(long, default_value_t = 10)]
    min_trades: u64,
    /// Give up on trials after a third of the candles: far too few trades, or below the median
    #[arg(long)]
    prune: bool,
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

/// Exchange of candles that were read from a file and not said to be from anywhere.
const NOWHERE: &str = "file";

impl Arguments {
    fn plan(&self) -> Result<StudyPlan> {
        let windowing = if self.anchored { Windowing::Anchored } else { Windowing::Rolling };
        let several = self.objective.len() > 1;
        let method = match self.optimizer {
            Some(method) => method,
            None if several => Method::Nsga2,
            None => Method::default(),
        };
        if several && !method.takes_several_objectives() {
            bail!(
                "--optimizer {method} looks at one objective only, and there are {}: choose \
                 genetic, quasi, random or grid",
                self.objective.len()
            );
        }
        let mut objectives = self.objective.iter().copied();
        let objective = objectives.next().unwrap_or_default();
        let further = std::array::from_fn(|_| objectives.next());
        if objectives.next().is_some() {
            bail!("--objective takes up to {} objectives at once", 1 + further.len());
        }
        if let Some(twice) = (1..self.objective.len())
            .map(|i| self.objective[i])
            .find(|o| self.objective.iter().filter(|other| *other == o).count() > 1)
        {
            bail!("--objective names {twice} twice");
        }
        Ok(StudyPlan {
            method,
            trials: self.trials as usize,
            batch: Search::BATCH,
            objective,
            further,
            min_trades: self.min_trades,
            prune: self.prune,
            seed: Seed(self.seed),
            windows: WindowPlan {
                windowing,
                train: Span::Days(self.train_days),
                gap: Span::Days(self.gap_days),
                test: Span::Days(self.test_days),
            },
        })
    }

    fn markets(&self, place: &DataDir) -> Result<Vec<TrainingMarket>> {
        let part = |series: Series| match (self.from, self.to) {
            (None, None) => series,
            (from, to) => {
                series.between(from.unwrap_or(Timestamp::EARLIEST), to.unwrap_or(Timestamp::LATEST))
            }
        };
        if let Some(file) = &self.data {
            let ([symbol], [timeframe]) = (&self.symbols[..], &self.timeframes[..]) else {
                bail!("--data needs one --symbol and one --timeframe");
            };
            let options =
                import::Options { symbol: Some(symbol.clone()), ..import::Options::default() };
            let series = part(import::import(&[file], *timeframe, &options)?.series);
            let exchange = match self.exchanges.first() {
                Some(exchange) => exchange.clone(),
                None => NOWHERE.parse()?,
            };
            let market = Market { exchange, symbol: symbol.clone(), timeframe: *timeframe };
            return Ok(vec![TrainingMarket::new(market, series)]);
        }
        let store = CandleStore::open(place.path()?);
        let mut markets = Vec::new();
        for entry in store.list()? {
            let Market { exchange, symbol, timeframe } = entry?.market;
            let wanted = (self.exchanges.is_empty() || self.exchanges.contains(&exchange))
                && (self.symbols.is_empty() || self.symbols.contains(&symbol))
                && (self.timeframes.is_empty() || self.timeframes.contains(&timeframe));
            if wanted {
                let market = Market { exchange, symbol, timeframe };
                let series = part(store.load(&market, None, None)?);
                markets.push(TrainingMarket::new(market, series));
            }
        }
        if markets.is_empty() {
            bail!("no stored candles fit; take some in with `tradepulse import`, or pass --data");
        }
        Ok(markets)
    }
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let plan = arguments.plan()?;
    let settings = arguments.settings.settings();
    let registry = registry();
    let markets = arguments.markets(place)?;
    let chosen = self::cell::chosen(&registry, &arguments.strategies)?;
    let spaces = arguments.dimensions.spaces(&chosen)?;
    let chosen: Vec<_> = chosen.into_iter().zip(spaces).collect();
    let cells = cells(&chosen, &markets, &arguments.regimes, &settings)?;
    let threads = arguments.jobs.map_or_else(Threads::all, Threads::new);
    let obstacles = preflight::obstacles(&cells, &plan, arguments.max_trials)?;
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
    // Cells side by side where there are enough of them, else the trials of one cell.
    let outer = Threads::new(threads.jobs().min(cells.len()));
    let inner = Threads::new((threads.jobs() / outer.jobs()).max(1));
    let finished = AtomicUsize::new(0);
    let results = outer.map(cells.len(), &|i| {
        let ended = if stop.load(Ordering::Relaxed) {
            Ok(Ended::Skipped("not begun".to_owned()))
        } else if let Some(reason) = &obstacles[i] {
            Ok(Ended::Skipped(reason.clone()))
        } else {
            train_cell(&cells[i], plan, &records, inner, &step)
        };
        let done = finished.fetch_add(1, Ordering::Relaxed) + 1;
        if bar.is_hidden() {
            output::note(format!("{done}/{} {}: {}", cells.len(), cells[i], said_of(&ended)));
        }
        ended
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
    let chosen = registry.iter().map(|s| Ok((s, Space::new(s.about().variables)?)));
    let chosen = chosen.collect::<Result<Vec<_>>>()?;
    let cells = cells(&chosen, &markets, &[RegimeChoice::Any], &Settings::default())?;
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
    let results = Threads::all()
        .map(cells.len(), &|i| train_cell(&cells[i], plan, &records, Threads::new(1), &step));
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

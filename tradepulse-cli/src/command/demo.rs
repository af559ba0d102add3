mod models;
mod paper;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::market::{Market, SyntheticMarket};
use tradepulse_core::optimise::Method;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::random::Seed;
use tradepulse_core::store::trading::TradingStore;
use tradepulse_core::time::Timeframe;
use tradepulse_core::training::StudyPlan;
use tradepulse_exec::store::lock::InstanceLock;
use tradepulse_exec::store::sqlite::SqliteStore;
use tradepulse_strategies::registry;

use super::backtest::{Finished, Request, write};
use super::train;
use crate::arguments::LoadedMarket;
use crate::output::{self, Verdict, maybe, number};
use crate::report::{self, Overview, OverviewRow};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Seed of the market
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Number of candles
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(5_000..=2_000_000))]
    candles: u32,
    /// Length of a candle
    #[arg(long, default_value = "5m")]
    timeframe: Timeframe,
    /// Folder for the reports
    #[arg(long, default_value = "tradepulse-demo")]
    out: PathBuf,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Trials of each search of the demo.
const DEMO_TRIALS: usize = 40;

const SYNTHETIC: &str = "This market is synthetic: seeded random numbers. Results on it show how the tools work, and \
     say nothing about any real market.";

pub(crate) fn run(arguments: Arguments) -> Result<Verdict> {
    let Arguments { seed, candles, timeframe, out, json } = arguments;
    let seed = Seed(seed);
    // A sixth of it comes after what is tested and trained on.
    let known = candles as usize;
    let market =
        SyntheticMarket { candles: known + known / 5, ..SyntheticMarket::new(seed, timeframe) };
    let whole = market.generate()?;
    let market = LoadedMarket {
        series: whole.slice(0..known),
        symbol: Some("SYNTHETIC/USDT".parse()?),
        exchange: None,
    };
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;

    let registry = registry();
    let progress = progress(registry.iter().count() as u64);
    let backtest = Backtest::new(&market.series, Settings::default())?;
    let mut finished = Vec::new();
    for strategy in registry.iter() {
        let about = strategy.about();
        progress.set_message(about.name);
        let mut run = Finished::new(Request {
            strategy,
            parameters: Parameters::defaults(about.variables),
            market: &market,
            backtest: &backtest,
            detail: None,
            monte_carlo_runs: 0,
            seed,
            for_report: true,
        })?;
        run.notes.insert(0, SYNTHETIC.to_owned());
        let file = format!("{}.html", about.name);
        let html = run.html()?;
        write(&out.join(&file), |out| out.write_all(html.as_bytes()))?;
        finished.push((run, file));
        progress.inc(1);
    }
    progress.finish_and_clear();

    let rows = finished.iter();
    let overview = report::render_overview(&Overview {
        title: "TradePulse demo",
        symbol: "SYNTHETIC/USDT",
        exchange: None,
        series: &market.series,
        capital: backtest.settings().capital,
        rows: rows.map(|(run, file)| row(run, file)).collect(),
        notes: vec![SYNTHETIC.to_owned()],
    })?;
    let index = out.join("index.html");
    write(&index, |out| out.write_all(overview.as_bytes()))?;

    if json {
        let runs = finished.iter().map(|(run, file)| {
            json!({
                "strategy": run.outcome.about.name,
                "metrics": run.outcome.metrics,
                "trades_hash": run.trades_hash,
                "report": out.join(file),
            })
        });
        let runs: Vec<_> = runs.collect();
        output::json(&json!({ "synthetic": true, "report": index, "backtests": runs }))?;
    } else {
        print(&finished, &market)?;
        output::line("\nThe same strategies, trained and validated:\n")?;
        let plan = StudyPlan { trials: DEMO_TRIALS, ..StudyPlan::new(Method::Tpe, seed) };
        let name =
            Market { exchange: "synthetic".parse()?, symbol: "SYNTHETIC/USDT".parse()?, timeframe };
        let _lock = InstanceLock::take(&out)?;
        let runtime = crate::records::runtime()?;
        let store = Arc::new(runtime.block_on(SqliteStore::open(&out))?);
        let records = train::Records { store: &*store, runtime: &runtime };
        let trained = train::demonstrate(name.clone(), market.series, plan, &records)?;
        let store: Arc<dyn TradingStore> = store;
        paper::session(&name, &whole, known, &trained, &store, &out, &runtime)?;
        models::session(&name, &whole, known, (seed, &store, &out), &runtime)?;
        output::line(format!("\nOpen {} in a browser.", index.display()))?;
    }
    Ok(Verdict::Good)
}

fn row<'a>(run: &'a Finished<'_>, file: &str) -> OverviewRow<'a> {
    OverviewRow { outcome: &run.outcome, link: Some(file.to_owned()) }
}

fn print(finished: &[(Finished<'_>, String)], market: &LoadedMarket) -> Result<()> {
    output::line(SYNTHETIC)?;
    if let Some((from, to)) = market.series.span() {
        let candles = number(market.series.len() as f64, 0);
        let timeframe = market.series.timeframe();
        output::line(format!("{candles} candles of {timeframe}, {from} to {to}\n"))?;
    }
    let header =
        ["strategy", "trades", "win rate %", "net profit %", "Sharpe", "drawdown %", "p-value"];
    let mut table = output::table(&header, &[1, 2, 3, 4, 5, 6]);
    for (run, _) in finished {
        let m = &run.outcome.metrics;
        table.add_row([
            run.outcome.about.name.to_owned(),
            number(m.trades as f64, 0),
            maybe(m.win_rate.map(|w| w * 100.0), 1),
            number(m.net_profit_pct, 2),
            maybe(m.sharpe, 2),
            number(m.max_drawdown_pct, 2),
            maybe(m.p_value, 3),
        ]);
    }
    output::line(table)
}

/// A bar on a terminal; nothing elsewhere, where the whole takes seconds.
fn progress(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    ProgressBar::new(steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

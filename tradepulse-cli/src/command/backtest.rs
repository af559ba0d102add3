mod run;
mod summary;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use tradepulse_core::account::Trade;
use tradepulse_core::market::InstrumentKind;
use tradepulse_core::random::Seed;
use tradepulse_exec::{atomic, import};
use tradepulse_strategies::registry_with_models;

pub(crate) use run::{Finished, Request};

use crate::arguments::{
    DataDir, MarketArguments, ModelArguments, SettingsArguments, parameters, read_detail,
    read_risk_rules,
};
use crate::output::{self, Verdict};

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    /// Name of the strategy (see `tradepulse strategies`)
    strategy: String,
    #[command(flatten)]
    market: MarketArguments,
    /// Set a variable; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(flatten)]
    models: ModelArguments,
    /// Finer candles that tell what came first inside a candle
    #[arg(long, value_name = "FILE")]
    detail: Option<PathBuf>,
    /// Funding rates of a perpetual (CSV with the columns time and rate)
    #[arg(long, value_name = "FILE")]
    funding: Option<PathBuf>,
    /// Hold each entry against the risk rules of this JSON file; what it does not name has its
    /// default, null turns a rule off, and {} is the defaults
    #[arg(long, value_name = "FILE.json")]
    risk_rules: Option<PathBuf>,
    /// Bootstrap the trades this many times
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    monte_carlo: Option<u32>,
    /// Seed of everything random
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Show how many candles passed each condition of the strategy
    #[arg(long)]
    funnel: bool,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
    /// Write the trades to this CSV file
    #[arg(long, value_name = "FILE.csv")]
    trades: Option<PathBuf>,
    /// Write a report to this HTML file
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let registry = registry_with_models();
    let strategy = registry.get(&arguments.strategy)?;
    let parameters = parameters(strategy.about().variables, &arguments.set)?;
    let mut settings = arguments.settings.settings();
    settings.risk = arguments.risk_rules.as_deref().map(read_risk_rules).transpose()?;
    if arguments.funding.is_some() && settings.rules.instrument.kind == InstrumentKind::Spot {
        bail!("funding is paid on perpetuals: pass --instrument perpetual with --funding");
    }
    refuse_to_overwrite(&arguments)?;
    let market = arguments.market.load(place)?;
    let detail = arguments.detail.as_deref().map(read_detail).transpose()?;
    let mut backtest = arguments.models.backtest(&arguments.strategy, &market.series, settings)?;
    if let Some(detail) = &detail {
        backtest = backtest.with_detail(detail)?;
    }
    let funding = arguments.funding.as_deref().map(import::read_funding).transpose()?;
    if let Some(funding) = &funding {
        backtest = backtest.with_funding(funding);
    }
    let finished = Finished::new(Request {
        strategy,
        parameters,
        market: &market,
        backtest: &backtest,
        detail: detail.as_ref(),
        monte_carlo_runs: arguments.monte_carlo.unwrap_or(0) as usize,
        seed: Seed(arguments.seed),
        for_report: arguments.report.is_some(),
    })?;
    if let Some(file) = &arguments.trades {
        let funded = funding.is_some();
        write(file, |out| write_trades(&finished.outcome.trades, funded, out))?;
    }
    if let Some(file) = &arguments.report {
        let html = finished.html()?;
        write(file, |out| out.write_all(html.as_bytes()))?;
    }
    if arguments.json {
        print_json(&finished, arguments.funnel)?;
    } else {
        summary::print(&finished, arguments.funnel)?;
        for file in [&arguments.trades, &arguments.report].into_iter().flatten() {
            output::line(format!("Written: {}", file.display()))?;
        }
    }
    Ok(Verdict::Good)
}

/// Refuses to write over a file that the run reads, or two results to one file.
fn refuse_to_overwrite(arguments: &Arguments) -> Result<()> {
    let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    };
    let outputs = [("--trades", &arguments.trades), ("--report", &arguments.report)];
    let read = [
        arguments.market.file(),
        arguments.detail.as_deref(),
        arguments.funding.as_deref(),
        arguments.risk_rules.as_deref(),
    ];
    for (name, file) in outputs {
        let Some(file) = file else { continue };
        if read.into_iter().flatten().any(|input| same(file, input)) {
            bail!("{name} {} would overwrite what the run reads", file.display());
        }
    }
    if let (Some(trades), Some(report)) = (&arguments.trades, &arguments.report)
        && same(trades, report)
    {
        bail!("--trades and --report name the same file, {}", report.display());
    }
    Ok(())
}

/// Writes a whole file or nothing.
pub(crate) fn write(
    file: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    atomic::write(file, |out| {
        let mut out = BufWriter::new(out);
        content(&mut out)?;
        out.flush()
    })
    .with_context(|| format!("cannot write {}", file.display()))
}

/// The funding column is there if funding rates were given.
fn write_trades(trades: &[Trade], funded: bool, out: &mut dyn Write) -> std::io::Result<()> {
    write!(
        out,
        "side,entry_time_ms,entry_price,exit_time_ms,exit_price,quantity,fees,profit,profit_pct,\
         exit_reason,holding,ambiguous"
    )?;
    writeln!(out, "{}", if funded { ",funding" } else { "" })?;
    for t in trades {
        let side = t.side.name();
        write!(
            out,
            "{side},{},{},{},{},{},{},{},{},{},{},{}",
            t.entry_time_ms,
            t.entry_price,
            t.exit_time_ms,
            t.exit_price,
            t.quantity,
            t.fees,
            t.profit,
            t.profit_pct,
            t.exit_reason.name(),
            t.holding,
            t.ambiguous
        )?;
        if funded {
            write!(out, ",{}", t.funding)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn print_json(finished: &Finished<'_>, funnel: bool) -> Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        strategy: &'a str,
        strategy_version: u32,
        parameters: &'a tradepulse_core::parameter::Parameters,
        exchange: Option<String>,
        symbol: Option<String>,
        timeframe: String,
        candles: usize,
        from_ms: Option<i64>,
        to_ms: Option<i64>,
        gaps: tradepulse_core::market::Gaps,
        warm_up: usize,
        fingerprint: &'a str,
        trades_hash: &'a str,
        trades: &'a [Trade],
        metrics: &'a tradepulse_core::performance::Metrics,
        refusals: std::collections::BTreeMap<&'static str, usize>,
        notes: &'a [String],
        #[serde(flatten)]
        asked_for: serde_json::Map<String, serde_json::Value>,
    }
    let Finished { outcome, market, .. } = finished;
    let span = market.series.span();
    let mut asked_for = serde_json::Map::new();
    if let Some(monte_carlo) = &finished.monte_carlo {
        asked_for.insert("monte_carlo".to_owned(), json!(monte_carlo));
    }
    if let Some(costs) = &finished.cost_survival {
        asked_for.insert("cost_survival".to_owned(), json!(costs));
    }
    if funnel {
        asked_for.insert("funnel".to_owned(), json!(outcome.funnel));
    }
    output::json(&Document {
        strategy: outcome.about.name,
        strategy_version: outcome.about.version,
        parameters: &outcome.parameters,
        exchange: market.exchange.as_ref().map(ToString::to_string),
        symbol: market.symbol.as_ref().map(ToString::to_string),
        timeframe: market.series.timeframe().to_string(),
        candles: market.series.len(),
        from_ms: span.map(|(from, _)| from.as_ms()),
        to_ms: span.map(|(_, to)| to.as_ms()),
        gaps: market.series.gaps(),
        warm_up: outcome.warm_up,
        fingerprint: &finished.fingerprint,
        trades_hash: &finished.trades_hash,
        trades: &outcome.trades,
        metrics: &outcome.metrics,
        refusals: finished.refusals(),
        notes: &finished.notes,
        asked_for,
    })
}

use std::ops::ControlFlow;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tradepulse_core::market::Series;
use tradepulse_core::optimise::{Method, Restriction, Space};
use tradepulse_core::parameter::Parameters;
use tradepulse_core::performance::Metrics;
use tradepulse_core::training::{Objective, Study, StudyPlan, WalkForward, WindowResult};
use tradepulse_core::variable::Variable;
use tradepulse_exec::threads::Threads;
use tradepulse_strategies::registry_with_models;

use super::train::{RegimeChoice, progress_bar, within};
use crate::arguments::{
    DataDir, MarketArguments, ModelArguments, PlanArguments, SettingsArguments, parameters,
};
use crate::output::{self, Verdict, maybe, number};

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    /// Name of the strategy (see `tradepulse strategies`)
    strategy: String,
    #[command(flatten)]
    market: MarketArguments,
    /// Fix a variable at a value; the others are searched. May be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Search nothing: what --set does not name is at its default
    #[arg(long)]
    fixed: bool,
    /// any, bull, bear or sideways: where entries may happen
    #[arg(long, default_value = "any")]
    regime: RegimeChoice,
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(flatten)]
    models: ModelArguments,
    /// Threads [default: one a core]
    #[arg(long)]
    jobs: Option<usize>,
    /// JSON on stdout
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let registry = registry_with_models();
    let strategy = registry.get(&arguments.strategy)?;
    let variables = strategy.about().variables;
    let set = parameters(variables, &arguments.set)?;
    let market = arguments.market.load(place)?;
    let settings = arguments.settings.settings();
    let backtest = arguments.models.backtest(&arguments.strategy, &market.series, settings)?;
    let backtest = within(&backtest, arguments.regime)?;
    let plan = arguments.plan.plan()?;
    let (plan, space) = if arguments.fixed {
        (fixed(plan), only(variables, &set, |_| true)?)
    } else {
        let named = |name: &str| arguments.set.iter().any(|s| name_of(s) == name);
        let space = only(variables, &set, named)?;
        (whole_grid(plan, &space, arguments.plan.max_trials())?, space)
    };
    let study = Study::new(strategy, backtest, plan)?.over(space);
    let threads = arguments.jobs.map_or_else(Threads::all, Threads::new);
    let windows = plan.windows.windows(&market.series)?.len();
    let bar = progress_bar((windows * plan.trials) as u64);
    let found = study.walk_forward(&threads, |_, progress| {
        bar.inc(progress.batch.len() as u64);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    if arguments.json {
        print_json(&arguments, &market.series, &study, &found)?;
    } else {
        print(&market.series, &found, arguments.fixed)?;
    }
    Ok(Verdict::Good)
}

/// One trial a window, which is feasible whatever it comes to.
fn fixed(plan: StudyPlan) -> StudyPlan {
    let (method, objective) = (Method::Grid, Objective::NetProfit);
    let further = [None; 3];
    StudyPlan { method, objective, further, trials: 1, min_trades: 0, prune: false, ..plan }
}

/// The same plan; a grid has as many trials as it has points.
fn whole_grid(plan: StudyPlan, space: &Space, max_trials: u64) -> Result<StudyPlan> {
    if plan.method != Method::Grid {
        return Ok(plan);
    }
    let size = space.size();
    if size > u128::from(max_trials) {
        bail!(
            "the grid has {size} points, more than --max-trials {max_trials}: fix variables with \
             --set"
        );
    }
    Ok(StudyPlan { trials: usize::try_from(size)?, ..plan })
}

/// The space in which the variables that `kept` names have the value in `set`.
fn only(
    variables: &'static [Variable],
    set: &Parameters,
    kept: impl Fn(&str) -> bool,
) -> Result<Space> {
    let mut space = Space::new(variables)?;
    for (variable, value) in set.iter().filter(|(variable, _)| kept(variable.name)) {
        space = space.restrict(variable.name, &Restriction::Fixed(value))?;
    }
    Ok(space)
}

fn name_of(assignment: &str) -> &str {
    assignment.split_once('=').map_or(assignment, |(name, _)| name.trim())
}

fn print_json(
    arguments: &Arguments,
    series: &Series,
    study: &Study<'_>,
    found: &WalkForward,
) -> Result<()> {
    let judgement = found.judgement();
    let windows = found.windows.iter().map(|w| {
        let [train, test] = [&w.window.train, &w.window.test].map(|rows| {
            let to = series.close_time(rows.end - 1);
            json!({ "from_ms": series.time()[rows.start], "to_ms": to.as_ms() })
        });
        json!({
            "train": train,
            "test": test,
            "parameters": w.parameters,
            "in_sample": w.in_sample,
            "out_of_sample": w.out_of_sample,
        })
    });
    output::json(&json!({
        "strategy": arguments.strategy,
        "fixed": arguments.fixed,
        "regime": arguments.regime.name(),
        "plan": if arguments.fixed { json!({ "windows": study.plan().windows }) } else {
            json!(study.plan())
        },
        "data_fingerprint": series.sha256(),
        "windows": windows.collect::<Vec<_>>(),
        "metrics": found.metrics,
        "judgement": judgement,
        "flags": judgement.flags.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "trades": found.trades,
    }))
}

fn print(series: &Series, found: &WalkForward, fixed: bool) -> Result<()> {
    let header = [
        "window",
        "trained from",
        "to",
        "tested from",
        "to",
        "IS Sharpe",
        "IS net %",
        "IS trades",
        "OOS Sharpe",
        "OOS net %",
        "OOS trades",
    ];
    let mut table = output::table(&header, &[0, 5, 6, 7, 8, 9, 10]);
    let day = |ms: i64| {
        let text = tradepulse_core::time::Timestamp::from_ms(ms).to_string();
        text.get(..10).unwrap_or(&text).to_owned()
    };
    for (number, w) in (1..).zip(&found.windows) {
        let mut row = vec![number.to_string()];
        for rows in [&w.window.train, &w.window.test] {
            row.push(day(series.time()[rows.start]));
            row.push(day(series.close_time(rows.end - 1).as_ms()));
        }
        row.extend(figures(w.in_sample.as_ref()));
        row.extend(figures(w.out_of_sample.as_ref()));
        table.add_row(row);
    }
    output::line(table)?;
    if !fixed {
        for (number, w) in (1..).zip(&found.windows) {
            output::line(format!("{number}: {}", searched(w)))?;
        }
    }
    output::line("\nAll test parts, one after the other:")?;
    let m = &found.metrics;
    let mut table = output::table(&["figure", "out of sample"], &[1]);
    let percent = |share: Option<f64>| maybe(share.map(|s| s * 100.0), 1);
    for (name, value) in [
        ("net profit", number(m.net_profit, 2)),
        ("net profit %", number(m.net_profit_pct, 2)),
        ("trades", number(m.trades as f64, 0)),
        ("win rate %", percent(m.win_rate)),
        ("profit factor", maybe(m.profit_factor, 2)),
        ("Sharpe", maybe(m.sharpe, 2)),
        ("Sortino", maybe(m.sortino, 2)),
        ("max drawdown %", number(m.max_drawdown_pct, 2)),
        ("p-value", maybe(m.p_value, 4)),
    ] {
        table.add_row([name.to_owned(), value]);
    }
    output::line(table)?;
    let judgement = found.judgement();
    if judgement.flags.is_empty() {
        return output::line("No sign of overfitting in the windows.");
    }
    for flag in &judgement.flags {
        output::line(format!("Flag: {flag}."))?;
    }
    Ok(())
}

fn figures(metrics: Option<&Metrics>) -> [String; 3] {
    [
        maybe(metrics.and_then(|m| m.sharpe), 2),
        maybe(metrics.map(|m| m.net_profit_pct), 2),
        maybe(metrics.map(|m| m.trades as f64), 0),
    ]
}

/// What the search of a window found.
fn searched(window: &WindowResult) -> String {
    let Some(parameters) = &window.parameters else {
        return "no trial was feasible; it stays out of the market".to_owned();
    };
    let values = parameters.iter().map(|(variable, value)| format!("{}={value}", variable.name));
    values.collect::<Vec<_>>().join(" ")
}

use serde::Serialize;
use tradepulse_core::performance::MonteCarloFan;
use tradepulse_core::store::TrialOutcome;

use super::super::ReportError;
use super::super::embedded::shortened;
use super::super::equity_columns::EquityColumns;
use super::super::text::json_in_script;
use super::variables::Dimension;
use super::{StudyReport, walk_forward};

/// Most trials that are embedded; of more, evenly spread ones and the best.
const MOST_TRIALS: usize = 20_000;

/// What the browser draws from.
#[derive(Serialize)]
struct Embedded<'a> {
    capital: f64,
    currency: String,
    money_decimals: usize,
    symbol: &'a str,
    objective: String,
    /// Trials of the study, more than are embedded if there are very many.
    trials_made: usize,
    variables: Vec<VariableColumn<'a>>,
    trials: Vec<Row>,
    /// Why trials were infeasible.
    reasons: Vec<&'a str>,
    equity: Option<EquityColumns>,
    fan: Option<Fan>,
}

/// A variable that the search moved, and its value in each embedded trial.
#[derive(Serialize)]
struct VariableColumn<'a> {
    name: &'a str,
    unit: &'a str,
    values: Vec<Option<f64>>,
}

/// Number, kind (0 feasible, 1 infeasible, 2 given up early), objective, Sharpe ratio, index of the
/// reason.
type Row = (u64, u8, Option<f64>, Option<f64>, Option<usize>);

#[derive(Serialize)]
struct Fan {
    trades: Vec<usize>,
    p5: Vec<f64>,
    p25: Vec<f64>,
    p50: Vec<f64>,
    p75: Vec<f64>,
    p95: Vec<f64>,
    /// Equity after so many trades, as it came.
    came: Vec<f64>,
}

/// The data of the page as JSON, safe inside a `<script>` element.
pub(super) fn json(
    report: &StudyReport<'_>,
    dimensions: &[Dimension],
    fan: Option<MonteCarloFan>,
) -> Result<String, ReportError> {
    let best = report.best().map(|t| t.number);
    let stride = report.trials.len().div_ceil(MOST_TRIALS).max(1);
    let kept: Vec<usize> = (0..report.trials.len())
        .filter(|i| i.is_multiple_of(stride) || best == Some(report.trials[*i].number))
        .collect();
    let mut reasons = Vec::new();
    let trials = kept.iter().map(|i| row(report, *i, &mut reasons)).collect();
    let money = report.money();
    let known = |value: &f64| value.is_finite().then(|| shortened(*value));
    let columns = dimensions.iter().filter(|d| d.varies()).map(|d| VariableColumn {
        name: &d.variable.name,
        unit: &d.variable.unit,
        values: kept.iter().map(|i| known(&d.values[*i])).collect(),
    });
    let capital = report.settings.capital;
    let data = Embedded {
        capital,
        currency: money.currency,
        money_decimals: money.decimals,
        symbol: report.study.cell.pair.as_str(),
        objective: report.objective(),
        trials_made: report.trials.len(),
        variables: columns.collect(),
        trials,
        reasons,
        equity: walk_forward::joined(report)
            .map(|(walked, series)| EquityColumns::new(&series, &walked.equity, capital)),
        fan: fan.map(|fan| columns_of(report, fan)),
    };
    Ok(json_in_script(&data)?)
}

fn row<'a>(report: &StudyReport<'a>, at: usize, reasons: &mut Vec<&'a str>) -> Row {
    let trial = &report.trials[at];
    let (kind, reason) = match &trial.outcome {
        TrialOutcome::Feasible(_) => (0, None),
        TrialOutcome::Infeasible { reason, .. } => {
            let known = reasons.iter().position(|r| r == reason);
            let place = known.unwrap_or_else(|| {
                reasons.push(reason);
                reasons.len() - 1
            });
            (1, Some(place))
        }
    };
    let kind = if trial.pruned { 2 } else { kind };
    (trial.number, kind, trial.objective().map(shortened), trial.sharpe.map(shortened), reason)
}

fn columns_of(report: &StudyReport<'_>, fan: MonteCarloFan) -> Fan {
    let column = |value: fn(&tradepulse_core::performance::Band) -> f64| {
        fan.equity.iter().map(|band| shortened(value(band))).collect()
    };
    let walked = report.found.and_then(|found| found.validation.walk_forward.as_ref());
    let trades = walked.map_or(&[][..], |(walked, _)| &walked.trades);
    let mut equity = report.settings.capital;
    let after: Vec<f64> = trades
        .iter()
        .map(|trade| {
            equity += trade.profit;
            shortened(equity)
        })
        .collect();
    Fan {
        p5: column(|b| b.p5),
        p25: column(|b| b.p25),
        p50: column(|b| b.p50),
        p75: column(|b| b.p75),
        p95: column(|b| b.p95),
        came: fan.trades.iter().map(|n| after[n - 1]).collect(),
        trades: fan.trades,
    }
}

//! The trade-offs that a search for several objectives found.

use anyhow::Result;
use serde_json::{Value, json};
use tradepulse_core::optimise::{Optimiser, Trial};
use tradepulse_core::training::{Objective, Study};

use crate::output::{self, number};

/// One trial that no other beats in all objectives.
pub(crate) struct TradeOff {
    number: u64,
    parameters: Value,
    /// The figures, as they are named: a drawdown is positive.
    figures: Vec<(Objective, f64)>,
}

/// The front of a search; none if it had one objective.
pub(super) fn front(study: &Study<'_>, optimiser: &dyn Optimiser) -> Vec<TradeOff> {
    let objectives: Vec<Objective> = study.plan().objectives().collect();
    if objectives.len() < 2 {
        return Vec::new();
    }
    let trade_off = |trial: &Trial| {
        let values = trial.outcome.as_ref()?.objectives()?;
        let figures = objectives.iter().zip(values).map(|(o, value)| (*o, o.signed(*value)));
        Some(TradeOff {
            number: trial.number,
            parameters: json!(study.space().parameters(&trial.point)),
            figures: figures.collect(),
        })
    };
    let mut found: Vec<TradeOff> = optimiser.front().into_iter().filter_map(trade_off).collect();
    let first = |t: &TradeOff| t.figures.first().map_or(0.0, |(o, figure)| o.signed(*figure));
    found.sort_by(|a, b| first(b).total_cmp(&first(a)));
    found
}

pub(super) fn to_json(front: &[TradeOff]) -> Value {
    let one = |t: &TradeOff| {
        let figures: serde_json::Map<String, Value> =
            t.figures.iter().map(|(o, figure)| (o.name().to_owned(), json!(figure))).collect();
        json!({ "trial": t.number, "objectives": figures, "parameters": t.parameters })
    };
    front.iter().map(one).collect()
}

/// A table, best by the first objective first.
pub(super) fn print(cell: &str, front: &[TradeOff]) -> Result<()> {
    let Some(best) = front.first() else { return Ok(()) };
    output::line(format!("\n{cell}: {} trade-offs, of which no other is better", front.len()))?;
    let names = best.figures.iter().map(|(objective, _)| objective.name());
    let header: Vec<&str> = std::iter::once("trial").chain(names).chain(["parameters"]).collect();
    let right: Vec<usize> = (0..header.len() - 1).collect();
    let mut table = output::table(&header, &right);
    for t in front {
        let figures = t.figures.iter().map(|(_, figure)| number(*figure, 3));
        let row = std::iter::once(t.number.to_string()).chain(figures);
        table.add_row(row.chain([t.parameters.to_string()]));
    }
    output::line(table)
}

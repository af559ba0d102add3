use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use serde_json::json;
use tradepulse_core::indicator::catalogue::{self, CatalogueEntry};
use tradepulse_core::market::Series;
use tradepulse_core::parameter::nearest;
use tradepulse_core::time::Timestamp;

use crate::arguments::{DataDir, MarketArguments, parameters};
use crate::output::{self, Verdict};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Name of the indicator; without it, all are listed
    name: Option<String>,
    #[command(flatten)]
    market: MarketArguments,
    /// Set a parameter; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Column that an indicator of one column is computed from
    #[arg(long, value_enum, default_value_t = Column::Close)]
    source: Column,
    /// JSON on stdout
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// CSV on stdout: one row per candle, empty while warming up (and beyond what a float holds)
    #[arg(long)]
    csv: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Column {
    Open,
    High,
    Low,
    Close,
    Volume,
}

impl Column {
    fn of(self, series: &Series) -> &[f64] {
        match self {
            Self::Open => series.open(),
            Self::High => series.high(),
            Self::Low => series.low(),
            Self::Close => series.close(),
            Self::Volume => series.volume(),
        }
    }
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Some(name) = &arguments.name else {
        return list(arguments.json);
    };
    let entry = catalogue::find(name).ok_or_else(|| unknown(name))?;
    let parameters = parameters(entry.variables, &arguments.set)?;
    let series = arguments.market.load(place)?.series;
    let columns = entry.compute(&parameters, arguments.source.of(&series), series.columns())?;
    if arguments.json {
        let outputs: serde_json::Map<_, _> = entry
            .outputs
            .iter()
            .map(|o| (*o).to_owned())
            .zip(columns.iter().map(|column| {
                let values = column.iter().map(|v| v.is_finite().then_some(*v));
                json!(values.collect::<Vec<_>>())
            }))
            .collect();
        output::json(&json!({
            "indicator": entry.name,
            "parameters": parameters,
            "candles": series.len(),
            "timestamp_ms": series.time(),
            "outputs": outputs,
        }))?;
    } else if arguments.csv {
        write_csv(entry, &series, &columns)?;
    } else {
        print_last(entry, &series, &columns)?;
    }
    Ok(Verdict::Good)
}

fn unknown(name: &str) -> anyhow::Error {
    let names = catalogue::all().iter().flat_map(|e| e.aliases.iter().chain([&e.name])).copied();
    match nearest(name, names) {
        Some(near) => anyhow!("there is no indicator {name:?}; did you mean {near:?}?"),
        None => anyhow!("there is no indicator {name:?}; `tradepulse indicators` lists them"),
    }
}

fn list(json: bool) -> Result<Verdict> {
    if json {
        output::json(&catalogue::all())?;
        return Ok(Verdict::Good);
    }
    let mut table = output::table(&["indicator", "parameters", "columns", "what"], &[]);
    for entry in catalogue::all() {
        let parameters: Vec<_> =
            entry.variables.iter().map(|v| format!("{}={}", v.name, v.default)).collect();
        table.add_row([
            entry.name.to_owned(),
            parameters.join(" "),
            entry.outputs.join(" "),
            entry.summary.to_owned(),
        ]);
    }
    output::line(table)?;
    Ok(Verdict::Good)
}

fn write_csv(entry: &CatalogueEntry, series: &Series, columns: &[Vec<f64>]) -> Result<()> {
    use std::io::Write;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "timestamp_ms,{}", entry.outputs.join(","))?;
    for (i, time) in series.time().iter().enumerate() {
        write!(out, "{time}")?;
        for column in columns {
            match column[i] {
                value if value.is_finite() => write!(out, ",{value}")?,
                _ => write!(out, ",")?,
            }
        }
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

/// The last candles, for a look.
fn print_last(entry: &CatalogueEntry, series: &Series, columns: &[Vec<f64>]) -> Result<()> {
    const SHOWN: usize = 15;
    let header: Vec<&str> =
        ["open time", "close"].into_iter().chain(entry.outputs.iter().copied()).collect();
    let right: Vec<usize> = (1..header.len()).collect();
    let mut table = output::table(&header, &right);
    for i in series.len().saturating_sub(SHOWN)..series.len() {
        let mut row =
            vec![Timestamp::from_ms(series.time()[i]).to_string(), series.close()[i].to_string()];
        row.extend(columns.iter().map(|column| match column[i] {
            value if value.is_finite() => format!("{value:.6}"),
            _ => "–".to_owned(),
        }));
        table.add_row(row);
    }
    output::line(table)?;
    output::line(format!("the last of {} candles; all of them with --csv or --json", series.len()))
}

use anyhow::Result;
use clap::{Args, ValueEnum};
use tradepulse_core::store::trading::{EventLevel, RecordFilter, SystemEventRecord};

use crate::arguments::{DataDir, Selection};
use crate::output::{self, Verdict};
use crate::records;
use crate::trading_records::TradingRecords;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Of this level or a higher one
    #[arg(long, value_enum, default_value_t = Level::Info)]
    level: Level,
    /// Of this kind, such as refusal
    #[arg(long)]
    kind: Option<String>,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Level {
    Info,
    Warning,
    Error,
}

impl From<Level> for EventLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}

pub(crate) fn run(arguments: Arguments, place: &DataDir) -> Result<Verdict> {
    let Arguments { selection, level, kind } = arguments;
    let level = level.into();
    records::runtime()?.block_on(async {
        let records = TradingRecords::open(place).await?;
        let narrow = kind.is_some() || level != EventLevel::Info || selection.is_narrow();
        let filter = RecordFilter { kind, ..records.filter(&selection)? };
        let found = records.events(&filter, level, selection.limit(Selection::ROWS)).await?;
        found.show(&records, "events", (narrow, selection.json), table)
    })
}

/// Events in words.
pub(super) fn table(events: &[SystemEventRecord]) -> output::Table {
    let mut table = output::table(&["at", "run", "level", "kind", "what happened"], &[]);
    for event in events {
        table.add_row([
            event.at.to_string(),
            event.run.clone(),
            event.level.name().to_owned(),
            event.kind.clone(),
            event.text.clone(),
        ]);
    }
    table
}

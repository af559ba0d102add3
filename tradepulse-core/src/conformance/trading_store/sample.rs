//! Records to try a store with.

use serde_json::{Map, Value, json};

use super::Failure;
use crate::conformance::store::sample::EXTREMES;
pub(super) use crate::conformance::store::sample::{TEXT, at};
use crate::order::{ClientOrderId, RunTag};
use crate::store::trading::{JournalEntry, RecordKind, TradingRecord};
use crate::store::{Column, ColumnKind, RecordId};

pub(super) fn entry(run: &str, sequence: u64) -> JournalEntry {
    JournalEntry {
        run: run.to_owned(),
        sequence,
        at: at(sequence.cast_signed()),
        kind: "candle".to_owned(),
        body: format!("{{ \"sequence\" : {sequence} }}"),
    }
}

pub(super) fn entries(run: &str, sequences: std::ops::RangeInclusive<u64>) -> Vec<JournalEntry> {
    sequences.map(|sequence| entry(run, sequence)).collect()
}

/// The entries of a record of this kind with a value in every column. `n` goes into the key and the
/// time; another `turn` gives another value in every column that is not of the key.
pub(super) fn flat(kind: RecordKind, n: u32, turn: usize) -> Map<String, Value> {
    let table = kind.table();
    let columns = table.columns.iter().enumerate();
    let value = |(i, column): (usize, &Column)| {
        let turn = if table.key.contains(&column.name) { 0 } else { turn };
        (column.name.to_owned(), value(kind, *column, i, n, turn))
    };
    columns.map(value).collect()
}

fn value(kind: RecordKind, column: Column, i: usize, n: u32, turn: usize) -> Value {
    let name = column.name;
    let one_of = |words: &[&str]| json!(words[turn % words.len()]);
    let order = |sequence| ClientOrderId::new(RunTag::new(turn as u64), sequence);
    if name == kind.table().time {
        return json!(at(i64::from(n) * 1000 + turn as i64));
    }
    match (kind, name) {
        (_, "sequence") => json!(n + 1),
        (RecordKind::Order, "id") | (RecordKind::Fill, "order_id") => json!(order(n)),
        (_, "tag") => json!(RunTag::new(turn as u64)),
        (_, "mode") => one_of(&["dry_run", "testnet", "live"]),
        (_, "exchange") => one_of(&["binance", "kraken"]),
        (_, "symbol") => one_of(&["BTC/USDT", "ETH/USDT"]),
        (_, "side") => one_of(&["long", "short"]),
        (_, "timeframe") => one_of(&["5m", "1h"]),
        (_, "liquidity") => one_of(&["maker", "taker"]),
        (_, "moment") => one_of(&["open", "inside", "close"]),
        (_, "exit_reason") => one_of(&["stop", "max_holding"]),
        (_, "outcome") => one_of(&["enter", "refused"]),
        (_, "level") => one_of(&["info", "warning", "error"]),
        (_, "configuration_id") => json!(RecordId::derive(&[name, &turn.to_string()])),
        (RecordKind::Order, "kind") => one_of(&["market", "stop_limit", "oco"]),
        (RecordKind::Control, "kind") => one_of(&["pause", "emergency_stop"]),
        (RecordKind::Control, "result") => one_of(&["done", "expired"]),
        (RecordKind::Order, "state") => one_of(&["intended", "unknown", "partially_filled"]),
        (_, "fee") => one_of(&["-0.000000000000000001", "79228162514264337593543950335"]),
        (_, "price" | "trigger" | "target" | "reference" | "quantity" | "filled" | "stop")
            if column.kind == ColumnKind::Text =>
        {
            one_of(&["0.0000000000000000000000000001", "12345678901234567890.12345678"])
        }
        (_, "holding") => json!(u32::MAX - turn as u32),
        _ => match column.kind {
            ColumnKind::Real => json!(EXTREMES[(i + turn) % EXTREMES.len()]),
            ColumnKind::Integer => json!(i64::MAX - (i + turn) as i64),
            ColumnKind::BigInteger => json!(u64::MAX - (i + turn) as u64),
            ColumnKind::Bool => json!(turn.is_multiple_of(2)),
            ColumnKind::Text => {
                let own = kind.table().key == [name] || name == "execution_id";
                json!(format!("{name} {} {turn} {TEXT}", if own { n } else { 0 }))
            }
            ColumnKind::Json => json!({name: EXTREMES[i % 12], TEXT: [null, true, turn, {"a": 1}]}),
        },
    }
}

/// The record of such entries.
pub(super) fn record(
    kind: RecordKind,
    flat: &Map<String, Value>,
) -> Result<TradingRecord, Failure> {
    let read = TradingRecord::from_flat(kind, flat.clone());
    read.map_err(|e| Failure(format!("a {} of {flat:?}: {e}", kind.name())))
}

/// A full record of this kind.
pub(super) fn full(kind: RecordKind, n: u32) -> Result<TradingRecord, Failure> {
    record(kind, &flat(kind, n, 0))
}

/// A record of this kind without what may be absent.
pub(super) fn bare(kind: RecordKind, n: u32) -> Result<TradingRecord, Failure> {
    let mut flat = flat(kind, n, 0);
    for column in kind.table().columns.iter().filter(|c| c.optional) {
        flat.insert(column.name.to_owned(), Value::Null);
    }
    record(kind, &flat)
}

/// A full record in which these columns have other values.
pub(super) fn with(
    kind: RecordKind,
    n: u32,
    values: &[(&str, Value)],
) -> Result<TradingRecord, Failure> {
    let mut flat = flat(kind, n, 0);
    for (column, value) in values {
        flat.insert((*column).to_owned(), value.clone());
    }
    record(kind, &flat)
}

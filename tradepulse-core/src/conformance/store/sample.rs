//! Records to try a store with.

use serde_json::{Map, Value, json};

use super::Failure;
use crate::store::{
    Cell, ColumnKind, ConfigurationChange, Json, RecordId, RegimeScope, SearchState, StudyRecord,
    StudyStatus, TrainedConfiguration, TrialBatch, TrialOutcome, TrialRecord,
};
use crate::time::{Timeframe, Timestamp};

/// Numbers that a careless store changes: no zero with a sign, which need not survive.
pub(in crate::conformance) const EXTREMES: [f64; 12] = [
    0.0,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    0.1 + 0.2,
    1.0 / 3.0,
    9_007_199_254_740_993.0,
    1e300,
    -123_456_789.123_456_78,
    7.0,
];

/// Text that a careless store changes.
pub(in crate::conformance) const TEXT: &str = "it's \"quoted\"; -- 50 % \\ \n\t ünïcödé 🦀 '";

pub(in crate::conformance) fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_704_067_200_000 + ms)
}

pub(super) fn cell(strategy: &str, pair: &str) -> Result<Cell, Failure> {
    let unreadable = |e: &dyn std::error::Error| Failure(e.to_string());
    Ok(Cell {
        strategy: strategy.to_owned(),
        exchange: "binance".parse().map_err(|e| unreadable(&e))?,
        pair: pair.parse().map_err(|e| unreadable(&e))?,
        timeframe: Timeframe::M5,
        regime: RegimeScope::Any,
    })
}

pub(super) fn study(name: &str) -> Result<StudyRecord, Failure> {
    Ok(StudyRecord {
        id: RecordId::derive(&["study", name]),
        cell: cell("ema_cross", "BTC/USDT")?,
        strategy_version: 1,
        space: json!({"fast": {"min": 5, "max": 50}}),
        method: json!("random"),
        seed: 42,
        trials_wanted: 100,
        objective: json!("sharpe"),
        windows: Json::Null,
        data_fingerprint: "9f86d081".to_owned(),
        data_from: at(0),
        data_to: at(1000),
        engine_version: "0.1.0".to_owned(),
        status: StudyStatus::Running,
        note: None,
        created_at: at(0),
        updated_at: at(0),
    })
}

pub(super) fn trial(number: u64) -> TrialRecord {
    let objective = number as f64 / 3.0;
    TrialRecord {
        number,
        parameters: json!({"fast": number}),
        outcome: TrialOutcome::Feasible(vec![objective]),
        metrics: Some(json!({"sharpe": objective, "trades": number})),
        sharpe: Some(objective),
        pruned: false,
        seconds: 0.25,
    }
}

/// A batch of `size` trials that follow those of the batches before, with its state.
pub(super) fn batch(study: &StudyRecord, number: u64, size: u64) -> TrialBatch {
    TrialBatch {
        study_id: study.id.clone(),
        at: at(number.cast_signed()),
        trials: ((number - 1) * size..number * size).map(trial).collect(),
        state: Some(state(number)),
    }
}

pub(super) fn state(batch: u64) -> SearchState {
    SearchState { batch, json: format!("{{ \"told\" : {batch} }}") }
}

/// A configuration with its required fields.
pub(super) fn bare(name: &str) -> Result<TrainedConfiguration, Failure> {
    let id = RecordId::derive(&["configuration", name]);
    let cell = cell("ema_cross", "BTC/USDT")?;
    Ok(TrainedConfiguration::new(id, cell, 1, json!({"fast": 20}), at(0)))
}

/// A configuration with a value in every column that is not of its life, each another, turned by
/// `turn`.
pub(super) fn full(name: &str, turn: usize) -> Result<TrainedConfiguration, Failure> {
    let flat = serde_json::to_value(bare(name)?).map_err(|e| Failure(e.to_string()))?;
    let Value::Object(mut flat) = flat else {
        return Err(Failure("a configuration is not flat JSON".to_owned()));
    };
    let life = ["activation_date", "deactivated_at"];
    let columns = TrainedConfiguration::columns().filter(|c| c.optional && !life.contains(&c.name));
    for (i, column) in columns.enumerate() {
        let real = EXTREMES[(i + turn) % EXTREMES.len()];
        let value = match column.kind {
            ColumnKind::Real => json!(real),
            ColumnKind::Integer => json!(i64::MAX - i as i64),
            ColumnKind::BigInteger => json!(u64::MAX - i as u64),
            ColumnKind::Bool => json!(i % 2 == 0),
            ColumnKind::Text if column.name.ends_with("_id") => {
                json!(RecordId::derive(&[column.name]))
            }
            ColumnKind::Text => json!(format!("{} {TEXT}", column.name)),
            ColumnKind::Json => json!({column.name: real, TEXT: [null, true, i, {"a": real}]}),
        };
        set_column(&mut flat, column.name, value);
    }
    serde_json::from_value(Value::Object(flat)).map_err(|e| Failure(e.to_string()))
}

fn set_column(flat: &mut Map<String, Value>, name: &str, value: Value) {
    // Instants have a last one.
    let value = match (name, value.as_i64()) {
        ("data_from" | "discovery_date", Some(_)) => json!(Timestamp::EARLIEST),
        ("data_to", Some(_)) => json!(Timestamp::LATEST),
        _ => value,
    };
    flat.insert(name.to_owned(), value);
}

pub(super) fn activate(configuration: &TrainedConfiguration, ms: i64) -> ConfigurationChange {
    let (id, note) = (configuration.id.clone(), Some(TEXT.to_owned()));
    ConfigurationChange::Activate { id, at: at(ms), causes: json!(["asked"]), note }
}

pub(super) fn deactivate(configuration: &TrainedConfiguration, ms: i64) -> ConfigurationChange {
    let id = configuration.id.clone();
    ConfigurationChange::Deactivate { id, at: at(ms), causes: Json::Null, note: None }
}

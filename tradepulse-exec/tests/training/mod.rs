//! Studies and batches to store.
#![allow(dead_code, clippy::unwrap_used)]

use serde_json::json;
use tradepulse_core::{
    store::{
        Cell, Json, RecordId, RegimeScope, SearchState, StudyRecord, StudyStatus, TrialBatch,
        TrialOutcome, TrialRecord,
    },
    time::{Timeframe, Timestamp},
};

pub(crate) fn study(name: &str) -> StudyRecord {
    let at = Timestamp::from_ms(1_704_067_200_000);
    StudyRecord {
        id: RecordId::derive(&["study", name]),
        cell: Cell {
            strategy: "liquidity_sweep".to_owned(),
            exchange: "binance".parse().unwrap(),
            pair: "BTC/USDT".parse().unwrap(),
            timeframe: Timeframe::M5,
            regime: RegimeScope::Any,
        },
        strategy_version: 1,
        space: json!({"fast": {"min": 5, "max": 50}}),
        method: json!("random"),
        seed: 42,
        trials_wanted: 100,
        objective: json!("sharpe"),
        windows: Json::Null,
        data_fingerprint: "9f86d081".to_owned(),
        data_from: at,
        data_to: at,
        engine_version: "0.1.0".to_owned(),
        status: StudyStatus::Running,
        note: None,
        created_at: at,
        updated_at: at,
    }
}

/// A trial with a dozen parameters and the figures of a backtest.
pub(crate) fn trial(number: u64) -> TrialRecord {
    let figure = |i: u64| ((number * 31 + i) as f64).sin() * 100.0;
    let table = |name: &str, count| {
        let entries = (0..count).map(|i| (format!("{name}_{i}"), json!(figure(i))));
        Json::Object(entries.collect())
    };
    TrialRecord {
        number,
        parameters: table("parameter", 12),
        outcome: TrialOutcome::Feasible(vec![figure(0)]),
        metrics: Some(table("metric", 35)),
        sharpe: Some(figure(1)),
        pruned: false,
        seconds: 0.0125,
    }
}

/// The batch of this number, counted from 1, with the state after it.
pub(crate) fn batch(study: &StudyRecord, number: u64, size: u64) -> TrialBatch {
    TrialBatch {
        study_id: study.id.clone(),
        at: Timestamp::from_ms(1_704_067_200_000 + number.cast_signed()),
        trials: ((number - 1) * size..number * size).map(trial).collect(),
        state: Some(SearchState { batch: number, json: format!("{{\"told\":{}}}", number * size) }),
    }
}

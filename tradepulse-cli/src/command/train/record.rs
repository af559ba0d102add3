//! What training leaves in the store.

use anyhow::Result;
use serde_json::json;
use tradepulse_core::account::Trade;
use tradepulse_core::optimise::{Outcome, Suggestion};
use tradepulse_core::order::ExitReason;
use tradepulse_core::sizing::TradeRecord;
use tradepulse_core::store::{
    Cell as CellKey, Json, PerformanceFigures, Provenance, RecordId, RegimeScope, RiskFigures,
    StatisticalFigures, StudyRecord, StudyStatus, TrainedConfiguration, TrialOutcome, TrialRecord,
};
use tradepulse_core::time::Timestamp;
use tradepulse_core::training::{Evaluated, Objective, Study, StudyPlan, Validation};

use super::cell::{Cell, RegimeChoice};

/// The study of a cell. Its id is derived from everything that defines it, so that the same command
/// finds the same study and goes on with it.
pub(crate) fn study(cell: &Cell<'_>, study: &Study<'_>, now: Timestamp) -> Result<StudyRecord> {
    let about = cell.strategy.about();
    let plan = study.plan();
    let settings = study.backtest().settings();
    let key = key(cell);
    let mut method = json!({ "plan": plan, "settings": settings });
    if let Some(models) = cell.advising {
        method["models"] = models.record()?;
    }
    let engine_version = env!("CARGO_PKG_VERSION").to_owned();
    let (from, to) = cell.market.series.span().unwrap_or_default();
    let id = RecordId::derive(&[
        &format!("{key:?} {}", about.version),
        &study.space().fingerprint(),
        &method.to_string(),
        &cell.market.fingerprint,
        &engine_version,
    ]);
    Ok(StudyRecord {
        id,
        cell: key,
        strategy_version: about.version,
        space: json!(study.space()),
        method,
        seed: plan.seed.0,
        trials_wanted: plan.trials as u64,
        objective: json!(objectives(plan)),
        windows: json!(plan.windows),
        data_fingerprint: cell.market.fingerprint.clone(),
        data_from: from,
        data_to: to,
        engine_version,
        status: StudyStatus::Running,
        note: None,
        created_at: now,
        updated_at: now,
    })
}

pub(super) fn key(cell: &Cell<'_>) -> CellKey {
    CellKey {
        strategy: cell.strategy.about().name.to_owned(),
        exchange: cell.market.exchange.clone(),
        pair: cell.market.symbol.clone(),
        timeframe: cell.market.timeframe,
        regime: match cell.regime {
            RegimeChoice::Any => RegimeScope::Any,
            RegimeChoice::Only(regime) => regime.into(),
        },
    }
}

/// A trial as it is stored.
pub(crate) fn trial(suggestion: &Suggestion, evaluated: &Evaluated) -> Result<TrialRecord> {
    let metrics = evaluated.metrics.as_ref();
    Ok(TrialRecord {
        number: suggestion.number,
        parameters: serde_json::to_value(&suggestion.parameters)?,
        outcome: match &evaluated.outcome {
            Outcome::Feasible(objectives) => TrialOutcome::Feasible(objectives.clone()),
            Outcome::Infeasible { reason, violation } => {
                TrialOutcome::Infeasible { reason: reason.clone(), violation: *violation }
            }
        },
        metrics: metrics.map(serde_json::to_value).transpose()?,
        // That of a part is not to be compared with those of the whole.
        sharpe: metrics.filter(|_| !evaluated.pruned).and_then(|m| m.sharpe),
        pruned: evaluated.pruned,
        seconds: 0.0,
    })
}

/// The configuration that a study found. What nothing computed stays empty.
pub(crate) fn configuration(
    cell: &Cell<'_>,
    study: &StudyRecord,
    plan: &StudyPlan,
    validation: &Validation,
    now: Timestamp,
) -> TrainedConfiguration {
    let parameters = json!(validation.parameters);
    let id = RecordId::derive(&["configuration", study.id.as_str()]);
    let mut configuration =
        TrainedConfiguration::new(id, study.cell.clone(), study.strategy_version, parameters, now);
    configuration.status = validation.judgement.standing.stage;
    configuration.performance = performance(validation);
    configuration.statistics = statistics(validation);
    configuration.risk = risk(validation);
    let costs = &cell.backtest.settings().rules.costs;
    configuration.microstructure.maker_fee = Some(costs.maker_fee);
    configuration.microstructure.taker_fee = Some(costs.taker_fee);
    configuration.regime_classification = Some(json!({
        "regime": cell.regime.name(),
        "rule": "line through log closes",
    }));
    configuration.provenance = Provenance {
        study_id: Some(study.id.clone()),
        seed: Some(plan.seed),
        trials: Some(validation.ledger.trials),
        optimizer: Some(json_text(&json!(plan.method))),
        objective: Some(objectives(plan)),
        data_fingerprint: Some(study.data_fingerprint.clone()),
        data_from: Some(study.data_from),
        data_to: Some(study.data_to),
        engine_version: Some(study.engine_version.clone()),
        model_version: cell.advising.map(ToString::to_string),
        discovery_date: Some(now),
        ..Provenance::default()
    };
    configuration
}

/// The objectives' names, separated by commas.
fn objectives(plan: &StudyPlan) -> String {
    plan.objectives().map(Objective::name).collect::<Vec<_>>().join(",")
}

fn json_text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Out of sample.
fn performance(validation: &Validation) -> PerformanceFigures {
    let Some((found, _)) = &validation.walk_forward else { return PerformanceFigures::default() };
    let (m, trades) = (&found.metrics, &found.trades);
    let gross = trades.iter().filter(|t| t.profit + t.fees > 0.0).count();
    PerformanceFigures {
        gross_win_rate: (!trades.is_empty()).then(|| gross as f64 / trades.len() as f64),
        avg_win: m.average_win,
        avg_loss: m.average_loss,
        net_profit: Some(m.net_profit),
        net_profit_pct: Some(m.net_profit_pct),
        sample_size: Some(m.trades),
        exchange_fees: Some(m.fees_paid),
        est_slippage: Some(m.slippage_paid),
        actual_slippage: None,
    }
}

fn statistics(validation: &Validation) -> StatisticalFigures {
    let walked = validation.walk_forward.as_ref();
    let m = walked.map(|(found, _)| &found.metrics);
    let interval = validation.mean_interval.as_ref().map(|i| i.percentile);
    let capital_lost = validation.monte_carlo.as_ref().zip(walked).map(|(monte_carlo, (w, _))| {
        let capital = w.metrics.net_profit / (w.metrics.net_profit_pct / 100.0);
        1.0 - monte_carlo.final_equity.p5 / capital
    });
    StatisticalFigures {
        sharpe_ratio: m.and_then(|m| m.sharpe),
        sortino_ratio: m.and_then(|m| m.sortino),
        calmar_ratio: m.and_then(|m| m.calmar),
        p_value: m.and_then(|m| m.p_value),
        z_score: m.and_then(|m| m.z_score),
        confidence_interval_low: interval.map(|i| i.low),
        confidence_interval_high: interval.map(|i| i.high),
        out_of_sample_sharpe: m.and_then(|m| m.sharpe),
        deflated_sharpe: validation.deflated_sharpe,
        probability_of_overfitting: validation.overfitting.as_ref().map(|c| c.probability),
        monte_carlo_var: capital_lost.filter(|v| v.is_finite()),
        stability_score: walked.and_then(|(_, judgement)| judgement.stability),
        drawdown_duration: m.map(|m| m.max_drawdown_duration),
        max_drawdown: m.map(|m| m.max_drawdown_pct),
        trade_clustering: walked.and_then(|(found, _)| clustering(&found.trades)),
        rolling_30d_sharpe: None,
        lifetime_sharpe: m.and_then(|m| m.sharpe),
    }
}

/// Deviation over mean of the times between entries.
fn clustering(trades: &[Trade]) -> Option<f64> {
    let gaps: Vec<f64> = trades
        .windows(2)
        .map(|pair| (pair[1].entry_time_ms - pair[0].entry_time_ms) as f64)
        .collect();
    if gaps.len() < 2 {
        return None;
    }
    let n = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / n;
    let variance = gaps.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / (n - 1.0);
    Some(variance.sqrt() / mean).filter(|c| c.is_finite())
}

fn risk(validation: &Validation) -> RiskFigures {
    let walked = validation.walk_forward.as_ref();
    let mut record = TradeRecord::default();
    let trades = walked.map_or(&[][..], |(found, _)| &found.trades);
    for trade in trades.iter().filter(|t| t.exit_reason != ExitReason::EndOfData) {
        record.add(trade.profit_pct);
    }
    let m = walked.map(|(found, _)| &found.metrics);
    RiskFigures {
        kelly_fraction: record.kelly_fraction(),
        max_position_size: Some(validation.judgement.max_allocation),
        correlation_threshold: Some(0.8),
        var_95: m.and_then(|m| m.var_95),
        cvar_95: m.and_then(|m| m.cvar_95),
        ..RiskFigures::default()
    }
}

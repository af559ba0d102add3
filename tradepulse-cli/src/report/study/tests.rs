use std::ops::ControlFlow;

use serde_json::json;
use tradepulse_core::backtest::Backtest;
use tradepulse_core::lifecycle::judge;
use tradepulse_core::market::SyntheticMarket;
use tradepulse_core::optimise::Method;
use tradepulse_core::store::{Cell, RecordId, RegimeScope, StudyStatus};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_core::training::{InTurn, StudyPlan, TrialLedger};
use tradepulse_strategies::registry;

use super::*;
use crate::report::tests::{data, well_formed};

/// A study that was made, and what belongs to it.
struct Made {
    study: StudyRecord,
    trials: Vec<TrialRecord>,
    series: Series,
    settings: Settings,
    validation: Validation,
    configuration: TrainedConfiguration,
}

impl Made {
    fn report(&self) -> StudyReport<'_> {
        StudyReport {
            study: &self.study,
            summary: "two averages cross",
            settings: &self.settings,
            trials: &self.trials,
            configuration: Some(&self.configuration),
            judged: Some((&self.validation.judgement, &self.validation.evidence)),
            found: Some(Found { series: &self.series, validation: &self.validation }),
            notes: Vec::new(),
        }
    }
}

fn made() -> Made {
    let market = SyntheticMarket { candles: 4000, ..SyntheticMarket::new(Seed(3), Timeframe::H1) };
    let series = market.generate().unwrap();
    let registry = registry();
    let strategy = registry.get("ema_cross").unwrap();
    let settings = Settings::default();
    let plan = StudyPlan { trials: 16, min_trades: 5, ..StudyPlan::new(Method::Random, Seed(1)) };
    let backtest = Backtest::new(&series, settings.clone()).unwrap();
    let study = Study::new(strategy, backtest, plan).unwrap();
    let mut optimiser = study.optimiser();
    let mut trials = Vec::new();
    let observe = |progress: tradepulse_core::training::Progress<'_>| {
        trials.extend(progress.batch.iter().map(|(suggestion, evaluated)| {
            let objective = evaluated.outcome.objective();
            TrialRecord {
                number: suggestion.number,
                parameters: json!(suggestion.parameters),
                outcome: match objective {
                    Some(objective) => TrialOutcome::Feasible(vec![objective]),
                    None => TrialOutcome::Infeasible { reason: "few".into(), violation: None },
                },
                metrics: None,
                sharpe: evaluated.metrics.and_then(|m| m.sharpe),
                pruned: false,
                seconds: 0.0,
            }
        }));
        ControlFlow::Continue(())
    };
    study.search(&mut *optimiser, &InTurn, observe).unwrap();
    let best = optimiser.best().unwrap().clone();
    let returns: Vec<Vec<f64>> = optimiser
        .trials()
        .iter()
        .map(|t| {
            study.evaluate(study.backtest(), &study.space().parameters(&t.point)).daily_returns
        })
        .collect();
    let walked = study.walk_forward(&InTurn, |_, _| ControlFlow::Continue(())).unwrap();
    let ledger = TrialLedger::of_returns(&returns);
    let validation = study.validate(&best, &returns, Some(walked), ledger, &InTurn).unwrap();
    let cell = Cell {
        strategy: "ema_cross".into(),
        exchange: "binance".parse().unwrap(),
        pair: "BTC/USDT".parse().unwrap(),
        timeframe: Timeframe::H1,
        regime: RegimeScope::Any,
    };
    let (from, to) = series.span().unwrap();
    let record = StudyRecord {
        id: RecordId::derive(&["study"]),
        cell: cell.clone(),
        strategy_version: 1,
        space: json!(strategy.about().variables),
        method: json!({ "plan": plan, "settings": settings }),
        seed: 1,
        trials_wanted: 16,
        objective: json!(plan.objective),
        windows: json!(plan.windows),
        data_fingerprint: series.sha256(),
        data_from: from,
        data_to: to,
        engine_version: "0".into(),
        status: StudyStatus::Done,
        note: None,
        created_at: Timestamp::from_ms(0),
        updated_at: Timestamp::from_ms(0),
    };
    let parameters = json!(validation.parameters);
    let id = RecordId::derive(&["configuration"]);
    let configuration = TrainedConfiguration::new(id, cell, 1, parameters, Timestamp::from_ms(0));
    Made { study: record, trials, series, settings, validation, configuration }
}

#[test]
fn every_section_is_there_and_the_data_are_those_of_the_study() {
    let made = made();
    let report = made.report();
    let html = render_study(&report).unwrap();
    let links = well_formed(&html);
    for section in [
        "evidence",
        "walk-forward",
        "monte-carlo",
        "history",
        "importance",
        "parallel",
        "slices",
        "neighbourhood",
        "data",
    ] {
        assert!(html.contains(&format!("<section id=\"{section}\"")), "{section}");
        assert!(links.contains(&section.to_owned()), "{section}");
    }
    for reference in [" src=", "@import", "url(", "https:", "fetch(", "import("] {
        assert!(!html.contains(reference), "{reference}");
    }
    assert!(!html.split("<script").next().unwrap().contains("NaN"));
    let data = data(&html);
    let trials = data["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 16);
    let best = made.trials.iter().filter_map(TrialRecord::objective).fold(f64::MIN, f64::max);
    let shown = trials.iter().filter_map(|t| t[2].as_f64()).fold(f64::MIN, f64::max);
    assert!((best - shown).abs() < 1e-6);
    for variable in data["variables"].as_array().unwrap() {
        assert_eq!(variable["values"].as_array().unwrap().len(), 16);
    }
    let (walked, _) = made.validation.walk_forward.as_ref().unwrap();
    let fan = &data["fan"];
    let ends = made.validation.monte_carlo.as_ref().unwrap().final_equity;
    let last = |name: &str| fan[name].as_array().unwrap().last().unwrap().as_f64().unwrap();
    assert_eq!(last("trades"), walked.trades.len() as f64);
    assert!((last("p50") - ends.p50).abs() < 1e-3);
    assert!((last("came") - made.settings.capital - walked.metrics.net_profit).abs() < 1e-3);
    for sentence in made.validation.judgement.explain(&made.validation.evidence) {
        assert!(html.contains(&format!("<li>{}</li>", super::super::text::escape(&sentence))));
    }
    assert_eq!(html, render_study(&report).unwrap(), "the same report, the same bytes");
}

#[test]
fn without_candles_or_a_verdict_what_is_known_is_shown() {
    let made = made();
    let stored = StudyReport { found: None, ..made.report() };
    let html = render_study(&stored).unwrap();
    well_formed(&html);
    assert!(html.contains("cannot be computed again"));
    assert!(html.contains("id=\"neighbourhood\"") && !html.contains("id=\"monte-carlo\""));
    let running = StudyRecord { status: StudyStatus::Running, ..made.study.clone() };
    let begun = StudyReport {
        study: &running,
        trials: &made.trials[..5],
        configuration: None,
        judged: None,
        ..stored.clone()
    };
    let html = render_study(&begun).unwrap();
    well_formed(&html);
    assert!(html.contains("there is no verdict yet") && html.contains("5 of 16 trials"));
    // Not even a trial.
    let html = render_study(&StudyReport { trials: &[], ..begun }).unwrap();
    well_formed(&html);
    assert!(!html.contains("id=\"parallel\""));
    assert_eq!(data(&html)["trials"].as_array().unwrap().len(), 0);
}

#[test]
fn text_from_outside_stays_text() {
    let mut made = made();
    let hostile = "</script><script>alert('1')</script>\u{2028}\"&{{data}}";
    made.study.cell.strategy = hostile.to_owned();
    made.study.note = Some(hostile.to_owned());
    made.study.engine_version = hostile.to_owned();
    made.study.data_fingerprint = hostile.to_owned();
    made.study.objective = json!(hostile);
    made.study.method["plan"]["method"] = json!(hostile);
    made.study.windows["train"] = json!(hostile);
    made.study.space = json!([{ "name": hostile, "unit": hostile, "doc": hostile }]);
    for (i, trial) in made.trials.iter_mut().enumerate() {
        trial.parameters = json!({ hostile: i });
    }
    made.trials[2].outcome = TrialOutcome::Infeasible { reason: hostile.into(), violation: None };
    made.trials[3].pruned = true;
    made.configuration.parameters = json!({ hostile: hostile });
    let mut evidence = made.validation.evidence.clone();
    if let Some(beside) = &mut evidence.neighbourhood {
        beside.flagged = true;
        beside.fragile = vec![hostile.to_owned()];
        beside.neighbours[0].variable = hostile.to_owned();
    }
    let judgement = judge(None, &evidence);
    let report = StudyReport {
        summary: hostile,
        judged: Some((&judgement, &evidence)),
        notes: vec![hostile.to_owned()],
        ..made.report()
    };
    let html = render_study(&report).unwrap();
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script>").count(), 2);
    assert!(!html.split("<script").next().unwrap().contains("alert('1')"));
    well_formed(&html);
    let data = data(&html);
    assert_eq!(data["objective"], hostile);
    assert_eq!(data["variables"][0]["name"], hostile);
    assert_eq!(data["reasons"][0], hostile);
    assert_eq!(data["trials"][3][1], 2, "given up early");
    assert!(html.contains("1 given up early"));

    let index = render_study_index(&StudyIndex {
        lede: hostile.to_owned(),
        rows: vec![StudyIndexRow { report: &report, link: hostile.to_owned() }],
        without: vec![(made.study.cell.clone(), hostile.to_owned())],
    });
    assert_eq!(index.matches("<script").count(), 1);
    assert!(!index.contains("alert('1')"));
    well_formed(&index);
}

#[test]
fn the_index_has_the_best_first() {
    let made = made();
    let better = tradepulse_core::lifecycle::Evidence {
        sharpe: Some(9.0),
        ..made.validation.evidence.clone()
    };
    let judgement = &made.validation.judgement;
    let (plain, good) =
        (made.report(), StudyReport { judged: Some((judgement, &better)), ..made.report() });
    let row = |report, link: &str| StudyIndexRow { report, link: link.to_owned() };
    let html = render_study_index(&StudyIndex {
        lede: String::new(),
        rows: vec![row(&plain, "plain.html"), row(&good, "good.html")],
        without: Vec::new(),
    });
    assert!(html.find("good.html").unwrap() < html.find("plain.html").unwrap());
    assert_eq!(html.matches("<svg").count(), 2);
}

#[test]
fn very_many_trials_are_thinned_and_the_best_is_kept() {
    let mut made = made();
    let sample = made.trials[0].clone();
    made.trials = (0..50_001)
        .map(|number| TrialRecord {
            number,
            outcome: TrialOutcome::Feasible(vec![if number == 777 { 9.0 } else { 0.5 }]),
            ..sample.clone()
        })
        .collect();
    let html = render_study(&made.report()).unwrap();
    let data = data(&html);
    let trials = data["trials"].as_array().unwrap();
    assert!(trials.len() < 20_002 && data["trials_made"] == 50_001);
    assert!(trials.iter().any(|t| t[0] == 777 && t[2] == 9.0));
}

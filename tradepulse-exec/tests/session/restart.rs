//! Sessions with models that are stopped and started again.

use std::sync::atomic::Ordering;

use tradepulse_core::store::trading::{DecisionRecord, PredictionRecord};

use super::models::{Model, asking, in_short};
use super::*;

const WAVERING: [Model; 3] = [Model::Wavers(0), Model::Wavers(1), Model::Wavers(2)];
const MORE: &str = "\
ensemble: {threshold: 0.3, uncertainty_threshold: 1.0, expected_value_threshold: -1.0, horizon: 7}
decision: {allow_abstain: true}
";

/// Predictions and decisions of the models as they are stored, but for the run and how long an
/// answer took; the oldest first.
async fn said(computer: &Computer) -> (Vec<PredictionRecord>, Vec<DecisionRecord>) {
    let all = RecordFilter::default();
    let mut said: Vec<PredictionRecord> = computer.store.records(&all, Page::ALL).await.unwrap();
    for record in &mut said {
        (record.run, record.latency_ms) = (String::new(), None);
    }
    said.sort_by_key(|record| (record.at, record.model.clone()));
    let mut decided: Vec<DecisionRecord> = computer.store.records(&all, Page::ALL).await.unwrap();
    decided.retain(|record| record.votes.is_some());
    for record in &mut decided {
        record.run = String::new();
    }
    decided.sort_by_key(|record| record.at);
    (said, decided)
}

/// Trades to each of these minutes, with a new process each time.
async fn stopped_at(computer: &Computer, minutes: &[i64]) -> (Vec<WalletOutcome>, usize) {
    let (mut outcomes, mut asked) = (Vec::new(), 0);
    for minutes in minutes {
        let (session, counts) = asking(computer, &WAVERING, MORE);
        outcomes.push(computer.trade(&session, *minutes).await.unwrap());
        asked += counts[0].times.load(Ordering::Relaxed);
    }
    (outcomes, asked)
}

#[tokio::test(start_paused = true)]
async fn models_are_held_to_what_they_said_before_a_restart() {
    let whole = Computer::new();
    let (outcomes, asked) = stopped_at(&whole, &[300]).await;
    let expected = said(&whole).await;
    let trades = in_short(&outcomes[0]);
    assert!(trades.len() > 3, "{trades:?}");
    let judged = expected.0.iter().filter(|said| said.truth.is_some()).count();
    assert!(judged > 500 && expected.0.iter().any(|said| said.invalid), "{judged}");
    let parted = Computer::new();
    // Within horizons, in positions and out of them.
    let (outcomes, again) =
        stopped_at(&parted, &[3, 4, 9, 55, 56, 57, 72, 95, 123, 150, 201, 300]).await;
    assert!(outcomes.iter().any(|o| o.goes_on) && outcomes.iter().any(|o| !o.goes_on));
    let (predictions, decisions) = said(&parted).await;
    assert_eq!(predictions, expected.0);
    // Each decision has the weights of its models.
    assert_eq!(decisions, expected.1);
    assert_eq!(again, asked);
    let parted: Vec<_> = outcomes.iter().flat_map(in_short).collect();
    assert_eq!(parted, trades);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_a_pause_is_judged_after_it() {
    let whole = Computer::new();
    stopped_at(&whole, &[60]).await;
    let computer = Computer::new();
    stopped_at(&computer, &[20]).await;
    tokio::time::sleep(Duration::from_secs(20 * 60)).await;
    stopped_at(&computer, &[60]).await;
    let (whole, parted) = (said(&whole).await.0, said(&computer).await.0);
    let until = Timestamp::from_ms(BEGUN + 20 * MINUTE);
    let before = |said: &[PredictionRecord]| -> Vec<_> {
        said.iter().filter(|said| said.at <= until).cloned().collect()
    };
    assert!(before(&parted).iter().all(|said| said.truth.is_some() || said.dropped.is_some()));
    assert_eq!(before(&parted), before(&whole));
}

#[tokio::test(start_paused = true)]
async fn a_pause_longer_than_history_leaves_predictions_unjudged() {
    let computer = Computer::new();
    stopped_at(&computer, &[20]).await;
    let known = said(&computer).await.0;
    tokio::time::sleep(Duration::from_secs(10 * 86_400)).await;
    stopped_at(&computer, &[14_440]).await;
    let after = said(&computer).await.0;
    assert_eq!(after[..known.len()], known);
}

#[tokio::test(start_paused = true)]
async fn wallets_share_the_answers() {
    let computer = Computer::new();
    let wallets =
        "wallets:\n  - {name: half, allocation: 0.5}\n  - {name: rest, allocation: 0.25}\n";
    let (session, asked) = asking(&computer, &WAVERING, &format!("{MORE}{wallets}"));
    let market = computer.market(Venue::new(computer.clock.clone(), []));
    let (stopper, stop) = Stopper::new();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(120 * 60)).await;
        stopper.stop();
    });
    let outcomes = session.trade(&market, &stop).await.unwrap();
    assert_eq!(outcomes.len(), 2);
    assert!(in_short(&outcomes[0]).len() > 1);
    assert_eq!(in_short(&outcomes[0]), in_short(&outcomes[1]));
    let (predictions, decisions) = said(&computer).await;
    let times: Vec<_> = decisions.iter().map(|decision| decision.at).collect();
    assert!(times.len() >= 119 && times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    assert_eq!(predictions.len(), 3 * times.len());
    for model in &asked {
        assert_eq!(model.times.load(Ordering::Relaxed), times.len());
    }
    // One wallet alone is told the same.
    let alone = Computer::new();
    stopped_at(&alone, &[120]).await;
    let (alone, both) = (said(&alone).await.0, predictions);
    assert_eq!(alone, both);
}

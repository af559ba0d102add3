use serde_json::json;

use super::{Failure, StoreFactory, case_table, ensure, ensure_eq, ensure_err, sample};
use crate::store::{Json, Page, SearchState, TrialBatch, TrialOutcome, TrialRecord};

case_table! {
    "trial/round-trip" => round_trip,
    "trial/put-twice" => put_twice,
    "trial/replace" => replace,
    "trial/order-and-pages" => order_and_pages,
    "trial/refused" => refused,
    "batch/all-or-nothing" => all_or_nothing,
    "batch/sizes" => sizes,
    "search/follows" => follows,
    "search/resume" => resume,
}

async fn round_trip(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    let infeasible =
        |violation| TrialOutcome::Infeasible { reason: sample::TEXT.to_owned(), violation };
    let mut trials = vec![
        TrialRecord {
            outcome: TrialOutcome::Feasible(sample::EXTREMES.to_vec()),
            metrics: Some(json!({"all": sample::EXTREMES, sample::TEXT: sample::TEXT})),
            parameters: json!({"a": 1, "b": 1.0, "c": true, "d": null, sample::TEXT: [0.1]}),
            ..sample::trial(0)
        },
        TrialRecord { outcome: infeasible(None), ..sample::trial(1) },
        TrialRecord { outcome: infeasible(Some(5e-324)), pruned: true, ..sample::trial(2) },
        TrialRecord { metrics: None, sharpe: None, parameters: Json::Null, ..sample::trial(3) },
        TrialRecord {
            outcome: TrialOutcome::Infeasible { reason: String::new(), violation: Some(f64::MAX) },
            ..sample::trial(i64::MAX.cast_unsigned())
        },
    ];
    for (i, figure) in (4..).zip(sample::EXTREMES) {
        trials.push(TrialRecord { sharpe: Some(figure), seconds: figure, ..sample::trial(i) });
    }
    let batch = TrialBatch { study_id: study.id.clone(), at: sample::at(5), trials, state: None };
    store.put_batch(&batch).await?;
    let mut expected = batch.trials;
    expected.sort_by_key(|t| t.number);
    let found = store.trials(&study.id, Page::ALL).await?;
    ensure_eq!(found, expected, "the trials");
    for (found, expected) in found.iter().zip(&expected) {
        let bits = |t: &TrialRecord| (t.sharpe.map(f64::to_bits), t.seconds.to_bits());
        ensure_eq!(bits(found), bits(expected), "the bits of their figures");
    }
    ensure_eq!(store.study(&study.id).await?.updated_at, sample::at(5), "the time of update");
    ensure_eq!(store.search_state(&study.id).await?, None, "the state");
    Ok(())
}

async fn put_twice(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    let batch = sample::batch(&study, 1, 10);
    store.put_batch(&batch).await?;
    store.put_batch(&batch).await?;
    ensure_eq!(store.trials(&study.id, Page::ALL).await?, batch.trials, "the trials");
    ensure_eq!(store.search_state(&study.id).await?, batch.state, "the state");
    Ok(())
}

async fn replace(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    store.put_batch(&sample::batch(&study, 1, 4)).await?;
    // Every field another, then as it was.
    let changed = TrialRecord {
        number: 2,
        parameters: json!({"fast": "other"}),
        outcome: TrialOutcome::Infeasible { reason: "few trades".into(), violation: Some(2.0) },
        metrics: None,
        sharpe: None,
        pruned: true,
        seconds: 99.0,
    };
    for trial in [changed, sample::trial(2)] {
        let (study_id, at, trials) = (study.id.clone(), sample::at(7), vec![trial.clone()]);
        store.put_batch(&TrialBatch { study_id, at, trials, state: None }).await?;
        let found = store.trials(&study.id, Page::ALL).await?;
        let expected = [sample::trial(0), sample::trial(1), trial, sample::trial(3)];
        ensure_eq!(found, expected, "the trials");
    }
    let state = store.search_state(&study.id).await?;
    ensure_eq!(state, Some(sample::state(1)), "the state, which the second batch left");
    Ok(())
}

async fn order_and_pages(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let (study, other) = (sample::study("a")?, sample::study("b")?);
    store.put_study(&study).await?;
    store.put_study(&other).await?;
    store.put_batch(&sample::batch(&other, 1, 50)).await?;
    for number in [2, 1, 3] {
        let mut batch = TrialBatch { state: None, ..sample::batch(&study, number, 100) };
        batch.trials.reverse();
        store.put_batch(&batch).await?;
    }
    let (mut found, mut page) = (Vec::new(), Page::first(7));
    while found.len() <= 300 {
        let part = store.trials(&study.id, page).await?;
        ensure!(part.len() <= 7, "a page of 7 has {}", part.len());
        if part.is_empty() {
            break;
        }
        found.extend(part.iter().map(|t| t.number));
        page = page.next();
    }
    ensure_eq!(found, (0..300).collect::<Vec<_>>(), "the numbers, page by page");
    let far = store.trials(&study.id, Page { offset: u64::MAX, limit: u64::MAX }).await?;
    ensure_eq!(far, [], "a page behind the end");
    Ok(())
}

async fn refused(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    let trial = || sample::trial(1);
    let infeasible = |violation| TrialOutcome::Infeasible { reason: "x".into(), violation };
    let wrong = [
        TrialRecord { sharpe: Some(f64::NAN), ..trial() },
        TrialRecord { seconds: f64::INFINITY, ..trial() },
        TrialRecord { outcome: TrialOutcome::Feasible(vec![]), ..trial() },
        TrialRecord { outcome: TrialOutcome::Feasible(vec![1.0, f64::NAN]), ..trial() },
        TrialRecord { outcome: infeasible(Some(f64::NEG_INFINITY)), ..trial() },
        TrialRecord { metrics: Some(Json::Null), ..trial() },
        sample::trial(u64::MAX),
        sample::trial(0),
    ];
    for wrong in wrong {
        let (study_id, at) = (study.id.clone(), sample::at(9));
        let trials = vec![sample::trial(0), wrong];
        let batch = TrialBatch { study_id, at, trials, state: Some(sample::state(1)) };
        ensure_err!(store.put_batch(&batch).await, Invalid, "a trial that cannot be");
    }
    ensure_eq!(store.trials(&study.id, Page::ALL).await?, [], "the trials");
    ensure_eq!(store.search_state(&study.id).await?, None, "the state");
    ensure_eq!(store.study(&study.id).await?, study, "the study");
    Ok(())
}

async fn all_or_nothing(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    store.put_batch(&sample::batch(&study, 1, 5)).await?;
    let before = store.study(&study.id).await?;
    ensure_err!(store.put_batch(&sample::batch(&study, 3, 5)).await, Conflict, "a gap");
    ensure_eq!(store.trials(&study.id, Page::ALL).await?.len(), 5, "trials after a refusal");
    ensure_eq!(store.search_state(&study.id).await?, Some(sample::state(1)), "the state");
    ensure_eq!(store.study(&study.id).await?, before, "the study");
    Ok(())
}

async fn sizes(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for size in [0, 1, 2, 3, 63, 64, 65, 127, 128, 129, 300, 1000] {
        let study = sample::study(&size.to_string())?;
        store.put_study(&study).await?;
        let batch = sample::batch(&study, 1, size);
        store.put_batch(&batch).await?;
        ensure_eq!(store.trials(&study.id, Page::ALL).await?, batch.trials, "the trials");
    }
    Ok(())
}

async fn follows(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    ensure_err!(store.put_batch(&sample::batch(&study, 2, 1)).await, Conflict, "2 first");
    store.put_batch(&sample::batch(&study, 1, 1)).await?;
    store.put_batch(&sample::batch(&study, 2, 1)).await?;
    store.put_batch(&sample::batch(&study, 2, 1)).await?;
    ensure_err!(store.put_batch(&sample::batch(&study, 1, 1)).await, Conflict, "1 after 2");
    store.put_batch(&sample::batch(&study, 3, 1)).await?;
    ensure_err!(store.put_batch(&sample::batch(&study, 5, 1)).await, Conflict, "5 after 3");
    ensure_eq!(store.search_state(&study.id).await?, Some(sample::state(3)), "the state");
    Ok(())
}

async fn resume(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    store.put_batch(&sample::batch(&study, 1, 8)).await?;
    // Odd spaces, an order of its own, numbers no parser keeps, and a megabyte.
    let numbers = "1e999, 0.1000000000000000055511151231257827, -0.0";
    let padding = "x".repeat(1 << 20);
    let json = format!("{{ \"z\":[{numbers}],\n\t\"a\": \"{padding}\", \"a\" : null }}");
    let state = Some(SearchState { batch: 2, json });
    store.put_batch(&TrialBatch { state: state.clone(), ..sample::batch(&study, 2, 8) }).await?;
    drop(store);
    let store = factory.reopen().await?;
    let found = store.search_state(&study.id).await?;
    ensure!(found == state, "the state is not the same, byte by byte, in a store opened anew");
    let trials = store.trials(&study.id, Page::ALL).await?;
    ensure_eq!(trials.len(), 16, "the trials that belong to it");
    store.put_batch(&sample::batch(&study, 3, 8)).await?;
    Ok(())
}

use std::future::poll_fn;
use std::task::Poll;

use serde_json::json;

use super::{Boxed, Failure, StoreFactory, case_table, ensure, ensure_eq, sample};
use crate::store::{
    ChangeKind, ConfigurationFilter, Json, LedgerScope, Page, SearchState, StoreError, TrialBatch,
    TrialRecord,
};

case_table! {
    "concurrency/studies" => studies,
    "concurrency/one-study" => one_study,
    "concurrency/readers" => readers,
    "concurrency/activations" => activations,
    "concurrency/two-handles" => two_handles,
    "concurrency/abandoned-writes" => abandoned_writes,
}

/// Runs futures together, and returns what they return.
pub(in crate::conformance) async fn together<T>(futures: Vec<Boxed<'_, T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().map(|f| (Some(f), None)).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (future, result) in &mut running {
            if let Some(unfinished) = future {
                match unfinished.as_mut().poll(context) {
                    Poll::Ready(value) => (*future, *result) = (None, Some(value)),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, result)| result).collect()
}

async fn studies(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let names: Vec<_> = (0..8).map(|i| i.to_string()).collect();
    let mut writers = Vec::<Boxed<'_, Result<(), Failure>>>::new();
    for name in &names {
        let store = &store;
        writers.push(Box::pin(async move {
            let study = sample::study(name)?;
            store.put_study(&study).await?;
            for number in 1..=10 {
                store.put_batch(&sample::batch(&study, number, 7)).await?;
            }
            Ok(())
        }));
    }
    for result in together(writers).await {
        result?;
    }
    for name in &names {
        let study = sample::study(name)?;
        ensure_eq!(store.trials(&study.id, Page::ALL).await?.len(), 70, "trials of a study");
        let state = store.search_state(&study.id).await?;
        ensure_eq!(state, Some(sample::state(10)), "the state of a study");
    }
    let scope = LedgerScope::market(&sample::study("0")?.cell);
    ensure_eq!(store.ledger(&scope).await?.trials, 560, "trials in the ledger");
    Ok(())
}

/// A batch whose trials and state all carry the name of who wrote them.
fn signed(study: &crate::store::StudyRecord, number: u64, writer: u64) -> TrialBatch {
    let sign = |t: TrialRecord| TrialRecord { parameters: json!(writer), ..t };
    let batch = sample::batch(study, number, 5);
    TrialBatch {
        trials: batch.trials.into_iter().map(sign).collect(),
        state: Some(SearchState { batch: number, json: writer.to_string() }),
        ..batch
    }
}

async fn one_study(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    let mut writers = Vec::<Boxed<'_, Result<(), Failure>>>::new();
    for writer in 0..4 {
        let (store, study) = (&store, &study);
        writers.push(Box::pin(async move {
            for number in 1..=10 {
                match store.put_batch(&signed(study, number, writer)).await {
                    // Another went on: this one would have to resume.
                    Ok(()) | Err(StoreError::Conflict(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }));
    }
    for result in together(writers).await {
        result?;
    }
    let state = store.search_state(&study.id).await?;
    let trials = store.trials(&study.id, Page::ALL).await?;
    let Some(state) = state else { return Err(Failure("there is no state".to_owned())) };
    ensure_eq!(trials.len() as u64, state.batch * 5, "trials for the state");
    for batch in trials.chunks(5) {
        let writers: Vec<_> = batch.iter().map(|t| &t.parameters).collect();
        ensure!(writers.windows(2).all(|w| w[0] == w[1]), "a batch is of several: {writers:?}");
    }
    let last = trials.last().map(|t| t.parameters.to_string());
    ensure_eq!(last, Some(state.json), "who wrote the last batch and the state");
    Ok(())
}

async fn readers(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    let mut futures = Vec::<Boxed<'_, Result<(), Failure>>>::new();
    let (store, study) = (&store, &study);
    futures.push(Box::pin(async move {
        for number in 1..=20 {
            store.put_batch(&sample::batch(study, number, 10)).await?;
        }
        Ok(())
    }));
    for _ in 0..4 {
        futures.push(Box::pin(async move {
            let mut seen = 0;
            for _ in 0..20 {
                let state = store.search_state(&study.id).await?.map_or(0, |s| s.batch);
                let trials = store.trials(&study.id, Page::ALL).await?.len() as u64;
                ensure!(
                    trials.is_multiple_of(10),
                    "a reader sees {trials} trials: a part of a batch"
                );
                ensure!(trials >= state * 10, "a reader sees a state ahead of its trials");
                ensure!(trials >= seen, "a reader sees trials vanish");
                seen = trials;
            }
            Ok(())
        }));
    }
    together(futures).await.into_iter().collect()
}

async fn activations(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut all = Vec::new();
    for i in 0..6 {
        let configuration = sample::bare(&i.to_string())?;
        store.put_configuration(&configuration, &Json::Null).await?;
        all.push(configuration);
    }
    let mut futures = Vec::<Boxed<'_, Result<(), Failure>>>::new();
    for configuration in &all {
        let store = &store;
        futures.push(Box::pin(async move {
            for i in 0..5 {
                store.change(&sample::activate(configuration, i)).await?;
            }
            Ok(())
        }));
    }
    together(futures).await.into_iter().collect::<Result<(), _>>()?;
    let filter = ConfigurationFilter { is_active: Some(true), ..Default::default() };
    let active = store.configurations(&filter, Page::ALL).await?;
    ensure_eq!(active.len(), 1, "how many are active");
    for configuration in &all {
        let events = store.events(&configuration.id, Page::ALL).await?;
        let kinds: Vec<_> = events.iter().map(|e| e.kind).collect();
        let turns = [ChangeKind::Activated, ChangeKind::Deactivated].into_iter().cycle();
        let expected: Vec<_> =
            std::iter::once(ChangeKind::Created).chain(turns).take(kinds.len()).collect();
        ensure_eq!(kinds, expected, "a life");
        let alive = kinds.last() == Some(&ChangeKind::Activated);
        ensure_eq!(alive, configuration.id == active[0].id, "whether it ends active");
    }
    Ok(())
}

async fn two_handles(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let first = factory.make().await?;
    let second = factory.reopen().await?;
    let study = sample::study("a")?;
    first.put_study(&study).await?;
    let mut futures = Vec::<Boxed<'_, Result<(), Failure>>>::new();
    for (i, store) in [&first, &second].into_iter().enumerate() {
        let study = &study;
        futures.push(Box::pin(async move {
            for number in 0..25 {
                let mut batch = sample::batch(study, 1, 1);
                batch.state = None;
                batch.trials[0].number = number * 2 + i as u64;
                store.put_batch(&batch).await?;
            }
            Ok(())
        }));
    }
    together(futures).await.into_iter().collect::<Result<(), _>>()?;
    for store in [first, second] {
        let trials = store.trials(&study.id, Page::ALL).await?;
        ensure_eq!(trials.len(), 50, "trials written through two handles");
    }
    Ok(())
}

async fn abandoned_writes(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    store.put_batch(&sample::batch(&study, 1, 10)).await?;
    for polls in 1..40 {
        let next = store.search_state(&study.id).await?.map_or(1, |s| s.batch + 1);
        let batch = sample::batch(&study, next, 10);
        let mut write = store.put_batch(&batch);
        // Gives up after so many steps, wherever it may be then.
        let mut left = polls;
        poll_fn(|context| match write.as_mut().poll(context) {
            Poll::Pending if left > 1 => {
                left -= 1;
                Poll::Pending
            }
            _ => Poll::Ready(()),
        })
        .await;
        drop(write);
        let trials = store.trials(&study.id, Page::ALL).await?.len() as u64;
        let state = store.search_state(&study.id).await?.map_or(0, |s| s.batch);
        ensure!(trials.is_multiple_of(10), "an abandoned write left {trials} trials");
        ensure!(state == next || state + 1 == next, "an abandoned write left batch {state}");
        // The store is as good as before.
        store.put_batch(&sample::batch(&study, state + 1, 10)).await?;
    }
    let state = store.search_state(&study.id).await?.map_or(0, |s| s.batch);
    let trials = store.trials(&study.id, Page::ALL).await?.len() as u64;
    ensure_eq!(trials, state * 10, "trials for the state");
    Ok(())
}

use std::future::poll_fn;
use std::task::Poll;

use super::{Boxed, Failure, TradingStoreFactory, case_table, ensure, ensure_eq, sample};
use crate::conformance::store::concurrency::together;
use crate::store::trading::{JournalEntry, RecordFilter, RecordKind};
use crate::store::{Page, StoreError};

case_table! {
    "concurrency/journals" => journals,
    "concurrency/one-journal" => one_journal,
    "concurrency/readers" => readers,
    "concurrency/abandoned-writes" => abandoned_writes,
}

async fn journals(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let stores = [factory.make().await?, factory.reopen().await?];
    let runs: Vec<_> = (0..6).map(|i| i.to_string()).collect();
    let mut writers = Vec::<Boxed<'_, Result<(), Failure>>>::new();
    for (i, run) in runs.iter().enumerate() {
        let store = &stores[i % 2];
        writers.push(Box::pin(async move {
            for batch in 0..10 {
                let entries = sample::entries(run, batch * 5 + 1..=batch * 5 + 5);
                store.append_journal(run, &entries, batch % 2 == 0).await?;
            }
            Ok(())
        }));
    }
    together(writers).await.into_iter().collect::<Result<(), _>>()?;
    for run in &runs {
        for store in &stores {
            let found = store.journal(run, 1, u64::MAX).await?;
            ensure_eq!(found, sample::entries(run, 1..=50), "a journal");
        }
    }
    Ok(())
}

async fn one_journal(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut writers = Vec::<Boxed<'_, Result<u64, Failure>>>::new();
    for writer in 0..4 {
        let store = &store;
        writers.push(Box::pin(async move {
            let mut own = 0;
            for batch in 0..10 {
                let sign = |e: JournalEntry| JournalEntry { body: writer.to_string(), ..e };
                let entries = sample::entries("run", batch * 5 + 1..=batch * 5 + 5);
                let entries: Vec<_> = entries.into_iter().map(sign).collect();
                match store.append_journal("run", &entries, true).await {
                    Ok(()) => own += 5,
                    // Another was faster: this one would have to load the journal.
                    Err(StoreError::Conflict(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(own)
        }));
    }
    let mut written = 0;
    for own in together(writers).await {
        written += own?;
    }
    let journal = store.journal("run", 1, u64::MAX).await?;
    ensure_eq!(journal.len() as u64, written, "entries for what was acknowledged");
    for (sequence, entry) in (1..).zip(&journal) {
        ensure_eq!(entry.sequence, sequence, "a sequence number");
    }
    for batch in journal.chunks(5) {
        let writers: Vec<_> = batch.iter().map(|e| &e.body).collect();
        ensure!(writers.windows(2).all(|w| w[0] == w[1]), "a batch is of several: {writers:?}");
    }
    Ok(())
}

async fn readers(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut futures = Vec::<Boxed<'_, Result<(), Failure>>>::new();
    let store = &store;
    futures.push(Box::pin(async move {
        for batch in 0..20 {
            let records: Result<Vec<_>, _> =
                (0..10).map(|i| sample::full(RecordKind::Fill, batch * 10 + i)).collect();
            store.put(&records?).await?;
        }
        Ok(())
    }));
    for _ in 0..4 {
        futures.push(Box::pin(async move {
            let mut seen = 0;
            for _ in 0..20 {
                let filter = RecordFilter::default();
                let fills = store.list(RecordKind::Fill, &filter, Page::ALL).await?.len();
                ensure!(fills.is_multiple_of(10), "a reader sees {fills} fills: part of a batch");
                ensure!(fills >= seen, "a reader sees fills vanish");
                seen = fills;
            }
            Ok(())
        }));
    }
    together(futures).await.into_iter().collect()
}

async fn abandoned_writes(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for polls in 1..40 {
        let end = store.journal_end("run").await?;
        let entries = sample::entries("run", end + 1..=end + 10);
        let mut write = store.append_journal("run", &entries, polls % 2 == 0);
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
        let left = store.journal_end("run").await?;
        ensure!(left == end || left == end + 10, "an abandoned append to {end} left {left}");
        // The store is as good as before.
        store.append_journal("run", &entries, true).await?;
        ensure_eq!(store.journal_end("run").await?, end + 10, "the end");
    }
    Ok(())
}

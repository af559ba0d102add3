use super::{Failure, StoreFactory, case_table, ensure, ensure_eq, ensure_err, sample};
use crate::store::{LedgerScope, StudyRecord, StudyStatus, WindowSearch};

case_table! {
    "window/round-trip" => round_trip,
    "window/longer-stays" => longer_stays,
    "window/counted" => counted,
    "window/refused" => refused,
}

fn search(study: &StudyRecord, window: u32, trials: u64) -> WindowSearch {
    let json = format!("{{ \"told\" : {trials}, \"window\":{window} }}{}", sample::TEXT);
    WindowSearch { study_id: study.id.clone(), window, trials, json }
}

async fn round_trip(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let (a, b) = (sample::study("a")?, sample::study("b")?);
    store.put_study(&a).await?;
    store.put_study(&b).await?;
    ensure_eq!(store.windows(&a.id).await?, [], "the windows of a new study");
    for window in [2, 0, u32::MAX, 1] {
        store.put_window(&search(&a, window, 200)).await?;
    }
    store.put_window(&search(&b, 0, 7)).await?;
    let expected = [0, 1, 2, u32::MAX].map(|window| search(&a, window, 200));
    ensure_eq!(store.windows(&a.id).await?, expected, "the windows, in order");
    drop(store);
    let store = factory.reopen().await?;
    ensure_eq!(store.windows(&a.id).await?, expected, "the windows in a store opened anew");
    Ok(())
}

async fn longer_stays(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    for (trials, kept) in [(8, 8), (64, 64), (32, 64), (200, 200)] {
        store.put_window(&search(&study, 0, trials)).await?;
        let found = store.windows(&study.id).await?;
        ensure_eq!(found, [search(&study, 0, kept)], "the window after {trials} trials");
    }
    Ok(())
}

async fn counted(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let (mut a, b) = (sample::study("a")?, sample::study("b")?);
    for study in [&a, &b] {
        store.put_study(study).await?;
        store.put_batch(&sample::batch(study, 1, 10)).await?;
    }
    let scope = LedgerScope::market(&a.cell);
    let before = store.ledger(&scope).await?;
    ensure_eq!((before.trials, before.window_trials), (20, 0), "trials without windows");
    for window in 0..3 {
        store.put_window(&search(&a, window, 100)).await?;
        store.put_window(&search(&a, window, 100)).await?;
    }
    store.put_window(&search(&b, 0, 5)).await?;
    let after = store.ledger(&scope).await?;
    ensure_eq!((after.trials, after.window_trials), (325, 305), "trials with windows");
    let figures = |l: &crate::store::Ledger| (l.studies, l.with_sharpe, l.sharpe_variance);
    ensure_eq!(figures(&after), figures(&before), "what windows do not change");
    let data_fingerprint = a.data_fingerprint.clone();
    let data = LedgerScope::Data { strategy: a.cell.strategy.clone(), data_fingerprint };
    ensure_eq!(store.ledger(&data).await?.window_trials, 305, "trials of windows, by data");
    a.status = StudyStatus::Done;
    store.put_study(&a).await?;
    store.delete_study(&a.id).await?;
    ensure_eq!(store.ledger(&scope).await?, after, "the ledger after a deletion");
    Ok(())
}

async fn refused(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    ensure_err!(store.put_window(&search(&study, 0, 1)).await, NotFound, "of no study");
    ensure_err!(store.windows(&study.id).await, NotFound, "the windows of no study");
    store.put_study(&study).await?;
    let much = search(&study, 0, u64::MAX);
    ensure_err!(store.put_window(&much).await, Invalid, "a count beyond 63 bits");
    ensure!(store.windows(&study.id).await?.is_empty(), "a window after a refusal");
    Ok(())
}

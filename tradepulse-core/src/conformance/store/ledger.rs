use super::{Failure, StoreFactory, case_table, ensure, ensure_eq, sample};
use crate::store::{
    Ledger, LedgerEntry, LedgerScope, Page, RegimeScope, StudyRecord, StudyStatus, TrialBatch,
    TrialOutcome, TrialRecord,
};

case_table! {
    "ledger/empty" => empty,
    "ledger/across-studies" => across_studies,
    "ledger/outlives-deletion" => outlives_deletion,
    "ledger/variance" => variance,
    "ledger/pages" => pages,
}

fn data(study: &StudyRecord) -> LedgerScope {
    let (strategy, data_fingerprint) =
        (study.cell.strategy.clone(), study.data_fingerprint.clone());
    LedgerScope::Data { strategy, data_fingerprint }
}

async fn empty(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    for _ in 0..2 {
        for scope in [data(&study), LedgerScope::market(&study.cell)] {
            ensure_eq!(store.ledger(&scope).await?, Ledger::default(), "the ledger");
            ensure_eq!(store.ledger_entries(&scope, Page::ALL).await?, [], "its entries");
        }
        // A study without trials does not count.
        store.put_study(&study).await?;
    }
    Ok(())
}

async fn across_studies(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let base = sample::study("base")?;
    let with = |name: &str, change: fn(&mut StudyRecord)| {
        let mut study = StudyRecord { seed: 7, ..sample::study(name)? };
        change(&mut study);
        Ok::<_, Failure>(study)
    };
    let studies = [
        base.clone(),
        with("regime", |s| s.cell.regime = RegimeScope::Bull)?,
        with("longer", |s| s.data_fingerprint = "other".into())?,
        with("strategy", |s| s.cell.strategy = "other".into())?,
        with("timeframe", |s| s.cell.timeframe = crate::time::Timeframe::H1)?,
    ];
    for (study, size) in studies.iter().zip(1..) {
        store.put_study(study).await?;
        let mut batch = sample::batch(study, 1, size * 10);
        batch.trials[0].outcome =
            TrialOutcome::Infeasible { reason: "too few trades".into(), violation: None };
        batch.trials[0].sharpe = None;
        batch.trials[1].pruned = true;
        store.put_batch(&batch).await?;
        // The same trials again are the same trials.
        store.put_batch(&batch).await?;
    }
    let counts = |ledger: Ledger| (ledger.studies, ledger.trials, ledger.with_sharpe);
    let by_data = store.ledger(&data(&base)).await?;
    ensure_eq!(counts(by_data), (3, 10 + 20 + 50, 9 + 19 + 49), "by data");
    let by_market = store.ledger(&LedgerScope::market(&base.cell)).await?;
    ensure_eq!(counts(by_market), (3, 10 + 20 + 30, 9 + 19 + 29), "by market");
    let other = store.ledger(&data(&studies[3])).await?;
    ensure_eq!(counts(other), (1, 40, 39), "of another strategy");
    for scope in [data(&base), LedgerScope::market(&base.cell)] {
        let entries = store.ledger_entries(&scope, Page::ALL).await?;
        ensure!(
            entries.is_sorted_by_key(|e| (e.study_id.clone(), e.number)),
            "the entries are not in order"
        );
        agree(store.ledger(&scope).await?, Ledger::of(entries.iter()))?;
        for study in studies.iter().filter(|s| scope.matches(s)) {
            let own: Vec<_> = entries.iter().filter(|e| e.study_id == study.id).collect();
            let expected = LedgerEntry {
                study_id: study.id.clone(),
                regime: study.cell.regime,
                strategy_version: study.strategy_version,
                number: 0,
                feasible: false,
                pruned: false,
                sharpe: None,
            };
            ensure_eq!(own[0], &expected, "an infeasible trial");
            ensure!(own[1].pruned && own[1].feasible, "a pruned trial is {:?}", own[1]);
            ensure_eq!(own[2].sharpe, sample::trial(2).sharpe, "a Sharpe ratio");
        }
    }
    Ok(())
}

async fn outlives_deletion(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let (mut a, b) = (sample::study("a")?, sample::study("b")?);
    for study in [&a, &b] {
        store.put_study(study).await?;
        store.put_batch(&sample::batch(study, 1, 20)).await?;
    }
    let scopes = [data(&a), LedgerScope::market(&a.cell)];
    let mut before = Vec::new();
    for scope in &scopes {
        before.push((store.ledger(scope).await?, store.ledger_entries(scope, Page::ALL).await?));
    }
    a.status = StudyStatus::Done;
    store.put_study(&a).await?;
    store.delete_study(&a.id).await?;
    drop(store);
    let store = factory.reopen().await?;
    for (scope, (ledger, entries)) in scopes.iter().zip(before) {
        ensure_eq!(store.ledger(scope).await?, ledger, "the ledger after a deletion");
        let found = store.ledger_entries(scope, Page::ALL).await?;
        ensure_eq!(found, entries, "its entries after a deletion");
    }
    Ok(())
}

async fn variance(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let series: [&[f64]; 5] = [
        &[1.5],
        &[2.0, 4.0],
        &[0.25; 10],
        // Far from zero: naive sums of squares lose everything.
        &[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0],
        &[-3.0, -1.0, 0.0, 5.0, 9.0],
    ];
    let expected = [None, Some(2.0), Some(0.0), Some(30.0), Some(24.0)];
    for (i, (sharpes, variance)) in series.iter().zip(expected).enumerate() {
        let mut study = sample::study(&i.to_string())?;
        study.data_fingerprint = i.to_string();
        store.put_study(&study).await?;
        let trials = (0..).zip(*sharpes);
        let trials = trials.map(|(n, s)| TrialRecord { sharpe: Some(*s), ..sample::trial(n) });
        let (study_id, at) = (study.id.clone(), sample::at(1));
        let batch = TrialBatch { study_id, at, trials: trials.collect(), state: None };
        store.put_batch(&batch).await?;
        let found = store.ledger(&data(&study)).await?;
        let close = match (found.sharpe_variance, variance) {
            (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected,
            (found, expected) => found == expected,
        };
        ensure!(close, "the variance of {sharpes:?} is {:?}", found.sharpe_variance);
        ensure_eq!(found.sharpe_max, sharpes.iter().copied().reduce(f64::max), "the largest");
    }
    Ok(())
}

async fn pages(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut scope = None;
    for name in ["a", "b", "c"] {
        let study = sample::study(name)?;
        store.put_study(&study).await?;
        store.put_batch(&sample::batch(&study, 1, 17)).await?;
        scope = Some(data(&study));
    }
    let Some(scope) = scope else { return Ok(()) };
    let all = store.ledger_entries(&scope, Page::ALL).await?;
    let (mut found, mut page) = (Vec::new(), Page::first(5));
    while found.len() < all.len() {
        let part = store.ledger_entries(&scope, page).await?;
        ensure!(!part.is_empty(), "the pages end after {} of {} entries", found.len(), all.len());
        found.extend(part);
        page = page.next();
    }
    ensure_eq!(found, all, "the entries, page by page");
    Ok(())
}

/// Counts are the same, figures to the last digits: sums may be made in another order.
fn agree(found: Ledger, expected: Ledger) -> Result<(), Failure> {
    let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * b.abs(),
        (a, b) => a == b,
    };
    let counts = |l: Ledger| (l.studies, l.trials, l.with_sharpe);
    let same = counts(found) == counts(expected)
        && close(found.sharpe_mean, expected.sharpe_mean)
        && close(found.sharpe_variance, expected.sharpe_variance)
        && found.sharpe_max == expected.sharpe_max;
    ensure!(same, "the ledger is {found:?}, its entries say {expected:?}");
    Ok(())
}

use serde_json::json;

use super::{Failure, StoreFactory, case_table, ensure_eq, ensure_err, sample};
use crate::store::{
    CellFilter, Page, RecordId, RegimeScope, StudyFilter, StudyRecord, StudyStatus,
};
use crate::time::{Timeframe, Timestamp};

case_table! {
    "study/round-trip" => round_trip,
    "study/put-twice" => put_twice,
    "study/progress" => progress,
    "study/definition-stands" => definition_stands,
    "study/unknown" => unknown,
    "study/too-large" => too_large,
    "study/list" => list,
    "study/delete" => delete,
    "study/reopen" => reopen,
}

fn strange() -> Result<StudyRecord, Failure> {
    let mut study = sample::study("strange")?;
    study.cell.strategy = sample::TEXT.to_owned();
    study.cell.timeframe = Timeframe::D1;
    study.cell.regime = RegimeScope::Sideways;
    study.strategy_version = u32::MAX;
    study.space = json!({sample::TEXT: sample::EXTREMES, "": [null, {"deep": [[[]]]}]});
    study.method = json!({"tpe": {"start": 10, "big": u64::MAX, "small": i64::MIN}});
    study.seed = u64::MAX;
    study.trials_wanted = i64::MAX.cast_unsigned();
    study.objective = json!(sample::TEXT);
    study.windows = json!([{"train_ms": 1}, {"train_ms": -1}]);
    study.data_fingerprint = String::new();
    study.data_from = Timestamp::EARLIEST;
    study.data_to = Timestamp::LATEST;
    study.engine_version = sample::TEXT.to_owned();
    study.note = Some(sample::TEXT.repeat(100));
    study.created_at = Timestamp::from_ms(-1);
    Ok(study)
}

async fn round_trip(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let plain = sample::study("plain")?;
    for mut study in [plain, strange()?] {
        for (i, status) in StudyStatus::ALL.into_iter().enumerate() {
            study.id = RecordId::derive(&[study.id.as_str(), &i.to_string()]);
            study.status = status;
            store.put_study(&study).await?;
            ensure_eq!(store.study(&study.id).await?, study, "the study");
        }
    }
    Ok(())
}

async fn put_twice(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    store.put_study(&study).await?;
    let all = store.studies(&StudyFilter::default(), Page::ALL).await?;
    ensure_eq!(all, [study], "the studies");
    Ok(())
}

async fn progress(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut study = sample::study("a")?;
    store.put_study(&study).await?;
    store.put_batch(&sample::batch(&study, 1, 3)).await?;
    study.status = StudyStatus::Done;
    study.note = Some("done".to_owned());
    study.trials_wanted = 200;
    study.updated_at = sample::at(9);
    store.put_study(&study).await?;
    ensure_eq!(store.study(&study.id).await?, study, "the study");
    let trials = store.trials(&study.id, Page::ALL).await?;
    ensure_eq!(trials.len(), 3, "trials after an update of their study");
    let state = store.search_state(&study.id).await?;
    ensure_eq!(state, Some(sample::state(1)), "the state after an update of its study");
    Ok(())
}

async fn definition_stands(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("a")?;
    store.put_study(&study).await?;
    let changes: [fn(&mut StudyRecord); 6] = [
        |s| s.cell.regime = RegimeScope::Bull,
        |s| s.strategy_version += 1,
        |s| s.space = json!({}),
        |s| s.seed += 1,
        |s| s.data_fingerprint.push('0'),
        |s| s.windows = json!([]),
    ];
    for change in changes {
        let mut other = study.clone();
        change(&mut other);
        other.status = StudyStatus::Done;
        ensure_err!(store.put_study(&other).await, Conflict, "another study of the same id");
        ensure_eq!(store.study(&study.id).await?, study, "the study after a refusal");
    }
    Ok(())
}

async fn unknown(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = sample::study("nowhere")?;
    ensure_err!(store.study(&study.id).await, NotFound, "a study");
    ensure_err!(store.trials(&study.id, Page::ALL).await, NotFound, "its trials");
    ensure_err!(store.search_state(&study.id).await, NotFound, "its state");
    ensure_err!(store.put_batch(&sample::batch(&study, 1, 1)).await, NotFound, "a batch");
    ensure_err!(store.delete_study(&study.id).await, NotFound, "deleting it");
    let all = store.studies(&StudyFilter::default(), Page::ALL).await?;
    ensure_eq!(all, [], "the studies");
    Ok(())
}

async fn too_large(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = StudyRecord { trials_wanted: u64::MAX, ..sample::study("a")? };
    ensure_err!(store.put_study(&study).await, Invalid, "a number beyond 63 bits");
    ensure_err!(store.study(&study.id).await, NotFound, "a study that was refused");
    Ok(())
}

async fn list(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut all = Vec::new();
    for i in 0..24_i64 {
        let mut study = sample::study(&i.to_string())?;
        study.cell.strategy = format!("s{}", i % 2);
        study.cell.pair = sample::cell("", ["BTC/USDT", "ETH/USDT"][i as usize % 2])?.pair;
        study.cell.timeframe = [Timeframe::M5, Timeframe::H1, Timeframe::D1][i as usize % 3];
        study.cell.regime = RegimeScope::ALL[i as usize % 4];
        study.status = StudyStatus::ALL[i as usize % 4];
        study.data_fingerprint = format!("f{}", i % 3);
        study.created_at = sample::at(i / 4 * 3);
        store.put_study(&study).await?;
        all.push(study);
    }
    // Newest first, equals by id.
    all.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(a.id.cmp(&b.id)));
    let exchange = all[0].cell.exchange.clone();
    let elsewhere = "kraken".parse().map_err(|_| Failure("no exchange".to_owned()))?;
    let by_cell = |cell| StudyFilter { cell, ..StudyFilter::default() };
    let filters = [
        StudyFilter::default(),
        by_cell(CellFilter { strategy: Some("s1".into()), ..CellFilter::default() }),
        by_cell(CellFilter { strategy: Some("s".into()), ..CellFilter::default() }),
        by_cell(CellFilter { exchange: Some(exchange), ..CellFilter::default() }),
        by_cell(CellFilter { exchange: Some(elsewhere), ..CellFilter::default() }),
        by_cell(CellFilter { pair: Some(all[0].cell.pair.clone()), ..CellFilter::default() }),
        by_cell(CellFilter { timeframe: Some(Timeframe::H1), ..CellFilter::default() }),
        by_cell(CellFilter { regime: Some(RegimeScope::Any), ..CellFilter::default() }),
        by_cell(CellFilter::only(&all[5].cell)),
        StudyFilter { status: Some(StudyStatus::Failed), ..StudyFilter::default() },
        StudyFilter { data_fingerprint: Some("f2".into()), ..StudyFilter::default() },
        StudyFilter {
            status: Some(StudyStatus::Done),
            data_fingerprint: Some("f1".into()),
            ..StudyFilter::default()
        },
    ];
    for filter in filters {
        let expected: Vec<_> = all.iter().filter(|s| filter.matches(s)).cloned().collect();
        ensure_eq!(store.studies(&filter, Page::ALL).await?, expected, "filtered studies");
        let (mut found, mut page) = (Vec::new(), Page::first(5));
        while found.len() <= expected.len() {
            let part = store.studies(&filter, page).await?;
            if part.is_empty() {
                break;
            }
            found.extend(part);
            page = page.next();
        }
        ensure_eq!(found, expected, "studies by pages");
    }
    let none = store.studies(&StudyFilter::default(), Page::first(0)).await?;
    ensure_eq!(none, [], "a page of nothing");
    Ok(())
}

async fn delete(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut study = sample::study("a")?;
    store.put_study(&study).await?;
    store.put_batch(&sample::batch(&study, 1, 3)).await?;
    ensure_err!(store.delete_study(&study.id).await, Conflict, "deleting a running study");
    ensure_eq!(store.trials(&study.id, Page::ALL).await?.len(), 3, "trials after a refusal");
    study.status = StudyStatus::Cancelled;
    store.put_study(&study).await?;
    let mut configuration = sample::bare("of the study")?;
    configuration.provenance.study_id = Some(study.id.clone());
    store.put_configuration(&configuration, &json!(null)).await?;
    store.delete_study(&study.id).await?;
    ensure_err!(store.study(&study.id).await, NotFound, "a deleted study");
    ensure_err!(store.trials(&study.id, Page::ALL).await, NotFound, "its trials");
    ensure_err!(store.search_state(&study.id).await, NotFound, "its state");
    ensure_err!(store.delete_study(&study.id).await, NotFound, "deleting it again");
    ensure_err!(store.put_batch(&sample::batch(&study, 2, 3)).await, NotFound, "another batch");
    ensure_err!(store.put_study(&study).await, Conflict, "the id of a deleted study");
    let all = store.studies(&StudyFilter::default(), Page::ALL).await?;
    ensure_eq!(all, [], "the studies");
    let stays = store.configuration(&configuration.id).await?;
    ensure_eq!(stays, configuration, "what came of the study");
    Ok(())
}

async fn reopen(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let study = strange()?;
    store.put_study(&study).await?;
    drop(store);
    ensure_eq!(factory.reopen().await?.study(&study.id).await?, study, "the study");
    ensure_err!(factory.make().await?.study(&study.id).await, NotFound, "in a new store");
    Ok(())
}

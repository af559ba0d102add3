use serde_json::json;

use super::{Failure, StoreFactory, case_table, ensure_eq, ensure_err, sample};
use crate::store::{
    ChangeKind, ConfigurationChange, ConfigurationEvent, ConfigurationFilter, Json, Page,
    RegimeScope, Stage, TrainedConfiguration,
};

case_table! {
    "change/one-active-a-cell" => one_active,
    "change/cells-are-apart" => cells_are_apart,
    "change/deactivate" => deactivate,
    "change/stage" => stage,
    "change/stage-conflict" => stage_conflict,
    "change/events" => events,
}

async fn one_active(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let (mut a, mut b) = (sample::full("a", 0)?, sample::full("b", 1)?);
    (a.status, b.status) = (Stage::Validation, Stage::Paper);
    for configuration in [&a, &b] {
        store.put_configuration(configuration, &json!(null)).await?;
    }
    let written = store.change(&sample::activate(&a, 1)).await?;
    ensure_eq!(written.len(), 1, "events of the first activation");
    (a.is_active, a.activation_date, a.updated_at) = (true, Some(sample::at(1)), sample::at(1));
    ensure_eq!(store.configuration(&a.id).await?, a, "the first");

    let written = store.change(&sample::activate(&b, 2)).await?;
    (b.is_active, b.activation_date, b.updated_at) = (true, Some(sample::at(2)), sample::at(2));
    (a.is_active, a.deactivated_at, a.updated_at) = (false, Some(sample::at(2)), sample::at(2));
    ensure_eq!(store.configuration(&a.id).await?, a, "the first, replaced");
    ensure_eq!(store.configuration(&b.id).await?, b, "the second");
    let event = |c: &TrainedConfiguration, sequence, kind, causes, note| ConfigurationEvent {
        configuration_id: c.id.clone(),
        sequence,
        at: sample::at(2),
        kind,
        from_stage: Some(c.status),
        to_stage: c.status,
        causes,
        note,
    };
    let replaced = event(&a, 3, ChangeKind::Deactivated, json!({"replaced_by": b.id}), None);
    let (kind, note) = (ChangeKind::Activated, Some(sample::TEXT.to_owned()));
    let activated = event(&b, 2, kind, json!(["asked"]), note);
    ensure_eq!(written, [replaced.clone(), activated.clone()], "events of the second activation");
    let last = |events: Vec<ConfigurationEvent>| events.last().cloned();
    ensure_eq!(last(store.events(&a.id, Page::ALL).await?), Some(replaced), "the first's event");
    ensure_eq!(last(store.events(&b.id, Page::ALL).await?), Some(activated), "the second's");

    let again = store.change(&sample::activate(&b, 3)).await?;
    ensure_eq!(again, [], "events of an activation of the active one");
    ensure_eq!(store.configuration(&b.id).await?, b, "the active one");
    store.change(&sample::activate(&a, 4)).await?;
    let filter = ConfigurationFilter { is_active: Some(true), ..Default::default() };
    let active = store.configurations(&filter, Page::ALL).await?;
    let ids: Vec<_> = active.iter().map(|c| &c.id).collect();
    ensure_eq!(ids, [&a.id], "the active ones");
    Ok(())
}

async fn cells_are_apart(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for (i, regime) in RegimeScope::ALL.into_iter().enumerate() {
        for pair in ["BTC/USDT", "ETH/USDT"] {
            let mut configuration = sample::bare(&format!("{i} {pair}"))?;
            configuration.cell = sample::cell("ema_cross", pair)?;
            configuration.cell.regime = regime;
            store.put_configuration(&configuration, &json!(null)).await?;
            let written = store.change(&sample::activate(&configuration, 1)).await?;
            ensure_eq!(written.len(), 1, "events of an activation in a cell of its own");
        }
    }
    let filter = ConfigurationFilter { is_active: Some(true), ..Default::default() };
    let active = store.configurations(&filter, Page::ALL).await?.len();
    ensure_eq!(active, 8, "how many are active");
    Ok(())
}

async fn deactivate(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut a = sample::bare("a")?;
    store.put_configuration(&a, &json!(null)).await?;
    let early = store.change(&sample::deactivate(&a, 1)).await?;
    ensure_eq!(early, [], "events of a deactivation of an inactive one");
    ensure_eq!(store.configuration(&a.id).await?, a, "the inactive one");
    store.change(&sample::activate(&a, 2)).await?;
    let written = store.change(&sample::deactivate(&a, 3)).await?;
    (a.activation_date, a.deactivated_at) = (Some(sample::at(2)), Some(sample::at(3)));
    a.updated_at = sample::at(3);
    ensure_eq!(store.configuration(&a.id).await?, a, "the deactivated one");
    let found = written.iter().map(|e| (e.kind, e.sequence, e.causes.clone(), e.note.clone()));
    let expected = [(ChangeKind::Deactivated, 3, Json::Null, None)];
    ensure_eq!(found.collect::<Vec<_>>(), expected, "its events");
    Ok(())
}

fn move_to(c: &TrainedConfiguration, ms: i64, from: Stage, to: Stage) -> ConfigurationChange {
    let (id, note) = (c.id.clone(), Some(sample::TEXT.to_owned()));
    let causes = json!([{"rule": "sharpe < 0.5", "sharpe": 0.1 + 0.2}, sample::TEXT]);
    ConfigurationChange::Stage { id, at: sample::at(ms), from, to, causes, note }
}

async fn stage(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut a = sample::full("a", 3)?;
    store.put_configuration(&a, &json!(null)).await?;
    store.change(&sample::activate(&a, 1)).await?;
    (a.is_active, a.activation_date) = (true, Some(sample::at(1)));
    let mut from = Stage::Discovery;
    let path = [Stage::Validation, Stage::Mature, Stage::Decay, Stage::Paper, Stage::Discovery];
    for (i, to) in (2_i64..).zip(path) {
        let change = move_to(&a, i, from, to);
        let written = store.change(&change).await?;
        let ConfigurationChange::Stage { causes, note, .. } = change.clone() else {
            return Ok(());
        };
        let expected = ConfigurationEvent {
            configuration_id: a.id.clone(),
            sequence: i.cast_unsigned() + 1,
            at: sample::at(i),
            kind: ChangeKind::Stage,
            from_stage: Some(from),
            to_stage: to,
            causes,
            note,
        };
        ensure_eq!(written, [expected], "the event");
        (a.status, a.updated_at) = (to, sample::at(i));
        ensure_eq!(store.configuration(&a.id).await?, a, "the configuration");
        ensure_eq!(store.change(&change).await?, [], "events of the same change again");
        from = to;
    }
    Ok(())
}

async fn stage_conflict(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let a = sample::bare("a")?;
    store.put_configuration(&a, &json!(null)).await?;
    let change = move_to(&a, 1, Stage::Mature, Stage::Decay);
    ensure_err!(store.change(&change).await, Conflict, "leaving a stage it is not in");
    ensure_eq!(store.configuration(&a.id).await?, a, "the configuration");
    ensure_eq!(store.events(&a.id, Page::ALL).await?.len(), 1, "the number of events");
    Ok(())
}

async fn events(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let (a, b) = (sample::bare("a")?, sample::bare("b")?);
    for configuration in [&a, &b] {
        store.put_configuration(configuration, &json!(null)).await?;
    }
    // Times out of order and equal: what counts is the order in which changes were made.
    for i in 0..20 {
        store.change(&sample::activate(&a, 30 - i)).await?;
        store.change(&sample::deactivate(&a, 30 - i)).await?;
    }
    let all = store.events(&a.id, Page::ALL).await?;
    let sequences: Vec<_> = all.iter().map(|e| e.sequence).collect();
    ensure_eq!(sequences, (1..=41).collect::<Vec<_>>(), "the sequence numbers");
    ensure_eq!(all[40].at, sample::at(11), "the last instant");
    let page = store.events(&a.id, Page { offset: 10, limit: 7 }).await?;
    ensure_eq!(page[..], all[10..17], "a page of events");
    ensure_eq!(store.events(&b.id, Page::ALL).await?.len(), 1, "another's events");
    Ok(())
}

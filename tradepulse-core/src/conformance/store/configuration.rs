use serde_json::json;

use super::{Failure, StoreFactory, case_table, ensure_eq, ensure_err, sample};
use crate::store::{
    CellFilter, ChangeKind, ConfigurationFilter, Json, Page, RecordId, RegimeScope, Stage,
    TrainedConfiguration,
};
use crate::time::{Timeframe, Timestamp};

case_table! {
    "configuration/round-trip" => round_trip,
    "configuration/put-twice" => put_twice,
    "configuration/replace-figures" => replace_figures,
    "configuration/put-does-not-change-life" => put_does_not_change_life,
    "configuration/cell-stands" => cell_stands,
    "configuration/refused" => refused,
    "configuration/unknown" => unknown,
    "configuration/list" => list,
    "configuration/delete" => delete,
}

async fn round_trip(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut all = vec![sample::bare("bare")?];
    for turn in 0..sample::EXTREMES.len() {
        let mut configuration = sample::full(&turn.to_string(), turn)?;
        configuration.status = Stage::ALL[turn % Stage::ALL.len()];
        configuration.strategy_version = u32::MAX - turn as u32;
        configuration.cell.strategy = sample::TEXT.to_owned();
        configuration.cell.regime = RegimeScope::ALL[turn % 4];
        configuration.parameters = json!({"f": sample::EXTREMES[turn], sample::TEXT: [turn]});
        configuration.updated_at = Timestamp::LATEST;
        all.push(configuration);
    }
    for configuration in &all {
        store.put_configuration(configuration, &json!(null)).await?;
    }
    drop(store);
    let store = factory.reopen().await?;
    for configuration in &all {
        let found = store.configuration(&configuration.id).await?;
        ensure_eq!(found, *configuration, "the configuration");
        // Zeros are equal whatever their sign; other figures are the same bit by bit.
        let text = |c| serde_json::to_string(c).map_err(|e| Failure(e.to_string()));
        ensure_eq!(text(&found)?, text(configuration)?, "the figures");
    }
    Ok(())
}

async fn put_twice(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let configuration = sample::full("a", 0)?;
    let causes = json!({sample::TEXT: sample::EXTREMES});
    store.put_configuration(&configuration, &causes).await?;
    store.put_configuration(&configuration, &json!("others")).await?;
    let all = store.configurations(&ConfigurationFilter::default(), Page::ALL).await?;
    ensure_eq!(all, std::slice::from_ref(&configuration), "the configurations");
    let events = store.events(&configuration.id, Page::ALL).await?;
    ensure_eq!(events.len(), 1, "the number of events");
    let event = &events[0];
    ensure_eq!(event.configuration_id, configuration.id, "the event's configuration");
    ensure_eq!((event.sequence, event.at), (1, configuration.created_at), "the event's place");
    ensure_eq!(event.kind, ChangeKind::Created, "the event's kind");
    let stages = (event.from_stage, event.to_stage);
    ensure_eq!(stages, (None, configuration.status), "the event's stages");
    ensure_eq!((&event.causes, &event.note), (&causes, &None), "the event's causes");
    Ok(())
}

async fn replace_figures(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let first = sample::full("a", 0)?;
    store.put_configuration(&first, &json!(null)).await?;
    // Every figure another, then none.
    for mut next in [sample::full("a", 5)?, sample::bare("a")?] {
        next.parameters = json!({"fast": 21});
        next.strategy_version = 2;
        next.updated_at = sample::at(99);
        store.put_configuration(&next, &json!(null)).await?;
        ensure_eq!(store.configuration(&first.id).await?, next, "the configuration");
    }
    Ok(())
}

async fn put_does_not_change_life(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let configuration = sample::full("a", 0)?;
    let claimed = TrainedConfiguration {
        status: Stage::Mature,
        is_active: true,
        activation_date: Some(sample::at(1)),
        deactivated_at: Some(sample::at(2)),
        ..configuration.clone()
    };
    store.put_configuration(&claimed, &json!(null)).await?;
    let mut expected = TrainedConfiguration { status: Stage::Mature, ..configuration.clone() };
    ensure_eq!(store.configuration(&claimed.id).await?, expected, "as it is stored at first");

    store.change(&sample::activate(&claimed, 10)).await?;
    let other = TrainedConfiguration {
        status: Stage::Paper,
        is_active: false,
        activation_date: None,
        deactivated_at: Some(sample::at(3)),
        created_at: sample::at(4),
        updated_at: sample::at(11),
        ..configuration
    };
    store.put_configuration(&other, &json!(null)).await?;
    expected.is_active = true;
    expected.activation_date = Some(sample::at(10));
    expected.updated_at = sample::at(11);
    ensure_eq!(store.configuration(&claimed.id).await?, expected, "as it lives on");
    Ok(())
}

async fn cell_stands(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let configuration = sample::bare("a")?;
    store.put_configuration(&configuration, &json!(null)).await?;
    let changes: [fn(&mut TrainedConfiguration); 3] = [
        |c| c.cell.strategy.push('2'),
        |c| c.cell.timeframe = Timeframe::D1,
        |c| c.cell.regime = RegimeScope::Bear,
    ];
    for change in changes {
        let mut other = configuration.clone();
        change(&mut other);
        let put = store.put_configuration(&other, &json!(null)).await;
        ensure_err!(put, Conflict, "another cell");
    }
    ensure_eq!(store.configuration(&configuration.id).await?, configuration, "the configuration");
    Ok(())
}

async fn refused(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let wrong: [fn(&mut TrainedConfiguration); 9] = [
        |c| c.performance.net_profit = Some(f64::NAN),
        |c| c.statistics.p_value = Some(f64::INFINITY),
        |c| c.execution.fill_rate = Some(f64::NEG_INFINITY),
        |c| c.risk.var_95 = Some(f64::NAN),
        |c| c.microstructure.taker_fee = Some(f64::NAN),
        |c| c.health.time_in_state = Some(u64::MAX),
        |c| c.health.death_signals = Some(Json::Null),
        |c| c.circuit_breakers = Some(Json::Null),
        |c| c.provenance.trials = Some(u64::MAX),
    ];
    let good = sample::bare("good")?;
    store.put_configuration(&good, &json!(null)).await?;
    for make_wrong in wrong {
        for mut configuration in [sample::bare("new")?, good.clone()] {
            make_wrong(&mut configuration);
            let put = store.put_configuration(&configuration, &json!(null)).await;
            ensure_err!(put, Invalid, "a figure that cannot be");
        }
    }
    let all = store.configurations(&ConfigurationFilter::default(), Page::ALL).await?;
    ensure_eq!(all, [good], "the configurations");
    Ok(())
}

async fn unknown(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let nowhere = sample::bare("nowhere")?;
    let id = &nowhere.id;
    ensure_err!(store.configuration(id).await, NotFound, "a configuration");
    ensure_err!(store.events(id, Page::ALL).await, NotFound, "its events");
    ensure_err!(store.delete_configuration(id).await, NotFound, "deleting it");
    for change in [sample::activate(&nowhere, 1), sample::deactivate(&nowhere, 1)] {
        ensure_err!(store.change(&change).await, NotFound, "changing it");
    }
    let none = store.configurations(&ConfigurationFilter::default(), Page::ALL).await?;
    ensure_eq!(none, [], "the configurations");
    Ok(())
}

async fn list(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut all = Vec::new();
    for i in 0..24_usize {
        let mut c = sample::full(&i.to_string(), i)?;
        c.cell.strategy = format!("s{}", i % 2);
        c.cell.timeframe = [Timeframe::M5, Timeframe::H1, Timeframe::D1][i % 3];
        c.cell.regime = RegimeScope::ALL[i % 4];
        c.status = Stage::ALL[i % 5];
        c.provenance.study_id =
            [None, Some(RecordId::derive(&["1"])), Some(RecordId::derive(&["2"]))][i % 3].clone();
        c.created_at = sample::at(i as i64 / 4 * 3);
        store.put_configuration(&c, &json!(null)).await?;
        if i < 3 {
            store.change(&sample::activate(&c, 50)).await?;
            c.is_active = true;
            c.activation_date = Some(sample::at(50));
            c.updated_at = sample::at(50);
        }
        all.push(c);
    }
    all.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(a.id.cmp(&b.id)));
    let none = ConfigurationFilter::default;
    let filters = [
        none(),
        ConfigurationFilter {
            cell: CellFilter { strategy: Some("s1".into()), ..CellFilter::default() },
            ..none()
        },
        ConfigurationFilter { cell: CellFilter::only(&all[7].cell), ..none() },
        ConfigurationFilter { status: Some(Stage::Decay), ..none() },
        ConfigurationFilter { is_active: Some(true), ..none() },
        ConfigurationFilter { is_active: Some(false), ..none() },
        ConfigurationFilter { study_id: Some(RecordId::derive(&["2"])), ..none() },
        ConfigurationFilter { study_id: Some(RecordId::derive(&["3"])), ..none() },
        ConfigurationFilter {
            cell: CellFilter { regime: Some(RegimeScope::Bull), ..CellFilter::default() },
            is_active: Some(true),
            ..none()
        },
    ];
    for filter in filters {
        let expected: Vec<_> = all.iter().filter(|c| filter.matches(c)).cloned().collect();
        let found = store.configurations(&filter, Page::ALL).await?;
        ensure_eq!(found, expected, "filtered configurations");
        let (mut found, mut page) = (Vec::new(), Page::first(5));
        while found.len() <= expected.len() {
            let part = store.configurations(&filter, page).await?;
            if part.is_empty() {
                break;
            }
            found.extend(part);
            page = page.next();
        }
        ensure_eq!(found, expected, "configurations by pages");
    }
    Ok(())
}

async fn delete(factory: &dyn StoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let (a, b) = (sample::bare("a")?, sample::bare("b")?);
    for configuration in [&a, &b] {
        store.put_configuration(configuration, &json!(null)).await?;
    }
    store.change(&sample::activate(&a, 1)).await?;
    ensure_err!(store.delete_configuration(&a.id).await, Conflict, "deleting an active one");
    ensure_eq!(store.events(&a.id, Page::ALL).await?.len(), 2, "events after a refusal");
    store.change(&sample::deactivate(&a, 2)).await?;
    store.delete_configuration(&a.id).await?;
    ensure_err!(store.configuration(&a.id).await, NotFound, "a deleted configuration");
    ensure_err!(store.events(&a.id, Page::ALL).await, NotFound, "its events");
    ensure_err!(store.delete_configuration(&a.id).await, NotFound, "deleting it again");
    ensure_eq!(store.configuration(&b.id).await?, b, "another version of the cell");
    // It may come back, and then begins anew.
    store.put_configuration(&a, &json!(null)).await?;
    ensure_eq!(store.events(&a.id, Page::ALL).await?.len(), 1, "events of a new life");
    Ok(())
}

use serde_json::{Value, json};

use super::{Failure, TradingStoreFactory, case_table, ensure, ensure_eq, ensure_err, sample};
use crate::store::trading::{
    DecisionOutcome, EventLevel, First, RecordFilter, RecordKind, TradingRecord,
};
use crate::store::{Page, TradingStoreExt};
use crate::time::DAY_MS;

case_table! {
    "list/order-and-pages" => order_and_pages,
    "list/filters" => filters,
    "list/times" => times,
    "list/open" => open,
    "list/no-such-column" => no_such_column,
    "list/trades-since" => trades_since,
}

async fn order_and_pages(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut expected = Vec::new();
    // Times that repeat, keys in an order of their own: of equal times the smaller key is older.
    for sequence in 1..=60_u32 {
        let time = sample::at(i64::from(sequence % 4));
        let values = [("sequence", json!(sequence)), ("exit_time_ms", json!(time))];
        expected.push((time, sequence, sample::with(RecordKind::Trade, 0, &values)?));
    }
    let shuffled: Vec<_> = (0..60).map(|i| expected[i * 7 % 60].2.clone()).collect();
    store.put(&shuffled).await?;
    expected.sort_by_key(|(time, sequence, _)| (*time, *sequence));
    let mut expected: Vec<_> = expected.into_iter().map(|(_, _, record)| record).collect();
    for first in [First::Oldest, First::Newest] {
        let filter = RecordFilter { first, ..RecordFilter::default() };
        let (mut found, mut page) = (Vec::new(), Page::first(7));
        while found.len() <= 60 {
            let part = store.list(RecordKind::Trade, &filter, page).await?;
            ensure!(part.len() <= 7, "a page of 7 has {}", part.len());
            if part.is_empty() {
                break;
            }
            found.extend(part);
            page = page.next();
        }
        ensure_eq!(found, expected, "the trades, page by page");
        expected.reverse();
    }
    let far = Page { offset: u64::MAX, limit: u64::MAX };
    let found = store.list(RecordKind::Trade, &RecordFilter::default(), far).await?;
    ensure_eq!(found, [], "a page behind the end");
    Ok(())
}

/// A filter of one value, out of the entries of a record.
fn only(column: &str, flat: &serde_json::Map<String, Value>) -> Result<RecordFilter, Failure> {
    let mut filter = RecordFilter::default();
    let text = flat.get(column).and_then(Value::as_str).unwrap_or_default().to_owned();
    let unreadable = |e: &dyn std::error::Error| Failure(format!("{column} {text:?}: {e}"));
    match column {
        "id" => filter.id = Some(text),
        "run" => filter.run = Some(text),
        "wallet" => filter.wallet = Some(text),
        "strategy" => filter.strategy = Some(text),
        "kind" => filter.kind = Some(text),
        "configuration_id" => {
            filter.configuration_id = Some(text.parse().map_err(|e| unreadable(&e))?);
        }
        "symbol" => filter.symbol = Some(text.parse().map_err(|e| unreadable(&e))?),
        "order_id" => filter.order_id = Some(text.parse().map_err(|e| unreadable(&e))?),
        "state" => {
            let state = serde_json::from_value(json!(text)).map_err(|e| unreadable(&e))?;
            filter.state = Some(state);
        }
        "outcome" => filter.outcome = Some(DecisionOutcome::Refused),
        "level" => filter.level = Some(EventLevel::Warning),
        _ => return Err(Failure(format!("there is no filter of {column}"))),
    }
    Ok(filter)
}

const TEXTS: [&str; 11] = [
    "id",
    "run",
    "wallet",
    "configuration_id",
    "symbol",
    "strategy",
    "order_id",
    "state",
    "outcome",
    "level",
    "kind",
];

async fn filters(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    for kind in RecordKind::ALL {
        let table = kind.table();
        for column in TEXTS.into_iter().filter(|c| table.has(c)) {
            if matches!((kind, column), (RecordKind::Snapshot | RecordKind::Prediction, "symbol"))
                || matches!((kind, column), (RecordKind::Decision, "configuration_id"))
            {
                // The samples have one value here: it is of the key.
                continue;
            }
            let store = factory.make().await?;
            let other = sample::full(*kind, 0)?;
            let mut flat = sample::flat(*kind, 1, 1);
            if column == "run" {
                flat.insert(column.to_owned(), json!("another run"));
            }
            let wanted = sample::record(*kind, &flat)?;
            store.put(&[other, wanted.clone()]).await?;
            let filter = only(column, &flat)?;
            let found = store.list(*kind, &filter, Page::ALL).await?;
            ensure_eq!(found, [wanted], "what passes a filter");
        }
    }
    Ok(())
}

async fn times(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for kind in RecordKind::ALL {
        let records = [sample::full(*kind, 0)?, sample::full(*kind, 1)?, sample::full(*kind, 2)?];
        store.put(&records).await?;
        let between = |from, until| RecordFilter {
            from: Some(sample::at(from)),
            until: Some(sample::at(until)),
            first: First::Oldest,
            ..RecordFilter::default()
        };
        let cases: [(_, &[TradingRecord]); 4] = [
            (between(0, 2001), &records),
            (between(0, 2000), &records[..2]),
            (between(1, 2000), &records[1..2]),
            (between(1000, 1000), &[]),
        ];
        for (filter, expected) in cases {
            let found = store.list(*kind, &filter, Page::ALL).await?;
            ensure_eq!(found, expected, "what lies between two instants");
        }
    }
    Ok(())
}

async fn open(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for kind in [RecordKind::Run, RecordKind::Order, RecordKind::Position, RecordKind::Control] {
        let (open, ended) = (sample::bare(kind, 0)?, sample::full(kind, 1)?);
        store.put(&[open.clone(), ended.clone()]).await?;
        for (is_open, expected) in [(true, open), (false, ended)] {
            let filter = RecordFilter { open: Some(is_open), ..RecordFilter::default() };
            let found = store.list(kind, &filter, Page::ALL).await?;
            ensure_eq!(found, [expected], "what is open, and what is not");
        }
    }
    Ok(())
}

async fn no_such_column(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for kind in RecordKind::ALL {
        for column in TEXTS.into_iter().filter(|c| !kind.table().has(c)) {
            let flat = [
                ("order_id", sample::flat(RecordKind::Fill, 0, 0)),
                ("configuration_id", sample::flat(RecordKind::Trade, 0, 0)),
                ("symbol", sample::flat(RecordKind::Trade, 0, 0)),
                ("state", sample::flat(RecordKind::Order, 0, 0)),
            ];
            let flat = flat.into_iter().find(|(name, _)| *name == column);
            let filter = only(column, &flat.map(|(_, flat)| flat).unwrap_or_default())?;
            let found = store.list(*kind, &filter, Page::ALL).await;
            ensure_err!(found, Invalid, "a filter of a column that is not there");
        }
        if !kind.table().has(RecordFilter::END) {
            let filter = RecordFilter { open: Some(true), ..RecordFilter::default() };
            let found = store.list(*kind, &filter, Page::ALL).await;
            ensure_err!(found, Invalid, "a filter of what never ends");
        }
    }
    Ok(())
}

async fn trades_since(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let day = sample::at(0).utc_day();
    let mut expected = Vec::new();
    for (sequence, ms) in (1..).zip([-1, 0, DAY_MS - 1, DAY_MS, 3 * DAY_MS]) {
        for wallet in ["main", "other"] {
            let values = [
                ("run", json!(format!("run of {wallet}"))),
                ("wallet", json!(wallet)),
                ("sequence", json!(sequence)),
                ("exit_time_ms", json!(day * DAY_MS + ms)),
            ];
            let trade = sample::with(RecordKind::Trade, 0, &values)?;
            store.put(std::slice::from_ref(&trade)).await?;
            if let (TradingRecord::Trade(trade), "main") = (trade, wallet) {
                expected.push(trade);
            }
        }
    }
    ensure_eq!(store.trades_since("main", day).await?, expected[1..], "trades since a day");
    ensure_eq!(store.trades_since("main", day + 1).await?, expected[3..], "since the next");
    ensure_eq!(store.trades_since("main", day + 4).await?, [], "since after the last");
    ensure_eq!(store.trades_since("nobody", day).await?, [], "trades of nobody");
    Ok(())
}

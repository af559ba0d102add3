use serde_json::json;

use super::{Failure, TradingStoreFactory, case_table, ensure, ensure_eq, ensure_err, sample};
use crate::store::trading::{RecordFilter, RecordKind, TradeRecord, TradingRecord};
use crate::store::{Page, TradingStore, TradingStoreExt};

case_table! {
    "record/round-trip" => round_trip,
    "record/bits" => bits,
    "record/put-twice" => put_twice,
    "record/changes" => changes,
    "record/facts" => facts,
    "record/refused" => refused,
    "record/all-or-nothing" => all_or_nothing,
}

async fn all(store: &dyn TradingStore, kind: RecordKind) -> Result<Vec<TradingRecord>, Failure> {
    Ok(store.list(kind, &RecordFilter::default(), Page::ALL).await?)
}

async fn round_trip(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let mut records = Vec::new();
    for kind in RecordKind::ALL {
        records.extend([sample::full(*kind, 1)?, sample::bare(*kind, 0)?]);
    }
    store.put(&records).await?;
    drop(store);
    let store = factory.reopen().await?;
    for (kind, records) in RecordKind::ALL.iter().zip(records.chunks(2)) {
        ensure_eq!(all(&*store, *kind).await?, records, "the records");
    }
    Ok(())
}

async fn bits(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for turn in 0..12_u32 {
        let flat = sample::flat(RecordKind::Trade, turn, turn as usize);
        let record = sample::record(RecordKind::Trade, &flat)?;
        let Some(written) = <TradeRecord as crate::store::trading::Record>::from_record(record)
        else {
            return Err(Failure("a trade is no trade".to_owned()));
        };
        store.put(&[written.clone().into()]).await?;
        let page = Page { offset: 0, limit: 1 };
        let found = store.records::<TradeRecord>(&RecordFilter::default(), page).await?;
        let bits = |t: &TradeRecord| {
            let t = t.trade();
            [t.entry_price, t.exit_price, t.quantity, t.fees, t.profit, t.profit_pct, t.slippage]
                .map(f64::to_bits)
        };
        let found: Vec<_> = found.iter().map(bits).collect();
        ensure_eq!(found, [bits(&written)], "the bits of a trade's figures");
    }
    Ok(())
}

async fn put_twice(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for kind in RecordKind::ALL {
        let record = sample::full(*kind, 0)?;
        store.put(&[record.clone(), record.clone()]).await?;
        store.put(std::slice::from_ref(&record)).await?;
        ensure_eq!(all(&*store, *kind).await?, [record], "the record");
    }
    store.put(&[]).await?;
    Ok(())
}

/// A full record in which one column has another value.
fn turned(kind: RecordKind, column: &str) -> Result<TradingRecord, Failure> {
    let turned = sample::flat(kind, 0, 1);
    let value = turned.get(column).cloned().unwrap_or_default();
    sample::with(kind, 0, &[(column, value)])
}

async fn changes(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for kind in RecordKind::ALL {
        let first = sample::full(*kind, 0)?;
        store.put(std::slice::from_ref(&first)).await?;
        for column in kind.table().changes {
            let changed = turned(*kind, column)?;
            ensure!(changed != first, "{column} of a {} is not changed", kind.name());
            // Within one call the last one counts.
            store.put(&[changed.clone(), first.clone(), changed.clone()]).await?;
            ensure_eq!(all(&*store, *kind).await?, [changed], "the changed record");
            store.put(std::slice::from_ref(&first)).await?;
            ensure_eq!(
                all(&*store, *kind).await?,
                std::slice::from_ref(&first),
                "the record as it was"
            );
        }
    }
    Ok(())
}

async fn facts(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for kind in RecordKind::ALL {
        let table = kind.table();
        let first = sample::full(*kind, 0)?;
        let names = table.columns.iter().map(|c| c.name);
        let fixed = names.filter(|c| !table.key.contains(c) && !table.changes.contains(c));
        for column in fixed.clone() {
            let put = store.put(&[first.clone(), turned(*kind, column)?]).await;
            ensure_err!(put, Conflict, "a fact that changes within one call");
            ensure_eq!(all(&*store, *kind).await?, [], "the records");
        }
        store.put(std::slice::from_ref(&first)).await?;
        for column in fixed {
            let other = turned(*kind, column)?;
            ensure!(other != first, "{column} of a {} is not changed", kind.name());
            let put = store.put(&[other]).await;
            ensure_err!(put, Conflict, "a fact that changes");
            ensure_eq!(all(&*store, *kind).await?, std::slice::from_ref(&first), "the record");
        }
    }
    Ok(())
}

async fn refused(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let TradingRecord::Equity(mut point) = sample::full(RecordKind::Equity, 0)? else {
            return Err(Failure("a point is no point".to_owned()));
        };
        point.cash = wrong;
        ensure_err!(store.put(&[point.into()]).await, Invalid, "a figure that is not finite");
    }
    let wrong = [
        sample::with(RecordKind::Trade, 0, &[("sequence", json!(u64::MAX))])?,
        sample::with(RecordKind::Run, 0, &[("config", json!(null))])?,
    ];
    for record in wrong {
        let kind = record.kind();
        ensure_err!(store.put(&[record]).await, Invalid, "a value that cannot be");
        ensure_eq!(all(&*store, kind).await?, [], "the records");
    }
    ensure_eq!(all(&*store, RecordKind::Equity).await?, [], "the points");
    Ok(())
}

async fn all_or_nothing(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let fill = sample::full(RecordKind::Fill, 0)?;
    store.put(std::slice::from_ref(&fill)).await?;
    let others = [sample::full(RecordKind::Order, 0)?, sample::full(RecordKind::Fill, 1)?];
    let wrong = turned(RecordKind::Fill, "price")?;
    let nan = sample::with(RecordKind::Trade, 0, &[("sequence", json!(u64::MAX))])?;
    let put = store.put(&[others[0].clone(), others[1].clone(), wrong]).await;
    ensure_err!(put, Conflict, "a batch whose last record is a changed fact");
    let put = store.put(&[others[0].clone(), others[1].clone(), nan]).await;
    ensure_err!(put, Invalid, "a batch whose last record cannot be");
    ensure_eq!(all(&*store, RecordKind::Fill).await?, [fill], "the fills");
    ensure_eq!(all(&*store, RecordKind::Order).await?, [], "the orders");
    Ok(())
}

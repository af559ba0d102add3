use super::{Failure, TradingStoreFactory, case_table, ensure, ensure_eq, ensure_err, sample};
use crate::store::trading::JournalEntry;

case_table! {
    "journal/round-trip" => round_trip,
    "journal/append-twice" => append_twice,
    "journal/hole" => hole,
    "journal/other-content" => other_content,
    "journal/refused" => refused,
    "journal/runs-are-apart" => runs_are_apart,
    "journal/pages" => pages,
    "journal/sizes" => sizes,
}

const RUN: &str = "run";

async fn round_trip(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    ensure_eq!(store.journal_end(RUN).await?, 0, "the end of no journal");
    ensure_eq!(store.journal(RUN, 1, 10).await?, [], "no journal");
    // Odd spaces, an order of its own, numbers no parser keeps, and a megabyte.
    let padding = "x".repeat(1 << 20);
    let bodies = [
        "null".to_owned(),
        "{ \"z\":[1e99, 0.1000000000000000055511151231257827, -0.0],\n\t\"a\": 1, \"a\" : null }"
            .to_owned(),
        format!("\"{padding}\""),
    ];
    let mut written = Vec::new();
    for (sequence, body) in (1..).zip(bodies) {
        let entry = sample::entry(RUN, sequence);
        written.push(JournalEntry { kind: sample::TEXT.to_owned(), body, ..entry });
    }
    written[1].at = crate::time::Timestamp::EARLIEST;
    store.append_journal(RUN, &written[..1], true).await?;
    store.append_journal(RUN, &written[1..2], false).await?;
    store.append_journal(RUN, &written[2..], true).await?;
    drop(store);
    let store = factory.reopen().await?;
    let found = store.journal(RUN, 1, u64::MAX).await?;
    ensure!(found == written, "the journal is not the same, byte by byte, in a store opened anew");
    ensure_eq!(store.journal_end(RUN).await?, 3, "its end");
    Ok(())
}

async fn append_twice(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for (sequences, end) in [(1..=5, 5), (1..=5, 5), (2..=3, 5), (4..=9, 9), (9..=9, 9)] {
        for durable in [true, false] {
            store.append_journal(RUN, &sample::entries(RUN, sequences.clone()), durable).await?;
            ensure_eq!(store.journal_end(RUN).await?, end, "the end");
        }
    }
    ensure_eq!(store.journal(RUN, 1, 99).await?, sample::entries(RUN, 1..=9), "the journal");
    Ok(())
}

async fn hole(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let first = store.append_journal(RUN, &sample::entries(RUN, 2..=3), true).await;
    ensure_err!(first, Conflict, "a journal that begins with 2");
    store.append_journal(RUN, &sample::entries(RUN, 1..=3), true).await?;
    let behind = store.append_journal(RUN, &sample::entries(RUN, 5..=6), true).await;
    ensure_err!(behind, Conflict, "5 behind 3");
    for inside in [[4, 6], [4, 4], [4, 3], [2, 4]] {
        let entries = inside.map(|sequence| sample::entry(RUN, sequence));
        let appended = store.append_journal(RUN, &entries, true).await;
        ensure_err!(appended, Conflict, "a hole inside");
    }
    ensure_eq!(store.journal(RUN, 1, 99).await?, sample::entries(RUN, 1..=3), "the journal");
    Ok(())
}

async fn other_content(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    store.append_journal(RUN, &sample::entries(RUN, 1..=3), true).await?;
    let changes: [fn(&mut JournalEntry); 3] = [
        |e| e.body = "{\"sequence\":2}".to_owned(),
        |e| e.kind = "Candle".to_owned(),
        |e| e.at = sample::at(77),
    ];
    for change in changes {
        let mut entries = sample::entries(RUN, 2..=5);
        change(&mut entries[0]);
        let appended = store.append_journal(RUN, &entries, true).await;
        ensure_err!(appended, Conflict, "another content");
        ensure_eq!(store.journal(RUN, 1, 99).await?, sample::entries(RUN, 1..=3), "the journal");
    }
    Ok(())
}

async fn refused(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let entry = || sample::entry(RUN, 2);
    let wrong = [
        JournalEntry { body: "{".to_owned(), ..entry() },
        JournalEntry { body: String::new(), ..entry() },
        JournalEntry { body: "{} {}".to_owned(), ..entry() },
        JournalEntry { run: "other".to_owned(), ..entry() },
    ];
    for wrong in wrong {
        let appended = store.append_journal(RUN, &[sample::entry(RUN, 1), wrong], true).await;
        ensure_err!(appended, Invalid, "an entry that cannot be");
    }
    let zero = store.append_journal(RUN, &[sample::entry(RUN, 0)], true).await;
    ensure_err!(zero, Invalid, "entry 0");
    ensure_eq!(store.journal_end(RUN).await?, 0, "the end");
    Ok(())
}

async fn runs_are_apart(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    let runs = ["a", "A", "a ", "", sample::TEXT];
    for (length, run) in (1..).zip(runs) {
        store.append_journal(run, &sample::entries(run, 1..=length), false).await?;
    }
    for (length, run) in (1..).zip(runs) {
        ensure_eq!(store.journal_end(run).await?, length, "the end of a journal");
        let found = store.journal(run, 1, 99).await?;
        ensure_eq!(found, sample::entries(run, 1..=length), "a journal");
    }
    Ok(())
}

async fn pages(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    store.append_journal(RUN, &sample::entries(RUN, 1..=20), true).await?;
    store.append_journal("other", &sample::entries("other", 1..=20), true).await?;
    let cases =
        [(1, 5, 1..=5), (0, 2, 1..=2), (6, 5, 6..=10), (18, 99, 18..=20), (20, u64::MAX, 20..=20)];
    for (from, limit, expected) in cases {
        let found = store.journal(RUN, from, limit).await?;
        ensure_eq!(found, sample::entries(RUN, expected), "a part of the journal");
    }
    for (from, limit) in [(21, 5), (u64::MAX, u64::MAX), (3, 0)] {
        ensure_eq!(store.journal(RUN, from, limit).await?, [], "nothing");
    }
    Ok(())
}

async fn sizes(factory: &dyn TradingStoreFactory) -> Result<(), Failure> {
    let store = factory.make().await?;
    for size in [0, 1, 2, 3, 63, 64, 65, 127, 128, 129, 300, 1000] {
        let run = size.to_string();
        let entries = sample::entries(&run, 1..=size);
        store.append_journal(&run, &entries, true).await?;
        ensure_eq!(store.journal(&run, 1, u64::MAX).await?, entries, "the journal");
    }
    Ok(())
}

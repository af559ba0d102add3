//! Commands of people, from the store to a desk and back.

#![cfg(feature = "coordinator")]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tradepulse_core::desk::{Control, Desk, DeskSettings};
use tradepulse_core::exchange::Capabilities;
use tradepulse_core::market::{ExchangeName, InstrumentKind};
use tradepulse_core::order::RunTag;
use tradepulse_core::risk::{RiskGate, RiskRules};
use tradepulse_core::store::trading::{
    ControlKind, ControlRecord, ControlResult, RecordFilter, TradingStore, TradingStoreExt,
};
use tradepulse_core::store::{MemoryStore, Page};
use tradepulse_core::time::Timestamp;
use tradepulse_exec::coordinator::{Clock, ControlDoor, ControlMailbox};

/// A store with commands, and the people's clock.
struct Scene {
    store: Arc<MemoryStore>,
    now: Arc<AtomicI64>,
}

impl Scene {
    fn new() -> Self {
        Self { store: Arc::default(), now: Arc::new(AtomicI64::new(1000)) }
    }

    fn mailbox(&self, doors: Vec<ControlDoor>) -> ControlMailbox {
        ControlMailbox::new(self.store.clone(), doors, Clock::Events(Arc::clone(&self.now)))
    }

    /// Stores a command that expires after `expires` milliseconds.
    async fn give(&self, id: &str, wallet: Option<&str>, kind: ControlKind, expires: Option<i64>) {
        let now = self.now.fetch_add(1, Ordering::Relaxed);
        let record = ControlRecord {
            id: id.to_owned(),
            wallet: wallet.map(str::to_owned),
            kind,
            symbol: None,
            created_at: Timestamp::from_ms(now),
            expires_at: expires.map(|ms| Timestamp::from_ms(now + ms)),
            taken_at: None,
            answer: None,
            result: None,
            ended_at: None,
        };
        self.store.put(&[record.into()]).await.unwrap();
    }

    async fn found(&self, id: &str) -> ControlRecord {
        let filter = RecordFilter { id: Some(id.to_owned()), ..RecordFilter::default() };
        let found = self.store.records::<ControlRecord>(&filter, Page::ALL).await.unwrap();
        found.into_iter().next().unwrap()
    }
}

fn desk() -> Desk {
    let capabilities = Capabilities::full(ExchangeName::binance(), InstrumentKind::Spot);
    let gate = RiskGate::new(RiskRules::none());
    Desk::new(RunTag::new(1), 1000.0, capabilities, gate, DeskSettings::default())
}

/// The loop of a wallet without a market: it tells its desk, and answers. Returns the desk.
fn wallet(name: &str) -> (ControlDoor, tokio::task::JoinHandle<Vec<Control>>) {
    let (door, mut controls, mut hook) = ControlDoor::new(name);
    let told = tokio::spawn(async move {
        let (mut told, mut desk) = (Vec::new(), desk());
        while let Some(control) = controls.recv().await {
            let kind = tradepulse_core::desk::DeskEventKind::Control(control.clone());
            let event = tradepulse_core::desk::DeskEvent { at: Timestamp::from_ms(0), kind };
            desk.step(&event, &mut Vec::new());
            hook(&control, &desk);
            told.push(control);
        }
        told
    });
    (door, told)
}

#[tokio::test]
async fn each_wallet_is_told_what_is_for_it_and_answers() {
    let scene = Scene::new();
    let ((main, main_told), (spare, spare_told)) = (wallet("main"), wallet("spare"));
    let mut mailbox = scene.mailbox(vec![main, spare]);
    assert!(mailbox.begin().await.unwrap().is_empty());
    scene.give("a", None, ControlKind::Pause, None).await;
    scene.give("b", Some("main"), ControlKind::Resume, Some(10_000)).await;
    scene.give("c", Some("nobody"), ControlKind::Close, Some(10_000)).await;
    scene.give("d", Some("nobody"), ControlKind::Pause, None).await;
    assert_eq!(mailbox.poll().await.unwrap(), 3);
    let a = scene.found("a").await;
    assert_eq!(a.result, Some(ControlResult::Done));
    let answer = a.answer.unwrap();
    assert!(answer.contains("wallet main: entries are paused"), "{answer}");
    assert!(answer.contains("wallet spare: entries are paused"), "{answer}");
    assert!(a.taken_at.is_some() && a.ended_at.is_some());
    assert!(scene.found("b").await.answer.unwrap().contains("allowed again"));
    let c = scene.found("c").await;
    assert_eq!(c.result, Some(ControlResult::Refused));
    assert!(c.answer.unwrap().contains("trades main, spare, not nobody"));
    // What stops trading waits for the coordinator that it is for.
    let d = scene.found("d").await;
    assert!(d.ended_at.is_none() && d.answer.unwrap().contains("waits for one that does"));
    assert_eq!(mailbox.poll().await.unwrap(), 0);
    drop(mailbox);
    assert_eq!(main_told.await.unwrap(), [Control::Pause, Control::Resume]);
    assert_eq!(spare_told.await.unwrap(), [Control::Pause]);
}

#[tokio::test]
async fn what_comes_too_late_is_not_done() {
    let scene = Scene::new();
    let (door, told) = wallet("main");
    let mut mailbox = scene.mailbox(vec![door]);
    scene.give("late", None, ControlKind::Close, Some(100)).await;
    scene.now.fetch_add(100, Ordering::Relaxed);
    assert_eq!(mailbox.poll().await.unwrap(), 1);
    let late = scene.found("late").await;
    assert_eq!((late.result, late.taken_at), (Some(ControlResult::Expired), None));
    drop(mailbox);
    assert!(told.await.unwrap().is_empty());
    // Nor is what goes to a run that has ended.
    let (door, controls, hook) = ControlDoor::new("main");
    drop((controls, hook));
    scene.give("ended", None, ControlKind::Close, Some(100)).await;
    scene.mailbox(vec![door]).poll().await.unwrap();
    let ended = scene.found("ended").await;
    assert_eq!(ended.result, Some(ControlResult::Refused));
    assert!(ended.answer.unwrap().contains("its run has ended"));
}

#[tokio::test]
async fn a_later_run_begins_as_people_left_it() {
    let scene = Scene::new();
    let begun = async |wallet_name: &str| {
        let (door, told) = wallet(wallet_name);
        let mut mailbox = scene.mailbox(vec![door]);
        let begun = mailbox.begin().await.unwrap();
        drop(mailbox);
        let told = told.await.unwrap();
        assert_eq!(begun.into_iter().map(|(_, control)| control).collect::<Vec<_>>(), told);
        told
    };
    // Stored while nothing ran: taken once, and standing from then on.
    scene.give("stop", None, ControlKind::EmergencyStop, None).await;
    scene.give("pause", Some("main"), ControlKind::Pause, None).await;
    for _ in 0..2 {
        assert_eq!(begun("main").await, [Control::EmergencyStop, Control::Pause]);
        assert_eq!(begun("spare").await, [Control::EmergencyStop]);
    }
    assert_eq!(scene.found("stop").await.result, Some(ControlResult::Done));
    // Taken back while nothing ran: the next run is told, the one after has nothing to be told.
    scene.give("reset", None, ControlKind::ResetEmergency, None).await;
    scene.give("resume", Some("main"), ControlKind::Resume, None).await;
    assert_eq!(begun("main").await, [Control::ResetEmergency, Control::Resume]);
    assert!(begun("main").await.is_empty());
    assert!(begun("spare").await.is_empty());
    // A command with an end is no standing order.
    scene.give("close", None, ControlKind::Close, Some(10_000)).await;
    assert!(begun("main").await.is_empty());
}

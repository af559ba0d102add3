//! Sessions whose entries need the word of models: sound, dead, slow and mad ones.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tradepulse_core::ensemble::Absence;
use tradepulse_core::inference::{Action, Prediction};
use tradepulse_core::order::Side;
use tradepulse_core::store::trading::{DecisionOutcome, DecisionRecord, PredictionRecord};
use tradepulse_exec::coordinator::advisor::{Advisors, Member};
use tradepulse_exec::inference::{Feedback, MarketModel, MarketSnapshot};

use super::*;

/// What a model does when it is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Model {
    Says(Action),
    /// Says something else at each candle, and nothing of use at some.
    Wavers(i64),
    Dead,
    Slow,
    Flapping,
    Stale,
    NotANumber,
    Overconfident,
    Malformed,
    Panics,
}

/// All that are of no use.
const BAD: [Model; 8] = [
    Model::Dead,
    Model::Slow,
    Model::Flapping,
    Model::Stale,
    Model::NotANumber,
    Model::Overconfident,
    Model::Malformed,
    Model::Panics,
];

#[derive(Default)]
pub(super) struct Asked {
    pub(super) times: AtomicUsize,
    candles: Mutex<Vec<usize>>,
    learnt: Mutex<Vec<Feedback>>,
}

struct Scripted(Model, Arc<Asked>);

#[async_trait]
impl MarketModel for Scripted {
    async fn ask(&self, snapshot: &MarketSnapshot<'_>) -> Result<Prediction, Absence> {
        let time = self.1.times.fetch_add(1, Ordering::Relaxed);
        self.1.candles.lock().unwrap().push(snapshot.candles.len());
        let unavailable = || Absence::Unavailable { reason: "connection refused".to_owned() };
        let answer = |action, confidence| Prediction {
            for_candle: snapshot.close_time(),
            action,
            confidence,
            stop: None,
            take_profit: None,
            raw_score: None,
        };
        // A useless answer says the opposite of what the sound one does.
        let wrong = Action::Short;
        match self.0 {
            Model::Says(action) => Ok(answer(action, 0.9)),
            Model::Wavers(way) => {
                let minute = snapshot.close_time().as_ms() / MINUTE;
                let action = Action::ALL[((minute / 3 + way) % 3) as usize];
                match (minute + 5 * way) % 13 {
                    _ if minute % 90 < 4 => Err(unavailable()),
                    0 => Err(unavailable()),
                    1 => Err(Absence::Malformed { reason: "no JSON".to_owned() }),
                    step => Ok(answer(action, 0.5 + 0.04 * step as f64)),
                }
            }
            Model::Dead => Err(unavailable()),
            Model::Slow => {
                tokio::time::sleep(Duration::from_secs(40)).await;
                Ok(answer(wrong, 1.0))
            }
            Model::Flapping if time.is_multiple_of(2) => Err(unavailable()),
            Model::Flapping => Err(Absence::Late),
            Model::Stale => {
                let for_candle = Timestamp::from_ms(snapshot.close_time().as_ms() - MINUTE);
                Ok(Prediction { for_candle, ..answer(wrong, 1.0) })
            }
            Model::NotANumber => Ok(answer(wrong, f64::NAN)),
            Model::Overconfident => Ok(answer(wrong, 17.0)),
            Model::Malformed => Err(Absence::Malformed { reason: "no JSON".to_owned() }),
            Model::Panics => panic!("a model that breaks"),
        }
    }

    async fn learn(&self, feedback: &Feedback) -> Result<(), String> {
        self.1.learnt.lock().unwrap().push(feedback.clone());
        Ok(())
    }
}

/// A session with these models, and what they were asked.
pub(super) fn asking(
    computer: &Computer,
    models: &[Model],
    more: &str,
) -> (Session, Vec<Arc<Asked>>) {
    let names: Vec<String> = models.iter().map(|model| format!("{{name: {model:?}}}")).collect();
    let names = names.join(", ").replace(['(', ')'], "-");
    let config = format!("{CONFIG}model_endpoints: [{names}]\n{more}");
    let asked: Vec<Arc<Asked>> = models.iter().map(|_| Arc::default()).collect();
    let parsed = Config::parse(&config, []).unwrap().config;
    let members = parsed.models().zip(models).zip(&asked);
    let members = members.map(|((endpoint, model), asked)| Member {
        name: endpoint.name.clone(),
        weight: endpoint.weight,
        deadline: Duration::from_secs(5),
        model: Arc::new(Scripted(*model, Arc::clone(asked))),
    });
    let advisors = Advisors::new(&parsed, members.collect()).unwrap();
    (computer.session(&config).with_advisors(advisors), asked)
}

async fn traded(models: &[Model], more: &str) -> (Computer, WalletOutcome, Vec<Arc<Asked>>) {
    let computer = Computer::new();
    let (session, asked) = asking(&computer, models, more);
    let outcome = computer.trade(&session, 120).await.unwrap();
    (computer, outcome, asked)
}

pub(super) fn in_short(outcome: &WalletOutcome) -> Vec<(Side, i64, i64)> {
    let times = |trade: &TradeRecord| (trade.side, trade.entry_time_ms, trade.exit_time_ms);
    outcome.trades.iter().map(times).collect()
}

#[tokio::test(start_paused = true)]
async fn models_confirm_what_strategies_want() {
    let (computer, alone, _) = traded(&[], "").await;
    assert!(alone.trades.len() > 3, "{:?}", alone.trades);
    drop(computer);
    let (computer, confirmed, asked) = traded(&[Model::Says(Action::Long)], "").await;
    assert_eq!(in_short(&confirmed), in_short(&alone));
    let candles = asked[0].candles.lock().unwrap().clone();
    assert!(candles.len() >= 119 && candles.iter().all(|count| *count == 30), "{candles:?}");
    let predictions: Vec<PredictionRecord> =
        computer.store.records(&RecordFilter::default(), Page::ALL).await.unwrap();
    assert_eq!(predictions.len(), candles.len());
    // All but those of the last horizon are settled.
    let known = predictions.iter().filter(|prediction| prediction.truth.is_some()).count();
    assert_eq!(known, predictions.len() - 12);
    let filter = RecordFilter { outcome: Some(DecisionOutcome::Enter), ..RecordFilter::default() };
    let decisions: Vec<DecisionRecord> = computer.store.records(&filter, Page::ALL).await.unwrap();
    assert_eq!(decisions.len(), predictions.len());
    assert_eq!(decisions[0].votes.as_ref().unwrap()["votes"][0]["model"], "Says-Long-");
}

#[tokio::test(start_paused = true)]
async fn models_that_say_otherwise_keep_entries_from_being_made() {
    for action in [Action::Short, Action::Hold] {
        let (_, outcome, _) = traded(&[Model::Says(action)], "").await;
        assert!(outcome.trades.is_empty() && outcome.counters.refusals > 3, "{outcome:?}");
    }
    let more = "decision: {allow_abstain: true}\n";
    let (_, outcome, _) = traded(&[Model::Says(Action::Hold)], more).await;
    assert!(outcome.trades.len() > 3);
    let (_, outcome, _) = traded(&[Model::Says(Action::Short)], more).await;
    assert!(outcome.trades.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_model_of_no_use_never_changes_what_is_traded() {
    let (_, alone, _) = traded(&[Model::Says(Action::Long)], "").await;
    for bad in BAD {
        let (_, both, _) = traded(&[bad, Model::Says(Action::Long)], "").await;
        assert_eq!(in_short(&both), in_short(&alone), "{bad:?}");
        let (computer, outcome, _) = traded(&[bad], "").await;
        assert!(outcome.trades.is_empty(), "{bad:?}: {:?}", outcome.trades);
        let filter =
            RecordFilter { kind: Some("model_offline".to_owned()), ..RecordFilter::default() };
        let told: Vec<SystemEventRecord> =
            computer.store.records(&filter, Page::ALL).await.unwrap();
        assert_eq!(told.len(), 1, "{bad:?}: {told:?}");
        assert_eq!(told[0].level, EventLevel::Warning);
    }
}

#[tokio::test(start_paused = true)]
async fn without_endpoints_models_are_not_waited_for() {
    let (_, only, _) =
        traded(&[Model::Slow, Model::Dead], "decision: {mode: strategies_only}\n").await;
    let (_, alone, _) = traded(&[], "").await;
    assert_eq!(in_short(&only), in_short(&alone));
}

#[tokio::test(start_paused = true)]
async fn models_learn_how_trades_ended() {
    let more = "retraining: {send_feedback_to_models: true}\n";
    let (_, outcome, asked) = traded(&[Model::Says(Action::Long)], more).await;
    let learnt = asked[0].learnt.lock().unwrap();
    assert!(learnt.len() >= outcome.trades.len() - 1, "{} told", learnt.len());
    for (feedback, trade) in learnt.iter().zip(&outcome.trades) {
        assert_eq!(feedback.decision, Action::Long);
        assert_eq!(feedback.outcome.pnl, trade.profit);
        assert_eq!(feedback.outcome.success, trade.profit > 0.0);
        // The snapshot is that of the candle before the entry.
        let candles = feedback.snapshot["candles"].as_array().unwrap();
        let last = candles.last().unwrap()["timestamp"].as_i64().unwrap();
        assert_eq!(last + MINUTE, trade.entry_time_ms);
    }
}

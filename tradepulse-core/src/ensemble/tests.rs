use proptest::prelude::*;

use super::*;
use crate::inference::Prediction;

const CANDLE: Timestamp = Timestamp::from_ms(3_600_000);
const METHODS: [Method; 4] =
    [Method::WeightedVote, Method::AverageConfidence, Method::Majority, Method::Bayesian];

fn says(action: Action, confidence: f64) -> Prediction {
    Prediction {
        for_candle: CANDLE,
        action,
        confidence,
        stop: None,
        take_profit: None,
        raw_score: None,
    }
}

fn voter(model: &str, action: Action, confidence: f64) -> Voter {
    Voter {
        model: model.to_owned(),
        weight: 1.0,
        record: TrackRecord::default(),
        answer: Ok(says(action, confidence)),
    }
}

fn decide(settings: Settings, voters: &[Voter]) -> Decision {
    Ensemble::new(settings).unwrap().decide(&Question::new(CANDLE, 100.0), voters)
}

fn open(method: Method) -> Settings {
    Settings {
        method,
        threshold: 0.0,
        uncertainty_threshold: 1.0,
        expected_value_threshold: -1.0,
        ..Settings::default()
    }
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

#[test]
fn weighted_vote_weighs_confidence_and_record() {
    let mut good = voter("good", Action::Long, 0.6);
    for _ in 0..8 {
        good.record.settle(Action::Long, Action::Long);
    }
    let bad = voter("bad", Action::Short, 0.9);
    let decision = decide(open(Method::WeightedVote), &[good, bad]);
    let (w, v) = (0.9_f64.powf(0.95), 0.5_f64.powf(0.95));
    assert_eq!(decision.action, Action::Long);
    close(decision.confidence, 0.6 * w / (w + v));
    close(decision.support[1], 0.9 * v / (w + v));
    assert_eq!(decision.votes[0].model, "bad");
    close(decision.votes[1].weight, w);
}

#[test]
fn one_sure_model_does_not_win_an_average_against_two() {
    let voters = [
        voter("a", Action::Long, 0.6),
        voter("b", Action::Long, 0.7),
        voter("c", Action::Short, 0.99),
    ];
    let decision = decide(open(Method::AverageConfidence), &voters);
    assert_eq!(decision.action, Action::Long);
    close(decision.confidence, 0.65);
    let decision = decide(open(Method::Majority), &voters);
    close(decision.confidence, 2.0 / 3.0);
}

#[test]
fn a_model_that_is_always_wrong_votes_for_the_contrary() {
    let mut wrong = voter("wrong", Action::Long, 0.9);
    for _ in 0..200 {
        wrong.record.settle(Action::Long, Action::Short);
        wrong.record.settle(Action::Short, Action::Long);
        wrong.record.settle(Action::Hold, Action::Hold);
    }
    let decision = decide(open(Method::Bayesian), &[wrong]);
    assert_eq!(decision.action, Action::Short);
    assert!(decision.confidence > 0.9);
}

#[test]
fn gates_stop_and_say_why() {
    let long = voter("a", Action::Long, 0.65);
    let decision = decide(Settings::default(), std::slice::from_ref(&long));
    assert_eq!((decision.action, decision.proposed), (Action::Hold, Action::Long));
    assert_eq!(decision.stopped, Some(Gate::Confidence { found: 0.65, least: 0.7 }));

    let quorum = Settings { min_responding_models: 2, ..Settings::default() };
    let late = Voter { answer: Err(Absence::Late), ..long.clone() };
    let decision = decide(quorum, &[voter("b", Action::Long, 0.9), late]);
    assert_eq!(decision.stopped, Some(Gate::Quorum { found: 1, least: 2 }));

    let split = [voter("a", Action::Long, 0.9), voter("b", Action::Short, 0.1)];
    let settings = Settings { threshold: 0.1, ..Settings::default() };
    let stopped = decide(settings, &split).stopped;
    assert!(matches!(stopped, Some(Gate::Disagreement { .. })), "{stopped:?}");

    let ensemble = Ensemble::new(Settings::default()).unwrap();
    let dear = Question { cost: 0.05, ..Question::new(CANDLE, 100.0) };
    let decision = ensemble.decide(&dear, &[voter("a", Action::Long, 0.9)]);
    close(decision.expected_value.unwrap(), 0.9 * 0.05 - 0.1 * 0.02 - 0.05);
    assert!(matches!(decision.stopped, Some(Gate::ExpectedValue { .. })));
}

#[test]
fn answers_of_no_use_are_named() {
    let mut stale = voter("a", Action::Long, 0.9);
    stale.answer = Ok(Prediction { for_candle: Timestamp::from_ms(0), ..says(Action::Long, 0.9) });
    let nan = voter("b", Action::Long, f64::NAN);
    let heavy = Voter { weight: f64::INFINITY, ..voter("c", Action::Long, 0.9) };
    let decision = decide(Settings::default(), &[stale, nan, heavy]);
    assert_eq!(decision.action, Action::Hold);
    let faults: Vec<bool> = (decision.votes.iter())
        .map(|vote| vote.dropped.as_ref().unwrap().is_models_fault())
        .collect();
    assert_eq!(faults, [true, true, false]);
    let told = decision.votes[1].dropped.as_ref().unwrap().to_string();
    assert_eq!(told, "confidence NaN is not between 0 and 1");
}

#[test]
fn stops_come_from_the_winning_side_where_they_are_possible() {
    let with = |model, action, stop, target| {
        let answer =
            Prediction { stop: Some(stop), take_profit: Some(target), ..says(action, 0.9) };
        Voter { answer: Ok(answer), ..voter(model, action, 0.9) }
    };
    let voters = [
        with("a", Action::Long, 98.0, 104.0),
        with("b", Action::Long, 96.0, 106.0),
        with("c", Action::Long, 101.0, 99.0),
        with("d", Action::Short, 103.0, 90.0),
    ];
    let decision = decide(open(Method::Majority), &voters);
    assert_eq!((decision.stop, decision.take_profit), (Some(97.0), Some(105.0)));
}

#[test]
fn settings_have_ranges() {
    let error = Ensemble::new(Settings { threshold: 1.5, ..Settings::default() }).unwrap_err();
    assert_eq!(error.to_string(), "ensemble.threshold 1.5 is not possible: expected 0 to 1");
    assert!(Ensemble::new(Settings { weight_decay: f64::NAN, ..Settings::default() }).is_err());
}

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(Action::ALL.to_vec())
}

fn level() -> impl Strategy<Value = Option<f64>> {
    prop::option::of(1.0..200.0_f64)
}

prop_compose! {
    fn record()(counts in prop::collection::vec((action(), action(), 0..40_u32), 0..6)) -> TrackRecord {
        let mut record = TrackRecord::default();
        for (said, truth, count) in counts {
            (0..count).for_each(|_| record.settle(said, truth));
        }
        record
    }
}

prop_compose! {
    fn any_voter()(
        name in 0..100_u32, action in action(), confidence in 0.0..=1.0_f64, weight in 0.0..3.0_f64,
        record in record(), stop in level(), take_profit in level(),
    ) -> Voter {
        let answer = Prediction { stop, take_profit, ..says(action, confidence) };
        Voter { model: format!("model {name}"), weight, record, answer: Ok(answer) }
    }
}

/// One whose answer must not count.
fn useless() -> impl Strategy<Value = Voter> {
    let spoil = |mut voter: Voter, how: u8| {
        let said = says(Action::Short, 0.99);
        voter.answer = match how {
            0 => Err(Absence::Late),
            1 => Err(Absence::Unavailable { reason: "breaker open".to_owned() }),
            2 => Ok(Prediction { confidence: f64::NAN, ..said }),
            3 => Ok(Prediction { confidence: 1.01, ..said }),
            4 => Ok(Prediction { confidence: -0.5, ..said }),
            5 => Ok(Prediction { for_candle: Timestamp::from_ms(1), ..said }),
            6 => Ok(Prediction { stop: Some(f64::INFINITY), ..said }),
            _ => Ok(Prediction { raw_score: Some(f64::NAN), ..said }),
        };
        voter
    };
    (any_voter(), 0..8_u8).prop_map(move |(voter, how)| spoil(voter, how))
}

fn crowd() -> impl Strategy<Value = Vec<Voter>> {
    prop::collection::vec(any_voter(), 0..8)
}

proptest! {
    #[test]
    fn order_does_not_matter(
        (crowd, shuffled) in crowd().prop_flat_map(|c| (Just(c.clone()), Just(c).prop_shuffle())),
    ) {
        for method in METHODS {
            let settings = Settings { method, ..Settings::default() };
            prop_assert_eq!(decide(settings, &crowd), decide(settings, &shuffled));
        }
    }

    #[test]
    fn advice_is_read_back_as_it_was_given(crowd in crowd(), least in 1..4_usize, most in 0.0..1.0_f64) {
        for method in METHODS {
            let settings = Settings {
                method,
                min_responding_models: least,
                uncertainty_threshold: most,
                ..Settings::default()
            };
            let decision = decide(settings, &crowd);
            let kept = serde_json::to_value(&decision).unwrap().to_string();
            let read = Advice::recorded(&serde_json::from_str(&kept).unwrap()).unwrap();
            prop_assert_eq!(read, Advice::new(&decision));
        }
    }

    #[test]
    fn a_unanimous_vote_wins(
        action in action(), confidences in prop::collection::vec(0.001..=1.0_f64, 1..8),
        record in record(),
    ) {
        for method in METHODS {
            let crowd: Vec<Voter> = (confidences.iter().enumerate())
                .map(|(i, &confidence)| Voter {
                    // A record may be a reason to believe the contrary; only bayesian does.
                    record: if method == Method::Bayesian { TrackRecord::default() } else { record },
                    ..voter(&i.to_string(), action, confidence)
                })
                .collect();
            prop_assert_eq!(decide(open(method), &crowd).action, action);
        }
    }

    #[test]
    fn useless_answers_change_nothing(crowd in crowd(), useless in prop::collection::vec(useless(), 1..4)) {
        let mut more = crowd.clone();
        more.extend(useless);
        for method in METHODS {
            let settings = Settings { method, threshold: 0.3, ..Settings::default() };
            let (mut with, without) = (decide(settings, &more), decide(settings, &crowd));
            with.votes.retain(|vote| vote.dropped.is_none());
            prop_assert_eq!(with, without);
        }
    }

    #[test]
    fn ties_hold(confidence in 0.0..=1.0_f64, weight in 0.001..3.0_f64, record in record(), pairs in 1..5_usize) {
        let side = |action, i: usize| Voter {
            weight,
            record,
            ..voter(&format!("{action} {i}"), action, confidence)
        };
        let crowd: Vec<Voter> =
            (0..pairs).flat_map(|i| [side(Action::Long, i), side(Action::Short, i)]).collect();
        for method in METHODS {
            // Records that are not alike for both sides break the tie with reason.
            if method == Method::Bayesian && record != TrackRecord::default() {
                continue;
            }
            prop_assert_eq!(decide(open(method), &crowd).proposed, Action::Hold);
        }
    }

    #[test]
    fn decisions_are_in_range(crowd in crowd()) {
        for method in METHODS {
            let decision = decide(open(method), &crowd);
            prop_assert!((0.0..=1.0).contains(&decision.confidence));
            prop_assert!(decision.support.iter().all(|share| (0.0..=1.0).contains(share)));
            prop_assert!((0.0..=1.0).contains(&decision.disagreement));
            let sign = decision.proposed.sign();
            prop_assert!(sign != 0.0 || (decision.stop, decision.take_profit) == (None, None));
            prop_assert!(decision.stop.is_none_or(|stop| (stop - 100.0) * sign < 0.0));
            prop_assert!(decision.take_profit.is_none_or(|target| (target - 100.0) * sign > 0.0));
            let named = |level: fn(&Prediction) -> Option<f64>, mean: Option<f64>| {
                let side: Vec<f64> = (decision.votes.iter())
                    .filter_map(|vote| vote.prediction.as_ref())
                    .filter(|said| said.action == decision.proposed)
                    .filter_map(level)
                    .collect();
                mean.is_none_or(|mean| {
                    side.iter().any(|&level| level <= mean + 1e-9)
                        && side.iter().any(|&level| level >= mean - 1e-9)
                })
            };
            prop_assert!(named(|said| said.stop, decision.stop));
            prop_assert!(named(|said| said.take_profit, decision.take_profit));
        }
    }
}

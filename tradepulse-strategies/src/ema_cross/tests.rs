use tradepulse_core::order::Side;
use tradepulse_core::parameter::ParameterError;
use tradepulse_core::strategy::lookahead::intents;
use tradepulse_core::strategy::{Entry, Inputs, Intent, Strategy};

use super::EmaCross;
use crate::scene::{Scene, parameters};

/// Closes falling by 1 for 12 candles, rising for 12, falling for 12.
fn waves() -> Scene {
    let steps = [-1.0; 12].into_iter().chain([1.0; 12]).chain([-1.0; 12]);
    let mut close = 100.0;
    steps.fold(Scene::quiet(Side::Long, 0), |scene, step| {
        let open = close;
        close += step;
        scene.candle(open, open.max(close), open.min(close), close, 1.0)
    })
}

const PERIODS: [(&str, &str); 2] = [("fast", "3"), ("slow", "6")];

fn wanted(settings: &[(&str, &str)]) -> Vec<(usize, Intent)> {
    let all = intents::<EmaCross>(&waves().series(), &parameters::<EmaCross>(settings)).unwrap();
    all.into_iter().enumerate().filter_map(|(at, intent)| Some((at, intent?))).collect()
}

#[test]
fn enters_above_and_leaves_below() {
    let wanted = wanted(&PERIODS);
    let [(15, Intent::Enter(entry)), (27, Intent::Exit)] = wanted[..] else {
        panic!("{wanted:?}");
    };
    let close = 92.0;
    assert_eq!(
        entry,
        Entry {
            side: Side::Long,
            stop: close * (1.0 - 2.0 / 100.0),
            target: Some(close * (1.0 + 5.0 / 100.0)),
            max_holding: None
        }
    );
}

#[test]
fn reverses_if_shorts_are_allowed() {
    let wanted = wanted(&[PERIODS[0], PERIODS[1], ("allow_short", "true")]);
    let [(15, Intent::Enter(_)), (27, Intent::Enter(entry))] = wanted[..] else {
        panic!("{wanted:?}");
    };
    let close = 96.0;
    assert_eq!(entry.side, Side::Short);
    assert_eq!(entry.stop, close * (1.0 + 2.0 / 100.0));
    assert_eq!(entry.target, Some(close * (1.0 - 5.0 / 100.0)));
}

#[test]
fn touching_is_not_crossing_until_it_parts() {
    // Flat: both averages are equal, then they part upwards: from "not above" to above.
    let scene = Scene::quiet(Side::Long, 20).candle(100.0, 101.0, 100.0, 101.0, 1.0);
    let all = intents::<EmaCross>(&scene.series(), &parameters::<EmaCross>(&PERIODS)).unwrap();
    assert_eq!(all.iter().position(Option::is_some), Some(20));
}

#[test]
fn fast_must_be_below_slow() {
    for (fast, slow) in [("50", "50"), ("60", "50")] {
        let parameters = parameters::<EmaCross>(&[("fast", fast), ("slow", slow)]);
        let error = EmaCross::new(&parameters, &mut Inputs::default()).unwrap_err();
        assert!(matches!(error, ParameterError::Infeasible(_)), "{error}");
        assert!(error.to_string().contains("must be below slow (50)"), "{error}");
    }
}

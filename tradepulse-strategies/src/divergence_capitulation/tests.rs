use tradepulse_core::order::Side;
use tradepulse_core::parameter::ParameterError;
use tradepulse_core::strategy::{Inputs, Strategy};

use super::DivergenceCapitulation;
use crate::scene::{BOTH, Found, Scene, at, parameters};

const SETTINGS: [(&str, &str); 4] =
    [("allow_short", "true"), ("rsi_period", "7"), ("ema_fast", "20"), ("ema_slow", "100")];

fn entries(scene: &Scene, more: &[(&str, &str)]) -> Vec<Found> {
    scene.entries::<DivergenceCapitulation>(&[&SETTINGS, more].concat())
}

/// A candle from `open` to `close` with wicks of 0.1; its low may reach further.
fn bar(scene: Scene, open: f64, close: f64, low: f64, volume: f64) -> Scene {
    scene.candle(open, open.max(close) + 0.1, low.min(open.min(close) - 0.1), close, volume)
}

/// 120 candles down to 100; a steep fall to the low a = 93 at candle 122, and a rebound to 97.
fn fall(side: Side) -> Scene {
    let scene = (0..120).fold(Scene::quiet(side, 0), |scene, k| {
        let open = 112.0 - 0.1 * f64::from(k);
        bar(scene, open, open - 0.1, open - 0.2, 10.0)
    });
    let scene = bar(scene, 100.0, 97.0, 96.9, 10.0);
    let scene = bar(scene, 97.0, 94.5, 94.4, 10.0);
    let scene = bar(scene, 94.5, 93.5, 93.0, 10.0);
    let scene = bar(scene, 93.5, 95.5, 93.4, 10.0);
    bar(scene, 95.5, 97.0, 95.4, 10.0)
}

/// A slower fall to the low b = 92.8 at candle 127, on `volume`.
fn lower_low(scene: Scene, volume: f64) -> Scene {
    let scene = bar(scene, 97.0, 95.5, 95.4, 10.0);
    let scene = bar(scene, 95.5, 94.2, 94.1, 10.0);
    bar(scene, 94.2, 93.6, 92.8, volume)
}

/// A bullish candle: closes at 94.2.
fn turn(scene: Scene) -> Scene {
    bar(scene, 93.6, 94.2, 93.5, 10.0)
}

#[test]
fn a_divergence_on_volume() {
    for side in BOTH {
        let scene = turn(lower_low(fall(side), 40.0));
        let found = entries(&scene, &[("stop_buffer", "0.5")]);
        assert_eq!(at(&found), [128]);
        assert!((found[0].stop - (92.8 - 0.005 * 92.8)).abs() < 0.1, "{found:?}");
        assert!(found[0].target > 97.0 && found[0].target < 100.0, "{found:?}");
        assert_eq!(scene.funnel::<DivergenceCapitulation>(&SETTINGS)[2..], [1; 4]);
    }
}

#[test]
fn shorts_only_if_allowed() {
    let scene = turn(lower_low(fall(Side::Short), 40.0));
    assert_eq!(at(&scene.entries::<DivergenceCapitulation>(&SETTINGS[1..])), [] as [usize; 0]);
}

#[test]
fn the_second_low_must_be_loud() {
    for side in BOTH {
        let with = |volume| at(&entries(&turn(lower_low(fall(side), volume)), &[])).len();
        assert_eq!([with(0.0), with(29.9), with(30.0)], [0, 0, 1]);
    }
}

#[test]
fn the_second_low_must_be_lower() {
    for side in BOTH {
        let scene = bar(fall(side), 97.0, 95.5, 95.4, 10.0);
        let scene = bar(scene, 95.5, 94.2, 94.1, 10.0);
        let scene = turn(bar(scene, 94.2, 93.6, 93.1, 40.0));
        assert_eq!(at(&entries(&scene, &[])), [] as [usize; 0]);
    }
}

#[test]
fn the_rsi_must_not_confirm() {
    for side in BOTH {
        // A downtrend with many small rebounds, a shallow low, and then a steep fall.
        let falling = (0..60).fold(Scene::quiet(side, 0), |scene, k| {
            let open = 112.0 - 0.2 * f64::from(k);
            bar(bar(scene, open, open - 0.3, open, 10.0), open - 0.3, open - 0.2, open, 10.0)
        });
        let scene = bar(falling, 100.0, 99.5, 99.0, 10.0);
        let scene = bar(scene, 99.5, 99.9, 99.4, 10.0);
        let scene = bar(scene, 99.9, 95.0, 94.9, 10.0);
        let scene = bar(scene, 95.0, 90.0, 89.5, 40.0);
        let scene = bar(scene, 90.0, 90.8, 89.9, 10.0);
        assert_eq!(at(&entries(&scene, &[])), [] as [usize; 0]);
        assert_eq!(scene.funnel::<DivergenceCapitulation>(&SETTINGS)[1..3], [1, 0]);
    }
}

#[test]
fn only_the_first_bullish_candle_after_the_low() {
    for side in BOTH {
        let pause = |scene| bar(scene, 93.6, 93.5, 93.4, 10.0);
        let scene = lower_low(fall(side), 40.0);
        assert_eq!(at(&entries(&turn(turn(scene.clone())), &[])), [128]);
        assert_eq!(at(&entries(&turn(pause(scene.clone())), &[])), [129]);
        // The first turn promises too little, the second comes too late.
        let high = bar(scene, 93.6, 98.0, 93.5, 10.0);
        assert_eq!(at(&entries(&turn(high), &[])), [] as [usize; 0]);
    }
}

#[test]
fn both_lows_lie_in_the_lookback() {
    for side in BOTH {
        let pause = |scene| bar(scene, 93.6, 93.5, 93.4, 10.0);
        let after = |pauses| {
            let scene = (0..pauses).fold(lower_low(fall(side), 40.0), |scene, _| pause(scene));
            at(&entries(&turn(scene), &[("divergence_lookback", "10"), ("min_reward_risk", "1")]))
                .len()
        };
        // The first low is candle 122: i - 9 at candle 131.
        assert_eq!([after(3), after(4)], [1, 0]);
    }
}

#[test]
fn the_target_must_pay_for_the_risk() {
    for side in BOTH {
        let scene = turn(lower_low(fall(side), 40.0));
        let found = entries(&scene, &[("stop_buffer", "1")]);
        assert_eq!(at(&found), [] as [usize; 0]);
        assert_eq!(at(&entries(&scene, &[("stop_buffer", "1"), ("min_reward_risk", "1")])), [128]);
    }
}

#[test]
fn against_the_trend_there_is_no_entry() {
    for side in BOTH {
        // The same end after a rise: EMA(20) above EMA(100).
        let rise = (0..120).fold(Scene::quiet(side, 0), |scene, k| {
            let open = 88.0 + 0.1 * f64::from(k);
            bar(scene, open, open + 0.1, open - 0.1, 10.0)
        });
        let scene = bar(rise, 100.0, 99.0, 98.5, 10.0);
        let scene = bar(scene, 99.0, 99.8, 98.9, 10.0);
        let scene = bar(scene, 99.8, 99.2, 99.1, 10.0);
        let scene = bar(scene, 99.2, 98.9, 98.3, 40.0);
        let scene = bar(scene, 98.9, 99.1, 98.8, 10.0);
        assert_eq!(at(&entries(&scene, &[])), [] as [usize; 0]);
        assert_eq!(scene.funnel::<DivergenceCapitulation>(&SETTINGS)[..2], [1, 0]);
    }
}

#[test]
fn fast_must_be_below_slow() {
    let parameters =
        parameters::<DivergenceCapitulation>(&[("ema_fast", "100"), ("ema_slow", "100")]);
    let error = DivergenceCapitulation::new(&parameters, &mut Inputs::default()).unwrap_err();
    assert!(matches!(error, ParameterError::Infeasible(_)), "{error}");
}

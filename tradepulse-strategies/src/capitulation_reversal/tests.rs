use super::CapitulationReversal;
use crate::scene::{BOTH, Found, Scene, assert_entry, at};
use tradepulse_core::order::Side;

fn entries(scene: &Scene, settings: &[(&str, &str)]) -> Vec<Found> {
    scene.entries::<CapitulationReversal>(settings)
}

/// Volume (30), body (25) and range (20), at a new low; midpoint 98.05.
fn panic(scene: Scene) -> Scene {
    scene.candle(100.0, 100.1, 96.0, 97.0, 40.0)
}

fn recovery(scene: Scene) -> Scene {
    scene.candle(97.0, 98.6, 96.8, 98.5, 10.0)
}

fn pause(scene: Scene) -> Scene {
    scene.candle(97.0, 97.4, 96.6, 97.0, 10.0)
}

fn base(side: Side) -> Scene {
    Scene::quiet(side, 30)
}

#[test]
fn a_panic_and_its_recovery() {
    for side in BOTH {
        let scene = recovery(pause(panic(base(side))));
        let stop = 96.0 - 0.5 * scene.atr(14, 32);
        assert_entry(&entries(&scene, &[]), 32, stop, 98.5 + 2.5 * (98.5 - stop));
        assert_eq!(scene.funnel::<CapitulationReversal>(&[]), [1, 1, 1, 1]);
    }
}

#[test]
fn points_add_up() {
    for side in BOTH {
        let score = |open, high, low, close, volume, least| {
            let scene = base(side).candle(open, high, low, close, volume);
            let settings = [("panic_score_min", least)];
            scene.funnel::<CapitulationReversal>(&settings)[1] == 1
        };
        // RSI has no losses before, so the fall takes it below 25: 10 points with each.
        assert!(score(100.0, 100.1, 96.0, 97.0, 40.0, "0.85"), "all but the wick");
        assert!(!score(100.0, 100.1, 96.0, 97.0, 40.0, "0.90"), "all but the wick");
        assert!(score(100.0, 100.1, 96.0, 97.0, 29.9, "0.55"), "without volume");
        assert!(!score(100.0, 100.1, 96.0, 97.0, 29.9, "0.60"), "without volume");
        assert!(score(98.4, 100.0, 96.0, 97.0, 30.0, "0.60"), "without body");
        assert!(!score(98.4, 100.0, 96.0, 97.0, 30.0, "0.65"), "without body");
        assert!(score(98.6, 98.6, 96.7, 97.0, 30.0, "0.85"), "true range over a gap");
        assert!(score(97.6, 97.7, 96.0, 97.2, 40.0, "0.75"), "without body, with wick");
        assert!(!score(97.6, 97.7, 96.0, 97.2, 40.0, "0.80"), "without body, with wick");
    }
}

#[test]
fn a_panic_is_at_the_lowest_low_of_20() {
    for side in BOTH {
        let lower = |before, low| {
            let scene = base(side).candle(100.0, 100.5, low, 100.0, 10.0).more_quiet(before);
            at(&entries(&recovery(panic(scene)), &[])).len()
        };
        assert_eq!(lower(18, 95.9), 0);
        assert_eq!(lower(19, 95.9), 1);
        assert_eq!(lower(3, 96.0), 1, "equal lows are not below");
    }
}

#[test]
fn no_panic_before_its_inputs_exist() {
    for side in BOTH {
        let after = |n| at(&entries(&recovery(panic(Scene::quiet(side, n))), &[]));
        assert_eq!(after(19), [] as [usize; 0]);
        assert_eq!(after(20), [21]);
    }
}

#[test]
fn the_midpoint_must_be_passed_by_a_bullish_close() {
    for side in BOTH {
        let with = |open, close| {
            let scene = panic(base(side)).candle(open, 99.0, 96.5, close, 10.0);
            at(&entries(&scene, &[])).len()
        };
        assert_eq!([with(97.0, 98.0), with(97.0, 98.1), with(98.3, 98.1)], [0, 1, 0]);
    }
}

#[test]
fn a_lower_low_voids_the_panic() {
    for side in BOTH {
        let with = |low| {
            let scene = panic(base(side)).candle(97.0, 97.2, low, 96.8, 10.0);
            at(&entries(&recovery(scene), &[])).len()
        };
        assert_eq!([with(95.99), with(96.0)], [0, 1]);
        let at_once = panic(base(side)).candle(97.0, 98.6, 95.9, 98.5, 10.0);
        assert_eq!(at(&entries(&recovery(at_once), &[])), [] as [usize; 0]);
    }
}

#[test]
fn the_recovery_may_take_its_time_but_no_longer() {
    for side in BOTH {
        let after = |pauses| {
            let scene = (0..pauses).fold(panic(base(side)), |scene, _| pause(scene));
            at(&entries(&recovery(scene), &[("panic_window", "3")])).len()
        };
        assert_eq!([after(0), after(2), after(3)], [1, 1, 0]);
    }
}

#[test]
fn a_panic_is_used_once_and_the_latest_first() {
    for side in BOTH {
        let scene = recovery(recovery(panic(base(side))));
        assert_eq!(at(&entries(&scene, &[])), [31]);
        // A second panic to the same low: the latest is used first, then the older one.
        let second = |scene: Scene| scene.candle(99.9, 99.9, 96.0, 97.0, 200.0);
        let scene = recovery(recovery(recovery(second(panic(base(side))))));
        assert_eq!(at(&entries(&scene, &[])), [32, 33]);
        // To a lower low: the older one is void.
        let lower = |scene: Scene| scene.candle(99.9, 99.9, 95.0, 97.0, 200.0);
        let scene = recovery(recovery(recovery(lower(panic(base(side))))));
        assert_eq!(at(&entries(&scene, &[])), [32]);
    }
}

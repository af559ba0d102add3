use tradepulse_core::order::Side;

use super::FailedBreakdown;
use crate::scene::{BOTH, Found, Scene, assert_entry, at};

/// A range of 20 candles from 99.5 to 100.5.
const RANGE: [(&str, &str); 2] = [("allow_short", "true"), ("range_lookback", "20")];

fn entries(scene: &Scene, more: &[(&str, &str)]) -> Vec<Found> {
    scene.entries::<FailedBreakdown>(&[&RANGE, more].concat())
}

fn breakdown(scene: Scene) -> Scene {
    scene.candle(99.8, 99.9, 99.2, 99.3, 10.0)
}

fn below(scene: Scene) -> Scene {
    scene.candle(99.3, 99.4, 99.25, 99.3, 10.0)
}

fn recovery(scene: Scene) -> Scene {
    scene.candle(99.3, 99.9, 99.3, 99.8, 20.0)
}

#[test]
fn a_spring_and_its_recovery() {
    for side in BOTH {
        let scene = recovery(below(breakdown(Scene::quiet(side, 30))));
        let (i, atr) = (32, scene.atr(14, 32));
        let stop = 99.2 - 0.5 * atr;
        assert_entry(&entries(&scene, &[]), i, stop, 99.8 + 2.0 * (99.8 - stop));
        assert_eq!(scene.funnel::<FailedBreakdown>(&RANGE), [1; 7]);
    }
}

#[test]
fn shorts_only_if_allowed() {
    let scene = recovery(breakdown(Scene::quiet(Side::Short, 30)));
    assert_eq!(at(&scene.entries::<FailedBreakdown>(&[RANGE[1]])), [] as [usize; 0]);
    assert_eq!(scene.funnel::<FailedBreakdown>(&[RANGE[1]]), [] as [u64; 0]);
}

#[test]
fn the_stop_lies_below_everything_since_the_breakdown() {
    for side in BOTH {
        let scene = breakdown(Scene::quiet(side, 30)).candle(99.3, 99.4, 98.9, 99.3, 10.0);
        let scene = recovery(scene);
        let stop = 98.9 - 0.5 * scene.atr(14, 32);
        assert_entry(&entries(&scene, &[]), 32, stop, 99.8 + 2.0 * (99.8 - stop));
    }
}

#[test]
fn the_breakdown_must_reach_deep_enough() {
    for side in BOTH {
        let with = |low| {
            let scene = Scene::quiet(side, 30).candle(99.8, 99.9, low, 99.45, 10.0);
            at(&entries(&recovery(scene), &[("breakdown_depth", "0.2")])).len()
        };
        // 0.2 % of 99.5 (100.5): 0.2.
        assert_eq!([with(99.31), with(99.28)], [0, 1]);
    }
}

#[test]
fn a_full_range_must_lie_before_it() {
    for side in BOTH {
        let after = |n| at(&entries(&recovery(breakdown(Scene::quiet(side, n))), &[]));
        assert_eq!(after(19), [] as [usize; 0]);
        assert_eq!(after(20), [21]);
    }
}

#[test]
fn the_range_must_be_tight() {
    for side in BOTH {
        // A range of 3 % below the one touch at 102.5.
        let range = |scene: Scene| scene.candle(102.0, 102.5, 99.5, 100.0, 10.0).more_quiet(6);
        let scene = recovery(breakdown(range(range(Scene::quiet(side, 30)))));
        assert_eq!(at(&entries(&scene, &[("range_tightness", "3.5")])).len(), 1);
        assert_eq!(at(&entries(&scene, &[("range_tightness", "2.5")])), [] as [usize; 0]);
    }
}

#[test]
fn tightness_is_in_percent_of_support_for_both_sides() {
    for side in BOTH {
        let range = (0..10).fold(Scene::quiet(side, 20), |scene, _| {
            scene.candle(100.0, 105.0, 99.0, 100.0, 10.0).candle(100.0, 101.0, 95.0, 100.0, 10.0)
        });
        let scene = range.candle(96.0, 96.0, 94.0, 94.5, 10.0).candle(94.5, 96.0, 94.5, 96.0, 20.0);
        // A height of 10 is 10.5 % of 95, and 9.5 % of 105.
        assert_eq!(at(&entries(&scene, &[("range_tightness", "10")])), [] as [usize; 0]);
        assert_eq!(at(&entries(&scene, &[("range_tightness", "11")])), [41]);
    }
}

#[test]
fn both_sides_of_the_range_must_be_touched() {
    for side in BOTH {
        let high = |scene: Scene| scene.candle(100.0, 101.0, 99.5, 100.0, 10.0).more_quiet(4);
        let twice = recovery(breakdown(high(high(Scene::quiet(side, 30)))));
        assert_eq!(at(&entries(&twice, &[])).len(), 1);
        assert_eq!(at(&entries(&twice, &[("min_touches", "3")])), [] as [usize; 0]);
        let once = recovery(breakdown(high(Scene::quiet(side, 30))));
        assert_eq!(at(&entries(&once, &[])), [] as [usize; 0]);
    }
}

#[test]
fn a_breakdown_on_high_volume_is_real() {
    for side in BOTH {
        let with = |volume| {
            let scene = Scene::quiet(side, 30).candle(99.8, 99.9, 99.2, 99.3, volume);
            at(&entries(&recovery(scene), &[])).len()
        };
        assert_eq!([with(30.1), with(30.0), with(0.1), with(0.0)], [0, 1, 1, 0]);
    }
}

#[test]
fn the_recovery_needs_volume_and_has_one_chance() {
    for side in BOTH {
        let with = |volume| {
            let scene = breakdown(Scene::quiet(side, 30)).candle(99.3, 99.9, 99.3, 99.8, volume);
            at(&entries(&recovery(scene), &[])).len()
        };
        assert_eq!([with(11.9), with(12.0)], [0, 1]);
    }
}

#[test]
fn without_volume_there_is_neither_breakdown_nor_recovery() {
    for side in BOTH {
        let silent = (0..30)
            .fold(Scene::quiet(side, 0), |scene, _| scene.candle(100.0, 100.5, 99.5, 100.0, 0.0));
        let scene = silent.candle(99.8, 99.9, 99.2, 99.3, 0.0);
        assert_eq!(at(&entries(&recovery(scene), &[])), [] as [usize; 0]);
        let one = breakdown(Scene::quiet(side, 30)).candle(99.3, 99.9, 99.3, 99.8, 0.0);
        assert_eq!(at(&entries(&recovery(one), &[])), [] as [usize; 0]);
    }
}

#[test]
fn a_close_at_support_is_no_recovery() {
    for side in BOTH {
        let scene = breakdown(Scene::quiet(side, 30)).candle(99.3, 99.9, 99.3, 99.5, 20.0);
        assert_eq!(at(&entries(&scene, &[])), [] as [usize; 0]);
        assert_eq!(at(&entries(&recovery(scene), &[])), [32]);
    }
}

#[test]
fn the_recovery_may_take_its_time_but_no_longer() {
    for side in BOTH {
        let three = [("spring_max_duration", "3")];
        let after = |pauses| {
            let scene = breakdown(Scene::quiet(side, 30));
            let scene = recovery((0..pauses).fold(scene, |scene, _| below(scene)));
            at(&entries(&scene, &three)).len()
        };
        assert_eq!([after(0), after(2), after(3)], [1, 1, 0]);
    }
}

#[test]
fn what_ends_a_breakdown_cannot_be_the_next() {
    for side in BOTH {
        let one = [("spring_max_duration", "1"), ("breakdown_depth", "0.05")];
        let first = Scene::quiet(side, 30).candle(99.8, 99.9, 99.39, 99.42, 10.0);
        let second = |scene: Scene| scene.candle(99.42, 99.45, 99.2, 99.25, 10.0);
        let recovers_both = |scene: Scene| scene.candle(99.25, 99.9, 99.25, 99.8, 20.0);
        let at_once = recovers_both(second(first.clone()));
        assert_eq!(at(&entries(&at_once, &one)), [] as [usize; 0]);
        let pause = first.candle(99.42, 99.45, 99.4, 99.42, 10.0);
        assert_eq!(at(&entries(&recovers_both(second(pause)), &one)), [33]);
        // Nor can a candle that recovers and breaks down.
        let scene = breakdown(Scene::quiet(side, 30)).candle(99.3, 99.9, 98.9, 99.8, 10.0);
        assert_eq!(at(&entries(&recovery(scene), &[("min_touches", "2")])), [] as [usize; 0]);
    }
}

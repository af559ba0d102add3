use tradepulse_core::order::Side;

use super::VolumeBreakout;
use crate::scene::{BOTH, Scene, assert_entry, at};

const BOTH_SIDES: (&str, &str) = ("allow_short", "true");

fn breakout(scene: Scene) -> Scene {
    scene.candle(100.0, 100.7, 99.9, 100.6, 30.0)
}

#[test]
fn a_close_beyond_the_range_on_volume() {
    for side in BOTH {
        let scene = breakout(Scene::quiet(side, 40));
        let found = scene.entries::<VolumeBreakout>(&[BOTH_SIDES]);
        assert_entry(&found, 40, 100.0, 100.6 + 2.5 * 0.6);
        assert_eq!(scene.funnel::<VolumeBreakout>(&[BOTH_SIDES])[1..], [1, 1, 1, 1]);
    }
}

#[test]
fn shorts_only_if_allowed() {
    let scene = breakout(Scene::quiet(Side::Short, 40));
    assert_eq!(at(&scene.entries::<VolumeBreakout>(&[])), [] as [usize; 0]);
    assert_eq!(scene.funnel::<VolumeBreakout>(&[]), [] as [u64; 0]);
}

#[test]
fn a_close_at_the_edge_is_inside() {
    for side in BOTH {
        let scene = Scene::quiet(side, 40).candle(100.0, 101.0, 99.9, 100.5, 30.0);
        assert_eq!(at(&scene.entries::<VolumeBreakout>(&[BOTH_SIDES])), [] as [usize; 0]);
    }
}

#[test]
fn the_volume_may_equal_its_multiple() {
    for side in BOTH {
        let with = |volume| {
            let scene = Scene::quiet(side, 40).candle(100.0, 100.7, 99.9, 100.6, volume);
            at(&scene.entries::<VolumeBreakout>(&[BOTH_SIDES])).len()
        };
        assert_eq!([with(24.9), with(25.0)], [0, 1]);
    }
}

#[test]
fn no_volume_confirms_nothing() {
    for side in BOTH {
        let silent = (0..40)
            .fold(Scene::quiet(side, 0), |scene, _| scene.candle(100.0, 100.5, 99.5, 100.0, 0.0));
        let with = |volume| {
            let scene = silent.clone().candle(100.0, 100.7, 99.9, 100.6, volume);
            at(&scene.entries::<VolumeBreakout>(&[BOTH_SIDES])).len()
        };
        assert_eq!([with(0.0), with(0.1)], [0, 1]);
    }
}

#[test]
fn every_candle_of_the_consolidation_must_be_small() {
    for side in BOTH {
        let large = |scene: Scene| scene.candle(100.0, 100.9, 99.1, 100.0, 10.0);
        let after = |quiet| {
            let scene = breakout(large(Scene::quiet(side, 40)).more_quiet(quiet));
            // The breakout of the smaller range before it would count.
            at(&scene.entries::<VolumeBreakout>(&[BOTH_SIDES])).len()
        };
        assert_eq!([after(9), after(10)], [0, 1]);
    }
}

#[test]
fn the_average_range_must_exist_for_every_candle() {
    for side in BOTH {
        let settings = [BOTH_SIDES, ("volume_sma_period", "10")];
        let after = |n| at(&breakout(Scene::quiet(side, n)).entries::<VolumeBreakout>(&settings));
        // ATR(20) exists from candle 20 on, and ten candles must have it.
        assert_eq!(after(29), [] as [usize; 0]);
        assert_eq!(after(30), [30]);
    }
}

#[test]
fn the_whole_consolidation_must_be_tight() {
    for side in BOTH {
        // Small candles that drift: together 2.6 wide.
        let drift = (0..5).fold(Scene::quiet(side, 40), |scene, k| {
            let middle = 100.0 - 0.4 * f64::from(k);
            scene.candle(middle, middle + 0.5, middle - 0.5, middle, 10.0)
        });
        let scene = drift.candle(98.4, 100.7, 98.4, 100.6, 30.0);
        assert_eq!(at(&scene.entries::<VolumeBreakout>(&[BOTH_SIDES])), [45]);
        let strict = [BOTH_SIDES, ("max_range", "1.5")];
        assert_eq!(at(&scene.entries::<VolumeBreakout>(&strict)), [] as [usize; 0]);
    }
}

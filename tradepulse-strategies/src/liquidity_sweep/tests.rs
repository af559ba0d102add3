use super::LiquiditySweep;
use crate::scene::{BOTH, Scene, assert_entry, at};
use tradepulse_core::order::Side;

/// Two swing lows at 99.1 and 99, at candles 30 and 34: a level with two touches at each.
fn two_touches(side: Side) -> Scene {
    touch(touch(Scene::quiet(side, 30), 99.1).more_quiet(3), 99.0).more_quiet(3)
}

fn touch(scene: Scene, low: f64) -> Scene {
    scene.candle(100.0, 100.5, low, 100.0, 10.0)
}

/// A sweep of 99.1 that closes at once above it.
fn sweep_and_rejection(scene: Scene) -> Scene {
    scene.candle(99.3, 100.0, 98.5, 99.9, 40.0)
}

/// A sweep of 99.1 that closes below it.
fn sweep_only(scene: Scene) -> Scene {
    scene.candle(99.9, 99.9, 98.5, 98.7, 40.0)
}

/// A bullish candle of range 1.5 that closes above the level.
fn rejection(scene: Scene) -> Scene {
    scene.candle(98.7, 100.2, 98.7, 99.8, 10.0)
}

/// A candle that neither sweeps nor rejects.
fn pause(scene: Scene) -> Scene {
    scene.candle(98.7, 99.0, 98.6, 98.7, 10.0)
}

#[test]
fn sweep_and_rejection_on_one_candle() {
    for side in BOTH {
        let scene = sweep_and_rejection(two_touches(side));
        let (k, atr) = (scene.len() - 1, scene.atr(14, scene.len() - 1));
        let found = scene.entries::<LiquiditySweep>(&[]);
        assert_entry(&found, k, 99.9 - atr, 99.9 + 2.5 * atr);
        let wide = [("stop_distance", "2"), ("target_multiple", "1.5")];
        let found = scene.entries::<LiquiditySweep>(&wide);
        assert_entry(&found, k, 99.9 - 2.0 * atr, 99.9 + 3.0 * atr);
        assert_eq!(scene.funnel::<LiquiditySweep>(&[]), [1; 6]);
    }
}

#[test]
fn levels_need_enough_touches() {
    for side in BOTH {
        let one = touch(Scene::quiet(side, 30), 99.0).more_quiet(3);
        let scene = sweep_and_rejection(one);
        assert_eq!(at(&scene.entries::<LiquiditySweep>(&[])), [] as [usize; 0]);
        assert_eq!(scene.funnel::<LiquiditySweep>(&[]), [1, 1, 0, 0, 0, 0]);
        let loose = [("min_stop_density_score", "0.5")];
        assert_eq!(at(&scene.entries::<LiquiditySweep>(&loose)), [34]);
        let scene = sweep_and_rejection(two_touches(side));
        let strict = [("min_stop_density_score", "0.8")];
        assert_eq!(at(&scene.entries::<LiquiditySweep>(&strict)), [] as [usize; 0]);
        // A swing too far away is no touch.
        let apart = touch(touch(Scene::quiet(side, 30), 99.3).more_quiet(3), 99.0).more_quiet(3);
        assert_eq!(
            at(&sweep_and_rejection(apart).entries::<LiquiditySweep>(&[])),
            [] as [usize; 0]
        );
    }
}

#[test]
fn equal_lows_side_by_side_are_no_swing() {
    for side in BOTH {
        let scene = touch(touch(Scene::quiet(side, 30), 99.0), 99.0).more_quiet(3);
        let loose = [("min_stop_density_score", "0.5")];
        assert_eq!(
            at(&sweep_and_rejection(scene).entries::<LiquiditySweep>(&loose)),
            [] as [usize; 0]
        );
    }
}

#[test]
fn a_swing_is_a_level_once_it_is_known_before_the_sweep() {
    for side in BOTH {
        let loose = [("min_stop_density_score", "0.5")];
        let after = |quiet| {
            let scene = touch(Scene::quiet(side, 30), 99.0).more_quiet(quiet);
            at(&sweep_and_rejection(scene).entries::<LiquiditySweep>(&loose)).len()
        };
        assert_eq!([after(0), after(1), after(2), after(3)], [0, 0, 1, 1]);
    }
}

#[test]
fn levels_grow_old() {
    for side in BOTH {
        let settings = [("min_stop_density_score", "0.5"), ("key_level_lookback", "20")];
        let after = |quiet| {
            let scene = touch(Scene::quiet(side, 30), 99.0).more_quiet(quiet);
            at(&sweep_and_rejection(scene).entries::<LiquiditySweep>(&settings)).len()
        };
        // The sweep is `quiet + 1` candles after the swing.
        assert_eq!([after(18), after(19), after(20)], [1, 1, 0]);
    }
}

#[test]
fn the_volume_must_exceed_its_multiple() {
    for side in BOTH {
        let with = |volume| {
            let scene = two_touches(side).candle(99.3, 100.0, 98.5, 99.9, volume);
            at(&scene.entries::<LiquiditySweep>(&[("volume_spike_threshold", "2.5")])).len()
        };
        assert_eq!([with(0.0), with(25.0), with(25.1)], [0, 0, 1]);
    }
}

#[test]
fn the_level_must_be_pierced_deep_enough() {
    for side in BOTH {
        // 0.5 % of 99.1 and of 99: 98.60 and 98.51.
        let with = |low| {
            let scene = two_touches(side).candle(99.3, 100.0, low, 99.9, 40.0);
            at(&scene.entries::<LiquiditySweep>(&[("pierce_depth", "0.5")])).len()
        };
        assert_eq!([with(98.63), with(98.57)], [0, 1]);
    }
}

#[test]
fn the_close_before_must_respect_the_level() {
    for side in BOTH {
        let below = two_touches(side).candle(100.0, 100.5, 98.95, 98.98, 10.0);
        assert_eq!(
            at(&sweep_and_rejection(below).entries::<LiquiditySweep>(&[])),
            [] as [usize; 0]
        );
    }
}

#[test]
fn the_rejection_may_take_its_time_but_no_longer() {
    for side in BOTH {
        let waiting = |pauses| {
            let scene = sweep_only(two_touches(side));
            let scene = rejection((0..pauses).fold(scene, |scene, _| pause(scene)));
            at(&scene.entries::<LiquiditySweep>(&[])).len()
        };
        assert_eq!([waiting(0), waiting(1), waiting(2)], [1, 1, 0]);
        let one = [("rejection_candles", "1")];
        assert_eq!(
            at(&sweep_and_rejection(two_touches(side)).entries::<LiquiditySweep>(&one)).len(),
            1
        );
        assert_eq!(
            at(&rejection(sweep_only(two_touches(side))).entries::<LiquiditySweep>(&one)),
            [] as [usize; 0]
        );
    }
}

#[test]
fn a_rejection_is_bullish_wide_and_above_the_level() {
    for side in BOTH {
        let with = |open, high, low, close| {
            let scene = sweep_only(two_touches(side)).candle(open, high, low, close, 10.0);
            at(&scene.entries::<LiquiditySweep>(&[])).len()
        };
        assert_eq!(with(98.7, 100.2, 98.7, 99.8), 1);
        assert_eq!(with(99.9, 100.2, 98.7, 99.8), 0, "bearish");
        assert_eq!(with(99.8, 100.2, 98.7, 99.8), 0, "a doji");
        assert_eq!(with(99.3, 99.8, 99.3, 99.7), 0, "narrow");
        assert_eq!(with(98.7, 100.2, 98.7, 99.05), 0, "below the level");
    }
}

#[test]
fn a_sweep_is_used_once() {
    for side in BOTH {
        let scene = rejection(rejection(sweep_only(two_touches(side))));
        assert_eq!(at(&scene.entries::<LiquiditySweep>(&[])), [39]);
    }
}

#[test]
fn of_levels_equally_dense_the_nearest_counts() {
    for side in BOTH {
        // Above 99 but below 99.1: had the sweep been of 99, this would reject it.
        let scene = sweep_only(two_touches(side)).candle(98.7, 100.2, 98.7, 99.05, 10.0);
        assert_eq!(at(&scene.entries::<LiquiditySweep>(&[])), [] as [usize; 0]);
        let deeper = touch(two_touches(side), 98.8).more_quiet(3);
        // Now 99 has three touches, 99.1 two and 98.8 two.
        let scene = sweep_only(deeper).candle(98.7, 100.2, 98.7, 99.05, 10.0);
        assert_eq!(at(&scene.entries::<LiquiditySweep>(&[])), [43]);
    }
}

#[test]
fn a_newer_sweep_replaces_the_pending_one() {
    for side in BOTH {
        let base = touch(touch(Scene::quiet(side, 30), 98.0).more_quiet(3), 98.1).more_quiet(3);
        let base = touch(touch(base, 99.1).more_quiet(3), 99.0).more_quiet(3);
        // Sweeps 99.1 and closes at 98.5; then sweeps 98.1 and closes above that, below 99.1.
        let scene = base.candle(99.9, 99.9, 98.4, 98.5, 60.0);
        let swept = scene.clone().candle(98.2, 98.9, 97.5, 98.8, 90.0);
        assert_eq!(at(&swept.entries::<LiquiditySweep>(&[])), [47]);
        let quiet = scene.candle(98.2, 98.9, 97.5, 98.8, 5.0);
        assert_eq!(at(&quiet.entries::<LiquiditySweep>(&[])), [] as [usize; 0]);
    }
}

#[test]
fn a_wide_spread_uses_the_sweep_up() {
    for side in BOTH {
        let scene = rejection(sweep_and_rejection(two_touches(side)));
        // 4 and 6 basis points of about 100.
        assert_eq!(at(&scene.entries_at_quote::<LiquiditySweep>(&[], 0.04)), [38]);
        assert_eq!(at(&scene.entries_at_quote::<LiquiditySweep>(&[], 0.06)), [] as [usize; 0]);
        let tolerant = [("max_spread_tolerance", "7")];
        assert_eq!(at(&scene.entries_at_quote::<LiquiditySweep>(&tolerant, 0.06)), [38]);
    }
}

use tradepulse_core::order::Side;

use super::HtfSweep;
use crate::scene::{BOTH, Found, Scene, assert_entry, at};

/// Four base candles make a higher one, and one on each side makes a swing.
const SETTINGS: [(&str, &str); 2] = [("higher_timeframe_multiple", "4"), ("swing_lookback", "5")];

fn entries(scene: &Scene, more: &[(&str, &str)]) -> Vec<Found> {
    scene.entries::<HtfSweep>(&[&SETTINGS, more].concat())
}

/// A higher candle with this low, else like the quiet ones.
fn higher(scene: Scene, low: f64) -> Scene {
    scene.more_quiet(1).candle(100.0, 100.5, low, 100.0, 10.0).more_quiet(2)
}

/// A swing low at 99, known when the last of these candles closes.
fn swing(side: Side) -> Scene {
    higher(Scene::quiet(side, 8), 99.0).more_quiet(4)
}

/// Sweeps 99: low 98.8 in the second base candle, minor high 99.7, close 99.4.
fn sweep(scene: Scene) -> Scene {
    scene
        .candle(99.8, 100.2, 99.6, 99.7, 10.0)
        .candle(99.7, 99.9, 98.8, 99.2, 10.0)
        .candle(99.2, 99.6, 99.0, 99.5, 10.0)
        .candle(99.5, 99.7, 99.3, 99.4, 10.0)
}

fn base(scene: Scene, low: f64, close: f64) -> Scene {
    scene.candle(99.4, close.max(99.4), low, close, 10.0)
}

#[test]
fn a_sweep_and_the_structure_shift() {
    for side in BOTH {
        let scene = base(base(sweep(swing(side)), 99.3, 99.7), 99.3, 99.8);
        let found = entries(&scene, &[]);
        assert_entry(&found, 21, 98.8, 99.8 + 2.5 * (99.8 - 98.8));
        assert_eq!(scene.funnel::<HtfSweep>(&SETTINGS), [5, 1, 1, 1, 1]);
        let found = entries(&scene, &[("stop_buffer", "0.3"), ("risk_reward", "2")]);
        let stop = 98.8 - 0.003 * 98.8;
        assert_entry(&found, 21, stop, 99.8 + 2.0 * (99.8 - stop));
    }
}

#[test]
fn without_the_shift_the_sweep_enters() {
    for side in BOTH {
        let found = entries(&sweep(swing(side)), &[("structure_shift", "false")]);
        assert_entry(&found, 19, 98.8, 99.4 + 2.5 * (99.4 - 98.8));
    }
}

#[test]
fn the_minor_high_is_after_the_lowest_candle() {
    for side in BOTH {
        let last_is_lowest = swing(side)
            .candle(99.8, 100.2, 99.6, 99.7, 10.0)
            .candle(99.7, 99.9, 99.4, 99.5, 10.0)
            .candle(99.5, 99.9, 99.4, 99.5, 10.0)
            .candle(99.5, 99.6, 98.8, 99.4, 10.0);
        assert_eq!(at(&entries(&base(last_is_lowest.clone(), 99.3, 99.55), &[])), [] as [usize; 0]);
        assert_eq!(at(&entries(&base(last_is_lowest, 99.3, 99.65), &[])), [20]);
        let equal_lows = swing(side)
            .candle(99.8, 100.2, 98.8, 99.0, 10.0)
            .candle(99.0, 99.9, 98.9, 99.5, 10.0)
            .candle(99.5, 99.6, 98.8, 99.4, 10.0)
            .candle(99.4, 99.5, 99.3, 99.4, 10.0);
        assert_eq!(at(&entries(&base(equal_lows.clone(), 99.3, 99.85), &[])), [] as [usize; 0]);
        assert_eq!(at(&entries(&base(equal_lows, 99.3, 99.95), &[])), [20]);
    }
}

#[test]
fn the_sweep_reaches_deep_enough_and_closes_back() {
    for side in BOTH {
        let with = |low: f64, close: f64| {
            let scene = swing(side)
                .candle(99.8, 100.2, 99.6, 99.7, 10.0)
                .candle(99.7, 99.9, low, 99.2, 10.0)
                .candle(99.2, 99.6, 99.0, 99.5, 10.0)
                .candle(99.5, 99.7, 98.95, close, 10.0);
            at(&entries(&scene, &[("structure_shift", "false")])).len()
        };
        assert_eq!([with(98.91, 99.4), with(98.89, 99.4)], [0, 1]);
        assert_eq!([with(98.8, 99.0), with(98.8, 99.01)], [0, 1]);
    }
}

#[test]
fn the_shift_may_take_its_time_but_no_longer() {
    for side in BOTH {
        let after = |pauses| {
            let scene = sweep(swing(side));
            let scene = (0..pauses).fold(scene, |scene, _| base(scene, 99.3, 99.5));
            at(&entries(&base(scene, 99.3, 99.8), &[("confirmation_window", "2")])).len()
        };
        assert_eq!([after(0), after(1), after(2)], [1, 1, 0]);
    }
}

#[test]
fn a_lower_low_cancels() {
    for side in BOTH {
        let with = |low| {
            let scene = base(base(sweep(swing(side)), low, 99.5), 99.3, 99.8);
            at(&entries(&scene, &[])).len()
        };
        assert_eq!([with(98.79), with(98.8)], [0, 1]);
        let at_once = base(base(sweep(swing(side)), 98.7, 99.8), 99.3, 99.9);
        assert_eq!(at(&entries(&at_once, &[])), [] as [usize; 0]);
    }
}

#[test]
fn a_sweep_is_used_once() {
    for side in BOTH {
        let scene = base(base(sweep(swing(side)), 99.3, 99.8), 99.3, 99.9);
        assert_eq!(at(&entries(&scene, &[])), [20]);
    }
}

#[test]
fn a_newer_sweep_replaces_before_the_old_one_can_confirm() {
    for side in BOTH {
        // The second higher candle sweeps again; its last close is beyond the first minor high,
        // but the second sweep, seen first, waits from the next candle on.
        let scene = base(base(base(sweep(swing(side)), 98.85, 99.5), 99.3, 99.5), 99.3, 99.6);
        let scene = scene.candle(99.4, 100.1, 99.3, 99.9, 10.0);
        assert_eq!(at(&entries(&scene, &[])), [] as [usize; 0]);
        assert_eq!(at(&entries(&base(scene.clone(), 99.3, 100.0), &[])), [] as [usize; 0]);
        let confirmed = base(scene, 99.3, 100.2);
        let found = entries(&confirmed, &[]);
        assert_entry(&found, 24, 98.85, 100.2 + 2.5 * (100.2 - 98.85));
    }
}

#[test]
fn only_the_most_recent_swing_counts_and_not_forever() {
    for side in BOTH {
        let shift = [("structure_shift", "false")];
        // A later swing at 99.2, then a sweep of 99 that closes below 99.2.
        let scene = higher(swing(side), 99.2).more_quiet(4);
        let scene =
            scene.candle(99.8, 100.0, 98.8, 99.1, 10.0).candle(99.1, 99.2, 99.0, 99.1, 10.0);
        let scene = scene.candle(99.1, 99.2, 99.0, 99.1, 10.0).candle(99.1, 99.2, 99.0, 99.1, 10.0);
        assert_eq!(at(&entries(&scene, &shift)), [] as [usize; 0]);
        let after = |higher_candles: usize| {
            let scene = sweep(swing(side).more_quiet(4 * higher_candles));
            at(&entries(&scene, &shift)).len()
        };
        // The swing is the second but last higher candle before the sweep when nothing comes
        // between: s − 2, and may be s − 1 − 5.
        assert_eq!([after(0), after(4), after(5)], [1, 1, 0]);
    }
}

#[test]
fn higher_candles_lie_on_the_grid_and_are_complete_or_absent() {
    for side in BOTH {
        let shift = [("structure_shift", "false")];
        // The sweep without its third candle.
        let holed = swing(side)
            .candle(99.8, 100.2, 99.6, 99.7, 10.0)
            .candle(99.7, 99.9, 98.8, 99.2, 10.0)
            .gap(1)
            .candle(99.5, 99.7, 99.3, 99.4, 10.0);
        assert_eq!(at(&entries(&holed, &shift)), [] as [usize; 0]);
        // Half a higher candle missing before the sweep: a candle less, and still on the grid.
        let scene = swing(side).more_quiet(2).gap(2);
        assert_eq!(at(&entries(&sweep(scene), &shift)), [21]);
        // A series that begins inside a higher candle.
        let late = higher(Scene::quiet(side, 0).gap(2).more_quiet(10), 99.0).more_quiet(4);
        assert_eq!(at(&entries(&sweep(late), &shift)), [21]);
    }
}

#[test]
fn both_sides_at_once_cancel_each_other() {
    // Swings on both sides, then one candle that sweeps both and closes between.
    let scene = Scene::quiet(Side::Long, 8).candle(100.0, 101.0, 99.0, 100.0, 10.0).more_quiet(7);
    let scene = scene.candle(100.0, 101.3, 98.7, 100.0, 10.0).more_quiet(3);
    assert_eq!(at(&entries(&scene, &[("structure_shift", "false")])), [] as [usize; 0]);
    let settings = [&SETTINGS[..], &[("structure_shift", "false")]].concat();
    assert_eq!(scene.funnel::<HtfSweep>(&settings), [5, 1, 1, 1, 0]);
}

//! Generated markets: trends, ranges, panics, flat stretches, jumps, wicks, gaps, equal highs and
//! lows, volume spikes, candles and stretches without volume.

use tradepulse_core::market::{Candle, Columns, Series};
use tradepulse_core::time::{Timeframe, Timestamp};

/// A small generator of its own (SplitMix64), so that a market is a function of one number and
/// its first candles do not depend on how many are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number from `from` to `to`, both included.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + (self.next() % (to - from + 1).unsigned_abs()) as i64
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: i64) -> bool {
        self.between(1, n) == 1
    }
}

/// What a stretch of the market does.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Trend(i64),
    Range { middle: i64 },
    Flat,
}

/// `candles` candles of 5 minutes; without holes unless `gaps`. Prices are whole ticks of 0.01
/// around 100, volumes whole numbers.
pub(crate) fn market(seed: u64, candles: usize, gaps: bool) -> Series {
    let mut dice = Dice::new(seed);
    let swing = [2, 8, 25, 60][dice.between(0, 3) as usize];
    let mut price = 10_000_i64;
    // Now and then a market begins dead: no range, no volume, an average range of zero.
    let dead = dice.one_in(6);
    let mut mood = if dead { Mood::Flat } else { Mood::Range { middle: price } };
    let mut silent = dead && dice.one_in(2);
    let mut left = 40;
    let mut minute = 5 * dice.between(0, 400);
    let mut columns = Columns::default();
    while columns.len() < candles {
        if left == 0 {
            left = dice.between(5, 90);
            mood = match dice.between(0, 9) {
                0 => Mood::Flat,
                1..=5 => Mood::Range { middle: price },
                6 | 7 => Mood::Trend(-dice.between(1, swing)),
                _ => Mood::Trend(dice.between(1, swing)),
            };
            left = if matches!(mood, Mood::Flat) { left.min(25) } else { left };
            silent = dice.one_in(12);
        }
        left -= 1;
        if gaps && dice.one_in(120) {
            minute += 5 * dice.between(1, 40);
        }
        let drift = match mood {
            Mood::Flat => 0,
            Mood::Trend(drift) => drift / 2,
            Mood::Range { middle } => (middle - price) / 4,
        };
        let (mut step, mut up, mut down) = (
            drift + dice.between(-swing, swing),
            dice.between(0, swing / 2),
            dice.between(0, swing / 2),
        );
        let mut volume = dice.between(5, 15);
        if dice.one_in(9) {
            volume *= dice.between(2, 12);
        }
        match dice.between(0, 39) {
            // A panic, or a climax.
            0 | 1 => {
                step = swing * dice.between(2, 5) * if dice.one_in(2) { 1 } else { -1 };
                volume *= dice.between(2, 12);
            }
            // A stop hunt: a long wick, and back.
            2 | 3 => {
                down += swing * dice.between(1, 4);
                volume *= dice.between(2, 8);
            }
            4 | 5 => {
                up += swing * dice.between(1, 4);
                volume *= dice.between(2, 8);
            }
            6 => volume = 0,
            _ => {}
        }
        if matches!(mood, Mood::Flat) {
            (step, up, down) = (0, 0, 0);
        }
        volume = if silent { 0 } else { volume };
        // Opens away from the last close now and then.
        let jump = if dice.one_in(50) { dice.between(-3 * swing, 3 * swing) } else { 0 };
        let open = keep_in_reach(price + jump);
        let close = keep_in_reach(open + step);
        price = close;
        let tick = |price: i64| price as f64 / 100.0;
        columns.push(Candle {
            open_time: Timestamp::from_ms(minute * 60_000),
            open: tick(open),
            high: tick(open.max(close) + up),
            low: tick(open.min(close) - down),
            close: tick(close),
            volume: volume as f64,
        });
        minute += 5;
    }
    Series::new(Timeframe::M5, columns).unwrap()
}

fn keep_in_reach(price: i64) -> i64 {
    price.clamp(3_000, 30_000)
}

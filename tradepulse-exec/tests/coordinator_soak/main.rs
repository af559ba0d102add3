//! The whole coordinator, over and over, on a venue at which one call and one event in a hundred
//! goes wrong: nothing unexplained, and the books are the venue's at every candle.
//!
//! ```sh
//! TRADEPULSE_SOAK_SECONDS=3600 cargo test --release -p tradepulse-exec --features full \
//!     --test coordinator_soak -- --nocapture
//! ```
#![cfg(all(feature = "coordinator", feature = "sqlite"))]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod chance;
mod round;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use round::Round;

/// Probability of each fault, of each call and event it fits.
const RATE: f64 = 0.01;

/// Each of so many rounds goes without faults: then nobody may complain of anything.
const UNDISTURBED: u64 = 8;

#[tokio::test]
async fn nothing_stays_unexplained() {
    let seconds = std::env::var("TRADEPULSE_SOAK_SECONDS").ok();
    let seconds: u64 = seconds.map_or(3, |seconds| seconds.parse().unwrap());
    let only: Option<u64> = std::env::var("TRADEPULSE_SOAK_SEED").ok().map(|s| s.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut rounds, mut candles, mut events, mut trades) = (0_u64, 0, 0, 0);
    let mut notices: BTreeMap<&str, u64> = BTreeMap::new();
    loop {
        let seed = only.unwrap_or(rounds);
        let rate = if seed.is_multiple_of(UNDISTURBED) { 0.0 } else { RATE };
        let round = Round::run(seed, rate).await;
        let round = round.unwrap_or_else(|problem| {
            panic!("TRADEPULSE_SOAK_SEED={seed} replays it: {problem}");
        });
        rounds += 1;
        candles += round.candles;
        events += round.events;
        trades += round.trades;
        for (kind, count) in round.notices {
            *notices.entry(kind).or_default() += count;
        }
        // Two rounds at least: one without faults, one with them.
        if only.is_some() || (rounds >= 2 && Instant::now() >= end) {
            break;
        }
    }
    eprintln!("{rounds} rounds, {candles} candles, {events} events, {trades} trades");
    eprintln!("notices above info, each after a fault: {notices:?}");
    assert!(only.is_some() || (trades > 20 && !notices.is_empty()), "it did not do much");
}

//! Processes that die, venues that misbehave, and both.

use super::floor::CAPITAL;
use super::parity::{market, parameters};
use super::{Dice, Floor};
use crate::backtest::{Backtest, Settings};
use crate::desk::{Control, DeskEventKind, NoticeKind};
use crate::engine::Rules;
use crate::exchange::{Exchange, Protection};
use crate::market::{Candle, Symbol};
use crate::money::Quantity;
use crate::order::Side;
use crate::random::Seed;
use crate::simulation::SimulatedExchange;
use crate::simulation::fault::{FaultPlan, FaultRates, FaultyExchange};
use crate::time::Timestamp;

/// How many schedules of each kind; more of them with `TRADEPULSE_SCHEDULES=5000`.
fn schedules(usual: u64) -> u64 {
    std::env::var("TRADEPULSE_SCHEDULES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

fn rules() -> Rules {
    Rules { min_edge: 0.0, ..Rules::default() }
}

fn symbol() -> Symbol {
    "BTC/USDT".parse().unwrap()
}

/// However often a process dies, and whatever it was doing: those that take over trade as if
/// nothing had happened.
#[test]
fn killed_anywhere_the_trades_are_the_same() {
    let capabilities = Floor::capabilities(Protection::NativeOco);
    let (mut crashes, mut trades) = (0, 0);
    for seed in 0..schedules(150) {
        let (series, parameters) =
            (market(seed, 80), parameters(seed as i64, seed.is_multiple_of(2)));
        let settings = Settings { capital: CAPITAL, rules: rules(), ..Settings::default() };
        let backtest = Backtest::new(&series, settings).unwrap();
        let outcome = backtest.run::<Dice>(&parameters).unwrap();
        let venue = Floor::venue(capabilities.clone(), &rules());
        let mut floor = Floor::new(capabilities.clone(), &parameters, &rules());
        floor.crash(seed, 0.05);
        for candle in series.candles() {
            venue.begin(&symbol(), &candle, series.timeframe()).unwrap();
            floor.candle(&venue, candle);
        }
        floor.end(&venue);
        let differs = floor.trades.iter().zip(&outcome.trades).position(|(a, b)| a != b);
        let lengths = (floor.trades.len(), outcome.trades.len());
        let pair = differs.map(|i| (&floor.trades[i], &outcome.trades[i], &floor.notices));
        assert!(floor.trades == outcome.trades, "schedule {seed}: of {lengths:?}, {pair:#?}");
        crashes += floor.crashed;
        trades += floor.trades.len();
    }
    assert!(crashes > 500 && trades > 500, "{crashes} crashes, {trades} trades");
}

struct Books {
    position: f64,
    orders: usize,
    cash: f64,
}

fn books(venue: &SimulatedExchange) -> Books {
    pollster::block_on(async {
        let position = venue.positions().await.unwrap().iter().fold(0.0, |sum, p| {
            sum + p.quantity.to_f64() * if p.side == Side::Long { 1.0 } else { -1.0 }
        });
        let balances = venue.balances().await.unwrap();
        let cash = |q: Quantity| q.to_f64();
        Books {
            position,
            orders: venue.open_orders(&symbol()).await.unwrap().ours.len(),
            cash: balances.iter().map(|b| cash(b.free) + cash(b.locked)).sum(),
        }
    })
}

/// One schedule: faults and crashes by seed. Returns crashes and trades, or what went wrong.
fn schedule(seed: u64, protection: Protection, rate: f64) -> Result<(u32, usize), String> {
    let capabilities = Floor::capabilities(protection);
    let plan = FaultPlan::random(FaultRates::all(rate), Seed(seed));
    let venue = FaultyExchange::new(Floor::venue(capabilities.clone(), &rules()), plan);
    let (series, parameters) = (market(seed, 60), parameters(seed as i64, !seed.is_multiple_of(3)));
    let mut floor = Floor::new(capabilities, &parameters, &rules());
    floor.crash(seed, rate / 2.0);
    let meet = |floor: &mut Floor, candle: Candle| {
        venue.inner().begin(&symbol(), &candle, series.timeframe()).unwrap();
        floor.candle(&venue, candle);
        let (books, lane) = (books(venue.inner()), floor.desk.lanes().next().unwrap());
        let held = lane.position.map_or(0.0, |p| p.side.sign() * p.quantity);
        let settled = lane.is_idle || (lane.position.is_some() && lane.is_protected);
        if settled && (held - books.position).abs() > 1e-9 {
            return Err(format!("at {}: {held} here, {} there", candle.open_time, books.position));
        }
        let kept = matches!(protection, Protection::Watched) || books.orders > 0;
        let busy = !lane.is_protected || lane.is_idle;
        if books.position != 0.0 && !kept && !busy {
            return Err(format!("at {}: a position without a stop", candle.open_time));
        }
        Ok(())
    };
    for candle in series.candles() {
        meet(&mut floor, candle)?;
    }
    // Out of everything; however many candles that takes.
    let last = series.candle(series.len() - 1);
    let mut rounds = 0_i64;
    loop {
        floor.tell(&venue, DeskEventKind::Control(Control::Pause));
        floor.tell(&venue, DeskEventKind::Control(Control::Close { symbol: None }));
        rounds += 1;
        let open_ms = last.open_time.as_ms() + rounds * series.timeframe().as_ms();
        meet(&mut floor, Candle { open_time: Timestamp::from_ms(open_ms), ..last })?;
        if floor.desk.lanes().all(|lane| lane.is_idle) {
            break;
        }
        if rounds > 50 {
            return Err("it does not come to rest".to_owned());
        }
    }
    let books = books(venue.inner());
    if books.position != 0.0 || books.orders != 0 {
        return Err(format!("left at the venue: {} and {} orders", books.position, books.orders));
    }
    let unexplained = floor.notices.iter().find(|n| n.kind == NoticeKind::Unexplained);
    if let Some(notice) = unexplained {
        return Err(format!("unexplained: {}", notice.text));
    }
    let earned: f64 = floor.trades.iter().map(|trade| trade.profit).sum();
    if (CAPITAL + earned - books.cash).abs() > 1e-6 {
        return Err(format!("{} by the trades, {} at the venue", CAPITAL + earned, books.cash));
    }
    Ok((floor.crashed, floor.trades.len()))
}

/// Lost answers, 5xx before and after, duplicates, reordering, gaps, crossing cancels, refused
/// pairs, late arrivals, and processes that die in between: no order is lost or doubled, the books
/// are the venue's, no position stays without protection.
#[test]
fn no_fault_loses_an_order() {
    let protections =
        [Protection::NativeOco, Protection::TwoOrders, Protection::StopOnly, Protection::Watched];
    let (mut crashes, mut trades, mut failures) = (0, 0, Vec::new());
    let only: Option<u64> =
        std::env::var("TRADEPULSE_SCHEDULE").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..schedules(600), |seed| seed..seed + 1);
    for seed in seeds {
        let protection = protections[(seed % 4) as usize];
        match schedule(seed, protection, 0.02) {
            Ok((crashed, made)) => {
                crashes += crashed;
                trades += made;
            }
            Err(problem) => failures
                .push(format!("TRADEPULSE_SCHEDULE={seed} ({protection:?}) replays it: {problem}")),
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
    assert!(
        only.is_some() || (crashes > 100 && trades > 500),
        "{crashes} crashes, {trades} trades"
    );
}

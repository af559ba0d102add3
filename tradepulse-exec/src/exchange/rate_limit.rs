//! Limits of a venue on requests: weight and orders per window, a counter that falls with time,
//! bans.
//!
//! The venue counts, and says in its answers how far it has come; between answers the limiter
//! counts on its own. It never waits: whoever is refused is told when to come back.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tradepulse_core::time::Timestamp;

/// What a limit is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// The weight of requests, which differs from request to request.
    Weight,
    /// New orders.
    Orders,
}

/// A limit: so much in each window. Windows begin at multiples of their length since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// On what.
    pub limited: Limited,
    /// Length of the window, milliseconds.
    pub window_ms: i64,
    /// How much in one window.
    pub most: u64,
}

/// A limit on a counter that requests add their weight to, and that falls with time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FallingCounter {
    /// How high it may rise.
    pub most: f64,
    /// How much it falls in a second, above zero.
    pub per_second: f64,
}

/// A counter that falls with time, as it stood at some instant.
#[derive(Clone, Copy, Debug)]
struct Falling {
    limit: FallingCounter,
    level: f64,
    at: Timestamp,
}

#[derive(Debug)]
struct Counter {
    limit: Limit,
    window: i64,
    used: u64,
}

#[derive(Debug, Default)]
struct State {
    counters: Vec<Counter>,
    falling: Option<Falling>,
    banned_until: Option<Timestamp>,
}

/// How much of a window's weight a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A question: a part is left to commands, and to others behind the same address.
    Question,
    /// A command: all there is. An exit must not wait for questions.
    Command,
}

/// Counts requests against the limits of a venue.
#[derive(Debug, Default)]
pub struct RateLimiter {
    state: Mutex<State>,
}

impl RateLimiter {
    /// Part of a window's weight that questions may use.
    const SHARE_OF_QUESTIONS: f64 = 0.9;

    /// With these limits.
    pub fn new(limits: &[Limit]) -> Self {
        let limiter = Self::default();
        limiter.set_limits(limits);
        limiter
    }

    /// With this limit.
    pub fn falling(limit: FallingCounter) -> Self {
        let falling = Falling { limit, level: 0.0, at: Timestamp::default() };
        let state = State { falling: Some(falling), ..State::default() };
        Self { state: Mutex::new(state) }
    }

    /// The venue has told its limits. What was counted stays counted where the window is the same.
    pub fn set_limits(&self, limits: &[Limit]) {
        let mut state = self.lock();
        let before = std::mem::take(&mut state.counters);
        state.counters = limits
            .iter()
            .filter(|limit| limit.window_ms > 0 && limit.most > 0)
            .map(|&limit| {
                let same = before.iter().find(|counter| {
                    counter.limit.limited == limit.limited
                        && counter.limit.window_ms == limit.window_ms
                });
                let (window, used) = same.map_or((0, 0), |counter| (counter.window, counter.used));
                Counter { limit, window, used }
            })
            .collect();
    }

    /// Counts a request of this weight with this many new orders.
    ///
    /// # Errors
    /// When to come back, if it would go beyond a limit or there is a ban. Nothing is counted then.
    pub fn admit(
        &self,
        now: Timestamp,
        urgency: Urgency,
        weight: u64,
        orders: u64,
    ) -> Result<(), Timestamp> {
        let mut state = self.lock();
        if let Some(until) = state.banned_until {
            if now < until {
                return Err(until);
            }
            state.banned_until = None;
        }
        let asked = |limited| if limited == Limited::Weight { weight } else { orders };
        let mut until = None;
        for counter in &mut state.counters {
            counter.move_to(now);
            let asked = asked(counter.limit.limited);
            if asked > 0 && counter.used > 0 && counter.used + asked > counter.most(urgency) {
                until = until.max(Some(counter.end()));
            }
        }
        if let Some(falling) = &mut state.falling {
            falling.move_to(now);
            until = until.max(falling.refuses(urgency, weight));
        }
        if let Some(until) = until {
            return Err(until);
        }
        if let Some(falling) = &mut state.falling {
            falling.level += weight as f64;
        }
        for counter in &mut state.counters {
            counter.used += asked(counter.limit.limited);
        }
        Ok(())
    }

    /// The venue has counted this much in the window of this length.
    pub fn told(&self, now: Timestamp, limited: Limited, window_ms: i64, used: u64) {
        let mut state = self.lock();
        let counters = state.counters.iter_mut();
        for counter in counters.filter(|counter| {
            counter.limit.limited == limited && counter.limit.window_ms == window_ms
        }) {
            counter.move_to(now);
            counter.used = used;
        }
    }

    /// The venue takes no request until then.
    pub fn ban(&self, until: Timestamp) {
        let mut state = self.lock();
        state.banned_until = state.banned_until.max(Some(until));
    }

    /// How much of the weight of the current window is used, by the venue's last word and what was
    /// counted since; `None` without a limit on weight.
    pub fn used_weight(&self, now: Timestamp) -> Option<u64> {
        let mut state = self.lock();
        let counter = state.counters.iter_mut().find(|c| c.limit.limited == Limited::Weight)?;
        counter.move_to(now);
        Some(counter.used)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Falling {
    fn move_to(&mut self, now: Timestamp) {
        let seconds = (now.as_ms() - self.at.as_ms()).max(0) as f64 / 1_000.0;
        self.level = (self.level - seconds * self.limit.per_second).max(0.0);
        self.at = self.at.max(now);
    }

    /// When there is room for this weight, if there is none now.
    fn refuses(&self, urgency: Urgency, weight: u64) -> Option<Timestamp> {
        let most = match urgency {
            Urgency::Question => self.limit.most * RateLimiter::SHARE_OF_QUESTIONS,
            Urgency::Command => self.limit.most,
        };
        // What rounding makes of it does not count.
        let above = self.level + weight as f64 - most - 1e-6;
        // A request heavier than the limit is not refused for ever.
        if weight == 0 || above <= 0.0 || self.level <= 0.0 {
            return None;
        }
        let ms = (above.min(self.level) / self.limit.per_second * 1_000.0).ceil();
        Some(Timestamp::from_ms(self.at.as_ms().saturating_add(ms as i64)))
    }
}

impl Counter {
    fn most(&self, urgency: Urgency) -> u64 {
        match (self.limit.limited, urgency) {
            (Limited::Weight, Urgency::Question) => {
                (self.limit.most as f64 * RateLimiter::SHARE_OF_QUESTIONS) as u64
            }
            _ => self.limit.most,
        }
    }

    fn move_to(&mut self, now: Timestamp) {
        let window = now.as_ms().div_euclid(self.limit.window_ms);
        if window > self.window {
            (self.window, self.used) = (window, 0);
        }
    }

    fn end(&self) -> Timestamp {
        Timestamp::from_ms((self.window + 1).saturating_mul(self.limit.window_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Limit = Limit { limited: Limited::Weight, window_ms: 60_000, most: 100 };
    const TEN_SECONDS: Limit = Limit { limited: Limited::Orders, window_ms: 10_000, most: 2 };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn ask(limiter: &RateLimiter, ms: i64, weight: u64, orders: u64) -> Result<(), Timestamp> {
        limiter.admit(at(ms), Urgency::Question, weight, orders)
    }

    #[test]
    fn a_window_that_is_full_refuses_until_its_end() {
        let limiter = RateLimiter::new(&[MINUTE, TEN_SECONDS]);
        assert_eq!(ask(&limiter, 60_000, 85, 1), Ok(()));
        assert_eq!(ask(&limiter, 61_000, 10, 0), Err(at(120_000)));
        assert_eq!(ask(&limiter, 61_000, 5, 1), Ok(()));
        // Commands have what is left.
        assert_eq!(limiter.admit(at(62_000), Urgency::Command, 10, 0), Ok(()));
        assert_eq!(limiter.admit(at(62_000), Urgency::Command, 1, 0), Err(at(120_000)));
        assert_eq!(ask(&limiter, 120_000, 10, 0), Ok(()));
        // Orders have windows of their own.
        assert_eq!(ask(&limiter, 125_000, 1, 2), Ok(()));
        assert_eq!(ask(&limiter, 126_000, 1, 1), Err(at(130_000)));
        assert_eq!(ask(&limiter, 126_000, 1, 0), Ok(()));
    }

    #[test]
    fn what_the_venue_says_counts() {
        let limiter = RateLimiter::new(&[MINUTE]);
        limiter.told(at(1_000), Limited::Weight, 60_000, 95);
        assert_eq!(ask(&limiter, 2_000, 1, 0), Err(at(60_000)));
        limiter.told(at(3_000), Limited::Weight, 60_000, 10);
        assert_eq!(ask(&limiter, 4_000, 1, 0), Ok(()));
        assert_eq!(limiter.used_weight(at(4_000)), Some(11));
        // A request heavier than the limit is not refused for ever.
        assert_eq!(ask(&limiter, 60_000, 500, 0), Ok(()));
    }

    #[test]
    fn a_counter_that_falls_makes_room() {
        let limiter = RateLimiter::falling(FallingCounter { most: 10.0, per_second: 0.5 });
        assert_eq!(ask(&limiter, 1_000, 9, 0), Ok(()));
        // Questions may use nine; four seconds make room for two.
        assert_eq!(ask(&limiter, 1_000, 2, 0), Err(at(5_000)));
        assert_eq!(limiter.admit(at(1_000), Urgency::Command, 1, 0), Ok(()));
        assert_eq!(ask(&limiter, 1_000, 0, 0), Ok(()));
        assert_eq!(ask(&limiter, 6_999, 2, 0), Err(at(7_000)));
        assert_eq!(ask(&limiter, 7_000, 2, 0), Ok(()));
        // Heavier than the limit: once nothing else is counted.
        assert_eq!(ask(&limiter, 7_000, 99, 0), Err(at(25_000)));
        assert_eq!(ask(&limiter, 25_000, 99, 0), Ok(()));
    }

    #[test]
    fn a_ban_stands_until_its_end() {
        let limiter = RateLimiter::new(&[MINUTE]);
        limiter.ban(at(500_000));
        limiter.ban(at(400_000));
        assert_eq!(ask(&limiter, 499_999, 1, 0), Err(at(500_000)));
        assert_eq!(ask(&limiter, 500_000, 1, 0), Ok(()));
    }
}

use std::collections::BTreeMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::random::Seed;
use crate::time::Timestamp;

/// What is asked of a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// [`submit`](crate::exchange::Exchange::submit).
    Submit,
    /// [`cancel`](crate::exchange::Exchange::cancel).
    Cancel,
    /// A question that changes nothing: an order, open orders, balances, positions.
    Query,
    /// An event that the venue tells of, not a call: numbered as they come.
    Event,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The request does not leave.
    NotSent,
    /// The venue limits requests.
    RateLimited {
        /// Until when.
        until: Timestamp,
    },
    /// The venue refuses, as if the clock were off; nothing is done.
    ClockSkew,
    /// The venue refuses, as if a leg of the pair were impossible; nothing is done.
    LegRefused,
    /// The venue fails (5xx) before it does anything.
    ErrorBefore,
    /// The venue does it, and fails (5xx) then.
    ErrorAfter,
    /// The venue does it, and the answer is lost.
    AnswerLost,
    /// The caller gives up; the request reaches the venue after this many further calls. A cancel
    /// may so cross a fill, and an order appear that the venue did not know a moment ago.
    Late {
        /// Calls of any kind that come first.
        calls: u32,
    },
    /// The venue does it, and the answer comes only when it has been waited for this many times:
    /// whoever drops the future before has an unknown outcome.
    Slow {
        /// Polls of the future that find it pending.
        polls: u32,
    },
    /// What the venue has to tell, and what is due next at a simulated one, happens first: a fill
    /// crosses the request, and is told after its answer.
    Crossing,
    /// The event comes twice.
    Duplicated,
    /// The event comes after the next one.
    Reordered,
    /// The event comes this many drains late.
    Delayed {
        /// Drains that come first.
        drains: u32,
    },
    /// The event is lost; a gap is told of in its place.
    Lost,
    /// The stream is cut: this and the following events are lost for this many drains, and no
    /// request leaves. Then a gap is told of.
    Disconnected {
        /// Drains for which it lasts.
        drains: u32,
    },
}

/// Probabilities of faults, each in 0..1; of those for the same kind of call the sum must not be
/// above 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultRates {
    /// Of [`Fault::NotSent`].
    pub not_sent: f64,
    /// Of [`Fault::RateLimited`].
    pub rate_limited: f64,
    /// Of [`Fault::ClockSkew`].
    pub clock_skew: f64,
    /// Of [`Fault::LegRefused`].
    pub leg_refused: f64,
    /// Of [`Fault::ErrorBefore`].
    pub error_before: f64,
    /// Of [`Fault::ErrorAfter`].
    pub error_after: f64,
    /// Of [`Fault::AnswerLost`].
    pub answer_lost: f64,
    /// Of [`Fault::Late`].
    pub late: f64,
    /// Of [`Fault::Slow`].
    pub slow: f64,
    /// Of [`Fault::Crossing`].
    pub crossing: f64,
    /// Of [`Fault::Duplicated`].
    pub duplicated: f64,
    /// Of [`Fault::Reordered`].
    pub reordered: f64,
    /// Of [`Fault::Delayed`].
    pub delayed: f64,
    /// Of [`Fault::Lost`].
    pub lost: f64,
    /// Of [`Fault::Disconnected`].
    pub disconnected: f64,
}

impl FaultRates {
    /// Every fault with the same probability.
    pub const fn all(rate: f64) -> Self {
        Self {
            not_sent: rate,
            rate_limited: rate,
            clock_skew: rate,
            leg_refused: rate,
            error_before: rate,
            error_after: rate,
            answer_lost: rate,
            late: rate,
            slow: rate,
            crossing: rate,
            duplicated: rate,
            reordered: rate,
            delayed: rate,
            lost: rate,
            disconnected: rate,
        }
    }
}

/// Which calls and events go wrong. The same plan gives the same faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultPlan {
    script: BTreeMap<(Call, u64), Fault>,
    random: Option<(FaultRates, Seed)>,
}

impl FaultPlan {
    /// Nothing goes wrong but what is scripted.
    pub fn script() -> Self {
        Self::default()
    }

    /// Every call and event goes wrong with these probabilities.
    pub fn random(rates: FaultRates, seed: Seed) -> Self {
        Self { script: BTreeMap::new(), random: Some((rates, seed)) }
    }

    /// The call or event of this number, counted from 1 for each kind, goes wrong so. A fault that
    /// does not fit the kind (an event that is not sent) is none.
    #[must_use]
    pub fn at(mut self, call: Call, number: u64, fault: Fault) -> Self {
        self.script.insert((call, number), fault);
        self
    }

    /// What goes wrong with this call. `now` is the venue's time, as far as it is known; `pair`
    /// says whether it submits a pair.
    pub(super) fn fault(
        &self,
        call: Call,
        number: u64,
        now: Timestamp,
        pair: bool,
    ) -> Option<Fault> {
        if let Some(fault) = self.script.get(&(call, number)) {
            return Some(*fault);
        }
        let (rates, seed) = self.random?;
        let mut random = seed.stream(&format!("fault of {call:?} {number}"));
        let (mut dice, few) = (random.random_range(0.0..1.0), random.random_range(1..4));
        let until = Timestamp::from_ms(now.as_ms().saturating_add(1000));
        let sent = call != Call::Event;
        let changes = sent && call != Call::Query;
        let table = [
            (sent, rates.not_sent, Fault::NotSent),
            (sent, rates.rate_limited, Fault::RateLimited { until }),
            (changes, rates.clock_skew, Fault::ClockSkew),
            (pair, rates.leg_refused, Fault::LegRefused),
            (sent, rates.error_before, Fault::ErrorBefore),
            (sent, rates.error_after, Fault::ErrorAfter),
            (sent, rates.answer_lost, Fault::AnswerLost),
            (changes, rates.late, Fault::Late { calls: few }),
            (sent, rates.slow, Fault::Slow { polls: few }),
            (sent, rates.crossing, Fault::Crossing),
            (!sent, rates.duplicated, Fault::Duplicated),
            (!sent, rates.reordered, Fault::Reordered),
            (!sent, rates.delayed, Fault::Delayed { drains: few }),
            (!sent, rates.lost, Fault::Lost),
            (!sent, rates.disconnected, Fault::Disconnected { drains: few }),
        ];
        for (_, rate, fault) in table.into_iter().filter(|(fits, ..)| *fits) {
            dice -= rate;
            if dice < 0.0 {
                return Some(fault);
            }
        }
        None
    }
}

use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use tradepulse_core::random::Seed;

/// What goes wrong with the next request that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpFault {
    /// The venue fails (503) before it does anything.
    ErrorBefore,
    /// The venue does it, and fails (503) then.
    ErrorAfter,
    /// The venue does it, and says that it does not know (`-1007` in Binance's words).
    TimeoutAfter,
    /// The venue does it, and never answers.
    AnswerLost,
    /// Too many requests (429).
    RateLimited {
        /// For how long, seconds.
        retry_after_s: u32,
    },
    /// Banned (418).
    Banned {
        /// For how long, seconds.
        retry_after_s: u32,
    },
}

/// What goes wrong with an event of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventFault {
    /// It comes twice.
    Duplicated,
    /// It comes after the next one.
    Reordered,
    /// All streams end, and it is told to nobody.
    Disconnected,
}

const HTTP: [(&str, HttpFault); 5] = [
    ("error-before", HttpFault::ErrorBefore),
    ("error-after", HttpFault::ErrorAfter),
    ("timeout-after", HttpFault::TimeoutAfter),
    ("answer-lost", HttpFault::AnswerLost),
    ("rate-limited", HttpFault::RateLimited { retry_after_s: 2 }),
];

const EVENTS: [(&str, EventFault); 3] = [
    ("duplicated", EventFault::Duplicated),
    ("reordered", EventFault::Reordered),
    ("disconnected", EventFault::Disconnected),
];

/// How often each thing goes wrong by chance: a probability for each request that changes
/// something, and for each event of the account.
///
/// As text: a probability for all of them, or `answer-lost=0.01,duplicated=0.02`; the names are
/// `error-before`, `error-after`, `timeout-after`, `answer-lost`, `rate-limited`; `duplicated`,
/// `reordered`, `disconnected`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaultRates {
    http: [f64; HTTP.len()],
    events: [f64; EVENTS.len()],
}

impl FromStr for FaultRates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rates = Self::default();
        if let Ok(rate) = text.parse::<f64>() {
            rates.http.fill(rate);
            rates.events.fill(rate);
        } else {
            for part in text.split(',') {
                let known = || {
                    let names = HTTP.iter().map(|(name, _)| *name);
                    let names = names.chain(EVENTS.iter().map(|(name, _)| *name));
                    names.collect::<Vec<_>>().join(", ")
                };
                let (name, rate) = part.split_once('=').ok_or_else(|| {
                    format!("{part:?}: expected a probability, or NAME=PROBABILITY")
                })?;
                let rate = rate.parse().map_err(|_| format!("{rate:?} is no probability"))?;
                let http = HTTP.iter().position(|(other, _)| *other == name);
                let event = EVENTS.iter().position(|(other, _)| *other == name);
                match (http, event) {
                    (Some(at), _) => rates.http[at] = rate,
                    (_, Some(at)) => rates.events[at] = rate,
                    _ => return Err(format!("{name:?} is no fault: there are {}", known())),
                }
            }
        }
        let all = [&rates.http[..], &rates.events[..]];
        let sound = |rates: &&[f64]| {
            rates.iter().all(|rate| (0.0..=1.0).contains(rate)) && rates.iter().sum::<f64>() <= 1.0
        };
        match all.iter().all(sound) {
            true => Ok(rates),
            false => Err("expected probabilities of 0 to 1, together at most 1".to_owned()),
        }
    }
}

/// Decides what goes wrong.
pub(super) struct Chance {
    rates: FaultRates,
    draw: Box<dyn FnMut() -> f64 + Send>,
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chance").field("rates", &self.rates).finish_non_exhaustive()
    }
}

impl Chance {
    /// Faults of this seed.
    pub(super) fn new(rates: FaultRates, seed: Seed) -> Self {
        let mut random = seed.stream("faults of the venue");
        Self { rates, draw: Box::new(move || random.random()) }
    }

    pub(super) fn of_request(&mut self) -> Option<HttpFault> {
        pick((self.draw)(), &self.rates.http, &HTTP)
    }

    pub(super) fn of_event(&mut self) -> Option<EventFault> {
        pick((self.draw)(), &self.rates.events, &EVENTS)
    }
}

fn pick<F: Copy>(mut drawn: f64, rates: &[f64], faults: &[(&str, F)]) -> Option<F> {
    for (rate, (_, fault)) in rates.iter().zip(faults) {
        if drawn < *rate {
            return Some(*fault);
        }
        drawn -= rate;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_kept() {
        let rates: FaultRates = "answer-lost=0.25,duplicated=0.5".parse().unwrap();
        let mut chance = Chance::new(rates, Seed(1));
        let (mut lost, mut doubled) = (0, 0);
        for _ in 0..4_000 {
            lost += u32::from(chance.of_request() == Some(HttpFault::AnswerLost));
            doubled += u32::from(chance.of_event() == Some(EventFault::Duplicated));
        }
        assert!((900..1_100).contains(&lost), "{lost}");
        assert!((1_850..2_150).contains(&doubled), "{doubled}");
        assert_eq!("0.1".parse::<FaultRates>().unwrap().http, [0.1; 5]);
        for (wrong, why) in [
            ("often", "expected a probability"),
            ("lost=0.1", "there are error-before"),
            ("duplicated=x", "no probability"),
            ("0.5", "together at most 1"),
            ("reordered=-1", "probabilities of 0 to 1"),
        ] {
            let error = wrong.parse::<FaultRates>().unwrap_err();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }
}

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Leaves a model alone that failed several times in a row. After a pause one question is a probe:
/// if it is answered, all is well, otherwise the pause begins anew.
#[derive(Debug)]
pub(super) struct Breaker {
    most: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// The right to ask once. Dropped without a result it is as if nothing was asked.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    settled: bool,
}

impl Breaker {
    pub(super) fn new(most: u32, pause: Duration) -> Self {
        Self { most: most.max(1), pause, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// `None` while the model is left alone.
    pub(super) fn permit(&self, now: Instant) -> Option<Permit<'_>> {
        self.change(|state| match *state {
            State::Closed { .. } => Some(()),
            State::Open { until } if now >= until => {
                *state = State::Probing;
                Some(())
            }
            State::Open { .. } | State::Probing => None,
        })
        .map(|()| Permit { breaker: self, settled: false })
    }

    pub(super) fn is_open(&self) -> bool {
        self.change(|state| !matches!(state, State::Closed { .. }))
    }
}

impl Permit<'_> {
    /// The model answered.
    pub(super) fn succeeded(mut self) {
        self.settled = true;
        self.breaker.change(|state| *state = State::Closed { failures: 0 });
    }

    /// The model failed.
    pub(super) fn failed(mut self, now: Instant) {
        self.settled = true;
        let Breaker { most, pause, .. } = *self.breaker;
        self.breaker.change(|state| {
            *state = match *state {
                State::Closed { failures } if failures + 1 < most => {
                    State::Closed { failures: failures + 1 }
                }
                // Of several that were under way the first opens it.
                State::Open { until } => State::Open { until },
                State::Closed { .. } | State::Probing => State::Open { until: now + pause },
            }
        });
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.breaker.change(|state| {
                if *state == State::Probing {
                    // The next one may probe.
                    *state = State::Open { until: Instant::now() };
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_opens_probes_and_closes() {
        let breaker = Breaker::new(3, Duration::from_secs(30));
        let start = Instant::now();
        for _ in 0..2 {
            breaker.permit(start).unwrap().failed(start);
        }
        breaker.permit(start).unwrap().succeeded();
        for _ in 0..3 {
            assert!(!breaker.is_open());
            breaker.permit(start).unwrap().failed(start);
        }
        assert!(breaker.is_open() && breaker.permit(start).is_none());

        let later = start + Duration::from_secs(30);
        let probe = breaker.permit(later).unwrap();
        assert!(breaker.permit(later).is_none(), "one at a time");
        probe.failed(later);
        assert!(breaker.permit(later).is_none());

        let last = later + Duration::from_secs(30);
        drop(breaker.permit(last).unwrap());
        let probe = breaker.permit(last).unwrap();
        probe.succeeded();
        assert!(!breaker.is_open() && breaker.permit(last).is_some());
    }
}

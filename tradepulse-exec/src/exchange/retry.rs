//! Patience with questions: what changes nothing may be asked again.

use std::future::Future;
use std::time::Duration;

/// How often, and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// Pause after the first one; it doubles.
    pub pause: Duration,
}

impl Retry {
    /// Three attempts within about a second.
    pub const QUESTION: Self = Self { attempts: 3, pause: Duration::from_millis(250) };
    /// One attempt: for everything that changes something.
    pub const NEVER: Self = Self { attempts: 1, pause: Duration::ZERO };

    /// Does it until it succeeds, fails in a way that is not `worth` another attempt, or has been
    /// attempted often enough.
    ///
    /// # Errors
    /// That of the last attempt.
    pub async fn run<T, E, F: Future<Output = Result<T, E>>>(
        self,
        worth: impl Fn(&E) -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, E> {
        let mut pause = self.pause;
        for _ in 1..self.attempts {
            match attempt().await {
                Err(error) if worth(&error) => {}
                other => return other,
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        attempt().await
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn attempts(retry: Retry, succeeds_at: u32, worth: bool) -> (u32, Result<(), u32>) {
        let count = Cell::new(0);
        let attempt = || {
            count.set(count.get() + 1);
            let number = count.get();
            async move { if number < succeeds_at { Err(number) } else { Ok(()) } }
        };
        let result = retry.run(|_| worth, attempt).await;
        (count.get(), result)
    }

    #[tokio::test]
    async fn only_what_is_worth_it_is_repeated() {
        let retry = Retry { attempts: 3, pause: Duration::ZERO };
        assert_eq!(attempts(retry, 3, true).await, (3, Ok(())));
        assert_eq!(attempts(retry, 9, true).await, (3, Err(3)));
        assert_eq!(attempts(retry, 3, false).await, (1, Err(1)));
        assert_eq!(attempts(Retry::NEVER, 2, true).await, (1, Err(1)));
    }
}

//! Suites that every adapter of a port runs (feature `conformance`).

pub mod exchange;
pub mod predictor;
pub mod store;
pub mod trading_store;

use std::{fmt, future::Future, pin::Pin};

/// A future in a box.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What an adapter does that it should not.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

/// What became of the cases.
#[derive(Debug)]
pub struct Report {
    /// Each case's id, and what is wrong.
    pub results: Vec<(&'static str, Result<(), Failure>)>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.results.iter().all(|(_, result)| result.is_ok())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, result) in &self.results {
            match result {
                Ok(()) => writeln!(f, "ok      {id}")?,
                Err(failure) => writeln!(f, "FAILED  {id}: {failure}")?,
            }
        }
        Ok(())
    }
}

/// Fails the case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)*) => {
        let holds: bool = $condition;
        if !holds {
            return Err(super::Failure(format!($($message)*)));
        }
    };
}

/// Fails the case unless both are equal.
macro_rules! ensure_eq {
    ($found:expr, $expected:expr, $what:literal) => {
        match (&$found, &$expected) {
            (found, expected) => {
                if found != expected {
                    return Err(super::Failure(format!(
                        "{}: found {found:?}, expected {expected:?}",
                        $what
                    )));
                }
            }
        }
    };
}

use {ensure, ensure_eq};

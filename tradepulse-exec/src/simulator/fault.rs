/// What goes wrong with the next request that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpFault {
    /// The venue fails (503) before it does anything.
    ErrorBefore,
    /// The venue does it, and fails (503) then.
    ErrorAfter,
    /// The venue does it, and says that it does not know (`-1007`).
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

//! Training on several threads.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tradepulse_core::training::Pool;

/// A pool of so many threads, made for each batch and gone with it.
///
/// ```
/// use tradepulse_core::training::Pool;
/// use tradepulse_exec::threads::Threads;
/// assert_eq!(Threads::new(2).map(4, &|i| i * i), [0, 1, 4, 9]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    jobs: usize,
}

impl Threads {
    /// `jobs` threads, at least one.
    pub fn new(jobs: usize) -> Self {
        Self { jobs: jobs.max(1) }
    }

    /// One thread for each processor core.
    pub fn all() -> Self {
        Self::new(thread::available_parallelism().map_or(1, NonZeroUsize::get))
    }

    /// How many threads.
    pub fn jobs(&self) -> usize {
        self.jobs
    }
}

impl Pool for Threads {
    fn map<T: Send>(&self, count: usize, task: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
        let jobs = self.jobs.min(count);
        if jobs <= 1 {
            return (0..count).map(task).collect();
        }
        let next = AtomicUsize::new(0);
        let results = Mutex::new((0..count).map(|_| None).collect::<Vec<Option<T>>>());
        let work = || {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= count {
                    break;
                }
                let result = task(i);
                // A poisoned lock means another task panicked: the scope passes that on.
                if let Ok(mut results) = results.lock() {
                    results[i] = Some(result);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..jobs {
                scope.spawn(work);
            }
            work();
        });
        let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        results.into_iter().flatten().collect()
    }
}

/// Whoever evaluates independent tasks: one after the other, or on threads.
pub trait Pool: Sync {
    /// The results of `task(0)` to `task(count - 1)`, in that order.
    fn map<T: Send>(&self, count: usize, task: &(dyn Fn(usize) -> T + Sync)) -> Vec<T>;
}

/// One task after the other, on the caller's thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct InTurn;

impl Pool for InTurn {
    fn map<T: Send>(&self, count: usize, task: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
        (0..count).map(task).collect()
    }
}

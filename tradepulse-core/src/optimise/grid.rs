//! Grid search: every point of the space once, the last variable changing fastest.

use rand_chacha::ChaCha8Rng;

use super::history::History;
use super::search::Sampler;
use super::space::{Point, Space};

/// The trial's number is the rank of its point; nothing is enumerated ahead.
pub(super) struct Grid;

impl Sampler for Grid {
    fn propose(&mut self, space: &Space, history: &History, _: &mut ChaCha8Rng) -> Option<Point> {
        space.nth(history.trials().len() as u128)
    }
}

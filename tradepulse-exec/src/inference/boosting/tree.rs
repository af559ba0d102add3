/// A split of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) feature: usize,
    /// What is not above it goes left.
    pub(super) threshold: f64,
    /// The same as a bin: the last one that goes left.
    pub(super) bin: u8,
    /// Whether missing values go left, where they are told apart.
    pub(super) missing_left: bool,
    /// Whether missing values are told apart; otherwise they count as zero.
    pub(super) knows_missing: bool,
    pub(super) gain: f64,
    /// A node, or `-1 - leaf`.
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) value: f64,
    pub(super) weight: f64,
    pub(super) rows: u32,
}

/// A leaf of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Leaf {
    pub(super) value: f64,
    pub(super) weight: f64,
    pub(super) rows: u32,
}

/// A tree: nodes in the order in which they were split.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) shrinkage: f64,
}

impl Tree {
    pub(super) fn leaves(&self) -> usize {
        self.leaves.len()
    }

    /// Counts only so much.
    pub(super) fn shrink(&mut self, rate: f64) {
        self.leaves.iter_mut().for_each(|leaf| leaf.value *= rate);
        self.nodes.iter_mut().for_each(|node| node.value *= rate);
        self.shrinkage = rate;
    }

    /// Adds a constant to what it predicts.
    pub(super) fn add(&mut self, constant: f64) {
        self.leaves.iter_mut().for_each(|leaf| leaf.value += constant);
        self.nodes.iter_mut().for_each(|node| node.value += constant);
        self.shrinkage = 1.0;
    }

    /// The features that are split on, and the gain of each split.
    pub(super) fn splits(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.nodes.iter().map(|node| (node.feature, node.gain))
    }

    pub(super) fn predict(&self, value: impl Fn(usize) -> f64) -> f64 {
        let mut at = if self.nodes.is_empty() { -1 } else { 0 };
        while at >= 0 {
            let node = &self.nodes[at as usize];
            let value = value(node.feature);
            let left = match value.is_nan() {
                true if node.knows_missing => node.missing_left,
                true => 0.0 <= node.threshold,
                false => value <= node.threshold,
            };
            at = if left { node.left } else { node.right };
        }
        self.leaves[(-1 - at) as usize].value
    }
}

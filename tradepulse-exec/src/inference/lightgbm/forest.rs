use std::collections::{HashMap, VecDeque};

use super::LightGbmError;
use super::tree::{Child, Leaf, Line, Missing, Split, Test, Tree};

/// All trees as one array of nodes, 16 bytes each.
///
/// The two children of a split stand side by side, and a leaf leads to itself; so a step is one
/// addition without a branch, and several trees are gone through in step, which hides how long each
/// waits for its memory.
#[derive(Clone, Debug)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    // A root for each tree; filled up to a whole number of groups with a leaf of 0.
    roots: Vec<u32>,
    trees: usize,
    outputs: usize,
    categories: Vec<Vec<u32>>,
    lines: HashMap<u32, Line>,
    kind: Kind,
}

/// How many trees are gone through in step.
const GROUP: usize = 8;

/// What the splits of a forest may be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Thresholds only, and zero is no missing value.
    Thresholds,
    /// All of them.
    Any,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Of a split with a threshold. The number of its set if it has categories; of a leaf its value.
    threshold: f64,
    /// The left child, whose neighbour is the right one; a leaf's own place.
    next: u32,
    feature: u16,
    flags: u16,
}

/// The node is a split.
const SPLIT: u16 = 1;
/// `NaN` goes left.
const NAN_LEFT: u16 = 2;
/// What is as good as 0 is missing.
const ZERO_MISSING: u16 = 4;
/// What is missing goes left.
const DEFAULT_LEFT: u16 = 8;
/// The split is by category.
const CATEGORIES: u16 = 16;

/// LightGBM's `kZeroThreshold`, which is a float: what is not beyond it is as good as 0.
const ZERO: f64 = 1e-35_f32 as f64;

impl Forest {
    pub(super) fn new(trees: &[Tree], outputs: usize) -> Result<Self, LightGbmError> {
        let mut forest = Self {
            nodes: Vec::new(),
            roots: Vec::new(),
            trees: trees.len(),
            outputs,
            categories: Vec::new(),
            lines: HashMap::new(),
            kind: Kind::Thresholds,
        };
        for tree in trees {
            forest.plant(tree)?;
        }
        let nothing = forest.place(1)?;
        forest.leaf(nothing, &Leaf { value: 0.0, line: None });
        while !forest.roots.len().is_multiple_of(GROUP) {
            forest.roots.push(nothing as u32);
        }
        Ok(forest)
    }

    pub(super) const fn trees(&self) -> usize {
        self.trees
    }

    /// Makes room for `count` nodes; a pair begins at an even place, so that it does not lie across
    /// two lines of cache.
    fn place(&mut self, count: usize) -> Result<usize, LightGbmError> {
        let place = self.nodes.len().next_multiple_of(2);
        if place > u32::MAX as usize - 2 {
            return Err(LightGbmError::TooLarge);
        }
        let nothing = Node { threshold: 0.0, next: place as u32, feature: 0, flags: 0 };
        self.nodes.resize(place + count, nothing);
        Ok(place)
    }

    fn plant(&mut self, tree: &Tree) -> Result<(), LightGbmError> {
        let root = self.place(1)?;
        self.roots.push(root as u32);
        let first = if tree.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) };
        let mut left_to_do = VecDeque::from([(root, first)]);
        while let Some((place, child)) = left_to_do.pop_front() {
            match child {
                Child::Leaf(i) => self.leaf(place, &tree.leaves[i]),
                Child::Split(i) => {
                    let split = &tree.splits[i];
                    let next = self.place(2)?;
                    self.nodes[place] = self.split(split, next as u32);
                    left_to_do.extend([(next, split.left), (next + 1, split.right)]);
                }
            }
        }
        Ok(())
    }

    fn leaf(&mut self, place: usize, leaf: &Leaf) {
        let next = place as u32;
        self.nodes[place] = Node { threshold: leaf.value, next, feature: 0, flags: 0 };
        if let Some(line) = &leaf.line {
            self.lines.insert(next, line.clone());
        }
    }

    fn split(&mut self, split: &Split, next: u32) -> Node {
        let flag = |flag: u16, set: bool| if set { flag } else { 0 };
        let mut flags = SPLIT | flag(DEFAULT_LEFT, split.default_left);
        let threshold = match &split.test {
            Test::Threshold(threshold) => {
                let nan_left = match split.missing {
                    Missing::Nothing => 0.0 <= *threshold,
                    Missing::Zero | Missing::NaN => split.default_left,
                };
                flags |= flag(NAN_LEFT, nan_left);
                flags |= flag(ZERO_MISSING, split.missing == Missing::Zero);
                *threshold
            }
            Test::Categories(set) => {
                flags |= CATEGORIES;
                self.categories.push(set.clone());
                (self.categories.len() - 1) as f64
            }
        };
        if flags & (ZERO_MISSING | CATEGORIES) != 0 {
            self.kind = Kind::Any;
        }
        Node { threshold, next, feature: split.feature, flags }
    }

    /// Adds to `outputs` what the trees say to each of the rows, in the order of the trees.
    pub(super) fn add(&self, rows: &[f64], outputs: &mut [f64]) {
        let count = outputs.len() / self.outputs;
        if count == 0 {
            return;
        }
        let width = rows.len() / count;
        // A group of trees stays in the cache while all rows pass it.
        for (group, roots) in self.roots.as_chunks::<GROUP>().0.iter().enumerate() {
            let first = group * GROUP;
            let trees = GROUP.min(self.trees - first);
            let rows = rows.chunks_exact(width).zip(outputs.chunks_exact_mut(self.outputs));
            for (row, outputs) in rows {
                let leaves = match self.kind {
                    Kind::Thresholds => self.descend(roots, |node| above(node, row)),
                    Kind::Any => self.descend(roots, |node| self.goes_right(node, row)),
                };
                for (i, leaf) in leaves.iter().take(trees).enumerate() {
                    outputs[(first + i) % self.outputs] += self.value(*leaf, row);
                }
            }
        }
    }

    /// Where the trees of these roots end.
    #[inline]
    fn descend(&self, roots: &[u32; GROUP], right: impl Fn(&Node) -> bool) -> [u32; GROUP] {
        let mut places = *roots;
        loop {
            let mut splits = 0;
            for place in &mut places {
                let node = &self.nodes[*place as usize];
                splits |= node.flags;
                // A leaf stays where it is.
                *place = node.next + u32::from(right(node) & (node.flags & SPLIT != 0));
            }
            if splits & SPLIT == 0 {
                return places;
            }
        }
    }

    /// Whether a value goes right, whatever the split is like.
    fn goes_right(&self, node: &Node, row: &[f64]) -> bool {
        let value = row[usize::from(node.feature)];
        if node.flags & CATEGORIES != 0 {
            // Towards 0, as a C cast; `NaN` and what is below 0 is in no set.
            let category = value as i32;
            if value.is_nan() || category < 0 {
                return true;
            }
            let (word, bit) = (category as usize / 32, category as u32 % 32);
            let words = &self.categories[node.threshold as usize];
            return words.get(word).is_none_or(|word| word >> bit & 1 == 0);
        }
        if node.flags & ZERO_MISSING != 0 && value.abs() <= ZERO {
            return node.flags & DEFAULT_LEFT == 0;
        }
        above(node, row)
    }

    fn value(&self, leaf: u32, row: &[f64]) -> f64 {
        let value = self.nodes[leaf as usize].threshold;
        match self.lines.get(&leaf).filter(|_| !self.lines.is_empty()) {
            None => value,
            Some(Line { constant, terms }) => {
                let missing = |(feature, _): &(u16, f64)| row[usize::from(*feature)].is_nan();
                if terms.iter().any(missing) {
                    return value;
                }
                let weighted =
                    |sum, (feature, weight): &(u16, f64)| sum + weight * row[usize::from(*feature)];
                terms.iter().fold(*constant, weighted)
            }
        }
    }
}

/// Whether a value is above the threshold; `NaN` goes where the split sends it.
#[inline]
fn above(node: &Node, row: &[f64]) -> bool {
    let value = row[usize::from(node.feature)];
    let nan_left = (node.flags & NAN_LEFT != 0) & value.is_nan();
    // Not a number is above all.
    let up_to = value <= node.threshold;
    !(up_to | nan_left)
}

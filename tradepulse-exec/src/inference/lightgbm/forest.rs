use std::collections::{HashMap, VecDeque};

use super::LightGbmError;
use super::tree::{Child, Leaf, Line, Missing, Split, Test, Tree};

/// All trees as one array of nodes, 16 bytes each.
///
/// The two children of a split stand side by side, and a leaf leads to itself, whatever the value; so
/// a step is one comparison and one addition without a branch, and several trees are gone through in
/// step, which hides how long each waits for its memory.
#[derive(Clone, Debug)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    // Of each node.
    flags: Vec<u8>,
    // Of each leaf; 0 for a split.
    values: Vec<f64>,
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
    /// The number of its set if the split has categories; infinity for a leaf, so that nothing is
    /// above.
    threshold: f64,
    /// The left child, whose neighbour is the right one; a leaf's own place.
    next: u32,
    feature: u32,
}

/// The node is a split.
const SPLIT: u8 = 1;
/// `NaN` goes left.
const NAN_LEFT: u8 = 2;
/// What is as good as 0 is missing.
const ZERO_MISSING: u8 = 4;
/// What is missing goes left.
const DEFAULT_LEFT: u8 = 8;
/// The split is by category.
const CATEGORIES: u8 = 16;

/// LightGBM's `kZeroThreshold`, which is a float: what is not beyond it is as good as 0.
const ZERO: f64 = 1e-35_f32 as f64;

impl Forest {
    pub(super) fn new(trees: &[Tree], outputs: usize) -> Result<Self, LightGbmError> {
        let mut forest = Self {
            nodes: Vec::new(),
            flags: Vec::new(),
            values: Vec::new(),
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
        let nothing = Node { threshold: f64::INFINITY, next: place as u32, feature: 0 };
        self.nodes.resize(place + count, nothing);
        self.flags.resize(place + count, 0);
        self.values.resize(place + count, 0.0);
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
                    self.split(place, split, next as u32);
                    left_to_do.extend([(next, split.left), (next + 1, split.right)]);
                }
            }
        }
        Ok(())
    }

    fn leaf(&mut self, place: usize, leaf: &Leaf) {
        let next = place as u32;
        self.nodes[place] = Node { threshold: f64::INFINITY, next, feature: 0 };
        self.values[place] = leaf.value;
        if let Some(line) = &leaf.line {
            self.lines.insert(next, line.clone());
        }
    }

    fn split(&mut self, place: usize, split: &Split, next: u32) {
        let flag = |flag: u8, set: bool| if set { flag } else { 0 };
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
        self.nodes[place] = Node { threshold, next, feature: split.feature.into() };
        self.flags[place] = flags;
    }

    /// Adds to `outputs` what the trees say to each of the rows, in the order of the trees.
    pub(super) fn add(&self, rows: &[f64], outputs: &mut [f64]) {
        let count = outputs.len() / self.outputs;
        if count == 0 {
            return;
        }
        let width = rows.len() / count;
        let plain = self.kind == Kind::Thresholds && !rows.iter().any(|value| value.is_nan());
        // A group of trees stays in the cache while all rows pass it.
        for (group, roots) in self.roots.as_chunks::<GROUP>().0.iter().enumerate() {
            let first = group * GROUP;
            let trees = GROUP.min(self.trees - first);
            let rows = rows.chunks_exact(width).zip(outputs.chunks_exact_mut(self.outputs));
            for (row, outputs) in rows {
                let leaves = if plain {
                    self.descend(roots, |_, node| row[node.feature as usize] > node.threshold)
                } else {
                    self.descend(roots, |place, node| self.goes_right(place, node, row))
                };
                for (i, leaf) in leaves.iter().take(trees).enumerate() {
                    outputs[(first + i) % self.outputs] += self.value(*leaf, row);
                }
            }
        }
    }

    /// Where the trees of these roots end.
    #[inline]
    fn descend(&self, roots: &[u32; GROUP], right: impl Fn(u32, &Node) -> bool) -> [u32; GROUP] {
        let mut places = *roots;
        loop {
            let mut moved = 0;
            for place in &mut places {
                let node = &self.nodes[*place as usize];
                let next = node.next + u32::from(right(*place, node));
                moved |= next ^ *place;
                *place = next;
            }
            if moved == 0 {
                return places;
            }
        }
    }

    /// Whether a value goes right, whatever the split is like; never at a leaf.
    fn goes_right(&self, place: u32, node: &Node, row: &[f64]) -> bool {
        let flags = self.flags[place as usize];
        if flags & SPLIT == 0 {
            return false;
        }
        let value = row[node.feature as usize];
        if flags & CATEGORIES != 0 {
            // Towards 0, as a C cast; `NaN` and what is below 0 is in no set.
            let category = value as i32;
            if value.is_nan() || category < 0 {
                return true;
            }
            let (word, bit) = (category as usize / 32, category as u32 % 32);
            let words = &self.categories[node.threshold as usize];
            return words.get(word).is_none_or(|word| word >> bit & 1 == 0);
        }
        if value.is_nan() {
            return flags & NAN_LEFT == 0;
        }
        if flags & ZERO_MISSING != 0 && value.abs() <= ZERO {
            return flags & DEFAULT_LEFT == 0;
        }
        value > node.threshold
    }

    fn value(&self, leaf: u32, row: &[f64]) -> f64 {
        let value = self.values[leaf as usize];
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

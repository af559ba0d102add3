use rand::RngExt;

use super::bins::Bins;
use super::tree::{Leaf, Node, Tree};
use super::{BoostingSettings, Table};

/// The derivatives of the loss of each row: first and second.
type Derivatives<'a> = (&'a [f64], &'a [f64]);

/// Sums over the rows of a leaf that fall into one bin.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    gradient: f64,
    hessian: f64,
    rows: u32,
}

impl Cell {
    fn plus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
            rows: self.rows + other.rows,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            rows: self.rows - other.rows,
        }
    }

    /// How much the loss falls by giving these rows the best value of their own, times two.
    fn score(self, l2: f64) -> f64 {
        self.gradient * self.gradient / (self.hessian + l2)
    }
}

/// The best split of a leaf.
#[derive(Clone, Copy, Debug)]
struct Split {
    feature: usize,
    /// The last bin that goes left.
    bin: usize,
    missing_left: bool,
    gain: f64,
    left: Cell,
    right: Cell,
}

/// A leaf that may be split.
struct Growing {
    /// Its rows: a part of the grower's list.
    from: usize,
    to: usize,
    total: Cell,
    histogram: Vec<Cell>,
    split: Option<Split>,
    /// The node above it, and whether it is on the left there.
    parent: Option<(usize, bool)>,
}

/// Grows trees over one table.
pub(super) struct Grower<'a> {
    settings: &'a BoostingSettings,
    /// The bin of each value, feature by feature.
    binned: Vec<Vec<u8>>,
    /// The bin of each feature's missing values.
    missing: Vec<u8>,
    /// Where each feature's bins begin in a histogram.
    offsets: Vec<usize>,
    cells: usize,
    /// A number from 0 to below 1.
    draw: Box<dyn FnMut() -> f64 + Send>,
    /// All rows, those of a leaf side by side.
    order: Vec<u32>,
    /// Rows that this round learns from come first in `order`, so many.
    in_bag: usize,
    bag: Vec<bool>,
    spare: Vec<u32>,
    ends: Vec<(usize, usize)>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(settings: &'a BoostingSettings, table: &Table<'_>, bins: &[Bins]) -> Self {
        let rows = table.rows();
        let find = |(column, bins): (&Vec<f64>, &Bins)| {
            column.iter().map(|value| bins.find(*value)).collect::<Vec<u8>>()
        };
        let binned = table.columns.iter().zip(bins).map(find).collect();
        let mut random = settings.seed.stream("boosting");
        let mut offsets = Vec::with_capacity(bins.len());
        let mut cells = 0;
        for bins in bins {
            offsets.push(cells);
            cells += bins.count();
        }
        Self {
            settings,
            binned,
            missing: bins.iter().map(|bins| bins.of_values() as u8).collect(),
            offsets,
            cells,
            draw: Box::new(move || random.random()),
            order: Vec::with_capacity(rows),
            in_bag: rows,
            bag: vec![true; rows],
            spare: Vec::with_capacity(rows),
            ends: Vec::new(),
        }
    }

    /// Chooses the rows of a round.
    pub(super) fn begin_round(&mut self) {
        if self.settings.row_fraction < 1.0 {
            let fraction = self.settings.row_fraction;
            for kept in &mut self.bag {
                *kept = (self.draw)() < fraction;
            }
        }
        self.in_bag = self.bag.iter().filter(|kept| **kept).count();
    }

    /// The tree that follows these derivatives best, a split at a time.
    pub(super) fn grow(&mut self, gradients: &[f64], hessians: &[f64], bins: &[Bins]) -> Tree {
        self.order.clear();
        let rows = 0..self.bag.len() as u32;
        self.order.extend(rows.clone().filter(|row| self.bag[*row as usize]));
        let chosen = self.features();
        let derivatives = (gradients, hessians);
        let mut root = Growing {
            from: 0,
            to: self.order.len(),
            total: Cell::default(),
            histogram: Vec::new(),
            split: None,
            parent: None,
        };
        root.total = self.sum(&root, derivatives);
        root.histogram = self.histogram(&root, derivatives, &chosen);
        root.split = self.best_split(&root, bins, &chosen);
        let mut leaves = vec![root];
        let mut nodes: Vec<Node> = Vec::new();
        while leaves.len() < self.settings.max_leaves as usize {
            let best = leaves.iter().enumerate().filter_map(|(i, leaf)| Some((i, leaf.split?)));
            // The first of equals.
            let best = best.fold(None, |best: Option<(usize, Split)>, next| match best {
                Some(best) if best.1.gain >= next.1.gain => Some(best),
                _ => Some(next),
            });
            let Some((at, split)) = best else { break };
            let node = nodes.len();
            let leaf = &mut leaves[at];
            if let Some((parent, is_left)) = leaf.parent {
                let link = if is_left { &mut nodes[parent].left } else { &mut nodes[parent].right };
                *link = node as i32;
            }
            nodes.push(Node {
                feature: split.feature,
                threshold: bins[split.feature].threshold(split.bin),
                bin: split.bin as u8,
                missing_left: split.missing_left,
                knows_missing: bins[split.feature].has_missing,
                gain: split.gain,
                left: -1 - at as i32,
                right: -1 - leaves.len() as i32,
                value: self.value(leaves[at].total),
                weight: leaves[at].total.hessian,
                rows: leaves[at].total.rows,
            });
            let (left, right) =
                self.divide(&mut leaves[at], node, split, derivatives, bins, &chosen);
            leaves[at] = left;
            leaves.push(right);
        }
        self.ends = leaves.iter().map(|leaf| (leaf.from, leaf.to)).collect();
        let leaf = |leaf: &Growing| {
            let value = if nodes.is_empty() { 0.0 } else { self.value(leaf.total) };
            Leaf { value, weight: leaf.total.hessian, rows: leaf.total.rows }
        };
        let leaves = leaves.iter().map(leaf).collect();
        Tree { nodes, leaves, shrinkage: 1.0 }
    }

    /// Tells each row of the last tree its leaf's value.
    pub(super) fn for_each_leaf(&self, tree: &Tree, mut tell: impl FnMut(usize, f64)) {
        for (leaf, (from, to)) in tree.leaves.iter().zip(&self.ends) {
            for row in &self.order[*from..*to] {
                tell(*row as usize, leaf.value);
            }
        }
        if self.in_bag == self.bag.len() {
            return;
        }
        // Rows that were left out go down the tree by their bins.
        for row in (0..self.bag.len()).filter(|row| !self.bag[*row]) {
            tell(row, self.leaf_of(tree, row));
        }
    }

    fn leaf_of(&self, tree: &Tree, row: usize) -> f64 {
        let mut at = if tree.nodes.is_empty() { -1 } else { 0 };
        while at >= 0 {
            let node = &tree.nodes[at as usize];
            let bin = self.binned[node.feature][row];
            let missing = bin >= self.missing[node.feature];
            let left = if missing { node.missing_left } else { bin <= node.bin };
            at = if left { node.left } else { node.right };
        }
        tree.leaves[(-1 - at) as usize].value
    }

    fn features(&mut self) -> Vec<usize> {
        let all = self.binned.len();
        let wanted = (all as f64 * self.settings.feature_fraction).round().max(1.0) as usize;
        let mut chosen: Vec<usize> = (0..all).collect();
        if wanted < all {
            for i in 0..wanted {
                let j = i + ((self.draw)() * (all - i) as f64) as usize;
                chosen.swap(i, j);
            }
            chosen.truncate(wanted);
            chosen.sort_unstable();
        }
        chosen
    }

    fn value(&self, total: Cell) -> f64 {
        -total.gradient / (total.hessian + self.settings.l2)
    }

    fn sum(&self, leaf: &Growing, (gradients, hessians): Derivatives<'_>) -> Cell {
        let mut total = Cell::default();
        for row in &self.order[leaf.from..leaf.to] {
            total.gradient += gradients[*row as usize];
            total.hessian += hessians[*row as usize];
            total.rows += 1;
        }
        total
    }

    fn histogram(
        &self,
        leaf: &Growing,
        (gradients, hessians): Derivatives<'_>,
        chosen: &[usize],
    ) -> Vec<Cell> {
        let mut histogram = vec![Cell::default(); self.cells];
        let rows = &self.order[leaf.from..leaf.to];
        for feature in chosen {
            let (binned, offset) = (&self.binned[*feature], self.offsets[*feature]);
            for row in rows {
                let row = *row as usize;
                let cell = &mut histogram[offset + binned[row] as usize];
                cell.gradient += gradients[row];
                cell.hessian += hessians[row];
                cell.rows += 1;
            }
        }
        histogram
    }

    fn best_split(&self, leaf: &Growing, bins: &[Bins], chosen: &[usize]) -> Option<Split> {
        let settings = self.settings;
        let fewest = settings.min_rows_in_leaf;
        if leaf.total.rows < 2 * fewest {
            return None;
        }
        let alone = leaf.total.score(settings.l2);
        let mut best: Option<Split> = None;
        for &feature in chosen {
            let cells = &leaf.histogram[self.offsets[feature]..][..bins[feature].count()];
            let values = bins[feature].of_values();
            let missing = cells.get(values).copied().filter(|cell| cell.rows > 0);
            for missing_left in [false, true] {
                // Without missing values there is one direction.
                if missing_left && missing.is_none() {
                    break;
                }
                let mut left =
                    if missing_left { missing.unwrap_or_default() } else { Cell::default() };
                // With missing values on the right, all others may go left.
                let last = if missing.is_some() && !missing_left { values } else { values - 1 };
                for (bin, cell) in cells[..values].iter().enumerate().take(last) {
                    left = left.plus(*cell);
                    if left.rows < fewest {
                        continue;
                    }
                    let right = leaf.total.minus(left);
                    if right.rows < fewest {
                        break;
                    }
                    let least = settings.min_hessian_in_leaf;
                    if cell.rows == 0 || left.hessian < least || right.hessian < least {
                        continue;
                    }
                    let gain = left.score(settings.l2) + right.score(settings.l2) - alone;
                    if gain > best.map_or(0.0, |best| best.gain) && gain.is_finite() {
                        best = Some(Split { feature, bin, missing_left, gain, left, right });
                    }
                }
            }
        }
        best
    }

    /// Splits a leaf, and looks for the next splits of its two parts.
    fn divide(
        &mut self,
        leaf: &mut Growing,
        node: usize,
        split: Split,
        derivatives: Derivatives<'_>,
        bins: &[Bins],
        chosen: &[usize],
    ) -> (Growing, Growing) {
        let binned = &self.binned[split.feature];
        let values = bins[split.feature].of_values();
        self.spare.clear();
        let mut to = leaf.from;
        for i in leaf.from..leaf.to {
            let row = self.order[i];
            let bin = binned[row as usize] as usize;
            let left = if bin >= values { split.missing_left } else { bin <= split.bin };
            if left {
                self.order[to] = row;
                to += 1;
            } else {
                self.spare.push(row);
            }
        }
        self.order[to..leaf.to].copy_from_slice(&self.spare);
        let part = |from, to, total, is_left| Growing {
            from,
            to,
            total,
            histogram: Vec::new(),
            split: None,
            parent: Some((node, is_left)),
        };
        let mut left = part(leaf.from, to, split.left, true);
        let mut right = part(to, leaf.to, split.right, false);
        // The smaller part is summed up; the other is what remains.
        let mut whole = std::mem::take(&mut leaf.histogram);
        let smaller_is_left = left.to - left.from <= right.to - right.from;
        let (small, large) =
            if smaller_is_left { (&mut left, &mut right) } else { (&mut right, &mut left) };
        small.histogram = self.histogram(small, derivatives, chosen);
        for (cell, less) in whole.iter_mut().zip(&small.histogram) {
            *cell = cell.minus(*less);
        }
        large.histogram = whole;
        left.split = self.best_split(&left, bins, chosen);
        right.split = self.best_split(&right, bins, chosen);
        (left, right)
    }
}

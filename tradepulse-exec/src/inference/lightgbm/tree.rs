use super::LightGbmError;
use super::sections::Section;

/// A tree as the file has it, checked: every split and every leaf is reached once.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) splits: Vec<Split>,
    pub(super) leaves: Vec<Leaf>,
}

#[derive(Debug)]
pub(super) struct Split {
    pub(super) feature: u16,
    pub(super) test: Test,
    pub(super) missing: Missing,
    /// Where a missing value goes.
    pub(super) default_left: bool,
    pub(super) left: Child,
    pub(super) right: Child,
}

#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Values up to this one go left.
    Threshold(f64),
    /// Categories with their bit set go left.
    Categories(Vec<u32>),
}

/// What counts as missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Nothing: `NaN` is 0.
    Nothing,
    /// `NaN`, and what is as good as 0.
    Zero,
    /// `NaN`.
    NaN,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Child {
    Split(usize),
    Leaf(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) value: f64,
    /// The model in a leaf of a linear tree.
    pub(super) line: Option<Line>,
}

/// A constant and weighted features.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) constant: f64,
    pub(super) terms: Vec<(u16, f64)>,
}

impl Tree {
    pub(super) fn parse(section: &Section<'_>, inputs: usize) -> Result<Self, LightGbmError> {
        let count = section.number::<usize>("num_leaves")?;
        if count == 0 {
            return Err(section.wrong("num_leaves", "a tree has at least one leaf"));
        }
        let values = section.finite("leaf_value", count)?;
        let lines = lines(section, count, inputs)?;
        let leaves =
            values.into_iter().zip(lines).map(|(value, line)| Leaf { value, line }).collect();
        let splits = if count > 1 { splits(section, count, inputs)? } else { Vec::new() };
        let tree = Self { splits, leaves };
        tree.check(section)?;
        Ok(tree)
    }

    /// Whether it is one tree, and nothing but that.
    fn check(&self, section: &Section<'_>) -> Result<(), LightGbmError> {
        let mut seen_splits = vec![false; self.splits.len()];
        let mut seen_leaves = vec![false; self.leaves.len()];
        let mut next = vec![if self.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) }];
        while let Some(child) = next.pop() {
            let (seen, i, what) = match child {
                Child::Split(i) => (seen_splits.get_mut(i), i, "split"),
                Child::Leaf(i) => (seen_leaves.get_mut(i), i, "leaf"),
            };
            match seen {
                Some(seen) if !*seen => *seen = true,
                Some(_) => {
                    return Err(section.wrong("left_child", format!("{what} {i} has two parents")));
                }
                None => {
                    return Err(section.wrong("left_child", format!("there is no {what} {i}")));
                }
            }
            if let (Child::Split(_), Some(split)) = (child, self.splits.get(i)) {
                next.extend([split.right, split.left]);
            }
        }
        let missing = |seen: &[bool]| seen.iter().position(|seen| !seen);
        let (what, i) = match (missing(&seen_splits), missing(&seen_leaves)) {
            (Some(i), _) => ("split", i),
            (_, Some(i)) => ("leaf", i),
            (None, None) => return Ok(()),
        };
        Err(section.wrong("left_child", format!("{what} {i} has no parent")))
    }
}

fn feature(
    section: &Section<'_>,
    key: &'static str,
    found: usize,
    inputs: usize,
) -> Result<u16, LightGbmError> {
    let possible = if found < inputs { u16::try_from(found).ok() } else { None };
    possible.ok_or_else(|| section.wrong(key, format!("there is no feature {found}")))
}

fn splits(
    section: &Section<'_>,
    leaves: usize,
    inputs: usize,
) -> Result<Vec<Split>, LightGbmError> {
    let count = leaves - 1;
    let features = section.numbers::<usize>("split_feature", count)?;
    // An infinite one parts what is missing from all else.
    let thresholds = section.numbers::<f64>("threshold", count)?;
    if thresholds.iter().any(|threshold| threshold.is_nan()) {
        return Err(section.wrong("threshold", "NaN is no threshold"));
    }
    let kinds = section.numbers::<u8>("decision_type", count)?;
    let left = section.numbers::<i64>("left_child", count)?;
    let right = section.numbers::<i64>("right_child", count)?;
    let categories = categories(section)?;
    let child = |number: i64| {
        let place = if number < 0 { !number } else { number };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if number < 0 { Child::Leaf(place) } else { Child::Split(place) }
    };
    let mut splits = Vec::with_capacity(count);
    for i in 0..count {
        let kind = kinds[i];
        let test = if kind & 1 == 0 {
            Test::Threshold(thresholds[i])
        } else {
            // The number of the set of categories.
            let set = categories.get(thresholds[i] as usize).filter(|_| thresholds[i] >= 0.0);
            let set = set.ok_or_else(|| {
                section.wrong("threshold", format!("there are no categories {}", thresholds[i]))
            })?;
            Test::Categories(set.clone())
        };
        let missing = match (kind >> 2) & 3 {
            0 => Missing::Nothing,
            1 => Missing::Zero,
            2 => Missing::NaN,
            _ => return Err(section.wrong("decision_type", format!("{kind} is not known"))),
        };
        splits.push(Split {
            feature: feature(section, "split_feature", features[i], inputs)?,
            test,
            missing,
            default_left: kind & 2 != 0,
            left: child(left[i]),
            right: child(right[i]),
        });
    }
    Ok(splits)
}

/// The sets of categories that splits refer to.
fn categories(section: &Section<'_>) -> Result<Vec<Vec<u32>>, LightGbmError> {
    let count = section.number::<usize>("num_cat")?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let bounds = section.numbers::<usize>("cat_boundaries", count.saturating_add(1))?;
    let words = section.numbers::<u32>("cat_threshold", bounds.last().copied().unwrap_or(0))?;
    let set = |pair: &[usize]| {
        let words = words.get(pair[0]..pair[1]).map(<[u32]>::to_vec);
        words.ok_or_else(|| section.wrong("cat_boundaries", "they do not rise"))
    };
    bounds.windows(2).map(set).collect()
}

/// The models in the leaves of a linear tree.
fn lines(
    section: &Section<'_>,
    leaves: usize,
    inputs: usize,
) -> Result<Vec<Option<Line>>, LightGbmError> {
    if !section.has("is_linear") || section.number::<u8>("is_linear")? == 0 {
        return Ok(vec![None; leaves]);
    }
    let constants = section.finite("leaf_const", leaves)?;
    let counts = section.numbers::<usize>("num_features", leaves)?;
    let total = counts.iter().fold(0, |sum: usize, count| sum.saturating_add(*count));
    let features = section.numbers::<usize>("leaf_features", total)?;
    let weights = section.finite("leaf_coeff", total)?;
    let mut terms = features.into_iter().zip(weights);
    let mut lines = Vec::with_capacity(leaves);
    for (constant, count) in constants.into_iter().zip(counts) {
        let terms = (&mut terms).take(count);
        let terms = terms
            .map(|(found, weight)| Ok((feature(section, "leaf_features", found, inputs)?, weight)))
            .collect::<Result<_, LightGbmError>>()?;
        lines.push(Some(Line { constant, terms }));
    }
    Ok(lines)
}

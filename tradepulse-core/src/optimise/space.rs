//! The space a search moves in: a table of variables, what is left of each, and which of them
//! matter when.

use std::fmt::Write as _;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::axis::{Axis, Condition, Restriction};
use crate::parameter::{Parameters, did_you_mean, nearest};
use crate::variable::{Domain, Value, Variable};

/// A place in a [`Space`]: for each variable of the table the index of its value on the search
/// grid, or nothing if the variable is inactive there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Point(pub(super) Box<[Option<u64>]>);

/// The space a search moves in.
///
/// It starts as a strategy's whole table. The step of a variable is the grid on which search
/// proposes; a real variable whose step is 0 is continuous. A [`Restriction`] leaves part of a
/// variable, and a variable may be active only where another has certain values; where it is
/// inactive it stays at its default and counts for nothing.
///
/// ```
/// use tradepulse_core::optimise::{Restriction, Space};
/// use tradepulse_core::variable::{Value, Variable};
/// const VARIABLES: &[Variable] = &[
///     Variable::integer("fast", 2, 100, 1, 20, "candles", "period of the fast average"),
///     Variable::bool("trail", false, "trail the stop"),
///     Variable::real("distance", 0.5, 3.0, 0.5, 1.0, "ATR", "distance of the trailing stop"),
/// ];
/// let space = Space::new(VARIABLES)?
///     .restrict("fast", &Restriction::Among(vec![Value::Integer(5), Value::Integer(20)]))?
///     .active_if("distance", "trail", &[Value::Bool(true)])?;
/// assert_eq!(space.size(), 2 * (1 + 6));
/// # Ok::<(), tradepulse_core::optimise::SpaceError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    variables: &'static [Variable],
    axes: Vec<Axis>,
}

impl Space {
    /// The whole of a table of variables, with its conditions.
    ///
    /// # Errors
    /// If a domain has no value, or a variable depends on one that does not stand before it.
    pub fn new(variables: &'static [Variable]) -> Result<Self, SpaceError> {
        let axes = variables.iter().map(Axis::new).collect::<Result<_, _>>()?;
        let mut conditional = variables.iter().filter_map(|v| Some((v.name, v.condition?)));
        conditional.try_fold(Self { variables, axes }, |space, (name, condition)| {
            space.active_if(name, condition.variable, condition.values)
        })
    }

    /// The same with less of one variable.
    ///
    /// # Errors
    /// If there is no such variable, nothing of it is left, or a value is outside its domain.
    pub fn restrict(mut self, name: &str, to: &Restriction) -> Result<Self, SpaceError> {
        let slot = self.find(name)?;
        self.axes[slot].restrict(&self.variables[slot], to)?;
        self.settle();
        Ok(self)
    }

    /// The same with a variable that means something only where `other`, which stands before it in
    /// the table, is active and has one of `values`.
    ///
    /// # Errors
    /// If there is no such variable, or `other` does not stand before it.
    pub fn active_if(
        mut self,
        name: &str,
        other: &str,
        values: &[Value],
    ) -> Result<Self, SpaceError> {
        let (slot, parent) = (self.find(name)?, self.find(other)?);
        if parent >= slot {
            let (name, other) = (self.variables[slot].name, self.variables[parent].name);
            return Err(SpaceError::Order { name, other });
        }
        let condition = Condition { parent, values: values.to_vec(), indexes: Vec::new() };
        self.axes[slot].condition = Some(condition);
        self.settle();
        Ok(self)
    }

    /// Looks up the values of conditions on the grids they now speak of.
    fn settle(&mut self) {
        for slot in 0..self.axes.len() {
            let Some(mut condition) = self.axes[slot].condition.take() else { continue };
            let parent = &self.axes[condition.parent];
            condition.indexes = condition.values.iter().filter_map(|v| parent.index(*v)).collect();
            condition.indexes.sort_unstable();
            condition.indexes.dedup();
            self.axes[slot].condition = Some(condition);
        }
    }

    /// The table of variables.
    pub fn variables(&self) -> &'static [Variable] {
        self.variables
    }

    /// Number of points, at most `u128::MAX`. Values of inactive variables make no difference.
    pub fn size(&self) -> u128 {
        self.roots().map(|slot| self.weight(slot)).fold(1, u128::saturating_mul)
    }

    /// The point of this rank in 0..[`size`](Self::size); each rank has its own. The last variable
    /// changes fastest. `None` beyond the size.
    pub fn nth(&self, rank: u128) -> Option<Point> {
        if rank >= self.size() {
            return None;
        }
        let mut point = vec![None; self.axes.len()];
        let roots: Vec<usize> = self.roots().collect();
        self.unrank(&roots, rank, &mut point);
        Some(Point(point.into()))
    }

    /// The parameters of a point.
    pub fn parameters(&self, point: &Point) -> Parameters {
        let slots = self.variables.iter().zip(&self.axes).enumerate();
        let value = |(slot, (variable, axis)): (usize, (&Variable, &Axis))| {
            let index = point.0.get(slot).copied().flatten();
            index.map_or(variable.default, |index| axis.value(index))
        };
        Parameters::from_values(self.variables, slots.map(value).collect())
    }

    /// The point of these parameters; `None` if they are of another table or off the grid.
    pub fn point(&self, parameters: &Parameters) -> Option<Point> {
        let values: Vec<Value> = parameters.iter().map(|(_, value)| value).collect();
        let of_this_table = parameters.iter().zip(self.variables).all(|((v, _), own)| v == own);
        if !of_this_table || values.len() != self.axes.len() {
            return None;
        }
        let mut point = Vec::with_capacity(values.len());
        for (slot, value) in values.into_iter().enumerate() {
            let index = if self.is_active(slot, &point) {
                Some(self.axes[slot].index(value)?)
            } else {
                None
            };
            point.push(index);
        }
        Some(Point(point.into()))
    }

    /// The points one step away from `point` in one variable: for numbers the next lower and the
    /// next higher value, for choices and bools every other value.
    pub fn neighbours(&self, point: &Point) -> Vec<Point> {
        let mut found = Vec::new();
        for (slot, axis) in self.axes.iter().enumerate() {
            let Some(index) = point.0.get(slot).copied().flatten() else { continue };
            let near: Vec<u64> = if axis.ordered {
                let beside = [index.checked_sub(1), index.checked_add(1)];
                beside.into_iter().flatten().filter(|i| *i < axis.len()).collect()
            } else {
                (0..axis.len()).filter(|i| *i != index).collect()
            };
            found.extend(near.into_iter().map(|index| self.moved(point, slot, index)));
        }
        found
    }

    /// A name for the space: equal for equal spaces, in another process too.
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (variable, axis) in self.variables.iter().zip(&self.axes) {
            let _ = writeln!(text, "{} {:?} {axis:?}", variable.name, variable.default);
        }
        crate::hex(&Sha256::digest(text.as_bytes())[..16])
    }

    /// Whether a point is of this space.
    pub(super) fn holds(&self, point: &Point) -> bool {
        point.0.len() == self.axes.len()
            && *point == self.assemble(|slot, _| point.0[slot].unwrap_or(0))
    }

    pub(super) fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// A point of random values.
    pub(super) fn random(&self, rng: &mut ChaCha8Rng) -> Point {
        self.assemble(|_, axis| rng.random_range(0..axis.len()))
    }

    /// The point whose active variables have the indexes `index` says. It is asked about every
    /// variable, in order.
    pub(super) fn assemble(&self, mut index: impl FnMut(usize, &Axis) -> u64) -> Point {
        let mut point = Vec::with_capacity(self.axes.len());
        for (slot, axis) in self.axes.iter().enumerate() {
            let wanted = index(slot, axis).min(axis.len() - 1);
            let active = self.is_active(slot, &point);
            point.push(active.then_some(wanted));
        }
        Point(point.into())
    }

    /// The point with one variable at another index. Variables that become active take the middle
    /// of their grid.
    pub(super) fn moved(&self, point: &Point, moved: usize, to: u64) -> Point {
        self.assemble(|slot, axis| match point.0[slot] {
            _ if slot == moved => to,
            Some(index) => index,
            None => axis.len() / 2,
        })
    }

    /// A point near `point`: some variables move, numbers mostly by little.
    pub(super) fn mutated(&self, point: &Point, rng: &mut ChaCha8Rng) -> Point {
        let rate = 1.0 / self.axes.len().max(1) as f64;
        let sure = rng.random_range(0..self.axes.len().max(1));
        self.assemble(|slot, axis| {
            let index = point.0[slot].unwrap_or_else(|| rng.random_range(0..axis.len()));
            let (dice, size, up) = (rng.random::<f64>(), rng.random::<f64>(), rng.random::<bool>());
            if axis.len() == 1 || (slot != sure && dice >= rate) {
                index
            } else if axis.ordered {
                // From one step to the whole grid, small steps as likely as large ones.
                let reach = (axis.len() as f64).powf(size) as u64;
                let target =
                    if up { index.saturating_add(reach) } else { index.saturating_sub(reach) };
                target.min(axis.len() - 1)
            } else {
                (index + 1 + (size * (axis.len() - 1) as f64) as u64) % axis.len()
            }
        })
    }

    fn is_active(&self, slot: usize, before: &[Option<u64>]) -> bool {
        self.axes[slot].condition.as_ref().is_none_or(|condition| {
            before[condition.parent].is_some_and(|i| condition.indexes.binary_search(&i).is_ok())
        })
    }

    fn find(&self, name: &str) -> Result<usize, SpaceError> {
        self.variables.iter().position(|v| v.name == name).ok_or_else(|| SpaceError::Unknown {
            name: name.to_owned(),
            nearest: nearest(name, self.variables.iter().map(|v| v.name)),
        })
    }

    fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.axes.len()).filter(|slot| self.axes[*slot].condition.is_none())
    }

    /// Variables that depend on `slot` directly.
    fn children(&self, slot: usize) -> impl Iterator<Item = (usize, &Condition)> + '_ {
        let of = move |(child, axis): (usize, &'_ Axis)| match &axis.condition {
            Some(condition) if condition.parent == slot => Some(child),
            _ => None,
        };
        self.axes
            .iter()
            .enumerate()
            .filter_map(of)
            .filter_map(|child| self.axes[child].condition.as_ref().map(|c| (child, c)))
    }

    /// Variables that depend on `slot` and are active when it has this index.
    fn awake(&self, slot: usize, index: u64) -> Vec<usize> {
        let awake = |(child, c): (usize, &Condition)| c.indexes.contains(&index).then_some(child);
        self.children(slot).filter_map(awake).collect()
    }

    /// Indexes of `slot` on which another variable depends, ascending.
    fn consequential(&self, slot: usize) -> Vec<u64> {
        let mut indexes: Vec<u64> =
            self.children(slot).flat_map(|(_, c)| c.indexes.iter().copied()).collect();
        indexes.sort_unstable();
        indexes.dedup();
        indexes
    }

    /// Number of ways to choose `slot` and everything that depends on it.
    fn weight(&self, slot: usize) -> u128 {
        let special = self.consequential(slot);
        let plain = u128::from(self.axes[slot].len()) - special.len() as u128;
        special
            .iter()
            .fold(plain, |sum, index| sum.saturating_add(self.weight_of(&self.awake(slot, *index))))
    }

    fn weight_of(&self, slots: &[usize]) -> u128 {
        slots.iter().map(|slot| self.weight(*slot)).fold(1, u128::saturating_mul)
    }

    /// Fills in the slots, and all that depends on them, for a rank among their combinations.
    fn unrank(&self, slots: &[usize], mut rank: u128, point: &mut [Option<u64>]) {
        for slot in slots.iter().rev() {
            let weight = self.weight(*slot);
            let mut own = rank % weight;
            rank /= weight;
            // Indexes on which nothing depends count once; the others as often as what depends.
            let mut next = 0;
            let mut found = None;
            for special in self.consequential(*slot) {
                let plain = u128::from(special - next);
                if own < plain {
                    break;
                }
                own -= plain;
                let children = self.awake(*slot, special);
                let weight = self.weight_of(&children);
                if own < weight {
                    self.unrank(&children, own, point);
                    found = Some(special);
                    break;
                }
                own -= weight;
                next = special + 1;
            }
            point[*slot] = Some(found.unwrap_or(next + own as u64));
        }
    }
}

/// The table of variables, each with what is searched of it, as [`Restriction::parse`] reads it.
impl Serialize for Space {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Dimension {
            #[serde(flatten)]
            variable: Variable,
            search: String,
        }
        let dimensions = self.variables.iter().zip(&self.axes);
        serializer.collect_seq(
            dimensions
                .map(|(variable, axis)| Dimension { variable: *variable, search: axis.text() }),
        )
    }
}

/// A search space that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// No variable of this name.
    #[error("there is no variable {name:?}{}", did_you_mean(.nearest))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The most similar name there is.
        nearest: Option<String>,
    },
    /// Nothing is left of a variable.
    #[error("{name} has no value to search")]
    Empty {
        /// The variable.
        name: &'static str,
    },
    /// A value outside the variable's domain.
    #[error("{name} = {value} is outside its domain: {domain}")]
    OutOfDomain {
        /// The variable.
        name: &'static str,
        /// The value given.
        value: Value,
        /// The variable's domain.
        domain: Domain,
    },
    /// A step that is not a positive number, or where there are no steps.
    #[error("{name}: a range needs numbers, and its step must be above 0")]
    Step {
        /// The variable.
        name: &'static str,
    },
    /// A condition on a variable that comes later.
    #[error("{name} can only depend on a variable that stands before it, and {other} does not")]
    Order {
        /// The dependent variable.
        name: &'static str,
        /// The variable it would depend on.
        other: &'static str,
    },
}

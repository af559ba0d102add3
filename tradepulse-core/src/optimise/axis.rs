//! One dimension of a search space: the values of a variable that search proposes.

use super::space::SpaceError;
use crate::variable::{Domain, Value, Variable};

/// What a search leaves of a variable's domain.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Restriction {
    /// This value only.
    Fixed(Value),
    /// The values from `min` to `max`, both included, counted from `min` in steps of `step`, or of
    /// the variable's own step. Of a choice, those that lie between.
    Range {
        /// Smallest value.
        min: Value,
        /// Largest value.
        max: Value,
        /// Distance between neighbours; `None` for the variable's own.
        step: Option<Value>,
    },
    /// These values only, in this order.
    Among(Vec<Value>),
}

impl Restriction {
    /// Reads a restriction as a person would type it: `12`, `5..50`, `5..50:5` (a step of 5) or
    /// `4,6,12`. `None` if it is none of these, or a value is outside the domain.
    ///
    /// ```
    /// use tradepulse_core::optimise::Restriction;
    /// use tradepulse_core::variable::{Domain, Value};
    /// let domain = Domain::Integer { min: 2, max: 100, step: 1 };
    /// let (min, max) = (Value::Integer(5), Value::Integer(50));
    /// assert_eq!(
    ///     Restriction::parse(&domain, "5..50:5"),
    ///     Some(Restriction::Range { min, max, step: Some(Value::Integer(5)) }),
    /// );
    /// assert_eq!(Restriction::parse(&domain, "5..500"), None);
    /// ```
    pub fn parse(domain: &Domain, text: &str) -> Option<Self> {
        let value = |text: &str| domain.parse(text.trim());
        if let Some((min, rest)) = text.split_once("..") {
            let (max, step) = match rest.split_once(':') {
                Some((max, step)) => (max, Some(number(domain, step.trim())?)),
                None => (rest, None),
            };
            // The ends of a range of choices need not be choices.
            let end = |text: &str| match domain {
                Domain::Choice(_) => text.trim().parse().ok().map(Value::Integer),
                _ => value(text),
            };
            return Some(Self::Range { min: end(min)?, max: end(max)?, step });
        }
        if text.contains(',') {
            return text.split(',').map(value).collect::<Option<_>>().map(Self::Among);
        }
        value(text).map(Self::Fixed)
    }
}

/// A step, in the kind of the domain but not confined to it.
fn number(domain: &Domain, text: &str) -> Option<Value> {
    match domain {
        Domain::Integer { .. } => text.parse().ok().map(Value::Integer),
        _ => text.parse().ok().map(Value::Real),
    }
}

/// Cells of a real axis that has no step.
const CONTINUOUS_CELLS: u64 = 1 << 32;

/// The grid of one variable. Search speaks of its values by their index.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    grid: Grid,
    /// Whether neighbours in the grid are neighbours in meaning.
    pub(super) ordered: bool,
    /// The condition under which the variable means anything.
    pub(super) condition: Option<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
enum Grid {
    Integers { min: i64, step: i64, len: u64 },
    Reals { min: f64, max: f64, step: f64, len: u64, scale: f64 },
    Listed(Vec<Value>),
}

/// A variable is active if another has one of these values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) parent: usize,
    pub(super) values: Vec<Value>,
    /// Indexes of the values in the parent's grid, ascending.
    pub(super) indexes: Vec<u64>,
}

impl Axis {
    /// All a variable's values on its own grid.
    pub(super) fn new(variable: &Variable) -> Result<Self, SpaceError> {
        let grid = match variable.domain {
            Domain::Integer { min, max, step } => integers(min, max, step),
            Domain::Real { min, max, step } => reals(min, max, step),
            Domain::Choice(choices) => listed(choices.iter().map(|c| Value::Integer(*c)).collect()),
            Domain::Bool => listed(vec![Value::Bool(false), Value::Bool(true)]),
        };
        let ordered = matches!(variable.domain, Domain::Integer { .. } | Domain::Real { .. });
        let grid = grid.ok_or(SpaceError::Empty { name: variable.name })?;
        Ok(Self { grid, ordered, condition: None })
    }

    /// The same variable with fewer values.
    pub(super) fn restrict(
        &mut self,
        variable: &Variable,
        restriction: &Restriction,
    ) -> Result<(), SpaceError> {
        let accept = |value: Value| {
            variable.domain.accept(value).ok_or(SpaceError::OutOfDomain {
                name: variable.name,
                value,
                domain: variable.domain,
            })
        };
        let grid = match restriction {
            Restriction::Fixed(value) => listed(vec![accept(*value)?]),
            Restriction::Among(values) => {
                listed(values.iter().map(|v| accept(*v)).collect::<Result<_, _>>()?)
            }
            Restriction::Range { min, max, step } => {
                let given = step.map(Value::as_f64);
                if given.is_some_and(|step| !(step.is_finite() && step > 0.0)) {
                    return Err(SpaceError::Step { name: variable.name });
                }
                match variable.domain {
                    Domain::Choice(choices) if given.is_none() => {
                        let (min, max) = (min.as_f64(), max.as_f64());
                        let within = choices.iter().filter(|c| (min..=max).contains(&(**c as f64)));
                        listed(within.map(|c| Value::Integer(*c)).collect())
                    }
                    domain => match (domain, accept(*min)?, accept(*max)?) {
                        (
                            Domain::Integer { step, .. },
                            Value::Integer(min),
                            Value::Integer(max),
                        ) => integers(min, max, given.map_or(step, |s| s.ceil() as i64)),
                        (Domain::Real { step, .. }, Value::Real(min), Value::Real(max)) => {
                            reals(min, max, given.unwrap_or(step))
                        }
                        _ => return Err(SpaceError::Step { name: variable.name }),
                    },
                }
            }
        };
        self.grid = grid.ok_or(SpaceError::Empty { name: variable.name })?;
        Ok(())
    }

    /// What is left, as [`Restriction::parse`] reads it: this gives the same grid again.
    pub(super) fn text(&self) -> String {
        match &self.grid {
            Grid::Integers { min, step, len } => {
                format!("{min}..{}:{step}", min + (*len as i64 - 1) * step)
            }
            Grid::Reals { min, max, len, .. } if *len > CONTINUOUS_CELLS => format!("{min}..{max}"),
            Grid::Reals { min, max, step, .. } => format!("{min}..{max}:{step}"),
            Grid::Listed(values) => {
                values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            }
        }
    }

    /// Number of values; at least 1.
    pub(super) fn len(&self) -> u64 {
        match &self.grid {
            Grid::Integers { len, .. } | Grid::Reals { len, .. } => *len,
            Grid::Listed(values) => values.len() as u64,
        }
    }

    /// The value of an index; of the last one if there are not so many.
    pub(super) fn value(&self, index: u64) -> Value {
        let index = index.min(self.len() - 1);
        match &self.grid {
            Grid::Integers { min, step, .. } => Value::Integer(min + index as i64 * step),
            Grid::Reals { min, max, step, scale, .. } => {
                let exact = min + index as f64 * step;
                // 0.05 + 13 × 0.01 is 0.18, not 0.18000000000000002.
                let round = if *scale > 0.0 { (exact * scale).round() / scale } else { exact };
                Value::Real(round.clamp(*min, *max))
            }
            Grid::Listed(values) => values[index as usize],
        }
    }

    /// The index of a value, if it lies on the grid.
    pub(super) fn index(&self, value: Value) -> Option<u64> {
        let index = match (&self.grid, value) {
            (Grid::Integers { min, step, .. }, Value::Integer(i)) => {
                u64::try_from((i - min) / step).ok()?
            }
            (Grid::Reals { min, step, .. }, Value::Real(r)) => ((r - min) / step).round() as u64,
            (Grid::Listed(values), _) => values.iter().position(|v| *v == value)? as u64,
            _ => return None,
        };
        (index < self.len() && self.value(index) == value).then_some(index)
    }

    /// Centre of an index's cell, with the grid spread over 0..1.
    pub(super) fn centre(&self, index: u64) -> f64 {
        (index as f64 + 0.5) / self.len() as f64
    }

    /// The index whose cell holds `unit`, with the grid spread over 0..1.
    pub(super) fn cell(&self, unit: f64) -> u64 {
        ((unit * self.len() as f64) as u64).min(self.len() - 1)
    }
}

fn integers(min: i64, max: i64, step: i64) -> Option<Grid> {
    let step = step.max(1);
    let len = u64::try_from(max.checked_sub(min)?).ok()? / step.unsigned_abs() + 1;
    Some(Grid::Integers { min, step, len })
}

fn reals(min: f64, max: f64, step: f64) -> Option<Grid> {
    let width = max - min;
    if !(width.is_finite() && width >= 0.0) {
        return None;
    }
    let (step, scale) = if step > 0.0 { (step, decimal_scale(min, step)) } else { (0.0, 0.0) };
    if width == 0.0 {
        return listed(vec![Value::Real(min)]);
    }
    let len = if step > 0.0 { width / step + 1e-9 } else { CONTINUOUS_CELLS as f64 };
    if len >= CONTINUOUS_CELLS as f64 {
        let step = width / CONTINUOUS_CELLS as f64;
        return Some(Grid::Reals { min, max, step, len: CONTINUOUS_CELLS + 1, scale: 0.0 });
    }
    Some(Grid::Reals { min, max, step, len: len as u64 + 1, scale })
}

/// The power of ten at which both `min` and `step` are whole; 0 if there is none.
fn decimal_scale(min: f64, step: f64) -> f64 {
    let whole = |x: f64| (x - x.round()).abs() <= 1e-9 * x.abs().max(1e-3);
    (0..=12)
        .map(|digits| 10_f64.powi(digits))
        .find(|scale| whole(min * scale) && whole(step * scale) && step * scale >= 0.5)
        .unwrap_or(0.0)
}

/// Without repetitions; `None` if there is nothing.
fn listed(values: Vec<Value>) -> Option<Grid> {
    let mut distinct: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    (!distinct.is_empty()).then_some(Grid::Listed(distinct))
}

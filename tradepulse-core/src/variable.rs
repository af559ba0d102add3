//! Variables: the tunable dimensions of a strategy, written down once.
//!
//! A strategy's table of variables feeds everything that needs to know them: validation, search,
//! command-line help, JSON, stored configurations.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// The value of one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A real number.
    Real(f64),
}

impl Value {
    /// The value as a real number; a bool is 0 or 1.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Bool(b) => f64::from(u8::from(b)),
            Self::Integer(i) => i as f64,
            Self::Real(r) => r,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => b.fmt(f),
            Self::Integer(i) => i.fmt(f),
            Self::Real(r) => r.fmt(f),
        }
    }
}

/// The values a variable may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// Whole numbers from `min` to `max`, both included; search moves by `step`.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// Distance between neighbours in a search.
        step: i64,
    },
    /// Real numbers from `min` to `max`, both included; search moves by `step`.
    Real {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Distance between neighbours in a search.
        step: f64,
    },
    /// One of these whole numbers.
    Choice(&'static [i64]),
    /// Yes or no.
    Bool,
}

impl Domain {
    /// Takes `value` if it lies in the domain, in the kind of the domain: a whole real becomes an
    /// integer where integers are asked for, an integer becomes a real where reals are. The step
    /// is a matter of search: values between two steps are accepted.
    pub fn accept(&self, value: Value) -> Option<Value> {
        let whole = match value {
            Value::Integer(i) => Some(i),
            Value::Real(r) if r.fract() == 0.0 && r.abs() < 9e15 => Some(r as i64),
            _ => None,
        };
        match *self {
            Self::Integer { min, max, .. } => {
                whole.filter(|i| (min..=max).contains(i)).map(Value::Integer)
            }
            Self::Choice(choices) => whole.filter(|i| choices.contains(i)).map(Value::Integer),
            Self::Real { min, max, .. } => match value {
                Value::Bool(_) => None,
                _ => Some(value.as_f64()).filter(|r| (min..=max).contains(r)).map(Value::Real),
            },
            Self::Bool => matches!(value, Value::Bool(_)).then_some(value),
        }
    }

    /// Reads a value as a person would type it (`0.25`, `12`, `true`), and
    /// [`accept`](Self::accept)s it.
    pub fn parse(&self, text: &str) -> Option<Value> {
        let value = match self {
            Self::Bool => match text {
                "true" | "yes" | "on" | "1" => Value::Bool(true),
                "false" | "no" | "off" | "0" => Value::Bool(false),
                _ => return None,
            },
            _ => Value::Real(text.parse().ok()?),
        };
        self.accept(value)
    }

    /// Number of values on the search grid.
    pub fn grid_len(&self) -> u64 {
        match *self {
            Self::Integer { min, max, step } => ((max - min) / step.max(1)).unsigned_abs() + 1,
            Self::Real { min, max, step } => ((max - min) / step + 1e-9) as u64 + 1,
            Self::Choice(choices) => choices.len() as u64,
            Self::Bool => 2,
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { min, max, step: 1 } => write!(f, "{min} … {max}"),
            Self::Integer { min, max, step } => write!(f, "{min} … {max}, step {step}"),
            Self::Real { min, max, step } => write!(f, "{min} … {max}, step {step}"),
            Self::Choice(choices) => {
                f.write_str("one of ")?;
                for (i, choice) in choices.iter().enumerate() {
                    write!(f, "{}{choice}", if i == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Bool => f.write_str("true or false"),
        }
    }
}

impl Serialize for Domain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        enum Shape {
            Integer { min: i64, max: i64, step: i64 },
            Real { min: f64, max: f64, step: f64 },
            Choice { choices: &'static [i64] },
            Bool,
        }
        match *self {
            Self::Integer { min, max, step } => Shape::Integer { min, max, step },
            Self::Real { min, max, step } => Shape::Real { min, max, step },
            Self::Choice(choices) => Shape::Choice { choices },
            Self::Bool => Shape::Bool,
        }
        .serialize(serializer)
    }
}

/// One tunable dimension of a strategy: a question to which a parameter is the answer.
///
/// Made in a `const` table, one line each:
///
/// ```
/// use tradepulse_core::variable::Variable;
/// const VARIABLES: &[Variable] = &[
///     Variable::integer("fast", 2, 100, 1, 20, "candles", "period of the fast average"),
///     Variable::real("stop", 0.5, 10.0, 0.5, 2.0, "%", "distance of the stop from the close"),
///     Variable::bool("allow_short", false, "take short trades too"),
/// ];
/// assert_eq!(VARIABLES[0].domain.to_string(), "2 … 100");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Variable {
    /// Its name, unique within the strategy.
    pub name: &'static str,
    /// What values it may take.
    pub domain: Domain,
    /// Its value unless said otherwise.
    pub default: Value,
    /// Unit of the value; empty if it has none.
    pub unit: &'static str,
    /// One line of explanation.
    pub doc: &'static str,
    /// When it means anything; always, if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
}

/// A variable means something only where another has one of some values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// Name of the other, which stands before it in the table.
    pub variable: &'static str,
    /// The values.
    pub values: &'static [Value],
}

impl Variable {
    /// A whole number from `min` to `max`.
    pub const fn integer(
        name: &'static str,
        min: i64,
        max: i64,
        step: i64,
        default: i64,
        unit: &'static str,
        doc: &'static str,
    ) -> Self {
        let domain = Domain::Integer { min, max, step };
        Self { name, domain, default: Value::Integer(default), unit, doc, condition: None }
    }

    /// A real number from `min` to `max`.
    pub const fn real(
        name: &'static str,
        min: f64,
        max: f64,
        step: f64,
        default: f64,
        unit: &'static str,
        doc: &'static str,
    ) -> Self {
        let domain = Domain::Real { min, max, step };
        Self { name, domain, default: Value::Real(default), unit, doc, condition: None }
    }

    /// One of a few whole numbers.
    pub const fn choice(
        name: &'static str,
        choices: &'static [i64],
        default: i64,
        unit: &'static str,
        doc: &'static str,
    ) -> Self {
        let domain = Domain::Choice(choices);
        Self { name, domain, default: Value::Integer(default), unit, doc, condition: None }
    }

    /// Yes or no.
    pub const fn bool(name: &'static str, default: bool, doc: &'static str) -> Self {
        let (domain, default) = (Domain::Bool, Value::Bool(default));
        Self { name, domain, default, unit: "", doc, condition: None }
    }

    /// The same, meaning something only where `variable`, which stands before it in the table, has
    /// one of `values`. A search does not vary it elsewhere.
    ///
    /// ```
    /// use tradepulse_core::variable::{Value, Variable};
    /// const VARIABLES: &[Variable] = &[
    ///     Variable::bool("trail", false, "trail the stop"),
    ///     Variable::real("distance", 0.5, 3.0, 0.5, 1.0, "ATR", "distance of the trailing stop")
    ///         .only_if("trail", &[Value::Bool(true)]),
    /// ];
    /// # assert!(VARIABLES[1].condition.is_some());
    /// ```
    #[must_use]
    pub const fn only_if(mut self, variable: &'static str, values: &'static [Value]) -> Self {
        self.condition = Some(Condition { variable, values });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_accept_what_lies_in_them() {
        let integer = Domain::Integer { min: 20, max: 200, step: 5 };
        assert_eq!(integer.accept(Value::Real(23.0)), Some(Value::Integer(23)));
        assert_eq!(integer.accept(Value::Real(23.5)), None);
        assert_eq!(integer.accept(Value::Integer(201)), None);
        assert_eq!(integer.grid_len(), 37);
        let real = Domain::Real { min: 0.05, max: 0.5, step: 0.01 };
        assert_eq!(real.parse("0.18"), Some(Value::Real(0.18)));
        assert_eq!(real.parse("nan"), None);
        assert_eq!(real.parse("inf"), None);
        assert_eq!(real.grid_len(), 46);
        let choice = Domain::Choice(&[4, 6, 12]);
        assert_eq!(choice.parse("6"), Some(Value::Integer(6)));
        assert_eq!(choice.parse("7"), None);
        assert_eq!(Domain::Bool.parse("true"), Some(Value::Bool(true)));
        assert_eq!(Domain::Bool.accept(Value::Integer(1)), None);
    }
}

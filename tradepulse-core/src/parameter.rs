//! Parameters: the values given to a strategy's variables.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::variable::{Domain, Value, Variable};

/// A Rust type that a parameter can be read as.
pub trait Parameter: Sized {
    /// The value as this type; `None` if it is of another kind or out of range.
    fn from_value(value: Value) -> Option<Self>;
}

impl Parameter for f64 {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bool(_) => None,
            _ => Some(value.as_f64()),
        }
    }
}

impl Parameter for i64 {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Integer(i) => Some(i),
            _ => None,
        }
    }
}

impl Parameter for u32 {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl Parameter for usize {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl Parameter for bool {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(b),
            _ => None,
        }
    }
}

/// One complete, validated set of parameters: a value in its domain for every variable.
///
/// ```
/// use tradepulse_core::parameter::Parameters;
/// use tradepulse_core::variable::Variable;
/// const VARIABLES: &[Variable] = &[
///     Variable::integer("fast", 2, 100, 1, 20, "candles", "period of the fast average"),
///     Variable::integer("slow", 5, 300, 1, 50, "candles", "period of the slow average"),
/// ];
/// let parameters = Parameters::defaults(VARIABLES).with_text("fast", "12")?;
/// assert_eq!(parameters.get::<usize>("fast")?, 12);
/// assert_eq!(parameters.get::<usize>("slow")?, 50);
/// assert_eq!(
///     parameters.with_text("fats", "3").unwrap_err().to_string(),
///     "there is no variable \"fats\"; did you mean \"fast\"?"
/// );
/// # Ok::<(), tradepulse_core::parameter::ParameterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    variables: &'static [Variable],
    values: Vec<Value>,
}

impl Parameters {
    /// Every variable at its default.
    pub fn defaults(variables: &'static [Variable]) -> Self {
        Self { variables, values: variables.iter().map(|v| v.default).collect() }
    }

    /// These values, each already accepted by its variable's domain.
    pub(crate) fn from_values(variables: &'static [Variable], values: Vec<Value>) -> Self {
        debug_assert_eq!(variables.len(), values.len(), "a value for every variable");
        Self { variables, values }
    }

    /// The same with `name` set to `value`.
    ///
    /// # Errors
    /// If there is no such variable, or the value is outside its domain.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Result<Self, ParameterError> {
        let value = value.into();
        let (slot, variable) = self.find(name)?;
        let refused = || ParameterError::out_of_domain(variable, value.to_string());
        self.values[slot] = variable.domain.accept(value).ok_or_else(refused)?;
        Ok(self)
    }

    /// The same with `name` set to the value written in `text`.
    ///
    /// # Errors
    /// If there is no such variable, or the text is not a value of its domain.
    pub fn with_text(mut self, name: &str, text: &str) -> Result<Self, ParameterError> {
        let (slot, variable) = self.find(name)?;
        let refused = || ParameterError::out_of_domain(variable, text.to_owned());
        self.values[slot] = variable.domain.parse(text).ok_or_else(refused)?;
        Ok(self)
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// If there is no such variable, or its value is not of type `T`.
    pub fn get<T: Parameter>(&self, name: &str) -> Result<T, ParameterError> {
        let (slot, variable) = self.find(name)?;
        T::from_value(self.values[slot]).ok_or_else(|| ParameterError::WrongType {
            name: variable.name,
            wanted: std::any::type_name::<T>(),
            value: self.values[slot].to_string(),
        })
    }

    /// Every variable with its value, in the order of the table.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static Variable, Value)> + '_ {
        self.variables.iter().zip(self.values.iter().copied())
    }

    fn find(&self, name: &str) -> Result<(usize, &'static Variable), ParameterError> {
        let slot = self.variables.iter().position(|v| v.name == name).ok_or_else(|| {
            ParameterError::Unknown {
                name: name.to_owned(),
                nearest: nearest(name, self.variables.iter().map(|v| v.name)),
                known: self.variables.iter().map(|v| v.name).collect::<Vec<_>>().join(", "),
            }
        })?;
        Ok((slot, &self.variables[slot]))
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (variable, value) in self.iter() {
            map.serialize_entry(variable.name, &value)?;
        }
        map.end()
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// A parameter that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// No variable of this name.
    #[error("there is no variable {name:?}{}", .nearest.as_ref().map_or_else(|| format!(" (known: {known})"), |_| did_you_mean(.nearest)))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The most similar name there is.
        nearest: Option<String>,
        /// All names there are.
        known: String,
    },
    /// A value outside the variable's domain.
    #[error("{name} = {value} is outside its domain: {domain}{}{unit}", if .unit.is_empty() { "" } else { " " })]
    OutOfDomain {
        /// The variable.
        name: &'static str,
        /// The value given.
        value: String,
        /// The variable's domain.
        domain: Domain,
        /// The variable's unit.
        unit: &'static str,
    },
    /// A value read as a type it does not have.
    #[error("{name} = {value} cannot be read as {wanted}")]
    WrongType {
        /// The variable.
        name: &'static str,
        /// The type wanted.
        wanted: &'static str,
        /// The value.
        value: String,
    },
    /// Values that are fine one by one, but not together.
    #[error("infeasible parameters: {0}")]
    Infeasible(String),
}

impl ParameterError {
    fn out_of_domain(variable: &Variable, value: String) -> Self {
        Self::OutOfDomain {
            name: variable.name,
            value,
            domain: variable.domain,
            unit: variable.unit,
        }
    }
}

/// `"; did you mean \"x\"?"`, or nothing.
pub(crate) fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

/// The candidate most similar to `name`, unless all are far from it.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 2).max(2);
    candidates
        .map(|candidate| (strsim::osa_distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLES: &[Variable] = &[
        Variable::integer("period", 2, 50, 1, 14, "candles", ""),
        Variable::real("depth", 0.05, 0.5, 0.01, 0.18, "%", ""),
        Variable::bool("allow_short", false, ""),
    ];

    #[test]
    fn values_are_checked_and_typed() {
        let p = Parameters::defaults(VARIABLES).with("period", 20_i64).unwrap();
        let p = p.with_text("allow_short", "true").unwrap();
        assert_eq!(p.get::<u32>("period"), Ok(20));
        assert_eq!(p.get::<f64>("period"), Ok(20.0));
        assert_eq!(p.get::<bool>("allow_short"), Ok(true));
        assert!(matches!(p.get::<bool>("depth"), Err(ParameterError::WrongType { .. })));
        assert_eq!(
            p.clone().with_text("depth", "0.9").unwrap_err().to_string(),
            "depth = 0.9 is outside its domain: 0.05 … 0.5, step 0.01 %"
        );
        assert!(p.clone().with_text("depth", "deep").is_err());
        assert_eq!(
            serde_json::to_string(&p).unwrap(),
            r#"{"period":20,"depth":0.18,"allow_short":true}"#
        );
    }

    #[test]
    fn nearest_names() {
        let names = ["liquidity_sweep", "htf_sweep", "volume_breakout"];
        let near = |name| nearest(name, names.into_iter());
        assert_eq!(near("liquidty_sweep").as_deref(), Some("liquidity_sweep"));
        assert_eq!(near("HTF_SWEEP").as_deref(), Some("htf_sweep"));
        assert_eq!(near("xyz"), None);
    }
}

use std::fmt;

/// One key of the file: all that validation, explanation and example know of it.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Unit of a number; empty where there is none.
    pub unit: &'static str,
    /// Least and greatest number allowed.
    pub range: Option<(f64, f64)>,
    /// What it can be.
    pub kind: &'static Kind,
    pub(super) default: fn() -> String,
}

impl Key {
    /// The value it has if nobody gives it one, as YAML.
    pub fn default_value(&self) -> String {
        (self.default)()
    }

    /// The keys of its section, if it is one, or may be one.
    pub fn section(&self) -> Option<&'static [Self]> {
        match self.kind {
            Kind::Section(keys) | Kind::Optional(Kind::Section(keys)) => Some(keys),
            _ => None,
        }
    }

    /// The keys of each element of its list, if it is a list of sections.
    pub fn element(&self) -> Option<&'static [Self]> {
        match self.kind {
            Kind::List(Kind::Section(keys)) => Some(keys),
            _ => None,
        }
    }

    /// What it can be, in words, with range and unit.
    pub fn domain(&self) -> String {
        let mut text = self.kind.to_string();
        if let Some((least, most)) = self.range {
            text += &format!(", {least} to {most}");
        }
        if !self.unit.is_empty() {
            text += &format!(" ({})", self.unit);
        }
        text
    }
}

/// What a key can be.
#[derive(Debug)]
#[non_exhaustive]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// A text, and what it says.
    Text(&'static str),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// That, or `null`.
    Optional(&'static Kind),
    /// A list of that.
    List(&'static Kind),
    /// Names with values.
    Assignments,
    /// Further keys.
    Section(&'static [Key]),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Integer => f.write_str("whole number"),
            Self::Real => f.write_str("number"),
            Self::Text(what) => f.write_str(what),
            Self::Choice(words) => f.write_str(&words.join(" | ")),
            Self::Optional(kind) => write!(f, "{kind}, or null"),
            Self::List(kind) => write!(f, "list: {kind}"),
            Self::Assignments => f.write_str("names with values"),
            Self::Section(_) => f.write_str("section"),
        }
    }
}

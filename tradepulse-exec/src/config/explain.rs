use serde::Serialize;

use super::key::{Key, Kind};
use super::problem::{Origin, Problem};
use super::reader::joined;
use super::yaml::{Node, Value};
use super::{Config, Loaded};

/// The file as a whole.
pub(super) const ROOT: Key = Key {
    name: "",
    doc: "",
    unit: "",
    range: None,
    kind: &Kind::Section(Config::KEYS),
    default: String::new,
};

/// A key with the value it has.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// Where it stands: `trading.leverage`; within the elements of a list `wallets[].name`.
    pub path: String,
    /// What it can be, with range and unit.
    pub domain: String,
    /// The value it has if nobody gives it one, as YAML.
    pub default: String,
    /// What it means.
    pub doc: &'static str,
    /// The value it has, as YAML; `None` within the elements of a list.
    pub value: Option<String>,
    /// Where that value comes from.
    pub origin: Origin,
}

/// Every key with its path, sections before what is in them.
pub fn all_keys() -> Vec<(String, &'static Key)> {
    let mut found = Vec::new();
    gather("", Config::KEYS, &mut found);
    found
}

fn gather(prefix: &str, keys: &'static [Key], found: &mut Vec<(String, &'static Key)>) {
    for key in keys {
        let path = joined(prefix, key.name);
        found.push((path.clone(), key));
        if let Some(keys) = key.section() {
            gather(&path, keys, found);
        }
        if let Some(keys) = key.element() {
            gather(&format!("{path}[]"), keys, found);
        }
    }
}

impl Loaded {
    /// Every key that holds a value, with the value it has and where that comes from. A section that
    /// can be turned off is one too.
    pub fn explain(&self) -> Vec<Explained> {
        let keys = all_keys().into_iter();
        keys.filter(|(_, key)| !matches!(key.kind, Kind::Section(_)))
            .map(|(path, key)| self.explained(path, key))
            .collect()
    }

    fn explained(&self, path: String, key: &'static Key) -> Explained {
        let within_list = path.contains("[]");
        let node = if within_list { None } else { self.find(&path) };
        let (value, origin) = match node {
            Some(node) => (node.flow(), node.origin.clone()),
            None => (key.default_value(), Origin::Default),
        };
        // A section that is turned off has no values in it.
        let is_off = path.rsplit_once('.').is_some_and(|(section, _)| {
            self.find(section).is_some_and(|node| node.is_null() && can_be_off(section))
        });
        let value = if within_list || is_off { None } else { Some(value) };
        let (domain, default) = (key.domain(), key.default_value());
        Explained { path, domain, default, doc: key.doc, value, origin }
    }

    /// A problem with the value at `path`, such as `trading.configurations[0].strategy`, for checks
    /// that need to know more than the file.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        let mut origin = Origin::Default;
        let mut node = Some(&self.tree);
        for step in steps(path) {
            node = node.and_then(|node| child(node, step));
            if let Some(node) = node {
                origin = node.origin.clone();
            }
        }
        Problem { origin, path: path.to_owned(), message: message.into() }
    }

    fn find(&self, path: &str) -> Option<&Node> {
        steps(path).try_fold(&self.tree, child)
    }
}

fn can_be_off(path: &str) -> bool {
    all_keys().iter().any(|(p, key)| p == path && matches!(key.kind, Kind::Optional(_)))
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty())
}

fn child<'a>(node: &'a Node, step: &str) -> Option<&'a Node> {
    match &node.value {
        Value::List(items) => items.get(step.parse::<usize>().ok()?),
        _ => node.get(step),
    }
}

use tradepulse_core::parameter::nearest;

use super::key::{Key, Kind};
use super::problem::{Origin, Problem};
use super::yaml::{Node, Value};

/// Endings of keys that name where a secret is kept.
const SECRET_PLACES: [&str; 2] = ["_env", "_file"];
/// Words in keys that would hold a secret.
const SECRET_WORDS: [&str; 6] =
    ["secret", "token", "password", "passphrase", "api_key", "private_key"];

/// What a later version may know: to be told apart from what was misspelt.
const NOT_IN_THIS_VERSION: &[&str] = &["dashboard"];

/// Walks the tree, keeps the path and gathers what is wrong.
pub(super) struct Reader {
    root: &'static [Key],
    path: String,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(root: &'static [Key]) -> Self {
        Self { root, path: String::new(), problems: Vec::new() }
    }

    /// Something is wrong with what is read now.
    pub(super) fn refuse(&mut self, node: &Node, message: impl Into<String>) {
        self.refuse_at(node.origin.clone(), String::new(), message);
    }

    /// Something is wrong with the entry `name` of the section read now.
    pub(super) fn refuse_entry(&mut self, node: &Node, name: &str, message: impl Into<String>) {
        let origin = node.get(name).map_or_else(|| node.origin.clone(), |n| n.origin.clone());
        self.refuse_at(origin, name.to_owned(), message);
    }

    fn refuse_at(&mut self, origin: Origin, name: String, message: impl Into<String>) {
        let path = joined(&self.path, &name);
        self.problems.push(Problem { origin, path, message: message.into() });
    }

    /// Reads further down, at `step`: `name` or `[0]`.
    pub(super) fn within<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path = joined(&self.path, step);
        let result = read(self);
        self.path.truncate(length);
        result
    }

    /// Whether `node` can be read as a section of `keys`. Keys that there are not are refused.
    pub(super) fn enter(&mut self, node: &Node, keys: &'static [Key]) -> bool {
        if node.is_null() {
            return true;
        }
        if !matches!(node.value, Value::Map(_)) {
            let names = keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
            self.refuse(node, format!("expected a section with the keys {names}"));
            return false;
        }
        for (name, _) in node.entries() {
            if !keys.iter().any(|key| key.name == name.text) {
                let message = self.unknown(&name.text, keys);
                self.refuse_at(name.origin.clone(), name.text.clone(), message);
            }
        }
        true
    }

    fn unknown(&self, name: &str, keys: &'static [Key]) -> String {
        let path = joined(&self.path, name);
        if NOT_IN_THIS_VERSION.contains(&path.as_str()) {
            return "not in this version: nothing would use it".to_owned();
        }
        let lower = name.to_lowercase();
        let is_place = SECRET_PLACES.iter().any(|ending| lower.ends_with(ending));
        if !is_place && SECRET_WORDS.iter().any(|word| lower.contains(word)) {
            let place = keys.iter().map(|key| key.name).filter(|key| {
                SECRET_PLACES.iter().any(|e| key.strip_suffix(e).is_some_and(|k| k == lower))
            });
            let place = place.collect::<Vec<_>>();
            let place = match place.as_slice() {
                [] => "the keys that end with _env or _file".to_owned(),
                names => names.join(" or "),
            };
            return format!(
                "secrets do not belong here: put it into an environment variable or a file of its \
                 own and name that in {place}"
            );
        }
        let mut elsewhere = Vec::new();
        paths_of(name, self.root, "", &mut elsewhere);
        if let [place] = elsewhere.as_slice() {
            return format!("there is no such key here; did you mean {place}?");
        }
        if let Some(near) = nearest(name, keys.iter().map(|key| key.name)) {
            return format!("there is no such key; did you mean {near}?");
        }
        let known = keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
        format!("there is no such key (known: {known})")
    }
}

/// All places at which a key is called `name`.
fn paths_of(name: &str, keys: &[Key], prefix: &str, found: &mut Vec<String>) {
    for key in keys {
        let path = joined(prefix, key.name);
        if key.name == name {
            found.push(path.clone());
        }
        if let Some(keys) = key.section() {
            paths_of(name, keys, &path, found);
        }
        if let Some(keys) = key.element() {
            paths_of(name, keys, &format!("{path}[]"), found);
        }
    }
}

/// `step` below `path`.
pub(super) fn joined(path: &str, step: &str) -> String {
    if path.is_empty() || step.is_empty() || step.starts_with('[') {
        format!("{path}{step}")
    } else {
        format!("{path}.{step}")
    }
}

/// Whether the texts of this kind must not be shown, as somebody may have put a secret there.
pub(super) fn is_discreet(kind: &Kind) -> bool {
    match kind {
        Kind::Text(what) => *what == super::setting::VARIABLE || *what == super::setting::URL,
        Kind::Optional(kind) | Kind::List(kind) => is_discreet(kind),
        _ => false,
    }
}

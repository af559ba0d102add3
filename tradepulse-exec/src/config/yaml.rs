//! YAML as a tree that knows where everything stands.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::problem::{Origin, Problem};

/// Deepest nesting that is read; the file needs a handful of levels.
const MAX_DEPTH: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// `plain`: not in quotes.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Name, Node)>),
}

/// The key of an entry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) origin: Origin,
}

impl Node {
    /// The entry called `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.entries().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// The entries of a mapping; of anything else none.
    pub(super) fn entries(&self) -> impl Iterator<Item = &(Name, Self)> {
        match &self.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        }
        .iter()
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Puts `node` at `path`; what is no mapping on the way there becomes one.
    pub(super) fn put(&mut self, path: &[String], node: Self) {
        let Some((first, rest)) = path.split_first() else {
            *self = node;
            return;
        };
        if !matches!(self.value, Value::Map(_)) {
            self.value = Value::Map(Vec::new());
        }
        let Value::Map(entries) = &mut self.value else { return };
        let origin = node.origin.clone();
        let slot = match entries.iter().position(|(key, _)| key.text == *first) {
            Some(slot) => slot,
            None => {
                let empty = Self { value: Value::Map(Vec::new()), origin: origin.clone() };
                entries.push((Name { text: first.clone(), origin: origin.clone() }, empty));
                entries.len() - 1
            }
        };
        let (key, child) = &mut entries[slot];
        if rest.is_empty() {
            key.origin = origin;
        }
        child.put(rest, node);
    }

    /// The tree as YAML on one line.
    pub(super) fn flow(&self) -> String {
        match &self.value {
            Value::Scalar { text, plain: true } => text.clone(),
            Value::Scalar { text, plain: false } => quoted(text),
            Value::List(items) => {
                format!("[{}]", items.iter().map(Self::flow).collect::<Vec<_>>().join(", "))
            }
            Value::Map(entries) => {
                let entries = entries.iter().map(|(k, v)| format!("{}: {}", k.text, v.flow()));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Gives all of the tree to an environment variable.
    pub(super) fn rename_origin(&mut self, origin: &Origin) {
        self.origin = origin.clone();
        match &mut self.value {
            Value::Scalar { .. } => {}
            Value::List(items) => items.iter_mut().for_each(|item| item.rename_origin(origin)),
            Value::Map(entries) => {
                for (key, node) in entries {
                    key.origin = origin.clone();
                    node.rename_origin(origin);
                }
            }
        }
    }
}

/// `text` in double quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `text` as a scalar: plain where YAML reads a plain one back as the same text.
pub(super) fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-');
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(plain)
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    // Lengths such as 5m are texts as well.
    let length = text.len() > 1
        && text.bytes().rev().skip(1).all(|b| b.is_ascii_digit())
        && text.ends_with(['m', 'h', 'd']);
    if word || length { text.to_owned() } else { quoted(text) }
}

struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    problems: Vec<Problem>,
}

struct Open {
    node: Node,
    key: Option<Name>,
}

/// The tree of one document; `None` if there is nothing in it. All that is no mapping, sequence or
/// scalar (tags, aliases, further documents) is a problem, and so is a key that is given twice.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Vec<Problem>> {
    let mut builder = Builder { open: Vec::new(), root: None, problems: Vec::new() };
    let mut documents = 0;
    for event in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let origin =
                    Origin::File { line: error.marker().line(), column: error.marker().col() + 1 };
                builder.refuse(origin, format!("this is no YAML: {}", error.info()));
                break;
            }
        };
        let origin = origin(span);
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                builder.refuse(origin, "a second document begins here: expected only one".into());
                break;
            }
        } else if !builder.take(event, origin) {
            break;
        }
    }
    if builder.problems.is_empty() { Ok(builder.root) } else { Err(builder.problems) }
}

fn origin(span: Span) -> Origin {
    Origin::File { line: span.start.line(), column: span.start.col() + 1 }
}

impl Builder {
    fn refuse(&mut self, origin: Origin, message: String) {
        let path = self.open.iter().filter_map(|open| open.key.as_ref().map(|k| k.text.as_str()));
        let path = path.collect::<Vec<_>>().join(".");
        self.problems.push(Problem { origin, path, message });
    }

    /// Whether to go on.
    fn take(&mut self, event: Event<'_>, origin: Origin) -> bool {
        let tagged = |tag: &Option<Cow<'_, saphyr_parser::Tag>>| tag.is_some();
        match event {
            Event::Alias(_) => {
                self.refuse(origin, "an alias (*name) is not read here: write the value".into());
                return false;
            }
            Event::Scalar(_, _, _, tag)
            | Event::SequenceStart(_, tag)
            | Event::MappingStart(_, tag)
                if tagged(&tag) =>
            {
                self.refuse(origin, "a tag (!name) is not read here: remove it".into());
                return false;
            }
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                let expects_key = self.open.last().is_some_and(Open::expects_key);
                if expects_key {
                    self.name(Name { text: text.into_owned(), origin });
                } else {
                    let value = Value::Scalar { text: text.into_owned(), plain };
                    self.put(Node { value, origin });
                }
            }
            Event::SequenceStart(..) => return self.begin(Value::List(Vec::new()), origin),
            Event::MappingStart(..) => return self.begin(Value::Map(Vec::new()), origin),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.put(open.node);
                }
            }
            _ => {}
        }
        true
    }

    fn begin(&mut self, value: Value, origin: Origin) -> bool {
        if self.open.last().is_some_and(Open::expects_key) {
            self.refuse(origin, "a key must be a word, not a list or a mapping".into());
            return false;
        }
        if self.open.len() >= MAX_DEPTH {
            self.refuse(origin, format!("nested more than {MAX_DEPTH} levels deep"));
            return false;
        }
        self.open.push(Open { node: Node { value, origin }, key: None });
        true
    }

    fn name(&mut self, name: Name) {
        let Some(open) = self.open.last_mut() else { return };
        let first = open.node.entries().find(|(key, _)| key.text == name.text);
        let first = first.map(|(key, _)| key.origin.clone());
        let origin = name.origin.clone();
        open.key = Some(name);
        if let Some(first) = first {
            self.refuse(origin, format!("given twice, the first time in {first}"));
        }
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { node: Node { value: Value::Map(entries), .. }, key }) => {
                if let Some(name) = key.take() {
                    entries.push((name, node));
                }
            }
            Some(Open { node: Node { value: Value::List(items), .. }, .. }) => items.push(node),
            Some(_) => {}
        }
    }
}

impl Open {
    fn expects_key(&self) -> bool {
        self.key.is_none() && matches!(self.node.value, Value::Map(_))
    }
}

//! The types that keys of the file can have.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use tradepulse_core::market::{ExchangeName, Symbol};
use tradepulse_core::store::RegimeScope;
use tradepulse_core::time::Timeframe;

use super::key::{Key, Kind};
use super::reader::{Reader, is_discreet};
use super::yaml::{Node, Value, scalar};
use crate::schedule::RetrainSchedule;

/// A type that can be read from the file.
pub(super) trait Setting: Sized {
    const KIND: &'static Kind;
    /// The value; `None` if there is none, and then the reader was told why.
    fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self>;
    /// The value as YAML on one line.
    fn text(&self) -> String;
}

/// Longest value that a message repeats, in characters.
const SHOWN: usize = 60;

fn expected(node: &Node, key: &Key, kind: &Kind, why: &str, reader: &mut Reader) {
    let mut message = format!("expected {}", key.domain());
    if is_discreet(kind) {
        message += "; what was given is not shown, as it may be a secret";
    } else {
        let given = node.flow();
        let shown: String = given.chars().take(SHOWN).collect();
        let dots = if shown.len() < given.len() { "…" } else { "" };
        message += &format!(", found {}{dots}", if shown.is_empty() { "nothing" } else { &shown });
    }
    if !why.is_empty() {
        message += &format!(": {why}");
    }
    reader.refuse(node, message);
}

impl Setting for bool {
    const KIND: &'static Kind = &Kind::Bool;

    fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::Scalar { text, plain: true } if text == "true" => Some(true),
            Value::Scalar { text, plain: true } if text == "false" => Some(false),
            _ => {
                expected(node, key, Self::KIND, "", reader);
                None
            }
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

macro_rules! number {
    ($type:ty, $kind:ident) => {
        impl Setting for $type {
            const KIND: &'static Kind = &Kind::$kind;

            fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self> {
                let (text, plain) = match &node.value {
                    Value::Scalar { text, plain } => (text.as_str(), *plain),
                    _ => ("", true),
                };
                let value = text.parse::<Self>().ok();
                let within = |value: &Self| {
                    let value = *value as f64;
                    key.range
                        .map_or(value.is_finite(), |(least, most)| (least..=most).contains(&value))
                };
                match value.filter(within) {
                    Some(value) if plain => Some(value),
                    Some(_) => {
                        let why = "a number in quotes is a text";
                        expected(node, key, Self::KIND, why, reader);
                        None
                    }
                    None => {
                        expected(node, key, Self::KIND, "", reader);
                        None
                    }
                }
            }

            fn text(&self) -> String {
                self.to_string()
            }
        }
    };
}

number!(u16, Integer);
number!(u32, Integer);
number!(f64, Real);

/// Reads a scalar that is not `null` with `parse`.
pub(super) fn read_text<T>(
    node: &Node,
    key: &Key,
    kind: &Kind,
    reader: &mut Reader,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let parsed = match &node.value {
        Value::Scalar { text, .. } if !node.is_null() => parse(text),
        _ => Err(String::new()),
    };
    parsed.map_err(|why| expected(node, key, kind, &why, reader)).ok()
}

macro_rules! parsed {
    ($type:ty, $what:expr) => {
        impl Setting for $type {
            const KIND: &'static Kind = &Kind::Text($what);

            fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self> {
                read_text(node, key, Self::KIND, reader, |text| {
                    <$type>::from_str(text).map_err(|error| error.to_string())
                })
            }

            fn text(&self) -> String {
                scalar(&self.to_string())
            }
        }
    };
}

parsed!(String, "text");
parsed!(Symbol, "symbol such as BTC/USDT");
parsed!(Timeframe, "length such as 5m, 1h or 1d");
parsed!(ExchangeName, "name of an exchange such as binance");
parsed!(VariableName, VARIABLE);
parsed!(Url, URL);
parsed!(RetrainSchedule, "schedule in UTC such as 0 2 * * *");
parsed!(IpAddr, "IP address such as 127.0.0.1");

impl Setting for PathBuf {
    const KIND: &'static Kind = &Kind::Text("path");

    fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self> {
        read_text(node, key, Self::KIND, reader, |text| {
            if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(Self::from(text)) }
        })
    }

    fn text(&self) -> String {
        scalar(&self.to_string_lossy())
    }
}

impl Setting for RegimeScope {
    const KIND: &'static Kind = &Kind::Choice(&["any", "bull", "bear", "sideways"]);

    fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self> {
        read_text(node, key, Self::KIND, reader, |text| text.parse().map_err(|_| String::new()))
    }

    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

impl<T: Setting> Setting for Option<T> {
    const KIND: &'static Kind = &Kind::Optional(T::KIND);

    fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self> {
        if node.is_null() { Some(None) } else { T::read(node, key, reader).map(Some) }
    }

    fn text(&self) -> String {
        self.as_ref().map_or_else(|| "null".to_owned(), T::text)
    }
}

impl<T: Setting> Setting for Vec<T> {
    const KIND: &'static Kind = &Kind::List(T::KIND);

    fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self> {
        let Value::List(items) = &node.value else {
            let why = "write [ ] around it, or one element a line, each after a dash";
            expected(node, key, Self::KIND, why, reader);
            return None;
        };
        let mut read = Self::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            read.extend(reader.within(&format!("[{i}]"), |reader| T::read(item, key, reader)));
        }
        (read.len() == items.len()).then_some(read)
    }

    fn text(&self) -> String {
        format!("[{}]", self.iter().map(T::text).collect::<Vec<_>>().join(", "))
    }
}

/// Names with the values given to them, as they were written.
pub type Assignments = BTreeMap<String, String>;

impl Setting for Assignments {
    const KIND: &'static Kind = &Kind::Assignments;

    fn read(node: &Node, key: &Key, reader: &mut Reader) -> Option<Self> {
        let is_map = matches!(node.value, Value::Map(_)) || node.is_null();
        let mut read = Self::new();
        let mut sound = is_map;
        if !is_map {
            expected(node, key, Self::KIND, "write name: value, one a line", reader);
        }
        for (name, node) in node.entries() {
            match &node.value {
                Value::Scalar { text, .. } => {
                    read.insert(name.text.clone(), text.clone());
                }
                _ => {
                    sound = false;
                    reader.refuse_entry(node, &name.text, "expected a single value");
                }
            }
        }
        sound.then_some(read)
    }

    fn text(&self) -> String {
        let entries =
            self.iter().map(|(name, value)| format!("{}: {}", scalar(name), scalar(value)));
        format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
    }
}

pub(super) const VARIABLE: &str = "name of an environment variable such as BINANCE_API_KEY";

/// The name of an environment variable: upper-case letters, digits and `_`, at most 64, the first
/// no digit. A secret that was put where its name belongs is hardly ever one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableName(String);

impl VariableName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for VariableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for VariableName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first = text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
        let rest = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if first && text.len() <= 64 && text.bytes().all(rest) {
            Ok(Self(text.to_owned()))
        } else {
            Err("only upper-case letters, digits and _ are allowed")
        }
    }
}

pub(super) const URL: &str = "URL such as https://example.com";

/// A URL of scheme http, https, ws or wss, without user name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// Where Telegram's bots are.
    pub(super) fn telegram() -> Self {
        Self("https://api.telegram.org".to_owned())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an address of this machine.
    pub fn is_local(&self) -> bool {
        let rest = self.0.split_once("://").map_or(&*self.0, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Url {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
        if !["http", "https", "ws", "wss"].contains(&scheme) {
            return Err("its scheme must be http, https, ws or wss");
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("user name and password do not belong here");
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err("it names no host");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("it has a space or a control character in it");
        }
        Ok(Self(text.to_owned()))
    }
}

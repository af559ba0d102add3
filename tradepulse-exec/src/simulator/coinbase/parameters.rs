use serde_json::Value;

use super::super::binance::decode;
use super::super::server::Request;
use super::refusal::Refusal;

/// Parameters of a request: those of the query, and the body.
#[derive(Debug)]
pub(super) struct Parameters {
    query: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Parameters {
    pub(super) fn of(request: &Request) -> Result<Self, Refusal> {
        let pairs = request.query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // Some clients mark lists.
            (decode(name).trim_end_matches("[]").to_owned(), decode(value))
        });
        let body = match request.body.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).map_err(|_| Refusal::invalid("invalid JSON"))?,
        };
        Ok(Self { query: pairs.collect(), body })
    }

    /// All values of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + Clone {
        let named = self.query.iter().filter(move |(found, _)| found == name);
        // Lists are repeated, or joined by commas.
        named.flat_map(|(_, value)| value.split(',')).filter(|value| !value.is_empty())
    }

    pub(super) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The number of this name.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let number = self.get(name).map(str::parse).transpose();
        number.map_err(|_| Refusal::invalid(&format!("{name} is no number")))
    }

    /// As many of these as are asked for, from the place that the cursor says, and the next
    /// cursor.
    pub(super) fn page(&self, all: Vec<Value>) -> Result<(Vec<Value>, String), Refusal> {
        let limit = usize::try_from(self.number("limit")?.unwrap_or(1_000).max(1)).unwrap_or(1);
        let from = usize::try_from(self.number("cursor")?.unwrap_or(0)).unwrap_or(0);
        let end = from.saturating_add(limit);
        let cursor = if end < all.len() { end.to_string() } else { String::new() };
        Ok((all.into_iter().skip(from).take(limit).collect(), cursor))
    }
}

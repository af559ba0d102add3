use std::str::FromStr;

use super::super::binance::decode;
use super::super::server::Request;
use super::refusal::Refusal;

/// Parameters of a request, from the query and the body.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn of(request: &Request) -> Self {
        let pairs = request.query.split('&').chain(request.body.split('&'));
        let pairs = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether there is a parameter whose name begins so.
    pub(super) fn has_any(&self, beginning: &str) -> bool {
        self.0.iter().any(|(name, _)| name.starts_with(beginning))
    }

    pub(super) fn require(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::argument(name))
    }

    /// The value of a parameter that need not be there.
    pub(super) fn read<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        self.get(name).map(str::parse).transpose().map_err(|_| Refusal::argument(name))
    }

    pub(super) fn read_required<T: FromStr>(&self, name: &str) -> Result<T, Refusal> {
        self.require(name)?.parse().map_err(|_| Refusal::argument(name))
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }
}

use serde_json::{Map, Value};

use super::{DecisionOutcome, EventLevel, Table};
use crate::market::Symbol;
use crate::order::{ClientOrderId, OrderState};
use crate::store::{RecordId, StoreError};
use crate::time::Timestamp;

/// Which end of a list comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum First {
    /// The newest.
    #[default]
    Newest,
    /// The oldest.
    Oldest,
}

/// Which records: those that have every value given. A record of a kind that has no such value is
/// not passed over in silence: asking for it is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// The one of this id: runs, orders, controls.
    pub id: Option<String>,
    /// Of this run.
    pub run: Option<String>,
    /// Of this wallet.
    pub wallet: Option<String>,
    /// Of this configuration.
    pub configuration_id: Option<RecordId>,
    /// Of this market.
    pub symbol: Option<Symbol>,
    /// Of this strategy.
    pub strategy: Option<String>,
    /// Of this order.
    pub order_id: Option<ClientOrderId>,
    /// In this state.
    pub state: Option<OrderState>,
    /// With this outcome.
    pub outcome: Option<DecisionOutcome>,
    /// Of this level.
    pub level: Option<EventLevel>,
    /// Of this kind, as the column `kind` has it.
    pub kind: Option<String>,
    /// Not at its end yet (`true`), or at its end (`false`): runs, orders, positions,
    /// controls.
    pub open: Option<bool>,
    /// At this instant or later.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// Which end of the list comes first.
    pub first: First,
}

impl RecordFilter {
    /// The column that says when something came to its end.
    pub const END: &'static str = "ended_at";

    /// The columns and the texts that they must have. `open`, `from` and `until` come besides.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the table does not have what is asked for.
    pub fn conditions(&self, table: &Table) -> Result<Vec<(&'static str, String)>, StoreError> {
        let conditions = [
            ("id", self.id.clone()),
            ("run", self.run.clone()),
            ("wallet", self.wallet.clone()),
            ("configuration_id", self.configuration_id.as_ref().map(ToString::to_string)),
            ("symbol", self.symbol.as_ref().map(ToString::to_string)),
            ("strategy", self.strategy.clone()),
            ("order_id", self.order_id.as_ref().map(ToString::to_string)),
            ("state", self.state.map(|s| s.name().to_owned())),
            ("outcome", self.outcome.map(|o| o.name().to_owned())),
            ("level", self.level.map(|l| l.name().to_owned())),
            ("kind", self.kind.clone()),
        ];
        let asked = conditions.into_iter().filter_map(|(column, text)| Some((column, text?)));
        let asked: Vec<_> = asked.collect();
        let end = self.open.map(|_| Self::END);
        match asked.iter().map(|(column, _)| *column).chain(end).find(|c| !table.has(c)) {
            None => Ok(asked),
            Some(column) => {
                let reason = format!("the table has no {column}: ask without it");
                Err(StoreError::invalid(format!("a question about {}", table.name), reason))
            }
        }
    }

    /// Whether a record of the table, given by its entries, passes.
    ///
    /// # Errors
    /// As [`conditions`](Self::conditions).
    pub fn matches(&self, table: &Table, flat: &Map<String, Value>) -> Result<bool, StoreError> {
        let value = |column: &str| flat.get(column).unwrap_or(&Value::Null);
        let conditions = self.conditions(table)?;
        let at = value(table.time).as_i64().unwrap_or_default();
        Ok(conditions.iter().all(|(column, text)| value(column).as_str() == Some(text.as_str()))
            && self.open.is_none_or(|open| value(Self::END).is_null() == open)
            && self.from.is_none_or(|from| at >= from.as_ms())
            && self.until.is_none_or(|until| at < until.as_ms()))
    }
}

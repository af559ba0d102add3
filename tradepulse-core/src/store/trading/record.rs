//! What all kinds of records have in common: each is a table, defined once.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    ControlKind, ControlRecord, ControlResult, DecisionOutcome, DecisionRecord, EquityPoint,
    EventLevel, FillRecord, OrderRecord, OrderType, PositionRecord, PredictionRecord,
    RiskStateRecord, RunMode, RunRecord, SnapshotRecord, SystemEventRecord, TradeRecord,
    WalletRecord,
};
use crate::market::{ExchangeName, Symbol};
use crate::money::{Amount, Price, Quantity};
use crate::order::{ClientOrderId, ExitReason, Liquidity, Moment, OrderState, RunTag, Side};
use crate::store::columns::ColumnType;
use crate::store::{Column, ColumnKind, StoreError};
use crate::time::Timeframe;

/// The table of a kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns: the entries of a record's JSON, in order.
    pub columns: &'static [Column],
    /// The columns that make the natural key.
    pub key: &'static [&'static str],
    /// The column that lists are ordered by, milliseconds since the Unix epoch.
    pub time: &'static str,
    /// The columns that may change once a record is stored.
    pub changes: &'static [&'static str],
}

impl Table {
    /// Whether it has a column of this name.
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c.name == column)
    }
}

/// A kind of record, as a type.
pub trait Record: Into<TradingRecord> + Serialize + DeserializeOwned + Clone + Send {
    /// Its kind.
    const KIND: RecordKind;
    /// Its table.
    const TABLE: &'static Table;

    /// The record, if it is of this kind.
    fn from_record(record: TradingRecord) -> Option<Self>;
}

/// A value in a key; numbers come before texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPart {
    /// A whole number.
    Integer(i64),
    /// A text, ordered by its bytes.
    Text(String),
}

/// Defines a record: struct, table, checks.
macro_rules! record {
    (
        $(#[$about:meta])*
        $name:ident: $kind:ident in $table:literal,
        key $key:expr, time $time:literal, changes $changes:expr,
        { $($(#[$doc:meta])* $field:ident: $type:ty,)* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $crate::store::trading::Record for $name {
            const KIND: $crate::store::trading::RecordKind =
                $crate::store::trading::RecordKind::$kind;
            const TABLE: &'static $crate::store::trading::Table = &$crate::store::trading::Table {
                name: $table,
                columns: &[$($crate::store::Column {
                    name: stringify!($field),
                    kind: <$type as $crate::store::columns::ColumnType>::KIND,
                    optional: <$type as $crate::store::columns::ColumnType>::OPTIONAL,
                },)*],
                key: &$key,
                time: $time,
                changes: &$changes,
            };

            fn from_record(record: $crate::store::trading::TradingRecord) -> Option<Self> {
                match record {
                    $crate::store::trading::TradingRecord::$kind(record) => Some(record),
                    _ => None,
                }
            }
        }

        impl $name {
            /// The first column that cannot be stored, and why.
            pub(super) fn fault(&self) -> Option<(&'static str, String)> {
                $(
                    if let Some(fault) =
                        $crate::store::columns::ColumnType::fault(&self.$field)
                    {
                        return Some((stringify!($field), fault));
                    }
                )*
                None
            }

            /// The first column in which `new` differs though it does not change.
            pub(super) fn differs_in(&self, new: &Self) -> Option<&'static str> {
                let changes: &[&str] = &$changes;
                $(
                    if self.$field != new.$field && !changes.contains(&stringify!($field)) {
                        return Some(stringify!($field));
                    }
                )*
                None
            }
        }

        impl From<$name> for $crate::store::trading::TradingRecord {
            fn from(record: $name) -> Self {
                Self::$kind(record)
            }
        }
    };
}

pub(super) use record;

/// Defines the kinds of records.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($type:ident) = $word:literal,)*) => {
        /// A kind of record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum RecordKind {
            $($(#[$doc])* $kind,)*
        }

        impl RecordKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Its word, such as `order`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                }
            }

            /// Its table.
            pub const fn table(self) -> &'static Table {
                match self {
                    $(Self::$kind => $type::TABLE,)*
                }
            }
        }

        /// A record of whatever kind.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum TradingRecord {
            $($(#[$doc])* $kind($type),)*
        }

        impl TradingRecord {
            /// Its kind.
            pub const fn kind(&self) -> RecordKind {
                match self {
                    $(Self::$kind(_) => RecordKind::$kind,)*
                }
            }

            /// The record of this kind that has these entries.
            ///
            /// # Errors
            /// If an entry is missing or cannot be read.
            pub fn from_flat(
                kind: RecordKind,
                flat: Map<String, Value>,
            ) -> Result<Self, serde_json::Error> {
                let flat = Value::Object(flat);
                match kind {
                    $(RecordKind::$kind => serde_json::from_value(flat).map(Self::$kind),)*
                }
            }

            fn to_value(&self) -> Result<Value, serde_json::Error> {
                match self {
                    $(Self::$kind(record) => serde_json::to_value(record),)*
                }
            }

            fn fault(&self) -> Option<(&'static str, String)> {
                match self {
                    $(Self::$kind(record) => record.fault(),)*
                }
            }

            fn differs_in(&self, new: &Self) -> Option<&'static str> {
                match (self, new) {
                    $((Self::$kind(stored), Self::$kind(new)) => stored.differs_in(new),)*
                    _ => Some("kind"),
                }
            }
        }
    };
}

kinds! {
    /// A run.
    Run(RunRecord) = "run",
    /// An order, or one leg of a protective pair.
    Order(OrderRecord) = "order",
    /// An execution.
    Fill(FillRecord) = "fill",
    /// A position, open or closed.
    Position(PositionRecord) = "position",
    /// A round trip.
    Trade(TradeRecord) = "trade",
    /// The risk counters of a wallet.
    RiskState(RiskStateRecord) = "risk state",
    /// What a decision was made on.
    Snapshot(SnapshotRecord) = "snapshot",
    /// What a model said.
    Prediction(PredictionRecord) = "prediction",
    /// What was decided at a candle.
    Decision(DecisionRecord) = "decision",
    /// A refusal, an error, a start: what a person should be able to look up.
    SystemEvent(SystemEventRecord) = "system event",
    /// A wallet.
    Wallet(WalletRecord) = "wallet",
    /// A point of an equity curve.
    Equity(EquityPoint) = "equity point",
    /// A command of a person to a coordinator.
    Control(ControlRecord) = "control",
}

impl TradingRecord {
    /// Its table.
    pub const fn table(&self) -> &'static Table {
        self.kind().table()
    }

    /// Its entries, one for each column.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it cannot be stored.
    pub fn flat(&self) -> Result<Map<String, Value>, StoreError> {
        let refused = |reason: String| {
            Err(StoreError::invalid(format!("the {}", self.kind().name()), reason))
        };
        if let Some((column, fault)) = self.fault() {
            return refused(format!("{column}: {fault}"));
        }
        match self.to_value() {
            Ok(Value::Object(flat)) => Ok(flat),
            Ok(_) => refused("it has no columns".to_owned()),
            Err(error) => refused(error.to_string()),
        }
    }

    /// Its key, out of its entries.
    pub fn key(table: &Table, flat: &Map<String, Value>) -> Vec<KeyPart> {
        let part = |column: &&str| match flat.get(*column) {
            Some(Value::String(text)) => KeyPart::Text(text.clone()),
            value => KeyPart::Integer(value.and_then(Value::as_i64).unwrap_or_default()),
        };
        table.key.iter().map(part).collect()
    }

    /// Whether `new`, of the same key, may take the place of this one, the stored one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it differs in a column that does not change.
    pub fn accept(&self, new: &Self) -> Result<(), StoreError> {
        let Some(column) = self.differs_in(new) else { return Ok(()) };
        let (kind, table) = (self.kind().name(), self.table());
        let flat = self.flat()?;
        let key = table.key.iter().map(|c| format!("{c} {}", flat.get(*c).unwrap_or(&Value::Null)));
        Err(StoreError::Conflict(format!(
            "the {kind} of {} is stored with another {column}, which never changes: find out who \
             wrote the other",
            key.collect::<Vec<_>>().join(", ")
        )))
    }
}

macro_rules! kept_as {
    ($kind:ident: $($type:ty),*) => {
        $(impl ColumnType for $type {
            const KIND: ColumnKind = ColumnKind::$kind;
        })*
    };
}

kept_as!(Bool: bool);
kept_as!(Integer: i64, u32);
kept_as!(Text: Amount, Price, Quantity);
kept_as!(Text: ClientOrderId, RunTag, ExchangeName, Symbol, Timeframe);
kept_as!(Text: ExitReason, Liquidity, Moment, OrderState, Side);
kept_as!(Text: ControlKind, ControlResult, DecisionOutcome, EventLevel, OrderType, RunMode);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn tables_are_sound() {
        for kind in RecordKind::ALL {
            let table = kind.table();
            let column = |name: &str| {
                let found = table.columns.iter().find(|c| c.name == name);
                *found.unwrap_or_else(|| panic!("{} has no column {name}", table.name))
            };
            for name in table.key {
                assert!(!column(name).optional, "{}.{name}", table.name);
                assert!(!table.changes.contains(name), "{}.{name}", table.name);
                let kind = column(name).kind;
                assert!(matches!(kind, ColumnKind::Text | ColumnKind::Integer), "{kind:?}");
            }
            for name in table.changes {
                column(name);
            }
            assert!(!column(table.time).optional && !table.changes.contains(&table.time));
            assert_eq!(column(table.time).kind, ColumnKind::Integer);
        }
    }

    #[test]
    fn what_cannot_be_stored_is_named() {
        let point = EquityPoint {
            run: "r".into(),
            wallet: "w".into(),
            at: Timestamp::from_ms(0),
            equity: f64::NAN,
            cash: 0.0,
            exposure: 0.0,
        };
        let error = TradingRecord::from(point).flat().unwrap_err().to_string();
        let expected = "the equity point cannot be stored: equity: NaN is not a finite number";
        assert_eq!(error, expected);
    }
}

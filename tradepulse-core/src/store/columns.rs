//! Groups of columns that may be absent, defined once: struct, list of columns, check.

use super::{Json, RecordId};
use crate::time::Timestamp;

/// A column of a record, as a database or a table on a screen wants to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it may be absent.
    pub optional: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A real number, finite.
    Real,
    /// A whole number from −2⁶³ to 2⁶³ − 1; instants are milliseconds since the Unix epoch.
    Integer,
    /// A whole number from 0 to 2⁶⁴ − 1, too large for most databases: kept as decimal text.
    BigInteger,
    /// Yes or no.
    Bool,
    /// Text.
    Text,
    /// JSON.
    Json,
}

/// A type that a column can have.
pub(super) trait ColumnType {
    /// What a column of this type holds.
    const KIND: ColumnKind;
    /// Whether it may be absent.
    const OPTIONAL: bool = false;

    /// What is wrong with the value, if it cannot be stored.
    fn fault(&self) -> Option<String> {
        None
    }
}

impl ColumnType for f64 {
    const KIND: ColumnKind = ColumnKind::Real;

    fn fault(&self) -> Option<String> {
        (!self.is_finite()).then(|| format!("{self} is not a finite number"))
    }
}

impl ColumnType for u64 {
    const KIND: ColumnKind = ColumnKind::Integer;

    fn fault(&self) -> Option<String> {
        i64::try_from(*self).is_err().then(|| format!("{self} is too large"))
    }
}

impl ColumnType for Json {
    const KIND: ColumnKind = ColumnKind::Json;

    fn fault(&self) -> Option<String> {
        self.is_null().then(|| "a value that is not there is None, not null".to_owned())
    }
}

impl ColumnType for Timestamp {
    const KIND: ColumnKind = ColumnKind::Integer;
}

impl ColumnType for RecordId {
    const KIND: ColumnKind = ColumnKind::Text;
}

impl ColumnType for String {
    const KIND: ColumnKind = ColumnKind::Text;
}

impl<T: ColumnType> ColumnType for Option<T> {
    const KIND: ColumnKind = T::KIND;
    const OPTIONAL: bool = true;

    fn fault(&self) -> Option<String> {
        self.as_ref().and_then(T::fault)
    }
}

/// A number of the full range of `u64`.
impl ColumnType for crate::random::Seed {
    const KIND: ColumnKind = ColumnKind::BigInteger;
}

/// Defines a struct of optional fields, each a column.
macro_rules! columns {
    (
        $(#[$about:meta])*
        $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty,)* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$doc])* pub $field: Option<$kind>,)*
        }

        impl $name {
            /// Its columns, in order.
            pub const COLUMNS: &'static [$crate::store::Column] = &[
                $($crate::store::Column {
                    name: stringify!($field),
                    kind: <$kind as $crate::store::columns::ColumnType>::KIND,
                    optional: true,
                },)*
            ];

            /// The first field that cannot be stored, and why.
            pub(super) fn fault(&self) -> Option<(&'static str, String)> {
                $(
                    let fault = self.$field.as_ref()
                        .and_then($crate::store::columns::ColumnType::fault);
                    if let Some(fault) = fault {
                        return Some((stringify!($field), fault));
                    }
                )*
                None
            }
        }
    };
}

pub(super) use columns;

/// A training that cannot begin.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BoostingError {
    /// There is nothing to learn from.
    #[error("there are {rows} rows: at least {wanted} are needed")]
    TooFewRows {
        /// Rows there are.
        rows: usize,
        /// Rows that are needed.
        wanted: usize,
    },
    /// A column is longer or shorter than the labels.
    #[error("feature {feature} has {found} values for {rows} labels")]
    Length {
        /// Its name.
        feature: String,
        /// Its values.
        found: usize,
        /// The labels.
        rows: usize,
    },
    /// There are more or fewer names than columns.
    #[error("{names} names are given for {columns} columns")]
    Names {
        /// Names.
        names: usize,
        /// Columns.
        columns: usize,
    },
    /// A name that the text of a model cannot have.
    #[error("the feature name {0:?} is empty, or has spaces or characters of JSON in it")]
    Name(String),
    /// A value that is infinite. Missing values are `NaN`.
    #[error("feature {feature}, row {row}: {value} is not finite; a missing value is NaN")]
    Infinite {
        /// The feature's name.
        feature: String,
        /// The row, from 0.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A label that the objective does not know.
    #[error("row {row}: {label} is no label of {objective}")]
    Label {
        /// The row, from 0.
        row: usize,
        /// The label.
        label: f64,
        /// The objective.
        objective: &'static str,
    },
    /// All labels are the same.
    #[error("every label is {0}: there is nothing to tell apart")]
    OneLabel(f64),
    /// Validation rows with other features.
    #[error("the validation rows have other features than the rows that are learnt from")]
    OtherFeatures,
    /// A setting out of its range.
    #[error("{name}: {value} is not in {range}")]
    Setting {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
}

use super::{BoostingError, Objective};

/// Rows to learn from, as columns.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// Names of the features.
    pub names: &'a [String],
    /// Each feature's values; `NaN` is missing.
    pub columns: &'a [Vec<f64>],
    /// What is to be predicted, a label a row: 0 or 1 ([`Objective::Binary`]), the number of the
    /// class ([`Objective::Multiclass`]), a value ([`Objective::Regression`]).
    pub labels: &'a [f64],
}

impl Table<'_> {
    /// Rows.
    pub const fn rows(&self) -> usize {
        self.labels.len()
    }

    pub(in crate::inference) fn check(&self, objective: Objective) -> Result<(), BoostingError> {
        const FEWEST: usize = 2;
        let rows = self.rows();
        if rows < FEWEST || rows > u32::MAX as usize {
            return Err(BoostingError::TooFewRows { rows, wanted: FEWEST });
        }
        let (names, columns) = (self.names.len(), self.columns.len());
        if names != columns || columns == 0 {
            return Err(BoostingError::Names { names, columns });
        }
        for (name, column) in self.names.iter().zip(self.columns) {
            let odd = |c: char| c.is_whitespace() || c.is_control() || "\",:[]{}=".contains(c);
            if name.is_empty() || name.contains(odd) {
                return Err(BoostingError::Name(name.clone()));
            }
            if column.len() != rows {
                let (feature, found) = (name.clone(), column.len());
                return Err(BoostingError::Length { feature, found, rows });
            }
            if let Some(row) = column.iter().position(|value| value.is_infinite()) {
                let (feature, value) = (name.clone(), column[row]);
                return Err(BoostingError::Infinite { feature, row, value });
            }
        }
        let wrong = self.labels.iter().position(|label| !objective.knows(*label));
        if let Some(row) = wrong {
            let (label, objective) = (self.labels[row], objective.name());
            return Err(BoostingError::Label { row, label, objective });
        }
        Ok(())
    }
}

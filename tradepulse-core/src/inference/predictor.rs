use std::sync::Arc;

use async_trait::async_trait;

/// What a model takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Features of a row.
    pub inputs: usize,
    /// Numbers answered for a row.
    pub outputs: usize,
}

/// Rows of features, all of the same width, one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rows<'a> {
    values: &'a [f64],
    width: usize,
}

impl<'a> Rows<'a> {
    /// Rows of `width` features each. `NaN` is a missing value.
    ///
    /// # Errors
    /// [`PredictorError::Width`] if the values are no whole number of rows.
    pub const fn new(values: &'a [f64], width: usize) -> Result<Self, PredictorError> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(PredictorError::Width { found: values.len(), expected: width });
        }
        Ok(Self { values, width })
    }

    /// Features of a row.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    pub const fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All of them, row after row.
    pub const fn values(&self) -> &'a [f64] {
        self.values
    }

    /// One row after the other.
    pub fn iter(&self) -> std::slice::ChunksExact<'a, f64> {
        self.values.chunks_exact(self.width)
    }
}

/// A model: rows of features in, numbers out.
///
/// The contract, proven by the suite `conformance::predictor`:
///
/// - **A function of the row.** Equal rows give equal outputs, whatever stands beside them in a
///   batch, whatever was asked before, and however many ask at the same time.
/// - **In order and complete.** `n` rows give `n × outputs` numbers, row after row. No rows give no
///   numbers and no error.
/// - **Numbers or an error.** Every output is finite; what is not is
///   [`PredictorError::NotFinite`]. A missing value (`NaN`) is either understood or an error, and
///   never becomes an output.
/// - **An error changes nothing.** Another width than [`Signature::inputs`] is
///   [`PredictorError::Width`]; after any error the model answers as before.
/// - Futures may be dropped at any time.
#[async_trait]
pub trait Predictor: Send + Sync {
    /// What it takes and gives. It never changes.
    fn signature(&self) -> Signature;

    /// The outputs for all rows.
    ///
    /// # Errors
    /// See the contract.
    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError>;
}

/// A shared model is a model.
#[async_trait]
impl<P: Predictor + ?Sized> Predictor for Arc<P> {
    fn signature(&self) -> Signature {
        (**self).signature()
    }

    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        (**self).predict(rows).await
    }
}

/// Why there are no outputs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredictorError {
    /// Features of another number than the model takes: ask with the features it was trained on.
    #[error("{found} values are no rows of {expected} features")]
    Width {
        /// Values, or features of a row.
        found: usize,
        /// Features the model takes.
        expected: usize,
    },
    /// An output that is no number: the row is outside of what the model knows, or it is broken.
    #[error("output {output} of row {row} is not finite")]
    NotFinite {
        /// Which row, from 0.
        row: usize,
        /// Which output, from 0.
        output: usize,
    },
    /// No answer in time: ask about the next candle.
    #[error("no answer within {limit_ms} ms")]
    Late {
        /// The limit.
        limit_ms: u64,
    },
    /// The model was not asked, or could not be reached: ask later.
    #[error("the model cannot be asked: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// The model failed: look after it.
    #[error("the model failed: {reason}")]
    Failed {
        /// Why.
        reason: String,
    },
}

impl PredictorError {
    /// Checks the width of `rows`.
    ///
    /// # Errors
    /// [`Width`](Self::Width).
    pub const fn check_width(rows: &Rows<'_>, signature: Signature) -> Result<(), Self> {
        if rows.width() == signature.inputs {
            Ok(())
        } else {
            Err(Self::Width { found: rows.width(), expected: signature.inputs })
        }
    }

    /// Checks that all `outputs` are finite.
    ///
    /// # Errors
    /// [`NotFinite`](Self::NotFinite).
    pub fn check_finite(outputs: &[f64], signature: Signature) -> Result<(), Self> {
        match outputs.iter().position(|output| !output.is_finite()) {
            None => Ok(()),
            Some(at) => {
                let width = signature.outputs.max(1);
                Err(Self::NotFinite { row: at / width, output: at % width })
            }
        }
    }
}

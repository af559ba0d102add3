use async_trait::async_trait;

use super::{Predictor, PredictorError, Rows, Signature};

/// A linear model: each output is a bias plus a weighted sum of the features.
///
/// ```
/// use tradepulse_core::inference::{LinearPredictor, Predictor, Rows};
/// let model = LinearPredictor::new(2, vec![0.5, 1.0, -1.0]).unwrap();
/// let outputs = pollster::block_on(model.predict(Rows::new(&[3.0, 1.0], 2)?))?;
/// assert_eq!(outputs, [2.5]);
/// # Ok::<(), tradepulse_core::inference::PredictorError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LinearPredictor {
    inputs: usize,
    coefficients: Vec<f64>,
}

impl LinearPredictor {
    /// A model of `inputs` features; for each output a bias and then `inputs` weights. `None` unless
    /// the coefficients are finite and make whole outputs.
    pub fn new(inputs: usize, coefficients: Vec<f64>) -> Option<Self> {
        let whole = !coefficients.is_empty() && coefficients.len().is_multiple_of(inputs + 1);
        let finite = coefficients.iter().all(|coefficient| coefficient.is_finite());
        (inputs > 0 && whole && finite).then_some(Self { inputs, coefficients })
    }
}

#[async_trait]
impl Predictor for LinearPredictor {
    fn signature(&self) -> Signature {
        let outputs = self.coefficients.len() / (self.inputs + 1);
        Signature { inputs: self.inputs, outputs }
    }

    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        PredictorError::check_width(&rows, self.signature())?;
        let mut outputs = Vec::with_capacity(rows.len() * self.signature().outputs);
        for row in rows.iter() {
            for output in self.coefficients.chunks_exact(self.inputs + 1) {
                let (bias, weights) = (output[0], &output[1..]);
                let weighted = weights.iter().zip(row).map(|(weight, value)| weight * value);
                outputs.push(weighted.fold(bias, |sum, part| sum + part));
            }
        }
        PredictorError::check_finite(&outputs, self.signature())?;
        Ok(outputs)
    }
}

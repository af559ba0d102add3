//! What every [`Predictor`] must do, case by case.
//!
//! ```
//! use tradepulse_core::conformance::predictor::run;
//! use tradepulse_core::inference::LinearPredictor;
//!
//! let model = LinearPredictor::new(2, vec![0.5, 1.0, -1.0]).unwrap();
//! let report = pollster::block_on(run(&model, &[1.0, 2.0, -3.0, 0.0, 5.0, 9.0]));
//! assert!(report.is_clean(), "{report}");
//! ```

use std::future::{Future, poll_fn};
use std::task::Poll;

use super::{Boxed, Failure, Report, ensure, ensure_eq};
use crate::inference::{Predictor, PredictorError, Rows};

/// One thing that a model must do.
type Case = for<'a> fn(&'a dyn Predictor, &'a [f64]) -> Boxed<'a, Result<(), Failure>>;

const CASES: &[(&str, Case)] = &[
    ("predictor.complete", |model, sample| Box::pin(complete(model, sample))),
    ("predictor.no_rows", |model, _| Box::pin(no_rows(model))),
    ("predictor.function_of_the_row", |model, sample| Box::pin(function_of_the_row(model, sample))),
    ("predictor.repeatable", |model, sample| Box::pin(repeatable(model, sample))),
    ("predictor.concurrent", |model, sample| Box::pin(concurrent(model, sample))),
    ("predictor.width", |model, sample| Box::pin(width(model, sample))),
    ("predictor.missing_values", |model, sample| Box::pin(missing_values(model, sample))),
    ("predictor.extreme_values", |model, sample| Box::pin(extreme_values(model, sample))),
    ("predictor.dropped", |model, sample| Box::pin(dropped(model, sample))),
];

/// Runs every case on `model`. `sample` is at least two rows, of values that it knows.
pub async fn run(model: &dyn Predictor, sample: &[f64]) -> Report {
    let mut results = Vec::new();
    for (id, case) in CASES {
        results.push((*id, case(model, sample).await));
    }
    Report { results }
}

impl From<PredictorError> for Failure {
    fn from(error: PredictorError) -> Self {
        Self(format!("unexpected error: {error} ({error:?})"))
    }
}

async fn ask(model: &dyn Predictor, values: &[f64]) -> Result<Vec<f64>, PredictorError> {
    model.predict(Rows::new(values, model.signature().inputs)?).await
}

/// Bits, since they are promised.
fn bits(outputs: &[f64]) -> Vec<u64> {
    outputs.iter().map(|output| output.to_bits()).collect()
}

async fn complete(model: &dyn Predictor, sample: &[f64]) -> Result<(), Failure> {
    let signature = model.signature();
    ensure!(sample.len() >= 2 * signature.inputs, "the sample has less than two rows");
    let outputs = ask(model, sample).await?;
    let rows = sample.len() / signature.inputs;
    ensure_eq!(outputs.len(), rows * signature.outputs, "number of outputs");
    ensure!(outputs.iter().all(|output| output.is_finite()), "an output is not finite");
    ensure_eq!(model.signature(), signature, "the signature afterwards");
    Ok(())
}

async fn no_rows(model: &dyn Predictor) -> Result<(), Failure> {
    ensure_eq!(ask(model, &[]).await?, Vec::<f64>::new(), "outputs of no rows");
    Ok(())
}

async fn function_of_the_row(model: &dyn Predictor, sample: &[f64]) -> Result<(), Failure> {
    let signature = model.signature();
    let together = ask(model, sample).await?;
    let mut backwards = Vec::new();
    for row in sample.chunks_exact(signature.inputs).rev() {
        backwards.extend_from_slice(row);
    }
    let mut turned = Vec::new();
    for outputs in ask(model, &backwards).await?.chunks_exact(signature.outputs).rev() {
        turned.extend_from_slice(outputs);
    }
    ensure_eq!(bits(&turned), bits(&together), "outputs of the rows in another order");
    let mut single = Vec::new();
    for row in sample.chunks_exact(signature.inputs) {
        single.extend(ask(model, row).await?);
    }
    ensure_eq!(bits(&single), bits(&together), "outputs row by row");
    let many: Vec<f64> = sample.iter().copied().cycle().take(sample.len() * 67).collect();
    let many = ask(model, &many).await?;
    let same = many.chunks_exact(together.len()).all(|outputs| bits(outputs) == bits(&together));
    ensure!(same, "in a large batch a row has other outputs");
    Ok(())
}

async fn repeatable(model: &dyn Predictor, sample: &[f64]) -> Result<(), Failure> {
    let first = ask(model, sample).await?;
    for _ in 0..3 {
        ensure_eq!(bits(&ask(model, sample).await?), bits(&first), "outputs asked again");
    }
    Ok(())
}

async fn concurrent(model: &dyn Predictor, sample: &[f64]) -> Result<(), Failure> {
    let alone = ask(model, sample).await?;
    let mut asked: Vec<_> = (0..16).map(|_| Some(Box::pin(ask(model, sample)))).collect();
    let mut answers = Vec::new();
    poll_fn(|context| {
        for slot in &mut asked {
            if let Some(Poll::Ready(answer)) = slot.as_mut().map(|f| f.as_mut().poll(context)) {
                answers.push(answer);
                *slot = None;
            }
        }
        if asked.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    for answer in answers {
        ensure_eq!(bits(&answer?), bits(&alone), "outputs of one of many that ask");
    }
    Ok(())
}

async fn width(model: &dyn Predictor, sample: &[f64]) -> Result<(), Failure> {
    let before = ask(model, sample).await?;
    let inputs = model.signature().inputs;
    for wrong in [inputs + 1, inputs.saturating_sub(1)].into_iter().filter(|&wrong| wrong > 0) {
        let answer = model.predict(Rows::new(&vec![0.5; wrong * 2], wrong)?).await;
        let expected = PredictorError::Width { found: wrong, expected: inputs };
        ensure_eq!(answer, Err(expected), "rows of another width");
    }
    ensure_eq!(bits(&ask(model, sample).await?), bits(&before), "outputs after an error");
    Ok(())
}

/// Whatever is answered is finite; the neighbours are not touched.
async fn odd_values(model: &dyn Predictor, sample: &[f64], odd: f64) -> Result<(), Failure> {
    let before = ask(model, sample).await?;
    for place in 0..model.signature().inputs {
        let mut rows = sample.to_vec();
        rows[place] = odd;
        if let Ok(outputs) = ask(model, &rows).await {
            ensure_eq!(outputs.len(), before.len(), "number of outputs");
            let finite = outputs.iter().all(|output| output.is_finite());
            ensure!(finite, "{odd} in feature {place} became an output that is not finite");
            let others = model.signature().outputs..;
            let same = bits(&outputs[others.clone()]) == bits(&before[others]);
            ensure!(same, "{odd} in feature {place} changed the outputs of another row");
        }
    }
    ensure_eq!(bits(&ask(model, sample).await?), bits(&before), "outputs afterwards");
    Ok(())
}

async fn missing_values(model: &dyn Predictor, sample: &[f64]) -> Result<(), Failure> {
    odd_values(model, sample, f64::NAN).await
}

async fn extreme_values(model: &dyn Predictor, sample: &[f64]) -> Result<(), Failure> {
    for odd in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, -0.0, f64::MIN_POSITIVE] {
        odd_values(model, sample, odd).await?;
    }
    Ok(())
}

async fn dropped(model: &dyn Predictor, sample: &[f64]) -> Result<(), Failure> {
    let before = ask(model, sample).await?;
    for _ in 0..3 {
        let mut asked = Box::pin(ask(model, sample));
        poll_fn(|context| {
            let _ = asked.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
    }
    ensure_eq!(bits(&ask(model, sample).await?), bits(&before), "outputs after a dropped question");
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::inference::{LinearPredictor, Signature};

    /// A model with a fault.
    struct Faulty(fn(Vec<f64>, Rows<'_>) -> Vec<f64>);

    #[async_trait]
    impl Predictor for Faulty {
        fn signature(&self) -> Signature {
            Signature { inputs: 1, outputs: 1 }
        }

        async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
            PredictorError::check_width(&rows, self.signature())?;
            Ok(self.0(rows.values().to_vec(), rows))
        }
    }

    fn failed(model: &dyn Predictor) -> Vec<&'static str> {
        let report = pollster::block_on(run(model, &[1.0, 2.0, -1.0]));
        report.results.into_iter().filter(|(_, result)| result.is_err()).map(|(id, _)| id).collect()
    }

    #[test]
    fn a_model_that_is_right_passes() {
        assert!(failed(&LinearPredictor::new(1, vec![0.5, 2.0]).unwrap()).is_empty());
    }

    #[test]
    fn faults_are_found() {
        let found = failed(&Faulty(|values, _| values));
        assert_eq!(found, ["predictor.missing_values", "predictor.extreme_values"]);
        let centred = Faulty(|values, _| {
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            values.iter().map(|value| value - mean).collect()
        });
        assert!(failed(&centred).contains(&"predictor.function_of_the_row"));
        let short = Faulty(|mut values, _| {
            values.pop();
            values
        });
        assert!(failed(&short).contains(&"predictor.complete"));
    }
}

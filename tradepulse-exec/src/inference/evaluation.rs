//! What a model is worth on candles: its probabilities beside what came.

use serde::Serialize;
use tradepulse_core::inference::{
    FeatureError, Labelling, OutputError, PredictorError, Rows, Scores, batch,
};
use tradepulse_core::market::{Candle, Series};
use tradepulse_core::random::Seed;
use tradepulse_core::time::Timestamp;

use super::bundle::Bundle;

/// How good a model's probabilities are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Open time of the first candle that was asked about.
    pub from: Timestamp,
    /// Open time of the last one.
    pub to: Timestamp,
    /// What the classes are called, in the order of all that follows.
    pub classes: Vec<&'static str>,
    /// How often each class was right.
    pub shares: Vec<f64>,
    /// Beside somebody who always says these shares, which nobody knew beforehand: the base rate.
    pub scores: Scores,
    /// Log loss of somebody who finds all classes equally likely, nats: a fair coin.
    pub fair_coin_log_loss: f64,
    /// Mean squared distance of the probabilities from what came, over all classes; for two
    /// classes, of the second one alone, as usual.
    pub brier: f64,
    /// That of the base rate.
    pub base_rate_brier: f64,
    /// For each class the chance that a row where it came has a larger probability than one where
    /// it did not. `None` if it came always or never.
    pub auc: Vec<Option<f64>>,
    /// For each class what was said beside how often that came.
    pub calibration: Vec<Vec<CalibrationBin>>,
}

/// Rows to which a class was said to be about equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// Least probability in it.
    pub from: f64,
    /// Largest probability in it.
    pub to: f64,
    /// Rows.
    pub rows: usize,
    /// Mean of what was said.
    pub said: f64,
    /// How often it came.
    pub came: f64,
}

/// Bins of a calibration.
const BINS: usize = 10;

/// Asks `bundle` about every candle of `series` whose future is known. Where there are only long and
/// not long, candles after which the market moved less than either threshold are left out.
///
/// # Errors
/// [`EvaluationError`].
pub async fn evaluate(
    bundle: &Bundle,
    series: &Series,
    labelling: &Labelling,
    seed: Seed,
) -> Result<Evaluation, EvaluationError> {
    let kind = bundle.manifest().output;
    let names: &[&str] = match kind.classes() {
        Some(2) => &["not long", "long"],
        Some(3) => &["long", "short", "hold"],
        _ => return Err(EvaluationError::NoProbabilities { output: kind.name() }),
    };
    let set = bundle.features().ok_or(EvaluationError::Raw)?;
    let candles: Vec<Candle> = series.candles().collect();
    let rows = batch(set, &candles)?;
    let width = set.names().len();
    let first = candles.len() - rows.len() / width;
    let outputs = bundle.model().predict(Rows::new(&rows, width)?).await?;
    let future = labelling.labels(series.close());
    let (mut probabilities, mut labels, mut span) = (Vec::new(), Vec::new(), None);
    for (i, outputs) in outputs.chunks_exact(kind.outputs()).enumerate() {
        let candle = first + i;
        let label = future.get(candle).copied().flatten();
        let Some(label) = label.and_then(|action| kind.class_of(action)) else { continue };
        probabilities.extend(kind.class_probabilities(outputs)?);
        labels.push(label);
        let time = candles[candle].open_time;
        span = Some(span.map_or((time, time), |(from, _)| (from, time)));
    }
    let (from, to) = span.ok_or(EvaluationError::NoRows { horizon: labelling.horizon })?;
    let classes = names.len();
    let count = labels.len() as f64;
    let share = |class| labels.iter().filter(|label| **label == class).count() as f64 / count;
    let shares: Vec<f64> = (0..classes).map(share).collect();
    let scores = Scores::new(&probabilities, &labels, &shares, labelling.horizon, seed)
        .ok_or(EvaluationError::NoRows { horizon: labelling.horizon })?;
    let of = |class: usize| -> Vec<(f64, bool)> {
        let rows = probabilities.chunks_exact(classes).zip(&labels);
        rows.map(|(row, label)| (row[class], *label == class)).collect()
    };
    let base_rate: Vec<f64> = labels.iter().flat_map(|_| shares.clone()).collect();
    Ok(Evaluation {
        from,
        to,
        classes: names.to_vec(),
        scores,
        fair_coin_log_loss: (classes as f64).ln(),
        brier: brier(&probabilities, &labels, classes),
        base_rate_brier: brier(&base_rate, &labels, classes),
        auc: (0..classes).map(|class| auc(of(class))).collect(),
        calibration: (0..classes).map(|class| calibration(of(class))).collect(),
        shares,
    })
}

fn brier(probabilities: &[f64], labels: &[usize], classes: usize) -> f64 {
    let square =
        |(class, p): (usize, &f64), label: usize| (p - f64::from(u8::from(class == label))).powi(2);
    let rows = probabilities.chunks_exact(classes).zip(labels);
    let sum: f64 = rows
        .map(|(row, label)| row.iter().enumerate().map(|cell| square(cell, *label)).sum::<f64>())
        .sum();
    // Of two classes both are as far off.
    sum / labels.len() as f64 / if classes == 2 { 2.0 } else { 1.0 }
}

/// By ranks, equal ones halved (Mann and Whitney 1947).
fn auc(mut rows: Vec<(f64, bool)>) -> Option<f64> {
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let came = rows.iter().filter(|row| row.1).count() as f64;
    let not = rows.len() as f64 - came;
    let (mut wins, mut below) = (0.0, 0.0);
    for equal in rows.chunk_by(|a, b| a.0 == b.0) {
        let hits = equal.iter().filter(|row| row.1).count() as f64;
        let misses = equal.len() as f64 - hits;
        wins += hits * (below + misses / 2.0);
        below += misses;
    }
    (came > 0.0 && not > 0.0).then(|| wins / (came * not))
}

/// Bins of equal width, without those that are empty.
fn calibration(rows: Vec<(f64, bool)>) -> Vec<CalibrationBin> {
    let mut bins = vec![(0, 0.0, 0); BINS];
    for (said, came) in rows {
        let (count, sum, hits) = &mut bins[((said * BINS as f64) as usize).min(BINS - 1)];
        *count += 1;
        *sum += said;
        *hits += usize::from(came);
    }
    let bin = |(i, (rows, sum, hits)): (usize, (usize, f64, usize))| CalibrationBin {
        from: i as f64 / BINS as f64,
        to: (i + 1) as f64 / BINS as f64,
        rows,
        said: sum / rows as f64,
        came: hits as f64 / rows as f64,
    };
    bins.into_iter().enumerate().map(bin).filter(|bin| bin.rows > 0).collect()
}

/// Why a model cannot be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// Outputs without probabilities.
    #[error("the model answers a {output}: only class probabilities are judged")]
    NoProbabilities {
        /// What its outputs are.
        output: &'static str,
    },
    /// Features that do not come from candles.
    #[error("the model takes raw features, which cannot be computed from candles")]
    Raw,
    /// Too few candles.
    #[error("no candle has features, a label and {horizon} candles after it")]
    NoRows {
        /// How far labels look ahead.
        horizon: usize,
    },
    /// Features that cannot be computed.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A model that cannot be asked.
    #[error("the model cannot be asked: {0}")]
    Predictor(#[from] PredictorError),
    /// Outputs that are not what they should be.
    #[error("the model's outputs: {0}")]
    Output(#[from] OutputError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_counts_pairs() {
        assert_eq!(auc(vec![(0.1, false), (0.9, true)]), Some(1.0));
        assert_eq!(auc(vec![(0.9, false), (0.1, true)]), Some(0.0));
        assert_eq!(auc(vec![(0.5, false), (0.5, true)]), Some(0.5));
        // Three of four pairs.
        let rows = vec![(0.1, false), (0.4, false), (0.35, true), (0.8, true)];
        assert_eq!(auc(rows), Some(0.75));
        assert_eq!(auc(vec![(0.5, true)]), None);
    }

    #[test]
    fn squares_are_those_of_brier() {
        let two = [0.3, 0.7, 0.9, 0.1];
        assert!((brier(&two, &[1, 1], 2) - (0.09 + 0.81) / 2.0).abs() < 1e-12);
        let three = [0.2, 0.3, 0.5];
        assert!((brier(&three, &[2], 3) - (0.04 + 0.09 + 0.25)).abs() < 1e-12);
    }

    #[test]
    fn what_was_said_stands_beside_what_came() {
        let bins = calibration(vec![(0.05, false), (0.04, true), (1.0, true), (0.95, true)]);
        assert_eq!(bins.len(), 2);
        assert_eq!((bins[0].rows, bins[0].came), (2, 0.5));
        assert!((bins[0].said - 0.045).abs() < 1e-12);
        assert_eq!((bins[1].rows, bins[1].came, bins[1].to), (2, 1.0, 1.0));
    }
}

use std::sync::Arc;

use async_trait::async_trait;
use tradepulse_core::ensemble::Absence;
use tradepulse_core::inference::{
    FeatureError, OutputError, Prediction, PredictorError, Rows, Thresholds, batch, latest,
};
use tradepulse_core::market::{Candle, Series};
use tradepulse_core::time::Timestamp;

use super::bundle::Bundle;
use super::market_model::MarketModel;
use super::snapshot::MarketSnapshot;

/// A model that is asked in this process.
#[derive(Clone, Debug)]
pub struct LocalModel {
    bundle: Arc<Bundle>,
    thresholds: Thresholds,
}

impl LocalModel {
    /// Asks `bundle`; `thresholds` say where its outputs become actions.
    ///
    /// # Errors
    /// [`LocalError::Raw`] if its features are made by whoever asks: candles alone do not tell them.
    pub fn new(bundle: Arc<Bundle>, thresholds: Thresholds) -> Result<Self, LocalError> {
        if bundle.features().is_none() {
            return Err(LocalError::Raw { model: bundle.manifest().name.clone() });
        }
        Ok(Self { bundle, thresholds })
    }

    /// The model with its manifest.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// What it says at the close of each candle of `series`, as of that candle; `None` where too few
    /// candles came before, or where it learnt from later ones
    /// ([`Manifest::is_hindsight`](tradepulse_core::inference::Manifest::is_hindsight)).
    ///
    /// # Errors
    /// If a feature is not finite or the model fails.
    pub async fn column(&self, series: &Series) -> Result<Vec<Option<Prediction>>, LocalError> {
        let Some(features) = self.bundle.features() else {
            return Err(LocalError::Raw { model: self.bundle.manifest().name.clone() });
        };
        let mut column = vec![None; series.len()];
        let manifest = self.bundle.manifest();
        let hindsight = (0..series.len())
            .take_while(|&at| manifest.is_hindsight(series.close_time(at)))
            .count();
        let before = features.window().max(1) - 1;
        let known = before.max(hindsight);
        if series.len() <= known {
            return Ok(column);
        }
        let candles: Vec<Candle> = series.candles().skip(known - before).collect();
        let rows = batch(features, &candles)?;
        let width = features.names().len();
        // A batch at a time, so that the outputs of long series need no memory.
        for (part, values) in rows.chunks(ROWS * width).enumerate() {
            let rows = Rows::new(values, width)?;
            let outputs = self.bundle.model().predict(rows).await?;
            let per_row = self.bundle.model().signature().outputs.max(1);
            for (i, outputs) in outputs.chunks_exact(per_row).enumerate() {
                let at = known + part * ROWS + i;
                column[at] = Some(self.prediction(series.close_time(at), outputs)?);
            }
        }
        Ok(column)
    }

    fn prediction(&self, for_candle: Timestamp, outputs: &[f64]) -> Result<Prediction, LocalError> {
        let verdict = self.bundle.manifest().output.decode(outputs, &self.thresholds)?;
        Ok(Prediction {
            for_candle,
            action: verdict.action,
            confidence: verdict.confidence,
            stop: None,
            take_profit: None,
            raw_score: Some(verdict.raw_score),
        })
    }

    async fn answer(&self, snapshot: &MarketSnapshot<'_>) -> Result<Prediction, LocalError> {
        let Some(features) = self.bundle.features() else {
            return Err(LocalError::Raw { model: self.bundle.manifest().name.clone() });
        };
        let row = latest(features, snapshot.candles)?;
        let outputs = self.bundle.model().predict(Rows::new(&row, row.len())?).await?;
        self.prediction(snapshot.close_time(), &outputs)
    }
}

/// Rows that are asked at once.
const ROWS: usize = 4096;

#[async_trait]
impl MarketModel for LocalModel {
    async fn ask(&self, snapshot: &MarketSnapshot<'_>) -> Result<Prediction, Absence> {
        let manifest = self.bundle.manifest();
        if let Some(learnt_to) = manifest.learnt_to
            && manifest.is_hindsight(snapshot.close_time())
        {
            return Err(Absence::Hindsight { learnt_to });
        }
        let answer = self.answer(snapshot).await;
        answer.map_err(|error| Absence::Unavailable { reason: error.to_string() })
    }
}

/// Why a model says nothing about candles.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// It takes features that are not made of candles here.
    #[error(
        "model {model:?} takes raw features: only one whose features are made of candles, such as \
         basic10, can be asked about a market"
    )]
    Raw {
        /// Its name.
        model: String,
    },
    /// There are no features.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] PredictorError),
    /// Its outputs mean nothing.
    #[error(transparent)]
    Output(#[from] OutputError),
}

#[cfg(test)]
mod tests {
    use pollster::block_on;
    use tradepulse_core::inference::{
        Basic10, FeatureRegistry, FeatureSet, GoldenSample, LinearPredictor, MANIFEST_VERSION,
        Manifest, OutputKind, Predictor, contract_hash,
    };
    use tradepulse_core::market::SyntheticMarket;
    use tradepulse_core::random::Seed;
    use tradepulse_core::time::Timeframe;

    use super::*;

    fn model(learnt_to: Option<Timestamp>) -> LocalModel {
        let line = LinearPredictor::new(10, (0..11).map(f64::from).collect()).unwrap();
        let input = vec![0.01; 10];
        let output = block_on(line.predict(Rows::new(&input, 10).unwrap())).unwrap();
        let manifest = Manifest {
            manifest_version: MANIFEST_VERSION,
            name: "line".to_owned(),
            version: 1,
            file: String::new(),
            sha256: String::new(),
            features: Basic10.name().to_owned(),
            feature_names: Basic10.names().iter().map(|&name| name.to_owned()).collect(),
            contract: Some(contract_hash(&Basic10)),
            output: OutputKind::Score,
            horizon: None,
            data: None,
            learnt_to,
            golden_sample: GoldenSample { input, output, tolerance: 1e-9 },
        };
        let registry = FeatureRegistry::default();
        let bundle = Bundle::new(manifest, Arc::new(line), "linear", &registry);
        LocalModel::new(Arc::new(block_on(bundle).unwrap()), Thresholds::default()).unwrap()
    }

    #[test]
    fn nothing_is_said_of_candles_before_those_it_learnt_from() {
        let market = SyntheticMarket::new(Seed(3), Timeframe::M5);
        let series = SyntheticMarket { candles: 400, ..market }.generate().unwrap();
        let whole = block_on(model(None).column(&series)).unwrap();
        assert!(whole[..99].iter().all(Option::is_none) && whole[99..].iter().all(Option::is_some));
        for known in [0, 50, 99, 100, 250, 399] {
            let learnt_to = series.close_time(known);
            let asked = model(Some(learnt_to));
            let column = block_on(asked.column(&series)).unwrap();
            assert!(column[..known].iter().all(Option::is_none), "{known}");
            assert_eq!(column[known..], whole[known..], "{known}");
        }
        let later = Timestamp::from_ms(series.close_time(399).as_ms() + 1);
        assert_eq!(block_on(model(Some(later)).column(&series)).unwrap(), vec![None; 400]);
    }
}

//! Models: what they are asked, what they answer, and the port behind which they stand.
//!
//! Candles become features by a [`FeatureSet`], features become outputs by a [`Predictor`], outputs
//! become an [`Action`] by an [`OutputKind`]. A [`Manifest`] beside a model's file says which of
//! each belong together; [`Manifest::check`] compares, and asks the model its golden sample.
//!
//! ```
//! use tradepulse_core::inference::{Action, Basic10, FeatureSet, OutputKind, Thresholds, latest};
//! use tradepulse_core::market::{Candle, SyntheticMarket};
//! use tradepulse_core::random::Seed;
//! use tradepulse_core::time::Timeframe;
//!
//! let market = SyntheticMarket { candles: 200, ..SyntheticMarket::new(Seed(1), Timeframe::H1) };
//! let candles: Vec<Candle> = market.generate()?.candles().collect();
//! let row = latest(&Basic10, &candles)?;
//! assert_eq!(row.len(), Basic10.names().len());
//! let verdict = OutputKind::Score.decode(&[0.4], &Thresholds::default())?;
//! assert_eq!((verdict.action, verdict.confidence), (Action::Long, 0.4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod basic10;
mod class_probabilities;
mod features;
mod labels;
mod linear;
mod loss_difference;
mod manifest;
mod output;
mod prediction;
mod predictor;
mod scores;

pub use action::{Action, UnknownAction};
pub use basic10::Basic10;
pub use features::{
    FeatureError, FeatureRegistry, FeatureSet, UnknownFeatures, batch, contract_hash, latest,
};
pub use labels::{Labelling, PurgedSplit};
pub use linear::LinearPredictor;
pub use loss_difference::LossDifference;
pub use manifest::{GoldenSample, MANIFEST_VERSION, Manifest, ManifestError};
pub use output::{OutputError, OutputKind, Thresholds, UnknownOutput, Verdict};
pub use prediction::{Flaw, Prediction};
pub use predictor::{Predictor, PredictorError, Rows, Signature};
pub use scores::Scores;

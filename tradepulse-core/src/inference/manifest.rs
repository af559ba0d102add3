use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::time::Timestamp;

use super::{FeatureSet, OutputKind, Predictor, PredictorError, Rows, Signature, contract_hash};

/// The manifest format this program writes and reads.
pub const MANIFEST_VERSION: u32 = 1;

/// What belongs to a model's file: the features it takes, what its outputs mean, and a sample that
/// it must reproduce.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub manifest_version: u32,
    /// Name of the model.
    pub name: String,
    /// Its version, counted by whoever publishes it.
    pub version: u64,
    /// The model's file, in the same folder.
    pub file: String,
    /// SHA-256 of that file, hex.
    pub sha256: String,
    /// Name of the feature set, or `raw` if the rows are made by whoever asks.
    pub features: String,
    /// Names of the features, in their order.
    pub feature_names: Vec<String>,
    /// [`contract_hash`] of the feature set; `None` for `raw`.
    pub contract: Option<String>,
    /// What the outputs mean.
    pub output: OutputKind,
    /// How many candles ahead it looks.
    pub horizon: Option<u32>,
    /// Fingerprint of the candles it was trained on, hex.
    pub data: Option<String>,
    /// Close time of the newest candle that it learnt from, the future that its labels looked into
    /// included, ms; `None` if that is not known. What it would say of earlier candles is hindsight
    /// ([`is_hindsight`](Self::is_hindsight)).
    #[serde(default)]
    pub learnt_to: Option<Timestamp>,
    /// Input and output.
    pub golden_sample: GoldenSample,
}

/// A row and what the model made of it when the manifest was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenSample {
    /// The features.
    pub input: Vec<f64>,
    /// The outputs.
    pub output: Vec<f64>,
    /// By how much each output may differ.
    pub tolerance: f64,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ManifestError::Format`] or [`ManifestError::Version`].
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            manifest_version: u32,
        }
        let format = |error: serde_json::Error| ManifestError::Format(error.to_string());
        let Version { manifest_version: found } = serde_json::from_str(text).map_err(format)?;
        if found != MANIFEST_VERSION {
            return Err(ManifestError::Version { found });
        }
        serde_json::from_str(text).map_err(format)
    }

    /// Whether the model learnt from candles later than one that closed at `at`: then it knows what
    /// came of it, and no backtest may believe it.
    pub fn is_hindsight(&self, at: Timestamp) -> bool {
        self.learnt_to.is_some_and(|learnt_to| at < learnt_to)
    }

    /// SHA-256 of all that is said here, that of the model's file included, hex: two models with the
    /// same one answer alike.
    ///
    /// # Errors
    /// As [`to_json`](Self::to_json).
    pub fn fingerprint(&self) -> Result<String, ManifestError> {
        let digest = Sha256::digest(self.to_json()?.as_bytes());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// As it is written: JSON over several lines.
    ///
    /// # Errors
    /// If a number in it is not finite.
    pub fn to_json(&self) -> Result<String, ManifestError> {
        let sample = &self.golden_sample;
        let numbers = sample.input.iter().chain(&sample.output).chain([&sample.tolerance]);
        if !numbers.into_iter().all(|number| number.is_finite()) {
            let problem = "a number of the golden sample is not finite";
            return Err(ManifestError::Format(problem.to_owned()));
        }
        serde_json::to_string_pretty(self).map_err(|error| ManifestError::Format(error.to_string()))
    }

    /// Checks a model against all that is said here: shapes, the contract of `features` (`None` for
    /// `raw`), and the golden sample, which the model is asked.
    ///
    /// # Errors
    /// The first difference.
    pub async fn check(
        &self,
        model: &dyn Predictor,
        features: Option<&dyn FeatureSet>,
    ) -> Result<(), ManifestError> {
        let Signature { inputs, outputs } = model.signature();
        let count = |what, found: usize, expected: usize| {
            if found == expected {
                Ok(())
            } else {
                Err(ManifestError::Count { what, found, expected })
            }
        };
        count("features", inputs, self.feature_names.len())?;
        count("outputs", outputs, self.output.outputs())?;
        count("golden inputs", self.golden_sample.input.len(), inputs)?;
        count("golden outputs", self.golden_sample.output.len(), outputs)?;
        self.check_features(features)?;
        self.check_golden_sample(model).await
    }

    fn check_features(&self, features: Option<&dyn FeatureSet>) -> Result<(), ManifestError> {
        let found = features.map_or("raw", |set| set.name());
        if found != self.features {
            let (found, expected) = (found.to_owned(), self.features.clone());
            return Err(ManifestError::Features { found, expected });
        }
        let Some(set) = features else { return Ok(()) };
        for (i, expected) in self.feature_names.iter().enumerate() {
            let found = set.names().get(i).copied().unwrap_or_default();
            if found != expected {
                let (found, expected) = (found.to_owned(), expected.clone());
                return Err(ManifestError::FeatureName { position: i, found, expected });
            }
        }
        let found = contract_hash(set);
        if self.contract.as_deref() == Some(found.as_str()) {
            Ok(())
        } else {
            let expected = self.contract.clone().unwrap_or_else(|| "none".to_owned());
            Err(ManifestError::Contract { features: self.features.clone(), found, expected })
        }
    }

    /// Asks the model its golden sample.
    ///
    /// # Errors
    /// [`ManifestError::Golden`] or [`ManifestError::Model`].
    pub async fn check_golden_sample(&self, model: &dyn Predictor) -> Result<(), ManifestError> {
        let GoldenSample { input, output, tolerance } = &self.golden_sample;
        let answer = model.predict(Rows::new(input, input.len())?).await?;
        for (i, (&found, &expected)) in answer.iter().zip(output).enumerate() {
            let near = (found - expected).abs() <= *tolerance;
            if !near {
                return Err(ManifestError::Golden { output: i, found, expected });
            }
        }
        Ok(())
    }
}

/// Why a model is not what its manifest says.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It cannot be read.
    #[error("the manifest is not understood: {0}")]
    Format(String),
    /// It is of another version of this program.
    #[error("the manifest has version {found}, this program reads version {MANIFEST_VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// Another number of something.
    #[error("the model has {found} {what}, the manifest says {expected}")]
    Count {
        /// Of what.
        what: &'static str,
        /// The model's.
        found: usize,
        /// The manifest's.
        expected: usize,
    },
    /// Other features.
    #[error("the features are {found:?}, the manifest says {expected:?}")]
    Features {
        /// What is to be served.
        found: String,
        /// The manifest's.
        expected: String,
    },
    /// A feature of another name.
    #[error("feature {position} is {found:?}, the manifest says {expected:?}")]
    FeatureName {
        /// Which one, from 0.
        position: usize,
        /// This program's.
        found: String,
        /// The manifest's.
        expected: String,
    },
    /// The features are computed in another way than when the model was trained.
    #[error(
        "features {features:?} have contract {found}, the model was trained with {expected}: train \
         it again"
    )]
    Contract {
        /// The feature set.
        features: String,
        /// This program's.
        found: String,
        /// The manifest's.
        expected: String,
    },
    /// The model does not do what it did.
    #[error("golden sample: output {output} is {found}, the manifest says {expected}")]
    Golden {
        /// Which output, from 0.
        output: usize,
        /// What the model says now.
        found: f64,
        /// What it said.
        expected: f64,
    },
    /// The model could not be asked.
    #[error("golden sample: {0}")]
    Model(#[from] PredictorError),
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;
    use crate::inference::{Basic10, LinearPredictor};

    fn model() -> LinearPredictor {
        LinearPredictor::new(10, (0..11).map(f64::from).collect()).unwrap()
    }

    fn manifest() -> Manifest {
        Manifest {
            manifest_version: MANIFEST_VERSION,
            name: "line".to_owned(),
            version: 1,
            file: "line.json".to_owned(),
            sha256: String::new(),
            features: "basic10".to_owned(),
            feature_names: Basic10.names().iter().map(|&name| name.to_owned()).collect(),
            contract: Some(contract_hash(&Basic10)),
            output: OutputKind::Score,
            horizon: Some(1),
            data: None,
            learnt_to: None,
            golden_sample: GoldenSample {
                input: vec![1.0; 10],
                output: vec![55.0],
                tolerance: 1e-9,
            },
        }
    }

    #[test]
    fn it_is_what_was_written() {
        let text = serde_json::to_string(&manifest()).unwrap();
        assert_eq!(Manifest::parse(&text), Ok(manifest()));
        assert_eq!(block_on(manifest().check(&model(), Some(&Basic10))), Ok(()));
        let newer = text.replace("\"manifest_version\":1", "\"manifest_version\":2");
        assert_eq!(Manifest::parse(&newer), Err(ManifestError::Version { found: 2 }));
        let other = text.replace("\"horizon\"", "\"horizont\"");
        assert!(matches!(Manifest::parse(&other), Err(ManifestError::Format(_))));
    }

    #[test]
    fn every_difference_is_named() {
        type Change = fn(&mut Manifest);
        let told = |change: Change| {
            let mut changed = manifest();
            change(&mut changed);
            block_on(changed.check(&model(), Some(&Basic10))).unwrap_err().to_string()
        };
        let cases: [(Change, &str); 6] = [
            (|m| m.feature_names.truncate(9), "the model has 10 features, the manifest says 9"),
            (
                |m| m.output = OutputKind::Probs3 { classes: crate::inference::Action::ALL },
                "the model has 1 outputs, the manifest says 3",
            ),
            (|m| m.features = "raw".to_owned(), "the features are \"basic10\""),
            (|m| m.feature_names.swap(0, 1), "feature 0 is \"return_1\""),
            (|m| m.contract = Some("00".to_owned()), "the model was trained with 00"),
            (
                |m| m.golden_sample.output[0] = 54.0,
                "golden sample: output 0 is 55, the manifest says 54",
            ),
        ];
        for (change, expected) in cases {
            assert!(told(change).contains(expected), "{}", told(change));
        }
    }
}

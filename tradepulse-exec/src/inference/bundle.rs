//! A model's file with its manifest: loaded only if everything agrees.
//!
//! The manifest of `trees.txt` is `trees.manifest.json` beside it ([`manifest_path`]). With one,
//! [`load`] checks the file's hash, shapes, feature names, the contract of the features and the
//! golden sample; the error names the first difference. A file without a manifest needs [`Flags`]
//! that say the same in short.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tradepulse_core::inference::{
    FeatureRegistry, FeatureSet, GoldenSample, MANIFEST_VERSION, Manifest, ManifestError,
    OutputKind, Predictor, UnknownFeatures, contract_hash,
};
use tradepulse_core::time::Timestamp;

#[cfg(feature = "boosting")]
use super::ftrl::{Ftrl, FtrlError};
use super::lightgbm::{LightGbm, LightGbmError};
#[cfg(feature = "onnx")]
use super::onnx::{Onnx, OnnxError};
#[cfg(feature = "torch")]
use super::torch::{Torch, TorchError};
use crate::atomic;

/// Name of the features that whoever asks makes.
pub const RAW: &str = "raw";

/// What is said about a file that has no manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Flags {
    /// Name of the model; the file's without its extension if there is none.
    pub name: Option<String>,
    /// Name of the feature set, or [`RAW`].
    pub features: String,
    /// What the outputs mean.
    pub output: OutputKind,
}

/// A model that is what its manifest says.
#[derive(Clone)]
pub struct Bundle {
    manifest: Manifest,
    model: Arc<dyn Predictor>,
    features: Option<Arc<dyn FeatureSet>>,
    platform: &'static str,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

impl Bundle {
    /// Joins a model of one's own with its manifest. `platform` says what it is.
    ///
    /// # Errors
    /// If they do not agree.
    pub async fn new(
        manifest: Manifest,
        model: Arc<dyn Predictor>,
        platform: &'static str,
        registry: &FeatureRegistry,
    ) -> Result<Self, BundleError> {
        let features = features(&manifest.features, registry)?;
        manifest.check(&*model, features.as_deref()).await?;
        Ok(Self { manifest, model, features, platform })
    }

    /// What it is.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model.
    pub fn model(&self) -> &dyn Predictor {
        &*self.model
    }

    /// Its features; `None` if whoever asks makes them.
    pub fn features(&self) -> Option<&dyn FeatureSet> {
        self.features.as_deref()
    }

    /// What kind of model it is, such as `lightgbm`.
    pub const fn platform(&self) -> &'static str {
        self.platform
    }
}

/// Where the manifest of a model's file is: `trees.manifest.json` for `trees.txt`.
pub fn manifest_path(file: &Path) -> PathBuf {
    file.with_extension("manifest.json")
}

/// Loads a model with the manifest beside it, or by `flags` if there is none. If there are both they
/// have to agree.
///
/// # Errors
/// If a file cannot be read, the model is damaged, or something does not agree.
pub async fn load(
    file: &Path,
    flags: Option<&Flags>,
    registry: &FeatureRegistry,
) -> Result<Bundle, BundleError> {
    let bytes = read(file)?;
    let manifest_file = manifest_path(file);
    let manifest = match fs::read_to_string(&manifest_file) {
        Ok(text) => Some(Manifest::parse(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(BundleError::Read { path: manifest_file, source }),
    };
    let told = match (&manifest, flags) {
        (Some(manifest), _) => Some(manifest.feature_names.len()),
        (None, Some(flags)) => features(&flags.features, registry)?.map(|set| set.names().len()),
        (None, None) => None,
    };
    let (model, platform) = open(file, &bytes, told)?;
    let manifest = match (manifest, flags) {
        (Some(manifest), flags) => {
            agree(&manifest, flags)?;
            let found = sha256(&bytes);
            if found != manifest.sha256 {
                let (path, expected) = (file.to_owned(), manifest.sha256);
                return Err(BundleError::Hash { path, found, expected });
            }
            manifest
        }
        (None, Some(flags)) => {
            let sample = vec![0.0; model.predictor.signature().inputs];
            describe(file, &bytes, &model, flags, registry, sample).await?
        }
        (None, None) => return Err(BundleError::NoManifest { path: manifest_file }),
    };
    Bundle::new(manifest, model.predictor, platform, registry).await
}

/// Writes the manifest of a bare file, with `sample` as the golden sample, and returns its path.
/// `learnt_to` is what its maker knows of the newest candle that it learnt from.
///
/// # Errors
/// As [`load`], or if the manifest cannot be written.
pub async fn write_manifest(
    file: &Path,
    flags: &Flags,
    registry: &FeatureRegistry,
    sample: Vec<f64>,
    learnt_to: Option<Timestamp>,
) -> Result<PathBuf, BundleError> {
    let bytes = read(file)?;
    let (model, platform) = open(file, &bytes, Some(sample.len()))?;
    let described = describe(file, &bytes, &model, flags, registry, sample).await?;
    let manifest = Manifest { learnt_to, ..described };
    let text = manifest.to_json()?;
    Bundle::new(manifest, model.predictor, platform, registry).await?;
    let path = manifest_path(file);
    atomic::write(&path, |file| file.write_all(text.as_bytes()))
        .and_then(|()| atomic::sync_folder(path.parent().unwrap_or(Path::new(""))))
        .map_err(|source| BundleError::Write { path: path.clone(), source })?;
    Ok(path)
}

/// How many features the model in `file` takes; `told` is what is known of it, for a TorchScript
/// file, which does not say it.
///
/// # Errors
/// If it cannot be read, or is damaged.
pub fn width(file: &Path, told: Option<usize>) -> Result<usize, BundleError> {
    let (model, _) = open(file, &read(file)?, told)?;
    Ok(model.predictor.signature().inputs)
}

/// A model's file, opened.
struct Opened {
    predictor: Arc<dyn Predictor>,
    feature_names: Vec<String>,
}

#[cfg(any(feature = "onnx", feature = "torch"))]
impl Opened {
    /// A model whose file has no names of features.
    fn numbered(model: impl Predictor + 'static) -> Self {
        let inputs = model.signature().inputs;
        let feature_names = (0..inputs).map(|i| format!("feature_{i}")).collect();
        Self { predictor: Arc::new(model), feature_names }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    fs::read(path).map_err(|source| BundleError::Read { path: path.to_owned(), source })
}

/// Opens a model that may be `told` how many features it takes.
fn open(
    path: &Path,
    bytes: &[u8],
    told: Option<usize>,
) -> Result<(Opened, &'static str), BundleError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    #[cfg(feature = "onnx")]
    if extension == Some("onnx") {
        let model = Onnx::parse_bytes(bytes)
            .map_err(|source| BundleError::Onnx { path: path.to_owned(), source })?;
        return Ok((Opened::numbered(model), "onnx"));
    }
    if let Some("pt" | "pth") = extension {
        return Ok((torch_script(path, bytes, told)?, "torchscript"));
    }
    #[cfg(feature = "boosting")]
    if extension == Some("ftrl") {
        let wrong = |source| BundleError::Ftrl { path: path.to_owned(), source };
        let model = Ftrl::parse(&String::from_utf8_lossy(bytes)).map_err(wrong)?;
        let feature_names = model.feature_names().to_vec();
        return Ok((Opened { predictor: Arc::new(model), feature_names }, "ftrl"));
    }
    if let Some(kind @ ("onnx" | "pkl" | "joblib")) = extension {
        return Err(BundleError::Kind { path: path.to_owned(), kind: kind.to_owned() });
    }
    let model = LightGbm::parse_bytes(bytes)
        .map_err(|source| BundleError::LightGbm { path: path.to_owned(), source })?;
    let feature_names = model.feature_names().to_vec();
    Ok((Opened { predictor: Arc::new(model), feature_names }, "lightgbm"))
}

#[cfg(feature = "torch")]
fn torch_script(path: &Path, bytes: &[u8], told: Option<usize>) -> Result<Opened, BundleError> {
    let inputs = told.ok_or_else(|| BundleError::Width { path: path.to_owned() })?;
    Torch::parse_bytes(bytes, inputs)
        .map(Opened::numbered)
        .map_err(|source| BundleError::Torch { path: path.to_owned(), source })
}

#[cfg(not(feature = "torch"))]
fn torch_script(path: &Path, _: &[u8], _: Option<usize>) -> Result<Opened, BundleError> {
    Err(BundleError::TorchScript { path: path.to_owned() })
}

/// The model in these bytes of a file with this extension.
#[cfg(feature = "boosting")]
pub(super) fn predictor(extension: &str, bytes: &[u8]) -> Result<Arc<dyn Predictor>, BundleError> {
    let path = Path::new("model").with_extension(extension);
    open(&path, bytes, None).map(|(opened, _)| opened.predictor)
}

fn features(
    name: &str,
    registry: &FeatureRegistry,
) -> Result<Option<Arc<dyn FeatureSet>>, BundleError> {
    if name == RAW { Ok(None) } else { Ok(Some(registry.get(name)?)) }
}

/// The manifest of a model as it is now.
async fn describe(
    file: &Path,
    bytes: &[u8],
    model: &Opened,
    flags: &Flags,
    registry: &FeatureRegistry,
    sample: Vec<f64>,
) -> Result<Manifest, BundleError> {
    let set = features(&flags.features, registry)?;
    let rows = tradepulse_core::inference::Rows::new(&sample, sample.len())
        .map_err(ManifestError::from)?;
    let output = model.predictor.predict(rows).await.map_err(ManifestError::from)?;
    let word = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
    };
    Ok(Manifest {
        manifest_version: MANIFEST_VERSION,
        name: flags.name.clone().unwrap_or_else(|| word(file.file_stem())),
        version: 1,
        file: word(file.file_name()),
        sha256: sha256(bytes),
        features: flags.features.clone(),
        feature_names: match &set {
            Some(set) => set.names().iter().map(|&name| name.to_owned()).collect(),
            None => model.feature_names.clone(),
        },
        contract: set.as_deref().map(contract_hash),
        output: flags.output,
        horizon: None,
        data: None,
        learnt_to: None,
        golden_sample: GoldenSample { input: sample, output, tolerance: 1e-9 },
    })
}

/// Flags that say something else than the manifest are an error.
fn agree(manifest: &Manifest, flags: Option<&Flags>) -> Result<(), BundleError> {
    let Some(flags) = flags else { return Ok(()) };
    let same = |what, found: &str, expected: &str| {
        if found == expected {
            Ok(())
        } else {
            let (found, expected) = (found.to_owned(), expected.to_owned());
            Err(BundleError::Flag { what, found, expected })
        }
    };
    same("features", &flags.features, &manifest.features)?;
    same("output", flags.output.name(), manifest.output.name())?;
    same("name", flags.name.as_deref().unwrap_or(&manifest.name), &manifest.name)
}

/// SHA-256, hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a model is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A file cannot be read.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The manifest cannot be written.
    #[error("cannot write {path}", path = .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no manifest, and nothing was said about the file.
    #[error("there is no {path}: say what the model is (--features and --output)", path = .path.display())]
    NoManifest {
        /// Where it should be.
        path: PathBuf,
    },
    /// A kind of model that this build cannot ask.
    #[error(
        "{path}: .{kind} models cannot be asked by this build; LightGBM text models can \
         (Booster.save_model)",
        path = .path.display()
    )]
    Kind {
        /// The file.
        path: PathBuf,
        /// Its extension.
        kind: String,
    },
    /// A TorchScript model, and this was built without the feature `torch`.
    #[error(
        "{path}: this build cannot ask TorchScript models. Convert it (python \
         tools/convert_to_onnx.py --input {path} --output {onnx} --input-size N), or serve it by \
         Python and ask that server, or build with libtorch (cargo build --features torch)",
        path = .path.display(),
        onnx = .path.with_extension("onnx").display()
    )]
    TorchScript {
        /// The file.
        path: PathBuf,
    },
    /// A TorchScript model of which nothing says how many features it takes.
    #[error(
        "{path} does not say how many features it takes, as TorchScript never does: write its \
         manifest with a row for it (tradepulse model convert {path} --features raw --output KIND \
         --sample NUMBERS)",
        path = .path.display()
    )]
    Width {
        /// The file.
        path: PathBuf,
    },
    /// It is not the file that the manifest was written for.
    #[error(
        "{path} has SHA-256 {found}, its manifest says {expected}: the file was changed or swapped",
        path = .path.display()
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: String,
        /// The manifest's.
        expected: String,
    },
    /// A flag and the manifest do not agree.
    #[error("{what} is {found:?}, the manifest says {expected:?}")]
    Flag {
        /// Which flag.
        what: &'static str,
        /// What it says.
        found: String,
        /// What the manifest says.
        expected: String,
    },
    /// Features that are not known.
    #[error(transparent)]
    Features(#[from] UnknownFeatures),
    /// The model is not what the manifest says.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// No model of the online learner, or a damaged one.
    #[cfg(feature = "boosting")]
    #[error("{path} is no model that can be used", path = .path.display())]
    Ftrl {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: FtrlError,
    },
    /// An ONNX model that cannot be asked.
    #[cfg(feature = "onnx")]
    #[error("{path} is no model that can be used", path = .path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: OnnxError,
    },
    /// A TorchScript model that cannot be asked.
    #[cfg(feature = "torch")]
    #[error("{path} is no model that can be used", path = .path.display())]
    Torch {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: TorchError,
    },
    /// No LightGBM model, or a damaged one.
    #[error("{path} is no model that can be used", path = .path.display())]
    LightGbm {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: LightGbmError,
    },
}

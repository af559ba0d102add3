//! ONNX models, by ONNX Runtime.
//!
//! The library is found when the first model is loaded, never at build time: what [`load_library`]
//! was told, the file that
//! `ORT_DYLIB_PATH` names, or `libonnxruntime` where the system looks for libraries. Where there is
//! none, this takes it out of the Python package (any version from 1.17 on):
//!
//! ```sh
//! pip download onnxruntime --no-deps -d /tmp/ort && unzip -oj /tmp/ort/onnxruntime-*.whl 'onnxruntime/capi/libonnxruntime.so*' -d ~/.local/lib && export ORT_DYLIB_PATH=$(ls ~/.local/lib/libonnxruntime.so* | head -1)
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session};
use ort::value::{TensorElementType, TensorRef, ValueType};
use tradepulse_core::inference::{Predictor, PredictorError, Rows, Signature};

/// How to get the library, on one line.
pub const HOW_TO_GET_IT: &str = "pip download onnxruntime --no-deps -d /tmp/ort && unzip -oj \
    /tmp/ort/onnxruntime-*.whl 'onnxruntime/capi/libonnxruntime.so*' -d ~/.local/lib && export \
    ORT_DYLIB_PATH=$(ls ~/.local/lib/libonnxruntime.so* | head -1)";

/// An ONNX model of one input `[rows, features]` of floats; the last output of floats is what it
/// answers (classifiers answer a label first, and probabilities then).
pub struct Onnx {
    asked: Mutex<Asked>,
    input: Element,
    answer: Element,
    signature: Signature,
}

/// What is asked, by one thread at a time, and for which output.
struct Asked {
    session: Session,
    options: RunOptions<HasSelectedOutputs>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Single,
    Double,
}

impl fmt::Debug for Onnx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onnx").field("signature", &self.signature).finish_non_exhaustive()
    }
}

impl Onnx {
    /// Loads the model in a file.
    ///
    /// # Errors
    /// If there is no library, or the model cannot be asked.
    pub fn load(path: &Path) -> Result<Self, OnnxError> {
        let bytes = std::fs::read(path)
            .map_err(|source| OnnxError::Read { path: path.to_owned(), source })?;
        Self::parse_bytes(&bytes)
    }

    /// Loads a model from the bytes of its file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, OnnxError> {
        let model = |problem: String| OnnxError::Model { problem };
        let library = library(&places())?;
        let open = || -> Result<Session, String> {
            let mut builder = Session::builder(library)
                .map_err(|error| error.to_string())?
                .with_optimization_level(GraphOptimizationLevel::All)
                .map_err(|error| error.to_string())?
                .with_intra_threads(1)
                .map_err(|error| error.to_string())?;
            builder.commit_from_memory(bytes).map_err(|error| error.to_string())
        };
        let session = open().map_err(model)?;
        let [input] = session.inputs() else {
            let count = session.inputs().len();
            return Err(model(format!("it has {count} inputs, expected 1")));
        };
        let (input, inputs) = floats(input.dtype()).ok_or_else(|| {
            model(format!("its input is {}, expected [rows, n] of floats", input.dtype()))
        })?;
        let output = session.outputs().iter().rev().find_map(|outlet| {
            floats(outlet.dtype()).map(|(answer, width)| (outlet.name().to_owned(), answer, width))
        });
        let (output, answer, outputs) =
            output.ok_or_else(|| model("it has no output [rows, n] of floats".to_owned()))?;
        let signature = Signature { inputs, outputs };
        let options = RunOptions::new().map_err(|error| model(error.to_string()))?;
        let options = options.with_outputs(OutputSelector::no_default().with(output));
        let asked = Mutex::new(Asked { session, options });
        Ok(Self { asked, input, answer, signature })
    }

    fn run(&self, rows: Rows<'_>) -> Result<Vec<f64>, ort::Error> {
        let shape = [rows.len(), rows.width()];
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let Asked { session, options } = &mut *asked;
        let singles: Vec<f32>;
        let answers = match self.input {
            Element::Single => {
                singles = rows.values().iter().map(|&value| value as f32).collect();
                let tensor = TensorRef::from_array_view((shape, singles.as_slice()))?;
                session.run_with_options(ort::inputs![tensor], options)?
            }
            Element::Double => {
                let tensor = TensorRef::from_array_view((shape, rows.values()))?;
                session.run_with_options(ort::inputs![tensor], options)?
            }
        };
        let Some(answer) = answers.iter().next().map(|(_, answer)| answer) else {
            return Ok(Vec::new());
        };
        Ok(match self.answer {
            Element::Single => {
                answer.try_extract_tensor::<f32>()?.1.iter().map(|&value| value.into()).collect()
            }
            Element::Double => answer.try_extract_tensor::<f64>()?.1.to_vec(),
        })
    }
}

/// Element and width of a tensor `[rows, n]`.
fn floats(kind: &ValueType) -> Option<(Element, usize)> {
    let element = match kind.tensor_type()? {
        TensorElementType::Float32 => Element::Single,
        TensorElementType::Float64 => Element::Double,
        _ => return None,
    };
    match kind.tensor_shape()?[..] {
        // A number of rows that is fixed in the model does not take others.
        [rows, width] if rows < 0 && width > 0 => Some((element, usize::try_from(width).ok()?)),
        _ => None,
    }
}

#[async_trait]
impl Predictor for Onnx {
    fn signature(&self) -> Signature {
        self.signature
    }

    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        PredictorError::check_width(&rows, self.signature)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let outputs =
            self.run(rows).map_err(|error| PredictorError::Failed { reason: error.to_string() })?;
        let expected = rows.len() * self.signature.outputs;
        if outputs.len() != expected {
            let reason = format!("{} outputs, expected {expected}", outputs.len());
            return Err(PredictorError::Failed { reason });
        }
        PredictorError::check_finite(&outputs, self.signature)?;
        Ok(outputs)
    }
}

/// Loads the library from this file, before the first model; later it changes nothing.
///
/// # Errors
/// [`OnnxError::Library`]. Another file may be tried then.
pub fn load_library(path: &Path) -> Result<(), OnnxError> {
    library(&[path.to_owned()]).map(drop)
}

/// Finds the library where [the module](self) says, and tells where that is. It is loaded by this.
///
/// # Errors
/// [`OnnxError::Library`], which says how to get it.
pub fn find_library() -> Result<String, OnnxError> {
    let places = places();
    library(&places)?;
    Ok(match std::env::var("ORT_DYLIB_PATH") {
        Ok(path) if !path.is_empty() => path,
        _ => "where the system looks for libraries".to_owned(),
    })
}

/// The library, loaded once. What could not be loaded is tried again with the next model.
fn library(places: &[PathBuf]) -> Result<&'static Environment, OnnxError> {
    static LIBRARY: OnceLock<Environment> = OnceLock::new();
    static LOADING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = LIBRARY.get() {
        return Ok(library);
    }
    let mut problem = String::new();
    for path in places {
        // This tells what is wrong; without it other calls end the process.
        match ort::init_from(path) {
            Ok(builder) => match builder.with_telemetry(false).build() {
                Ok(environment) => return Ok(LIBRARY.get_or_init(|| environment)),
                Err(error) => problem = error.to_string(),
            },
            Err(error) => problem = error.to_string(),
        }
    }
    Err(OnnxError::Library { problem })
}

/// Where the library may be.
fn places() -> Vec<PathBuf> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return vec![path.into()];
    }
    let names = match std::env::consts::OS {
        "windows" => ["onnxruntime.dll"].as_slice(),
        "macos" => ["libonnxruntime.dylib"].as_slice(),
        _ => ["libonnxruntime.so", "libonnxruntime.so.1"].as_slice(),
    };
    names.iter().map(PathBuf::from).collect()
}

/// Why an ONNX model cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// Its file cannot be read.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// ONNX Runtime is not here.
    #[error("ONNX Runtime is not found ({problem}). Get it, and start again: {HOW_TO_GET_IT}")]
    Library {
        /// What was tried last.
        problem: String,
    },
    /// ONNX Runtime refuses the model, or it has another shape than rows of features.
    #[error("the ONNX model cannot be asked: {problem}")]
    Model {
        /// Why.
        problem: String,
    },
}

//! TorchScript models, asked by libtorch.
//!
//! It is linked when this is built, and looked for again when the program starts. With PyTorch
//! 2.13.0 in the Python environment that is active (`pip install torch==2.13.0`):
//!
//! ```sh
//! export LD_LIBRARY_PATH=$(python -c 'import os, torch; print(os.path.dirname(torch.__file__))')/lib
//! LIBTORCH_USE_PYTORCH=1 cargo build --release --features torch
//! ```
//!
//! `LIBTORCH` names the folder of a libtorch without Python instead. A model that is converted to
//! ONNX (`tools/convert_to_onnx.py`) needs none of this.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tch::{CModule, Device, Kind, TchError, Tensor};
use tradepulse_core::inference::{Predictor, PredictorError, Rows, Signature};

/// A TorchScript model that takes rows `[rows, features]` of floats and answers `[rows, outputs]` or
/// `[rows]`.
///
/// Rows are asked one by one: libtorch computes many rows in another order than one, so that the
/// last bits of an answer would depend on the rows beside it. Loading a model sets the threads that
/// libtorch starts in this process to one.
pub struct Torch {
    /// Asked by one thread at a time.
    module: Mutex<CModule>,
    /// What it computes with.
    kind: Kind,
    signature: Signature,
}

impl fmt::Debug for Torch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Torch").field("signature", &self.signature).finish_non_exhaustive()
    }
}

impl Torch {
    /// Loads the model in a file; it takes `inputs` features, which the file does not say.
    ///
    /// # Errors
    /// If the file cannot be read, or the model cannot be asked.
    pub fn load(path: &Path, inputs: usize) -> Result<Self, TorchError> {
        let bytes = std::fs::read(path)
            .map_err(|source| TorchError::Read { path: path.to_owned(), source })?;
        Self::parse_bytes(&bytes, inputs)
    }

    /// Loads a model from the bytes of its file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse_bytes(bytes: &[u8], inputs: usize) -> Result<Self, TorchError> {
        let told = |error: TchError| TorchError::Model { problem: sentence(&error) };
        // More threads take longer over a row.
        tch::set_num_threads(1);
        if inputs == 0 {
            return Err(TorchError::Model { problem: "it has no features".to_owned() });
        }
        let mut module = CModule::load_data_on_device(&mut &*bytes, Device::Cpu).map_err(told)?;
        module.f_set_eval().map_err(told)?;
        let kind = float(&module)?;
        let _no_gradients = tch::no_grad_guard();
        let answer = ask(&module, kind, &vec![0.0; inputs]).map_err(told)?;
        if !answer.defined() {
            return Err(TorchError::Model { problem: "it answers nothing".to_owned() });
        }
        let answered = answer.f_kind().map_err(told)?;
        if !matches!(answered, Kind::Float | Kind::Double) {
            let problem = format!("it answers {answered:?}, expected Float or Double");
            return Err(TorchError::Model { problem });
        }
        let outputs = match answer.size()[..] {
            [1] => 1,
            [1, width] if width > 0 => usize::try_from(width).unwrap_or_default(),
            ref shape => {
                let problem = format!("it answers one row with {shape:?}, expected [1, outputs]");
                return Err(TorchError::Model { problem });
            }
        };
        let signature = Signature { inputs, outputs };
        Ok(Self { module: Mutex::new(module), kind, signature })
    }

    fn run(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        let failed = |reason: String| PredictorError::Failed { reason };
        let module = self.module.lock().unwrap_or_else(PoisonError::into_inner);
        let _no_gradients = tch::no_grad_guard();
        let Signature { inputs, outputs } = self.signature;
        let mut answers = Vec::with_capacity(rows.len() * outputs);
        for row in rows.values().chunks_exact(inputs) {
            let answer = ask(&module, self.kind, row).and_then(|answer| numbers(&answer));
            let answer = answer.map_err(|error| failed(sentence(&error)))?;
            if answer.len() != outputs {
                return Err(failed(format!("{} outputs, expected {outputs}", answer.len())));
            }
            answers.extend(answer);
        }
        Ok(answers)
    }
}

/// What the weights are: single or double floats. A model without weights computes with single ones.
fn float(module: &CModule) -> Result<Kind, TorchError> {
    let told = |error: TchError| TorchError::Model { problem: sentence(&error) };
    let mut found = None;
    for (name, weights) in module.named_parameters().map_err(told)? {
        let kind = weights.f_kind().map_err(told)?;
        if !matches!(kind, Kind::Float | Kind::Double) || found.is_some_and(|found| found != kind) {
            let problem = format!("its weights {name} are {kind:?}, expected all Float or Double");
            return Err(TorchError::Model { problem });
        }
        found = Some(kind);
    }
    Ok(found.unwrap_or(Kind::Float))
}

fn ask(module: &CModule, kind: Kind, row: &[f64]) -> Result<Tensor, TchError> {
    let row = Tensor::f_from_slice(row)?.f_to_kind(kind)?.f_unsqueeze(0)?;
    module.forward_ts(&[row])
}

fn numbers(answer: &Tensor) -> Result<Vec<f64>, TchError> {
    Vec::try_from(answer.f_reshape([-1])?)
}

/// What libtorch says, without the traces around it.
fn sentence(error: &TchError) -> String {
    let text = match error {
        TchError::Torch(text) => text.clone(),
        error => error.to_string(),
    };
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines().find_map(|line| line.strip_prefix("RuntimeError: "));
    what.or_else(|| lines().next()).unwrap_or("libtorch does not say why").to_owned()
}

#[async_trait]
impl Predictor for Torch {
    fn signature(&self) -> Signature {
        self.signature
    }

    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        PredictorError::check_width(&rows, self.signature)?;
        let outputs = self.run(rows)?;
        PredictorError::check_finite(&outputs, self.signature)?;
        Ok(outputs)
    }
}

/// Why a TorchScript model cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TorchError {
    /// Its file cannot be read.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// libtorch refuses the model, or it has another shape than rows of features.
    #[error("the TorchScript model cannot be asked: {problem}")]
    Model {
        /// Why.
        problem: String,
    },
}

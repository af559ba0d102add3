//! LightGBM text models, read and asked without any library.
//!
//! What `Booster.save_model` of LightGBM 3 and 4 writes: numerical and categorical splits, missing
//! values, linear leaves, all objectives, several classes, random forests. Outputs are those of
//! Python's `Booster.predict` on the same file.
//!
//! ```
//! use tradepulse_exec::inference::lightgbm::LightGbm;
//! let text = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\n\
//!     objective=regression\nfeature_names=momentum range\ntree_sizes=1\n\n\
//!     Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=0.5\ndecision_type=2\n\
//!     left_child=-1\nright_child=-2\nleaf_value=-1.5 2\n\nend of trees\n";
//! let model = LightGbm::parse(text)?;
//! let mut outputs = [0.0];
//! model.predict_row(&[0.7, 9.0], &mut outputs)?;
//! assert_eq!(outputs, [2.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod forest;
mod objective;
mod sections;
mod tree;

use std::path::Path;

use async_trait::async_trait;
use tradepulse_core::inference::{Predictor, PredictorError, Rows, Signature};

pub use error::LightGbmError;
use forest::Forest;
use objective::Objective;
use sections::Sections;
use tree::Tree;

/// A LightGBM model.
#[derive(Clone, Debug)]
pub struct LightGbm {
    forest: Forest,
    objective: Objective,
    /// Each output is the mean over this many trees; 1 unless the model is a random forest.
    divisor: f64,
    feature_names: Vec<String>,
    signature: Signature,
}

impl LightGbm {
    /// Reads the model in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or is no model, or not a whole one.
    pub fn load(path: &Path) -> Result<Self, LightGbmError> {
        let bytes = std::fs::read(path)
            .map_err(|source| LightGbmError::Read { path: path.to_owned(), source })?;
        Self::parse_bytes(&bytes)
    }

    /// Reads a model from the bytes of its file.
    ///
    /// # Errors
    /// If this is no model, or not a whole one.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, LightGbmError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
            LightGbmError::Text { line: line + 1 }
        })?;
        Self::parse(text)
    }

    /// Reads a model from its text.
    ///
    /// # Errors
    /// If this is no model, or not a whole one.
    pub fn parse(text: &str) -> Result<Self, LightGbmError> {
        let Sections { header, trees: sections } = Sections::split(text)?;
        let inputs = header.number::<usize>("max_feature_idx")?.saturating_add(1);
        if inputs > usize::from(u16::MAX) {
            return Err(header.wrong("max_feature_idx", "more than 65,535 features"));
        }
        let feature_names: Vec<String> =
            header.text("feature_names")?.split_ascii_whitespace().map(str::to_owned).collect();
        if feature_names.len() != inputs {
            let count = feature_names.len();
            let problem = format!("{count} names, max_feature_idx says {inputs}");
            return Err(header.wrong("feature_names", problem));
        }
        let outputs = header.number::<usize>("num_tree_per_iteration")?;
        if outputs == 0 || !sections.len().is_multiple_of(outputs) {
            let problem = format!("{outputs} do not divide {} trees", sections.len());
            return Err(header.wrong("num_tree_per_iteration", problem));
        }
        let promised = header.text("tree_sizes")?.split_ascii_whitespace().count();
        if promised != sections.len() {
            let problem = format!("{promised} trees, but {} follow", sections.len());
            return Err(header.wrong("tree_sizes", problem));
        }
        let objective = Objective::parse(&header, outputs)?;
        let trees = sections
            .iter()
            .map(|section| Tree::parse(section, inputs))
            .collect::<Result<Vec<_>, _>>()?;
        let averaged = header.has("average_output");
        let divisor = if averaged { (trees.len() / outputs).max(1) as f64 } else { 1.0 };
        Ok(Self {
            forest: Forest::new(&trees, outputs)?,
            objective,
            divisor,
            feature_names,
            signature: Signature { inputs, outputs },
        })
    }

    /// What the features are called, in their order.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// Number of trees.
    pub const fn trees(&self) -> usize {
        self.forest.trees()
    }

    /// The outputs for one row. Does not allocate.
    ///
    /// # Errors
    /// If `row` or `outputs` have another width than the model, or an output is not finite.
    pub fn predict_row(&self, row: &[f64], outputs: &mut [f64]) -> Result<(), PredictorError> {
        let width = |found, expected| {
            if found == expected { Ok(()) } else { Err(PredictorError::Width { found, expected }) }
        };
        width(row.len(), self.signature.inputs)?;
        width(outputs.len(), self.signature.outputs)?;
        outputs.fill(0.0);
        self.forest.add(row, outputs);
        self.finish(outputs);
        PredictorError::check_finite(outputs, self.signature)
    }

    /// From sums over trees to outputs.
    fn finish(&self, outputs: &mut [f64]) {
        for output in &mut *outputs {
            *output /= self.divisor;
        }
        self.objective.transform(outputs);
    }

    /// The outputs for all rows, row after row.
    ///
    /// # Errors
    /// If the rows have another width than the model, or an output is not finite.
    pub fn predict_rows(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        PredictorError::check_width(&rows, self.signature)?;
        let mut outputs = vec![0.0; rows.len() * self.signature.outputs];
        self.forest.add(rows.values(), &mut outputs);
        for outputs in outputs.chunks_exact_mut(self.signature.outputs) {
            self.finish(outputs);
        }
        PredictorError::check_finite(&outputs, self.signature)?;
        Ok(outputs)
    }
}

#[async_trait]
impl Predictor for LightGbm {
    fn signature(&self) -> Signature {
        self.signature
    }

    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        self.predict_rows(rows)
    }
}

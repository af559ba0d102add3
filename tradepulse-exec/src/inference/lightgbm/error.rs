use std::{io, path::PathBuf};

/// Why a file is no LightGBM model that can be asked. Lines count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LightGbmError {
    /// It cannot be read.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("the model is empty: save it with Booster.save_model")]
    Empty,
    /// It is no text.
    #[error("line {line} is no text: a model is what Booster.save_model writes, not a pickle")]
    Text {
        /// The line.
        line: usize,
    },
    /// It is something else.
    #[error("line 1 is {found:?}, a LightGBM model begins with \"tree\"")]
    NotAModel {
        /// Its first line, or the beginning of it.
        found: String,
    },
    /// A key that should be there.
    #[error("{section} (line {line}) has no {key:?}: the model is damaged")]
    Missing {
        /// Where it is missing.
        section: String,
        /// Where that begins.
        line: usize,
        /// The key.
        key: &'static str,
    },
    /// A value that is impossible.
    #[error("line {line}, {section}, {key}: {problem}")]
    Value {
        /// The line; that of the section where the value is spread over several.
        line: usize,
        /// The part of the model.
        section: String,
        /// The key.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Something that stands where nothing like it should be.
    #[error("line {line}: found {found:?}, expected {expected}")]
    Unexpected {
        /// The line.
        line: usize,
        /// What is there, or the beginning of it.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// The end is missing.
    #[error("the model ends at line {line} without \"end of trees\": it is cut off")]
    Truncated {
        /// Its last line.
        line: usize,
    },
    /// More of it than can be held.
    #[error("the model has more than 2^32 nodes")]
    TooLarge,
}

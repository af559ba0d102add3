use std::io;
use std::path::PathBuf;

use crate::inference::bundle::BundleError;

/// Why a model directory does not do what it is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelDirectoryError {
    /// A file that cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A model that is not what its manifest says.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Nothing was ever published.
    #[error("{path} has no version of a model: publish one (tradepulse model publish)", path = .path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// No version can be served.
    #[error("{path} has no version that can be served: {why}", path = .path.display())]
    NoneLoads {
        /// The folder.
        path: PathBuf,
        /// What is wrong with each.
        why: String,
    },
    /// A version that is not there.
    #[error("there is no version {number}: {there} are there")]
    NoVersion {
        /// Its number.
        number: u64,
        /// The others.
        there: String,
    },
    /// What is served changed in the meantime.
    #[error(
        "another version was published or rolled back to in the meantime{}",
        .named.map(|number| format!(": {number}")).unwrap_or_default()
    )]
    Moved {
        /// The version that is named now.
        named: Option<u64>,
    },
    /// The version that is served is the first.
    #[error("no version was served before this one; --to names any other")]
    NothingBefore,
    /// The folder of another version.
    #[error("{folder} holds version {found}: it was moved or swapped", folder = .folder.display())]
    Swapped {
        /// The folder.
        folder: PathBuf,
        /// What its manifest says.
        found: u64,
    },
    /// A manifest of another file.
    #[error("{folder}: the manifest is of a file {found:?}, expected model.txt or the like", folder = .folder.display())]
    File {
        /// The folder.
        folder: PathBuf,
        /// What the manifest says.
        found: String,
    },
}

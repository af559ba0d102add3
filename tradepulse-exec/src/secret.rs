//! Values that are never printed: keys, tokens, passwords.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use zeroize::Zeroizing;

/// A secret. It prints as `***` and its memory is overwritten when it goes.
///
/// ```
/// use tradepulse_exec::secret::Secret;
/// let secret = Secret::new("hush");
/// assert_eq!(format!("{secret} {secret:?}"), "*** ***");
/// assert_eq!(secret.expose(), "hush");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself: for signing and sending, never for a log or a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable of this name.
    Environment(String),
    /// A file with nothing else in it; a line break at its end does not count.
    File(PathBuf),
}

impl SecretSource {
    /// The longest secret, bytes: a private key fits, a file named by mistake does not.
    pub const MAX_BYTES: u64 = 16_384;

    /// The secret kept there. `environment` gives the value of a variable.
    ///
    /// # Errors
    /// If there is none. The error never has any of the secret in it.
    pub fn read(
        &self,
        environment: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Secret, SecretError> {
        match self {
            Self::Environment(name) => match environment(name) {
                None => Err(SecretError::NotSet { variable: name.clone() }),
                Some(text) => match Zeroizing::new(text).trim() {
                    "" => Err(SecretError::NotSet { variable: name.clone() }),
                    text => Ok(Secret::new(text)),
                },
            },
            Self::File(path) => {
                let unreadable = |source| SecretError::Unreadable { path: path.clone(), source };
                let mut text = Zeroizing::new(String::new());
                let file = File::open(path).map_err(unreadable)?;
                file.take(Self::MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
                if text.len() as u64 > Self::MAX_BYTES {
                    let reason = "it is longer than 16 KiB: is it the right file?";
                    return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, reason)));
                }
                match text.trim() {
                    "" => Err(SecretError::Empty { path: path.clone() }),
                    text => Ok(Secret::new(text)),
                }
            }
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// A secret that is not where it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The environment does not have it.
    #[error("environment variable {variable} is not set: export it, or name another one")]
    NotSet {
        /// The variable.
        variable: String,
    },
    /// Its file cannot be read.
    #[error("cannot read the secret in {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its file is empty.
    #[error("{} is empty: write the secret into it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_and_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "from-file\n").unwrap();
        let file = SecretSource::File(path.clone());
        let variable = SecretSource::Environment("KEY".into());
        assert_eq!(file.read(|_| None).unwrap().expose(), "from-file");
        let secret = variable.read(|name| Some(format!(" {name}-value\n"))).unwrap();
        assert_eq!(secret.expose(), "KEY-value");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "*** *** Some(***)");
    }

    #[test]
    fn secrets_that_are_not_there_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let variable = SecretSource::Environment("KEY".into());
        assert!(variable.read(|_| None).unwrap_err().to_string().contains("KEY is not set"));
        assert!(matches!(variable.read(|_| Some("  ".into())), Err(SecretError::NotSet { .. })));
        let path = folder.path().join("key");
        let file = SecretSource::File(path.clone());
        assert!(matches!(file.read(|_| None), Err(SecretError::Unreadable { .. })));
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(file.read(|_| None), Err(SecretError::Empty { .. })));
        std::fs::write(&path, "x".repeat(20_000)).unwrap();
        let error = file.read(|_| None).unwrap_err().to_string();
        assert!(error.contains("16 KiB") && !error.contains("xxx"), "{error}");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(file.read(|_| None), Err(SecretError::Unreadable { .. })));
    }
}

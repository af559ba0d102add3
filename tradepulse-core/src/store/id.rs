use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The identity of a record: a UUID in its usual form, lower-case.
///
/// ```
/// use tradepulse_core::store::RecordId;
/// let id: RecordId = "67E55044-10B1-426F-9247-BB680E5FE0C8".parse()?;
/// assert_eq!(id.as_str(), "67e55044-10b1-426f-9247-bb680e5fe0c8");
/// assert_eq!(RecordId::derive(&["a", "b"]), RecordId::derive(&["a", "b"]));
/// assert_ne!(RecordId::derive(&["a", "b"]), RecordId::derive(&["ab", ""]));
/// # Ok::<(), tradepulse_core::store::RecordIdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordId(Box<str>);

impl RecordId {
    /// The id of what these words name: the same words give the same id everywhere, others another.
    pub fn derive(words: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for word in words {
            hash.update((word.len() as u64).to_le_bytes());
            hash.update(word);
        }
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self::from_bytes(bytes)
    }

    /// The id made of 16 bytes, such as random ones; six of their bits become the mark of a UUID of
    /// version 8 (RFC 9562: bytes of the maker's own choice).
    pub fn from_bytes(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x80;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex = crate::hex(&bytes);
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        Self(parts.join("-").into_boxed_str())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RecordId {
    type Err = RecordIdError;

    fn from_str(text: &str) -> Result<Self, RecordIdError> {
        let dash = |i: usize| matches!(i, 8 | 13 | 18 | 23);
        let fits = |(i, b): (usize, u8)| if dash(i) { b == b'-' } else { b.is_ascii_hexdigit() };
        if text.len() == 36 && text.bytes().enumerate().all(fits) {
            Ok(Self(text.to_ascii_lowercase().into_boxed_str()))
        } else {
            Err(RecordIdError(text.to_owned()))
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({})", self.0)
    }
}

impl TryFrom<String> for RecordId {
    type Error = RecordIdError;

    fn try_from(text: String) -> Result<Self, RecordIdError> {
        text.parse()
    }
}

impl From<RecordId> for String {
    fn from(id: RecordId) -> Self {
        id.0.into_string()
    }
}

/// A text that is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an id such as 67e55044-10b1-426f-9247-bb680e5fe0c8")]
pub struct RecordIdError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_form() {
        let id = RecordId::derive(&["study"]);
        assert_eq!(id.as_str().parse::<RecordId>().unwrap(), id);
        assert_eq!(&id.as_str()[14..15], "8");
        assert!(matches!(&id.as_str()[19..20], "8" | "9" | "a" | "b"));
        for text in [
            "",
            "67e55044",
            "67e5504410b1426f9247bb680e5fe0c8",
            "67e55044-10b1-426f-9247-bb680e5fe0cg",
            "{67e55044-10b1-426f-9247-bb680e5fe0c}",
            "67e55044-10b1-426f-9247-bb680e5fe0é",
        ] {
            assert!(text.parse::<RecordId>().is_err(), "{text:?}");
        }
    }
}

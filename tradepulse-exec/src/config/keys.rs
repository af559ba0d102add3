use std::path::PathBuf;

use super::reader::Reader;
use super::setting::VariableName;
use super::yaml::Node;
use crate::secret::SecretSource;

/// Where API key and API secret of an account are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKeys {
    /// Places of the key, at most one if it was checked.
    key: Vec<SecretSource>,
    /// Places of the secret.
    secret: Vec<SecretSource>,
}

impl SecretKeys {
    pub(super) fn new(
        key_env: &Option<VariableName>,
        key_file: &Option<PathBuf>,
        secret_env: &Option<VariableName>,
        secret_file: &Option<PathBuf>,
    ) -> Self {
        let places = |env: &Option<VariableName>, file: &Option<PathBuf>| {
            let env = env.iter().map(|name| SecretSource::Environment(name.as_str().to_owned()));
            env.chain(file.iter().cloned().map(SecretSource::File)).collect::<Vec<_>>()
        };
        Self { key: places(key_env, key_file), secret: places(secret_env, secret_file) }
    }

    /// Where the API key is.
    pub fn key(&self) -> Option<&SecretSource> {
        self.key.first()
    }

    /// Where the API secret is.
    pub fn secret(&self) -> Option<&SecretSource> {
        self.secret.first()
    }
}

pub(super) fn check_secret_keys(keys: &SecretKeys, node: &Node, reader: &mut Reader) {
    for (name, places) in [("api_key_env", &keys.key), ("api_secret_env", &keys.secret)] {
        if places.len() > 1 {
            let what = name.trim_end_matches("_env");
            let message = format!("given twice: remove {name} or {what}_file");
            reader.refuse_entry(node, name, message);
        }
    }
    if keys.key.is_empty() != keys.secret.is_empty() {
        let (given, missing) = if keys.key.is_empty() {
            ("api_secret_env", "api_key_env or api_key_file")
        } else {
            ("api_key_env", "api_secret_env or api_secret_file")
        };
        reader.refuse_entry(node, given, format!("needs {missing} beside it"));
    }
}

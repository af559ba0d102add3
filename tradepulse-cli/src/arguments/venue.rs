use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tradepulse_exec::exchange::venue::{ApiKey, VenueAccess};
use tradepulse_exec::secret::SecretSource;

/// How to reach an exchange.
#[derive(Args, Clone, Debug)]
pub(crate) struct VenueArguments {
    /// Its test network in its place
    #[arg(long)]
    testnet: bool,
    /// Base of its REST addresses, such as that of a simulator [default: its own]
    #[arg(long, value_name = "URL")]
    rest_url: Option<String>,
    /// Base of its stream addresses [default: its own, or those of a simulator on this machine]
    #[arg(long, value_name = "URL")]
    stream_url: Option<String>,
    /// Environment variable with the API key
    #[arg(long, value_name = "VARIABLE", requires = "api_secret_env")]
    api_key_env: Option<String>,
    /// Environment variable with the API secret
    #[arg(long, value_name = "VARIABLE", requires = "api_key_env")]
    api_secret_env: Option<String>,
    /// File with the API key
    #[arg(long, value_name = "FILE", requires = "api_secret_file", conflicts_with = "api_key_env")]
    api_key_file: Option<PathBuf>,
    /// File with the API secret
    #[arg(long, value_name = "FILE", requires = "api_key_file", conflicts_with = "api_secret_env")]
    api_secret_file: Option<PathBuf>,
}

impl VenueArguments {
    pub(crate) fn access(&self) -> Result<VenueAccess> {
        let source = |env: &Option<String>, file: &Option<PathBuf>| {
            let env = env.clone().map(SecretSource::Environment);
            env.or_else(|| file.clone().map(SecretSource::File))
        };
        let key = source(&self.api_key_env, &self.api_key_file);
        let secret = source(&self.api_secret_env, &self.api_secret_file);
        let environment = |name: &str| std::env::var(name).ok();
        let key = match (key, secret) {
            (Some(key), Some(secret)) => {
                Some(ApiKey { key: key.read(environment)?, secret: secret.read(environment)? })
            }
            _ => None,
        };
        Ok(VenueAccess {
            testnet: self.testnet,
            rest_url: self.rest_url.clone(),
            stream_url: self.stream_url.clone(),
            key,
            ..VenueAccess::default()
        })
    }
}

//! Models that are asked about candles: those of a configuration, and those of files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tradepulse_core::inference::{FeatureRegistry, Thresholds};
use tradepulse_exec::config::{Config, ModelEndpoint};
use tradepulse_exec::coordinator::advisor::{Advisors, Member};
use tradepulse_exec::inference::remote::{RemoteModel, RemoteSettings};
use tradepulse_exec::inference::{LocalModel, MarketModel, bundle};

/// The model in `file`, with the manifest beside it.
pub(crate) async fn local(file: &Path) -> Result<LocalModel> {
    let bundle = bundle::load(file, None, &FeatureRegistry::default()).await?;
    Ok(LocalModel::new(Arc::new(bundle), Thresholds::default())?)
}

/// The models that a configuration asks; servers are not asked yet.
pub(crate) async fn advisors(config: &Config) -> Result<Advisors> {
    let mut members = Vec::new();
    for endpoint in config.models() {
        let seconds = endpoint.timeout.unwrap_or(config.timing.model_timeout);
        let deadline = Duration::try_from_secs_f64(seconds)?;
        let model = model(endpoint, deadline).await;
        members.push(Member {
            name: endpoint.name.clone(),
            weight: endpoint.weight,
            deadline,
            model: model.with_context(|| format!("model {}", endpoint.name))?,
        });
    }
    Ok(Advisors::new(config, members)?)
}

async fn model(endpoint: &ModelEndpoint, deadline: Duration) -> Result<Arc<dyn MarketModel>> {
    if let Some(file) = &endpoint.file {
        return Ok(Arc::new(local(file).await?));
    }
    let settings = RemoteSettings { deadline, ..RemoteSettings::new(endpoint.url()) };
    Ok(Arc::new(RemoteModel::new(settings)?))
}

//! Models behind HTTP.
//!
//! [`RemoteModel`] sends snapshots to `/predict` of a model server, [`RemotePredictor`] rows of
//! features to `/v2 …/infer` (Open Inference Protocol, as Triton and KServe speak it). Connections
//! are kept; every question has a deadline and within it one more try; a model that fails again
//! and again is left alone for a while ([`RemoteSettings`]).

mod breaker;
mod client;
mod predictor;

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use tradepulse_core::ensemble::Absence;
use tradepulse_core::inference::{Action, Prediction};
use tradepulse_core::time::Timestamp;

use super::market_model::{Feedback, MarketModel, Retrained};
pub use super::snapshot::MarketSnapshot;
use client::{Client, Failure};
pub use predictor::RemotePredictor;

/// Where a model is and how long is waited for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSettings {
    /// Its server, such as `http://127.0.0.1:8001`.
    pub url: String,
    /// Longest time for an answer.
    pub deadline: Duration,
    /// It is left alone after this many failures in a row, at least 1.
    pub failures: u32,
    /// For how long. Then one question decides whether it is asked again.
    pub pause: Duration,
}

impl RemoteSettings {
    /// 5 s for an answer; after 3 failures it is left alone for 30 s.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            deadline: Duration::from_secs(5),
            failures: 3,
            pause: Duration::from_secs(30),
        }
    }
}

/// A server that cannot be asked: its address is none, or it says something impossible.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {problem}")]
pub struct RemoteError {
    url: String,
    problem: String,
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteAnswer {
    /// What it says. Nothing is checked: see [`Prediction::flaw`].
    pub prediction: Prediction,
    /// What it calls itself.
    pub model_name: String,
    /// Its version.
    pub model_version: u64,
    /// Close time of the newest candle that it learnt from, if its server says so.
    pub learnt_to: Option<Timestamp>,
}

/// A model that is asked about markets.
#[derive(Debug)]
pub struct RemoteModel {
    client: Client,
}

#[derive(Deserialize)]
struct Answer {
    action: String,
    confidence: f64,
    stop: Option<f64>,
    take_profit: Option<f64>,
    raw_score: Option<f64>,
    model_name: String,
    model_version: u64,
    learnt_to: Option<Timestamp>,
    for_candle: Timestamp,
}

/// What a training came to.
#[derive(Deserialize)]
struct Trained {
    trained: bool,
    replaced: bool,
    reason: Option<String>,
    model_name: String,
    model_version: u64,
}

impl RemoteModel {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// If the address is none.
    pub fn new(settings: RemoteSettings) -> Result<Self, RemoteError> {
        Ok(Self { client: Client::new(settings)? })
    }

    /// What the model says about the last candle of `snapshot`.
    ///
    /// # Errors
    /// Why there is no answer; an answer that is not understood is [`Absence::Malformed`].
    pub async fn ask(&self, snapshot: &MarketSnapshot<'_>) -> Result<RemoteAnswer, Absence> {
        let body = serde_json::to_vec(snapshot)
            .map_err(|error| Absence::Unavailable { reason: error.to_string() })?;
        let understood = |body: &[u8]| -> Result<RemoteAnswer, String> {
            let answer: Answer = serde_json::from_slice(body).map_err(|e| e.to_string())?;
            let action: Action = answer.action.parse().map_err(|e| format!("{e}"))?;
            let prediction = Prediction {
                for_candle: answer.for_candle,
                action,
                confidence: answer.confidence,
                stop: answer.stop,
                take_profit: answer.take_profit,
                raw_score: answer.raw_score,
            };
            let Answer { model_name, model_version, learnt_to, .. } = answer;
            Ok(RemoteAnswer { prediction, model_name, model_version, learnt_to })
        };
        let asked =
            self.client.post("/predict", &body, None, |response| understood(&response.body));
        asked.await.map_err(|failure| match failure {
            Failure::Late => Absence::Late,
            Failure::Malformed(reason) => Absence::Malformed { reason },
            Failure::Unavailable(reason) | Failure::Refused(reason) => {
                Absence::Unavailable { reason }
            }
        })
    }

    /// Whether the model is left alone because it failed.
    pub fn is_paused(&self) -> bool {
        self.client.is_paused()
    }
}

#[async_trait]
impl MarketModel for RemoteModel {
    async fn ask(&self, snapshot: &MarketSnapshot<'_>) -> Result<Prediction, Absence> {
        let RemoteAnswer { prediction, learnt_to, .. } = self.ask(snapshot).await?;
        match learnt_to {
            Some(learnt_to) if snapshot.close_time() < learnt_to => {
                Err(Absence::Hindsight { learnt_to })
            }
            _ => Ok(prediction),
        }
    }

    async fn learn(&self, feedback: &Feedback) -> Result<(), String> {
        let body = serde_json::to_vec(feedback).map_err(|error| error.to_string())?;
        let told = self.client.post("/retrain", &body, None, |_| Ok(())).await;
        told.map_err(Failure::reason)
    }

    async fn retrain(&self, limit: Duration) -> Result<Option<Retrained>, String> {
        let answer = self.client.post_once("/retrain/trigger", limit).await;
        let body = answer.map_err(Failure::reason)?.body;
        let answer: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        let Trained { trained, replaced, reason, model_name, model_version } =
            Trained::deserialize(&answer).map_err(|e| e.to_string())?;
        Ok(Some(Retrained { trained, replaced, reason, model_name, model_version, answer }))
    }
}

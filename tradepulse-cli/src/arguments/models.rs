use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::ensemble::Method;
use tradepulse_core::market::Series;

use crate::advising::Advising;

/// Models that are asked at every close.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Models")]
pub(crate) struct ModelArguments {
    /// Ask this model at every close (repeatable); entries need the word of the models together,
    /// and the strategy `models` follows them. The manifest beside the file says what it takes
    #[arg(long = "model", value_name = "FILE[=WEIGHT]")]
    files: Vec<Weighted>,
    #[command(flatten)]
    terms: AdviceTerms,
}

/// How models are asked, and what their word counts.
#[derive(Args, Clone, Debug, Deserialize, Serialize)]
#[command(next_help_heading = "Models")]
pub(crate) struct AdviceTerms {
    /// Entries also pass where the models advise to hold
    #[arg(long, requires = "files")]
    pub(crate) allow_abstain: bool,
    /// Positions are as large a part of their usual size as the models are sure
    #[arg(long, requires = "files")]
    pub(crate) size_by_confidence: bool,
    /// How the answers become one
    #[arg(long, value_enum, default_value_t = EnsembleMethod::WeightedVote)]
    pub(crate) ensemble: EnsembleMethod,
    /// Least confidence of the models together
    #[arg(long, default_value_t = 0.7)]
    pub(crate) threshold: f64,
    /// Least number of usable answers
    #[arg(long, default_value_t = 1)]
    pub(crate) quorum: usize,
    /// Most disagreement: the standard deviation of the signed confidences
    #[arg(long, value_name = "LIMIT", default_value_t = 0.3)]
    pub(crate) max_disagreement: f64,
    /// Least expected value of a trade after costs, fraction of the price
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, allow_hyphen_values = true)]
    pub(crate) expected_value: f64,
    /// Candles after which it is known which model was right
    #[arg(long, value_name = "CANDLES", default_value_t = 12)]
    pub(crate) horizon: usize,
    /// How long models take to answer, ms. Advice counts at the close of its candle if it comes
    /// within the next one, else as many candles later as it takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) model_latency: u32,
}

/// A file and what its vote weighs.
#[derive(Clone, Debug)]
struct Weighted {
    file: PathBuf,
    weight: f64,
}

impl FromStr for Weighted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (file, weight) = match text.rsplit_once('=') {
            None => (text, 1.0),
            Some((file, weight)) => {
                let number = weight.parse().ok().filter(|w: &f64| w.is_finite() && *w >= 0.0);
                (file, number.ok_or_else(|| format!("weight {weight:?} is not a number from 0"))?)
            }
        };
        Ok(Self { file: file.into(), weight })
    }
}

#[derive(ValueEnum, Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EnsembleMethod {
    /// Confidence times weight times how often the model was right
    WeightedVote,
    /// The mean confidence of each action
    AverageConfidence,
    /// What most models say
    Majority,
    /// Log-odds, by how often each model was right
    Bayesian,
}

impl From<EnsembleMethod> for Method {
    fn from(method: EnsembleMethod) -> Self {
        match method {
            EnsembleMethod::WeightedVote => Self::WeightedVote,
            EnsembleMethod::AverageConfidence => Self::AverageConfidence,
            EnsembleMethod::Majority => Self::Majority,
            EnsembleMethod::Bayesian => Self::Bayesian,
        }
    }
}

impl ModelArguments {
    /// Whether any model is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The models, opened; `None` if none is asked.
    pub(crate) fn open(&self) -> Result<Option<Advising>> {
        if self.is_empty() {
            return Ok(None);
        }
        let files = self.files.iter().map(|one| (&*one.file, one.weight));
        Advising::open(files, &self.terms).map(Some)
    }

    /// A backtest of the strategy of this name, whose entries need the word of the models if any are
    /// asked.
    pub(crate) fn backtest<'a>(
        &self,
        strategy: &str,
        series: &'a Series,
        settings: Settings,
    ) -> Result<Backtest<'a>> {
        match self.open()? {
            Some(advising) => advising.backtest(series, settings),
            None if strategy == MODELS => bail!("{NO_MODELS}"),
            None => Ok(Backtest::new(series, settings)?),
        }
    }
}

/// The strategy that follows models.
pub(crate) const MODELS: &str = "models";

/// Why it cannot be had without any.
pub(crate) const NO_MODELS: &str = "models: name at least one model to follow (--model FILE)";

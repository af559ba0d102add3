use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use tradepulse_core::backtest::{Backtest, Settings};
use tradepulse_core::ensemble::{self, Advice, DecisionMode, Ensemble, Method, Panel, Question};
use tradepulse_core::inference::Labelling;
use tradepulse_core::market::Series;
use tradepulse_core::time::Timestamp;

/// Models that are asked at every close.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Models")]
pub(crate) struct ModelArguments {
    /// Ask this model at every close (repeatable); entries need the word of the models together,
    /// and the strategy `models` follows them. The manifest beside the file says what it takes
    #[arg(long = "model", value_name = "FILE[=WEIGHT]")]
    files: Vec<Weighted>,
    /// Entries also pass where the models advise to hold
    #[arg(long, requires = "files")]
    allow_abstain: bool,
    /// Positions are as large a part of their usual size as the models are sure
    #[arg(long, requires = "files")]
    size_by_confidence: bool,
    /// How the answers become one
    #[arg(long, value_enum, default_value_t = EnsembleMethod::WeightedVote)]
    ensemble: EnsembleMethod,
    /// Least confidence of the models together
    #[arg(long, default_value_t = 0.7)]
    threshold: f64,
    /// Least number of usable answers
    #[arg(long, default_value_t = 1)]
    quorum: usize,
    /// Most disagreement: the standard deviation of the signed confidences
    #[arg(long, value_name = "LIMIT", default_value_t = 0.3)]
    max_disagreement: f64,
    /// Least expected value of a trade after costs, fraction of the price
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, allow_hyphen_values = true)]
    expected_value: f64,
    /// Candles after which it is known which model was right
    #[arg(long, value_name = "CANDLES", default_value_t = 12)]
    horizon: usize,
    /// How long models take to answer, ms. Advice counts at the close of its candle if it comes
    /// within the next one, else as many candles later as it takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    model_latency: u32,
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

#[derive(ValueEnum, Clone, Copy, Debug)]
enum EnsembleMethod {
    /// Confidence times weight times how often the model was right
    WeightedVote,
    /// The mean confidence of each action
    AverageConfidence,
    /// What most models say
    Majority,
    /// Log-odds, by how often each model was right
    Bayesian,
}

impl ModelArguments {
    /// A backtest of the strategy of this name, whose entries need the word of the models if any are
    /// asked.
    pub(crate) fn backtest<'a>(
        &self,
        strategy: &str,
        series: &'a Series,
        mut settings: Settings,
    ) -> Result<Backtest<'a>> {
        if self.files.is_empty() {
            if strategy == "models" {
                bail!("models: name at least one model to follow (--model FILE)");
            }
            return Ok(Backtest::new(series, settings)?);
        }
        let (allow_abstain, by_confidence) = (self.allow_abstain, self.size_by_confidence);
        settings.rules.decision = DecisionMode::Confirm { allow_abstain, by_confidence };
        let advice = self.advice(series, &settings)?;
        Ok(Backtest::new(series, settings)?.with_advice(advice)?)
    }

    /// What the models advise at each close of `series`.
    fn advice(&self, series: &Series, settings: &Settings) -> Result<Arc<[Option<Advice>]>> {
        let method = match self.ensemble {
            EnsembleMethod::WeightedVote => Method::WeightedVote,
            EnsembleMethod::AverageConfidence => Method::AverageConfidence,
            EnsembleMethod::Majority => Method::Majority,
            EnsembleMethod::Bayesian => Method::Bayesian,
        };
        let ensemble = Ensemble::new(ensemble::Settings {
            method,
            threshold: self.threshold,
            min_responding_models: self.quorum,
            uncertainty_threshold: self.max_disagreement,
            expected_value_threshold: self.expected_value,
            ..ensemble::Settings::default()
        })?;
        let runtime = crate::records::runtime()?;
        let (mut columns, mut names) = (Vec::new(), Vec::new());
        for Weighted { file, weight } in &self.files {
            let column = runtime.block_on(async {
                let model = crate::models::local(file).await?;
                let name = model.bundle().manifest().name.clone();
                anyhow::Ok((name, model.column(series).await?))
            });
            let (name, column) = column.with_context(|| format!("model {}", file.display()))?;
            let twins = names.iter().filter(|(other, _)| *other == name).count();
            let name = if twins == 0 { name } else { format!("{name}-{}", twins + 1) };
            names.push((name, *weight));
            columns.push(column);
        }
        let labelling = Labelling { horizon: self.horizon, long_above: 0.001, short_below: -0.001 };
        let panel = Panel::new(ensemble, labelling, series.timeframe(), names);
        let terms = Question {
            cost: settings.rules.costs.round_trip(),
            ..Question::new(Timestamp::EARLIEST, 1.0)
        };
        let delay = i64::from(self.model_latency) / series.timeframe().as_ms();
        let delay = usize::try_from(delay).unwrap_or_default();
        Ok(panel.advise(series, &columns, &terms, delay)?.into())
    }
}

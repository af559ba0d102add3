use std::path::PathBuf;

use tradepulse_core::ensemble::{self, DecisionMode, Ensemble as Checked, Question};
use tradepulse_core::inference::Labelling;
use tradepulse_core::time::Timestamp;

use super::Config;
use super::reader::Reader;
use super::section::{choice, section};
use super::yaml::Node;
use crate::schedule::RetrainSchedule;

choice! {
    /// How answers of models become a decision.
    EnsembleMethod {
        /// Confidence times weight times how often the model was right.
        WeightedVote = "weighted_vote",
        /// The mean confidence of each action.
        AverageConfidence = "average_confidence",
        /// What most models say.
        Majority = "majority",
        /// Log-odds, by how often each model was right.
        Bayesian = "bayesian",
    }

    /// Who decides about entries.
    Decides {
        /// Strategies; models are asked and recorded.
        StrategiesOnly = "strategies_only",
        /// Models: the strategy `models` follows them, and nothing else is traded.
        ModelsOnly = "models_only",
        /// Strategies, with the word of the models. Without model endpoints, strategies alone.
        Confirm = "confirm",
    }
}

section! {
    /// A model that is asked about each closed candle.
    ModelEndpoint {
        /// What it is called.
        name: String = "model".to_owned(), "";
        /// Host of its server.
        host: String = "127.0.0.1".to_owned(), "";
        /// Port of its server.
        port: u16 = 8001, "", 1 ..= 65535;
        /// File of a model that is asked in this process, in the place of a server.
        file: Option<PathBuf> = None, "";
        /// What its vote weighs before its record is looked at.
        weight: f64 = 1.0, "", 0.0 ..= 1000.0;
        /// Whether it is asked.
        enabled: bool = true, "";
        /// Longest time for its answer; null is `timing.model_timeout`.
        timeout: Option<f64> = None, "s", 0.01 ..= 300.0;
    }
    check ModelEndpoint::check;

    /// Who decides about entries. Exits never wait for models.
    Decision {
        /// Who decides.
        mode: Decides = Decides::Confirm, "";
        /// Whether an entry passes where the models advise to hold (confirm).
        allow_abstain: bool = false, "";
        /// Whether a position is as large a part of its usual size as the models are sure (confirm).
        size_by_confidence: bool = false, "";
    }

    /// How the answers of models become one.
    Ensemble {
        /// How they are put together.
        method: EnsembleMethod = EnsembleMethod::WeightedVote, "";
        /// Least confidence of a decision.
        threshold: f64 = 0.7, "fraction", 0.0 ..= 1.0;
        /// How much it counts how often a model was right (weighted_vote): a power.
        weight_decay: f64 = 0.95, "", 0.0 ..= 100.0;
        /// Least number of usable answers.
        min_responding_models: u32 = 1, "", 1 ..= 1000;
        /// Most disagreement: the standard deviation of the signed confidences.
        uncertainty_threshold: f64 = 0.3, "", 0.0 ..= 1.0;
        /// Least expected value of a trade after costs.
        expected_value_threshold: f64 = 0.0, "fraction of the price", -1.0 ..= 1.0;
        /// Candles after which it is known what would have been right.
        horizon: u32 = 12, "candles", 1 ..= 10_000;
        /// Return over the horizon beyond which long or short would have been right, not hold.
        least_return: f64 = 0.001, "fraction of the price", 0.0 ..= 1.0;
    }

    /// What models are told, so that they can learn.
    Retraining {
        /// Send the outcome of each closed trade to the /retrain of the models. Replays send none.
        send_feedback_to_models: bool = false, "";
        /// How long after a trade's end it is sent.
        feedback_delay: f64 = 0.0, "s", 0.0 ..= 86_400.0;
        /// Ask the models' servers to train (/retrain/trigger), in the background. Replays never do.
        enabled: bool = false, "";
        /// Trades that a server has taken, since it was asked last, after which it is asked to train.
        /// Counted from the start of the process; needs send_feedback_to_models.
        min_trades_before_retrain: u32 = 50, "trades", 1 ..= 1_000_000;
        /// When they are asked besides, UTC: minute, hour, day, month, weekday; null is never.
        retrain_schedule: Option<RetrainSchedule> = "0 2 * * *".parse().ok(), "";
        /// Longest time for a training.
        retrain_timeout: f64 = 600.0, "s", 1.0 ..= 86_400.0;
    }
}

impl ModelEndpoint {
    fn check(&self, node: &Node, reader: &mut Reader) {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'.';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.bytes().all(allowed) {
            let message = "expected 1 to 64 letters, digits, _, - and .";
            reader.refuse_entry(node, "name", message);
        }
    }

    /// The address of its server.
    pub fn url(&self) -> String {
        let Self { host, port, .. } = self;
        // An IPv6 address stands in brackets.
        if host.contains(':') {
            format!("http://[{host}]:{port}")
        } else {
            format!("http://{host}:{port}")
        }
    }
}

impl Ensemble {
    /// The same for the ensemble of models.
    ///
    /// # Errors
    /// If a setting is outside of its range, which the file does not let pass.
    pub fn checked(&self) -> Result<Checked, ensemble::SettingsError> {
        Checked::new(ensemble::Settings {
            method: match self.method {
                EnsembleMethod::WeightedVote => ensemble::Method::WeightedVote,
                EnsembleMethod::AverageConfidence => ensemble::Method::AverageConfidence,
                EnsembleMethod::Majority => ensemble::Method::Majority,
                EnsembleMethod::Bayesian => ensemble::Method::Bayesian,
            },
            threshold: self.threshold,
            weight_decay: self.weight_decay,
            min_responding_models: self.min_responding_models as usize,
            uncertainty_threshold: self.uncertainty_threshold,
            expected_value_threshold: self.expected_value_threshold,
        })
    }

    /// What would have been right.
    pub const fn labelling(&self) -> Labelling {
        Labelling {
            horizon: self.horizon as usize,
            long_above: self.least_return,
            short_below: -self.least_return,
        }
    }
}

impl Config {
    /// The models that are asked.
    pub fn models(&self) -> impl Iterator<Item = &ModelEndpoint> {
        self.model_endpoints.iter().filter(|endpoint| endpoint.enabled)
    }

    /// Whose word an entry needs.
    pub fn decision_mode(&self) -> DecisionMode {
        match self.decision.mode {
            Decides::Confirm if self.models().next().is_some() => DecisionMode::Confirm {
                allow_abstain: self.decision.allow_abstain,
                by_confidence: self.decision.size_by_confidence,
            },
            _ => DecisionMode::StrategiesOnly,
        }
    }

    /// What a trade is taken to cost and how far away its stop and target are, where models name
    /// none.
    pub fn trade_terms(&self) -> Question {
        Question {
            cost: self.exchange.costs().round_trip(),
            stop_distance: self.trading.stop_loss_percent,
            target_distance: self.trading.take_profit_percent,
            ..Question::new(Timestamp::EARLIEST, 1.0)
        }
    }

    /// Names of models are used once.
    pub(super) fn check_models(&self, node: &Node, reader: &mut Reader) {
        for (i, endpoint) in self.model_endpoints.iter().enumerate() {
            if self.model_endpoints[..i].iter().any(|other| other.name == endpoint.name) {
                let message = format!("two models are called {:?}", endpoint.name);
                reader.refuse_entry(node, "model_endpoints", message);
            }
        }
        if self.decision.mode == Decides::ModelsOnly && self.models().next().is_none() {
            let message = "models_only needs model_endpoints, at least one of them enabled";
            reader.refuse_entry(node, "decision", message);
        }
    }
}

use super::record::record;
use crate::market::Symbol;
use crate::time::{Timeframe, Timestamp};

record! {
    /// What a model said about a candle.
    PredictionRecord: Prediction in "predictions",
    key ["run", "symbol", "timeframe", "at", "model"], time "at", changes ["truth"],
    {
        /// The run that asked.
        run: String,
        /// The market.
        symbol: Symbol,
        /// The length of a candle.
        timeframe: Timeframe,
        /// Close time of the candle it answers, ms.
        at: Timestamp,
        /// Name of the model.
        model: String,
        /// What it would do: `long`, `short` or `hold`.
        action: String,
        /// How sure it is, 0..1.
        confidence: f64,
        /// Price of the stop it proposes.
        stop: Option<f64>,
        /// Price of the target it proposes.
        take_profit: Option<f64>,
        /// Its raw score.
        raw_score: Option<f64>,
        /// How long it took to answer, ms.
        latency_ms: Option<u64>,
        /// Why it was not counted; `None` if it was.
        dropped: Option<String>,
        /// What would have been right, in the words of `action`; `None` until it is known.
        truth: Option<String>,
        /// Whether it counts against the model: it answered, and the answer was of no use.
        invalid: bool,
    }
}

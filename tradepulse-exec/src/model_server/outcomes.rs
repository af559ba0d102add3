use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tradepulse_core::inference::{Action, Labelling};
use tradepulse_core::time::{Timeframe, Timestamp};

use super::{ModelServerSettings, snapshot};
use crate::inference::bundle::Bundle;
use crate::inference::retraining::LabelledSample;

/// What was right about a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleLabels {
    /// By the trade's outcome: beyond `profit_above` its side was right, below `loss_below` the
    /// other side was, and between them a hold. Fractions; what was not traded says nothing.
    Outcome {
        /// A larger profit was right.
        profit_above: f64,
        /// A smaller profit, a loss, was wrong.
        loss_below: f64,
    },
    /// By the return over the candles that follow, where later samples of the market show them.
    Forward(Labelling),
}

impl Default for SampleLabels {
    /// A profit over 0.5 %, a loss over 1.5 %.
    fn default() -> Self {
        Self::Outcome { profit_above: 0.005, loss_below: -0.015 }
    }
}

impl FromStr for SampleLabels {
    type Err = UnknownLabels;

    /// Reads `outcome` (the default), `forward:12`, the return over twelve candles beyond 0.5 %, or
    /// `forward:12:0.002`, beyond 0.2 %.
    ///
    /// ```
    /// use tradepulse_exec::model_server::SampleLabels;
    /// assert_eq!("outcome".parse(), Ok(SampleLabels::default()));
    /// assert_eq!("forward:6".parse::<SampleLabels>(), "forward:6:0.005".parse());
    /// assert!("forward:0".parse::<SampleLabels>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Self, UnknownLabels> {
        let forward = |rest: &str| {
            let (horizon, beyond) = rest.split_once(':').unwrap_or((rest, "0.005"));
            let horizon = horizon.parse().ok().filter(|horizon| (1..=10_000).contains(horizon))?;
            let beyond = beyond.parse().ok().filter(|beyond| (0.0..1.0).contains(beyond))?;
            let labelling = Labelling { horizon, long_above: beyond, short_below: -beyond };
            Some(Self::Forward(labelling))
        };
        match text.split_once(':') {
            None if text == "outcome" => Ok(Self::default()),
            Some(("forward", rest)) => forward(rest).ok_or_else(|| UnknownLabels(text.to_owned())),
            _ => Err(UnknownLabels(text.to_owned())),
        }
    }
}

/// A text that names no labels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no labels: expected outcome, or forward:CANDLES or forward:CANDLES:FRACTION, such \
     as forward:12:0.005"
)]
pub struct UnknownLabels(String);

/// The longest that a trade is taken to last where its sample does not say when it closed, candles.
const LONGEST_TRADE: i64 = 288;

/// Samples that were read, and those that were not used.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    pub(super) samples: Vec<LabelledSample>,
    pub(super) left_out: LeftOut,
    /// Lines that were read.
    pub(super) lines: u64,
}

/// Why samples are not learnt from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeftOut {
    /// The line is not understood, or the snapshot does not fit the model.
    pub(super) unreadable: u64,
    /// Nothing was traded, so that nothing came of it.
    pub(super) not_traded: u64,
    /// The candles that decide are not known.
    pub(super) future_unknown: u64,
}

/// A line of the file.
#[derive(Deserialize)]
struct Line {
    received_at: Timestamp,
    decision: Value,
    outcome: Outcome,
    snapshot: Value,
}

#[derive(Deserialize)]
struct Outcome {
    pnl_percent: f64,
    closed_at: Option<Timestamp>,
}

/// A sample without its label.
struct Told {
    row: Vec<f64>,
    at: Timestamp,
    market: (String, Timeframe),
    line: Line,
}

/// Closes by the time at which they were made.
type Closes = BTreeMap<Timestamp, f64>;

/// The whole lines of `path` behind its first `bytes`; none if there is no file.
pub(super) fn lines_after(
    path: &Path,
    bytes: u64,
) -> io::Result<impl Iterator<Item = io::Result<Vec<u8>>> + use<>> {
    let mut reader = match File::open(path) {
        Ok(file) => Some(BufReader::new(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(reader) = &mut reader {
        reader.seek(SeekFrom::Start(bytes))?;
    }
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match reader.as_mut()?.read_until(b'\n', &mut line) {
            // One that is not whole is being written, or was cut off.
            Ok(_) if line.pop() == Some(b'\n') => Some(Ok(line)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }))
}

/// Reads all whole lines of `path`.
pub(super) fn read(
    path: &Path,
    bundle: &Bundle,
    settings: &ModelServerSettings,
    labels: &SampleLabels,
) -> io::Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    // Symbols that are not served any more can be learnt from still.
    let settings = ModelServerSettings { symbols: Vec::new(), ..settings.clone() };
    let mut closes: HashMap<(String, Timeframe), Closes> = HashMap::new();
    let mut told = Vec::new();
    for line in lines_after(path, 0)? {
        let line = line?;
        outcomes.lines += 1;
        let Some(sample) = understand(&line, bundle, &settings) else {
            outcomes.left_out.unreadable += 1;
            continue;
        };
        if matches!(labels, SampleLabels::Forward(_)) {
            remember(&sample, closes.entry(sample.market.clone()).or_default());
        }
        told.push(sample);
    }
    for sample in told {
        let labelled = match labels {
            SampleLabels::Outcome { profit_above, loss_below } => {
                let labelled = by_outcome(&sample, *profit_above, *loss_below);
                outcomes.left_out.not_traded += u64::from(labelled.is_none());
                labelled
            }
            SampleLabels::Forward(labelling) => {
                let known = closes.get(&sample.market);
                let labelled = known.and_then(|closes| by_return(&sample, labelling, closes));
                outcomes.left_out.future_unknown += u64::from(labelled.is_none());
                labelled
            }
        };
        if let Some((label, known)) = labelled {
            let Told { row, at, .. } = sample;
            outcomes.samples.push(LabelledSample { row, label, at, known });
        }
    }
    Ok(outcomes)
}

/// The sample in a line, labelled by its outcome; `None` if it says nothing, which is counted then.
pub(super) fn by_its_outcome(
    line: &[u8],
    bundle: &Bundle,
    settings: &ModelServerSettings,
    (above, below): (f64, f64),
    left_out: &mut LeftOut,
) -> Option<LabelledSample> {
    let settings = ModelServerSettings { symbols: Vec::new(), ..settings.clone() };
    let Some(sample) = understand(line, bundle, &settings) else {
        left_out.unreadable += 1;
        return None;
    };
    let Some((label, known)) = by_outcome(&sample, above, below) else {
        left_out.not_traded += 1;
        return None;
    };
    let Told { row, at, .. } = sample;
    Some(LabelledSample { row, label, at, known })
}

fn understand(line: &[u8], bundle: &Bundle, settings: &ModelServerSettings) -> Option<Told> {
    let mut line: Line = serde_json::from_slice(line).ok()?;
    let text = serde_json::to_vec(&line.snapshot).ok()?;
    let read = snapshot::read(&text, bundle, settings).ok()?;
    let word = |name: &str| line.snapshot.get(name)?.as_str();
    let market = (word("symbol")?.to_owned(), word("timeframe")?.parse().ok()?);
    // Of the snapshot no more is needed than its candles.
    line.snapshot = line.snapshot.get_mut("candles")?.take();
    Some(Told { row: read.row, at: read.candle, market, line })
}

fn by_outcome(sample: &Told, above: f64, below: f64) -> Option<(Action, Timestamp)> {
    let decision = &sample.line.decision;
    let word = decision.as_str().or_else(|| decision.get("action")?.as_str())?;
    let side = word.parse::<Action>().ok()?;
    let other = match side {
        Action::Long => Action::Short,
        Action::Short => Action::Long,
        Action::Hold => return None,
    };
    let profit = sample.line.outcome.pnl_percent / 100.0;
    let label = match profit {
        profit if profit > above => side,
        profit if profit < below => other,
        _ => Action::Hold,
    };
    let longest = sample.at.as_ms().saturating_add(sample.market.1.as_ms() * LONGEST_TRADE);
    let closed = sample.line.outcome.closed_at.unwrap_or(Timestamp::from_ms(longest));
    // What was told was known, unless the clock of this server was wrong.
    let told = Some(sample.line.received_at).filter(|told| *told >= sample.at);
    Some((label, told.map_or(closed, |told| told.min(closed)).max(sample.at)))
}

fn by_return(sample: &Told, labelling: &Labelling, closes: &Closes) -> Option<(Action, Timestamp)> {
    let ahead = i64::try_from(labelling.horizon.max(1)).ok()?;
    let later = sample.at.as_ms().checked_add(sample.market.1.as_ms().checked_mul(ahead)?)?;
    let later = Timestamp::from_ms(later);
    let pair = [*closes.get(&sample.at)?, *closes.get(&later)?];
    let labelling = Labelling { horizon: 1, ..*labelling };
    let label = labelling.labels(&pair).first().copied().flatten()?;
    Some((label, later))
}

/// Keeps the closes of a snapshot's candles.
fn remember(sample: &Told, closes: &mut Closes) {
    let candles = sample.line.snapshot.as_array().into_iter().flatten();
    closes.extend(candles.filter_map(|candle| {
        let time = candle.get("timestamp")?;
        let opened = match time.as_str() {
            Some(text) => text.parse::<Timestamp>().ok()?,
            None => Timestamp::from_ms(time.as_f64()? as i64),
        };
        let closed = opened.as_ms().checked_add(sample.market.1.as_ms())?;
        Some((Timestamp::from_ms(closed), candle.get("close")?.as_f64()?))
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_known_when_the_trade_closed_and_at_the_latest_when_it_was_told() {
        let known = |received: i64, closed: Option<i64>| {
            let outcome = Outcome { pnl_percent: 2.0, closed_at: closed.map(Timestamp::from_ms) };
            let line = Line {
                received_at: Timestamp::from_ms(received),
                decision: Value::from("long"),
                outcome,
                snapshot: Value::Null,
            };
            let market = ("BTC/USDT".to_owned(), Timeframe::M1);
            let at = Timestamp::from_ms(1_000_000);
            let sample = Told { row: vec![1.0], at, market, line };
            let (label, known) = by_outcome(&sample, 0.005, -0.015).unwrap();
            assert_eq!(label, Action::Long);
            known.as_ms()
        };
        let longest = 1_000_000 + 288 * 60_000;
        assert_eq!(known(2_000_000, Some(1_500_000)), 1_500_000);
        // Its clock is ahead.
        assert_eq!(known(2_000_000, Some(i64::MAX)), 2_000_000);
        assert_eq!(known(2_000_000, None), 2_000_000);
        assert_eq!(known(i64::MAX, None), longest);
        // The server's clock was not set.
        assert_eq!(known(0, Some(1_500_000)), 1_500_000);
        assert_eq!(known(0, None), longest);
    }
}

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Action;

/// What a model's outputs mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputKind {
    /// Three class probabilities.
    Probs3 {
        /// Which class stands where.
        classes: [Action; 3],
    },
    /// Three class scores, which become probabilities by softmax.
    Logits {
        /// Which class stands where.
        classes: [Action; 3],
    },
    /// The probability that long is right.
    Binary,
    /// A number whose sign is the direction; also the forecast of a regression.
    Score,
}

/// Where outputs become actions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// A score above is long, one below its negative is short.
    pub score: f64,
    /// A probability above is long.
    pub binary_long: f64,
    /// A probability below is short.
    pub binary_short: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { score: 0.1, binary_long: 0.65, binary_short: 0.35 }
    }
}

/// What the outputs of a row say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// How sure the model is, 0..1.
    pub confidence: f64,
    /// The score, the probability, or the probability of long less that of short.
    pub raw_score: f64,
}

impl OutputKind {
    /// Its word: `probs3`, `logits`, `binary` or `score`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Probs3 { .. } => "probs3",
            Self::Logits { .. } => "logits",
            Self::Binary => "binary",
            Self::Score => "score",
        }
    }

    /// How many numbers a row has.
    pub const fn outputs(self) -> usize {
        match self {
            Self::Probs3 { .. } | Self::Logits { .. } => 3,
            Self::Binary | Self::Score => 1,
        }
    }

    /// What `outputs` of a row say.
    ///
    /// Probabilities: the largest wins, and is the confidence; where two are largest it holds.
    /// Score `s`: beyond the threshold long or short with a confidence of `min(|s|, 1)`, else hold
    /// with 0.5. Binary `p`: long with `p`, short with `1 − p`, else hold with 0.5.
    ///
    /// # Errors
    /// If the outputs are not of this kind.
    pub fn decode(self, outputs: &[f64], at: &Thresholds) -> Result<Verdict, OutputError> {
        let expected = self.outputs();
        if outputs.len() != expected {
            return Err(OutputError::Count { found: outputs.len(), expected });
        }
        if let Some((i, &found)) = outputs.iter().enumerate().find(|(_, value)| !value.is_finite())
        {
            return Err(OutputError::Value { output: i, found, expected: "a finite number" });
        }
        match (self, outputs) {
            (Self::Probs3 { classes }, &[a, b, c]) => probabilities(classes, [a, b, c]),
            (Self::Logits { classes }, &[a, b, c]) => probabilities(classes, softmax([a, b, c])),
            (Self::Binary, &[p, ..]) => {
                probability(0, p)?;
                let (action, confidence) = match p {
                    _ if p > at.binary_long => (Action::Long, p),
                    _ if p < at.binary_short => (Action::Short, 1.0 - p),
                    _ => (Action::Hold, 0.5),
                };
                Ok(Verdict { action, confidence, raw_score: p })
            }
            (Self::Score, &[score, ..]) => {
                let sure = score.abs().min(1.0);
                let (action, confidence) = match score {
                    _ if score > at.score => (Action::Long, sure),
                    _ if score < -at.score => (Action::Short, sure),
                    _ => (Action::Hold, 0.5),
                };
                Ok(Verdict { action, confidence, raw_score: score })
            }
            _ => Err(OutputError::Count { found: outputs.len(), expected }),
        }
    }
}

pub(super) fn softmax(scores: [f64; 3]) -> [f64; 3] {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let odds = scores.map(|score| (score - most).exp());
    let total: f64 = odds.iter().sum();
    odds.map(|odds| odds / total)
}

fn probabilities(classes: [Action; 3], values: [f64; 3]) -> Result<Verdict, OutputError> {
    for (i, &p) in values.iter().enumerate() {
        probability(i, p)?;
    }
    let sum: f64 = values.iter().sum();
    if (sum - 1.0).abs() > 1e-3 {
        return Err(OutputError::Sum { found: sum });
    }
    let of = |action| {
        let classes = classes.iter().zip(values);
        classes.filter(|(class, _)| **class == action).map(|(_, p)| p).sum::<f64>()
    };
    let largest = Action::ALL.into_iter().map(of).fold(0.0, f64::max);
    let mut winners = Action::ALL.into_iter().filter(|&action| of(action) >= largest);
    let action = match (winners.next(), winners.next()) {
        (Some(only), None) => only,
        _ => Action::Hold,
    };
    let raw_score = of(Action::Long) - of(Action::Short);
    Ok(Verdict { action, confidence: of(action).min(1.0), raw_score })
}

fn probability(output: usize, found: f64) -> Result<(), OutputError> {
    if (0.0..=1.0 + 1e-6).contains(&found) {
        Ok(())
    } else {
        Err(OutputError::Value { output, found, expected: "a probability" })
    }
}

impl fmt::Display for OutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for OutputKind {
    type Err = UnknownOutput;

    /// Classes are in the order long, short, hold.
    fn from_str(text: &str) -> Result<Self, UnknownOutput> {
        let classes = Action::ALL;
        let kinds = [Self::Probs3 { classes }, Self::Logits { classes }, Self::Binary, Self::Score];
        let found = kinds.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| UnknownOutput(text.to_owned()))
    }
}

/// A word that is no kind of output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of output: expected probs3, logits, binary or score")]
pub struct UnknownOutput(String);

/// Outputs that are not of their kind.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// Another number of them.
    #[error("the model answers {found} numbers, expected {expected}")]
    Count {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// One that is impossible.
    #[error("output {output} is {found}, expected {expected}")]
    Value {
        /// Which one, from 0.
        output: usize,
        /// What it is.
        found: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// Probabilities of something else.
    #[error("the probabilities sum to {found}, not to 1")]
    Sum {
        /// What they sum to.
        found: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(kind: &str, outputs: &[f64]) -> Result<(Action, f64), OutputError> {
        let kind: OutputKind = kind.parse().unwrap();
        kind.decode(outputs, &Thresholds::default()).map(|v| (v.action, v.confidence))
    }

    #[test]
    fn outputs_become_actions() {
        assert_eq!(says("probs3", &[0.2, 0.5, 0.3]), Ok((Action::Short, 0.5)));
        assert_eq!(says("probs3", &[0.4, 0.4, 0.2]), Ok((Action::Hold, 0.2)));
        assert_eq!(says("score", &[0.1]), Ok((Action::Hold, 0.5)));
        assert_eq!(says("score", &[-7.0]), Ok((Action::Short, 1.0)));
        assert_eq!(says("binary", &[0.65]), Ok((Action::Hold, 0.5)));
        assert_eq!(says("binary", &[0.25]), Ok((Action::Short, 0.75)));
        let (action, confidence) = says("logits", &[1000.0, 0.0, 0.0]).unwrap();
        assert_eq!((action, confidence), (Action::Long, 1.0));
    }

    #[test]
    fn class_order_counts() {
        let classes = [Action::Hold, Action::Long, Action::Short];
        let verdict =
            OutputKind::Probs3 { classes }.decode(&[0.1, 0.7, 0.2], &Thresholds::default());
        assert_eq!(verdict.unwrap().action, Action::Long);
        assert!((verdict.unwrap().raw_score - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_output_is_an_error() {
        let error = says("probs3", &[0.2, 0.5, 0.5]).unwrap_err();
        assert_eq!(error.to_string(), "the probabilities sum to 1.2, not to 1");
        assert!(matches!(says("probs3", &[1.0]), Err(OutputError::Count { found: 1, .. })));
        assert!(matches!(says("binary", &[1.5]), Err(OutputError::Value { .. })));
        assert!(matches!(says("score", &[f64::NAN]), Err(OutputError::Value { .. })));
    }
}

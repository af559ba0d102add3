use super::LightGbmError;
use super::sections::{Section, beginning};

/// How sums over trees become outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Objective {
    /// As they are.
    Raw,
    /// Squared with their sign.
    SignedSquare,
    /// To the power of e.
    Exponential,
    /// Each a probability, with this slope.
    Sigmoid(f64),
    /// All together probabilities.
    Softmax,
    /// `ln(1 + e^x)`.
    Softplus,
}

impl Objective {
    pub(super) fn parse(header: &Section<'_>, outputs: usize) -> Result<Self, LightGbmError> {
        // A model trained with an objective of one's own has none.
        if !header.has("objective") {
            return Ok(Self::Raw);
        }
        let text = header.text("objective")?;
        let mut words = text.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let (mut sqrt, mut sigmoid, mut classes) = (false, None, None);
        for word in words {
            let known = match word.split_once(':') {
                None if word == "sqrt" => {
                    sqrt = true;
                    true
                }
                Some(("sigmoid", value)) => {
                    let slope = |slope: &f64| slope.is_finite() && *slope > 0.0;
                    sigmoid = value.parse().ok().filter(slope);
                    sigmoid.is_some()
                }
                Some(("num_class", value)) => {
                    classes = value.parse::<usize>().ok();
                    classes.is_some()
                }
                _ => false,
            };
            if !known {
                return Err(header.wrong("objective", format!("{:?} is unknown", beginning(word))));
            }
        }
        let of_classes = |objective| match classes {
            Some(classes) if classes == outputs => Ok(objective),
            _ => {
                let problem = format!("num_class does not agree with {outputs} trees an iteration");
                Err(header.wrong("objective", problem))
            }
        };
        let slope = || {
            sigmoid.ok_or_else(|| header.wrong("objective", format!("{name} without a sigmoid")))
        };
        match name {
            "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" if sqrt => {
                Ok(Self::SignedSquare)
            }
            "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape"
            | "lambdarank" | "rank_xendcg" | "custom" => Ok(Self::Raw),
            "poisson" | "gamma" | "tweedie" => Ok(Self::Exponential),
            "binary" => slope().map(Self::Sigmoid),
            "cross_entropy" => Ok(Self::Sigmoid(1.0)),
            "cross_entropy_lambda" => Ok(Self::Softplus),
            "multiclass" => of_classes(Self::Softmax),
            "multiclassova" => of_classes(Self::Sigmoid(slope()?)),
            other => Err(header.wrong("objective", format!("{:?} is not known", beginning(other)))),
        }
    }

    pub(super) fn transform(self, outputs: &mut [f64]) {
        match self {
            Self::Raw => {}
            Self::SignedSquare => each(outputs, |x| x.signum() * x * x),
            Self::Exponential => each(outputs, f64::exp),
            Self::Sigmoid(slope) => each(outputs, |x| 1.0 / (1.0 + (-slope * x).exp())),
            Self::Softplus => each(outputs, |x| x.exp().ln_1p()),
            Self::Softmax => {
                let most = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                each(outputs, |x| (x - most).exp());
                let total: f64 = outputs.iter().sum();
                each(outputs, |x| x / total);
            }
        }
    }
}

fn each(outputs: &mut [f64], transform: impl Fn(f64) -> f64) {
    for output in outputs {
        *output = transform(*output);
    }
}

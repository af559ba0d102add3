/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The probability of label 1 (`binary`, log loss).
    Binary,
    /// The probability of each class (`multiclass`, log loss of the softmax).
    Multiclass {
        /// How many there are, 2 to 1000.
        classes: u16,
    },
    /// The value itself (`regression`, mean squared error).
    Regression,
}

impl Objective {
    /// LightGBM's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Multiclass { .. } => "multiclass",
            Self::Regression => "regression",
        }
    }

    pub(super) const fn trees_per_round(self) -> usize {
        match self {
            Self::Multiclass { classes } => classes as usize,
            Self::Binary | Self::Regression => 1,
        }
    }

    pub(super) fn knows(self, label: f64) -> bool {
        match self {
            Self::Binary => label == 0.0 || label == 1.0,
            Self::Multiclass { classes } => {
                label >= 0.0 && label < f64::from(classes) && label.fract() == 0.0
            }
            Self::Regression => label.is_finite(),
        }
    }
}

/// Scores so far, and what the loss says of them.
pub(super) struct Loss<'a> {
    objective: Objective,
    labels: &'a [f64],
    beginning: Vec<f64>,
    /// Class by class, then row by row.
    scores: Vec<f64>,
    gradients: Vec<f64>,
    hessians: Vec<f64>,
}

/// Probabilities are kept this far from 0 and 1 where their logarithm is taken.
const LEAST: f64 = 1e-15;

impl<'a> Loss<'a> {
    /// Every score is the best constant at first.
    pub(super) fn new(objective: Objective, labels: &'a [f64]) -> Self {
        let rows = labels.len() as f64;
        let part =
            |class: f64| labels.iter().filter(|label| **label == class).count() as f64 / rows;
        let beginning = match objective {
            Objective::Binary => {
                let p = part(1.0).clamp(LEAST, 1.0 - LEAST);
                vec![(p / (1.0 - p)).ln()]
            }
            Objective::Multiclass { classes } => {
                (0..classes).map(|class| part(f64::from(class)).max(LEAST).ln()).collect()
            }
            Objective::Regression => vec![labels.iter().sum::<f64>() / rows],
        };
        Self::with(objective, labels, beginning)
    }

    /// That of other rows, from the same beginning.
    pub(super) fn like(other: &Loss<'_>, labels: &'a [f64]) -> Self {
        Self::with(other.objective, labels, other.beginning.clone())
    }

    fn with(objective: Objective, labels: &'a [f64], beginning: Vec<f64>) -> Self {
        let rows = labels.len();
        let scores = beginning.iter().flat_map(|score| std::iter::repeat_n(*score, rows)).collect();
        let count = rows * beginning.len();
        let (gradients, hessians) = (vec![0.0; count], vec![0.0; count]);
        Self { objective, labels, beginning, scores, gradients, hessians }
    }

    pub(super) fn beginning(&self, class: usize) -> f64 {
        self.beginning[class]
    }

    pub(super) fn add(&mut self, class: usize, row: usize, value: f64) {
        self.scores[class * self.labels.len() + row] += value;
    }

    /// Derivatives of the loss of each row by its scores.
    pub(super) fn gradients(&mut self) {
        let rows = self.labels.len();
        match self.objective {
            Objective::Binary => {
                for row in 0..rows {
                    let p = sigmoid(self.scores[row]);
                    self.gradients[row] = p - self.labels[row];
                    self.hessians[row] = p * (1.0 - p);
                }
            }
            Objective::Multiclass { classes } => {
                let classes = classes as usize;
                // As LightGBM has it: the second derivative of K - 1 free scores.
                let factor = classes as f64 / (classes as f64 - 1.0);
                let mut p = vec![0.0; classes];
                for row in 0..rows {
                    softmax(|class| self.scores[class * rows + row], &mut p);
                    for (class, p) in p.iter().enumerate() {
                        let hit = f64::from(u8::from(self.labels[row] == class as f64));
                        self.gradients[class * rows + row] = p - hit;
                        self.hessians[class * rows + row] = factor * p * (1.0 - p);
                    }
                }
            }
            Objective::Regression => {
                for row in 0..rows {
                    self.gradients[row] = self.scores[row] - self.labels[row];
                    self.hessians[row] = 1.0;
                }
            }
        }
    }

    pub(super) fn gradients_of(&self, class: usize) -> (&[f64], &[f64]) {
        let rows = self.labels.len();
        let of = class * rows..(class + 1) * rows;
        (&self.gradients[of.clone()], &self.hessians[of])
    }

    /// The mean loss of a row: log loss in nats, or the squared error.
    pub(super) fn mean(&self) -> f64 {
        let rows = self.labels.len();
        let loss = |row: usize| match self.objective {
            Objective::Binary => {
                let p = sigmoid(self.scores[row]);
                let right = if self.labels[row] == 1.0 { p } else { 1.0 - p };
                -right.max(LEAST).ln()
            }
            Objective::Multiclass { classes } => {
                let mut p = vec![0.0; classes as usize];
                softmax(|class| self.scores[class * rows + row], &mut p);
                // A label is the number of a class.
                -p[self.labels[row] as usize].max(LEAST).ln()
            }
            Objective::Regression => (self.scores[row] - self.labels[row]).powi(2),
        };
        (0..rows).map(loss).sum::<f64>() / rows as f64
    }
}

fn sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

fn softmax(score: impl Fn(usize) -> f64, into: &mut [f64]) {
    let highest = (0..into.len()).map(&score).fold(f64::NEG_INFINITY, f64::max);
    for (class, p) in into.iter_mut().enumerate() {
        *p = (score(class) - highest).exp();
    }
    let sum: f64 = into.iter().sum();
    into.iter_mut().for_each(|p| *p /= sum);
}

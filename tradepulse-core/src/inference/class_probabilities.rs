use super::{Action, OutputError, OutputKind, Thresholds};

impl OutputKind {
    /// How many classes the outputs tell apart: three (long, short, hold), two (not long, long), or
    /// `None` for a score, which has no probabilities.
    pub const fn classes(self) -> Option<usize> {
        match self {
            Self::Probs3 { .. } | Self::Logits { .. } => Some(3),
            Self::Binary => Some(2),
            Self::Score => None,
        }
    }

    /// The class of `action`: its place in the [`class_probabilities`](Self::class_probabilities).
    /// `None` for a score, and for a hold where there are only long and not long.
    pub const fn class_of(self, action: Action) -> Option<usize> {
        match (self.classes(), action) {
            (Some(2), Action::Long) => Some(1),
            (Some(2), Action::Short) => Some(0),
            (Some(3), action) => Some(action.index()),
            _ => None,
        }
    }

    /// The probabilities of the classes for one row of outputs: long, short, hold, whatever order
    /// the model has them in; or not long, long. None for a score.
    ///
    /// ```
    /// use tradepulse_core::inference::{Action, OutputKind};
    /// let classes = [Action::Hold, Action::Long, Action::Short];
    /// let kind = OutputKind::Probs3 { classes };
    /// assert_eq!(kind.class_probabilities(&[0.5, 0.25, 0.25])?, [0.25, 0.25, 0.5]);
    /// assert_eq!(OutputKind::Binary.class_probabilities(&[0.75])?, [0.25, 0.75]);
    /// # Ok::<(), tradepulse_core::inference::OutputError>(())
    /// ```
    ///
    /// # Errors
    /// If the outputs are not of this kind.
    pub fn class_probabilities(self, outputs: &[f64]) -> Result<Vec<f64>, OutputError> {
        self.decode(outputs, &Thresholds::default())?;
        let ordered = |classes: [Action; 3], values: &[f64]| {
            let mut ordered = vec![0.0; 3];
            for (class, value) in classes.iter().zip(values) {
                ordered[class.index()] += value;
            }
            ordered
        };
        Ok(match (self, outputs) {
            (Self::Probs3 { classes }, values) => ordered(classes, values),
            (Self::Logits { classes }, &[a, b, c]) => {
                ordered(classes, &super::output::softmax([a, b, c]))
            }
            (Self::Binary, &[p]) => vec![1.0 - p, p],
            _ => Vec::new(),
        })
    }
}

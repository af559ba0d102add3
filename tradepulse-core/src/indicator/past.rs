use super::BatchError;

/// The value `n` inputs ago.
#[derive(Clone, Debug)]
pub(super) struct Past {
    slots: Box<[f64]>,
    at: usize,
    full: bool,
}

impl Past {
    pub(super) fn new(n: usize) -> Self {
        Self { slots: vec![0.0; n].into(), at: 0, full: false }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Takes `value`; the one `n` inputs before it, once there is one.
    #[inline]
    pub(super) fn push(&mut self, value: f64) -> Option<f64> {
        let past = std::mem::replace(&mut self.slots[self.at], value);
        let known = self.full.then_some(past);
        self.at += 1;
        if self.at == self.slots.len() {
            self.at = 0;
            self.full = true;
        }
        known
    }
}

/// Writes `compare(value, value n rows before)` for a whole column; `NaN` in the first `n` rows.
#[inline]
pub(super) fn fill(
    n: usize,
    values: &[f64],
    out: &mut [f64],
    compare: impl Fn(f64, f64) -> f64,
) -> Result<(), BatchError> {
    if out.len() != values.len() {
        return Err(BatchError::Length { found: out.len(), expected: values.len() });
    }
    let (early, warm) = out.split_at_mut(n.min(values.len()));
    early.fill(f64::NAN);
    for ((out, &value), &past) in warm.iter_mut().zip(&values[early.len()..]).zip(values) {
        *out = compare(value, past);
    }
    Ok(())
}

/// What is to be known of the values in a window: sums, an extreme.
pub(super) trait Aggregate {
    /// What is observed.
    type Value: Copy + Default;
    /// What is known of a run of values.
    type Known: Copy;

    /// Whether it looks at the reference.
    const CENTRED: bool;

    /// What is known of no value.
    const NOTHING: Self::Known;

    /// What is known of a run after `value` was put before it.
    fn prepend(&self, run: Self::Known, value: Self::Value, reference: Self::Value) -> Self::Known;

    /// What is known of a run after the newer of two values was put before it, and after both.
    #[inline]
    fn prepend_two(
        &self,
        run: Self::Known,
        [older, newer]: [Self::Value; 2],
        reference: Self::Value,
    ) -> [Self::Known; 2] {
        let one = self.prepend(run, newer, reference);
        [one, self.prepend(one, older, reference)]
    }

    /// What is known of a run after `value` was put behind it.
    fn append(&self, run: Self::Known, value: Self::Value, reference: Self::Value) -> Self::Known;

    /// What is known of a window: a run of [`prepend`](Self::prepend)ed values and then one of
    /// [`append`](Self::append)ed ones.
    fn join(&self, suffix: Self::Known, prefix: Self::Known) -> Self::Known;
}

/// The sums of `N` columns.
#[derive(Clone, Debug)]
pub(super) struct Sum<const N: usize>;

impl<const N: usize> Aggregate for Sum<N>
where
    [f64; N]: Default,
{
    type Value = [f64; N];
    type Known = [f64; N];

    const CENTRED: bool = false;
    const NOTHING: [f64; N] = [0.0; N];

    #[inline]
    fn prepend(&self, run: [f64; N], value: [f64; N], _: [f64; N]) -> [f64; N] {
        self.join(run, value)
    }

    /// The two are added to each other first, so that a long run waits for every other sum alone.
    #[inline]
    fn prepend_two(
        &self,
        run: [f64; N],
        [older, newer]: [[f64; N]; 2],
        _: [f64; N],
    ) -> [[f64; N]; 2] {
        [self.join(run, newer), self.join(run, self.join(newer, older))]
    }

    #[inline]
    fn append(&self, run: [f64; N], value: [f64; N], _: [f64; N]) -> [f64; N] {
        self.join(run, value)
    }

    #[inline]
    fn join(&self, a: [f64; N], b: [f64; N]) -> [f64; N] {
        std::array::from_fn(|i| a[i] + b[i])
    }
}

/// The highest (`HIGH`) or lowest value.
#[derive(Clone, Debug)]
pub(super) struct Extreme<const HIGH: bool>;

/// The one of two values that is higher (`HIGH`) or lower.
#[inline]
fn further<const HIGH: bool>(a: f64, b: f64) -> f64 {
    let first = if HIGH { a > b } else { a < b };
    if first { a } else { b }
}

impl<const HIGH: bool> Aggregate for Extreme<HIGH> {
    type Value = f64;
    type Known = f64;

    const CENTRED: bool = false;
    const NOTHING: f64 = if HIGH { f64::NEG_INFINITY } else { f64::INFINITY };

    #[inline]
    fn prepend(&self, run: f64, value: f64, _: f64) -> f64 {
        further::<HIGH>(run, value)
    }

    #[inline]
    fn append(&self, run: f64, value: f64, _: f64) -> f64 {
        further::<HIGH>(run, value)
    }

    #[inline]
    fn join(&self, a: f64, b: f64) -> f64 {
        further::<HIGH>(a, b)
    }
}

/// The highest high and the lowest low of candles, given as `[high, -low]`: both are then maxima,
/// and one instruction finds two.
#[derive(Clone, Debug)]
pub(super) struct Range;

impl Aggregate for Range {
    type Value = [f64; 2];
    type Known = [f64; 2];

    const CENTRED: bool = false;
    const NOTHING: [f64; 2] = [f64::NEG_INFINITY; 2];

    #[inline]
    fn prepend(&self, run: [f64; 2], value: [f64; 2], _: [f64; 2]) -> [f64; 2] {
        self.join(run, value)
    }

    #[inline]
    fn append(&self, run: [f64; 2], value: [f64; 2], _: [f64; 2]) -> [f64; 2] {
        self.join(run, value)
    }

    #[inline]
    fn join(&self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [further::<true>(a[0], b[0]), further::<true>(a[1], b[1])]
    }
}

/// The sums of the differences to the reference and of their squares.
///
/// The reference is in the window: the square of the mean difference is at most `n` times the
/// variance, and that bounds what cancels when one is taken from the other.
#[derive(Clone, Debug)]
pub(super) struct Moments;

impl Aggregate for Moments {
    type Value = f64;
    type Known = [f64; 2];

    const CENTRED: bool = true;
    const NOTHING: [f64; 2] = [0.0; 2];

    #[inline]
    fn prepend(&self, run: [f64; 2], value: f64, reference: f64) -> [f64; 2] {
        self.append(run, value, reference)
    }

    #[inline]
    fn append(&self, run: [f64; 2], value: f64, reference: f64) -> [f64; 2] {
        let difference = value - reference;
        self.join(run, [difference, difference * difference])
    }

    #[inline]
    fn join(&self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [a[0] + b[0], a[1] + b[1]]
    }
}

/// The sum of the values, and the sum of each times its position in the window (0 for the oldest);
/// `CENTRED`: of their differences to the reference.
#[derive(Clone, Debug)]
pub(super) struct Weighted<const CENTRED: bool> {
    /// Position of the newest value of a window.
    pub(super) newest: f64,
}

impl<const CENTRED: bool> Aggregate for Weighted<CENTRED> {
    type Value = f64;
    // Of prepended values, each is weighted by its distance from the oldest; of appended ones, by
    // its distance from the newest.
    type Known = [f64; 2];

    const CENTRED: bool = CENTRED;
    const NOTHING: [f64; 2] = [0.0; 2];

    #[inline]
    fn prepend(&self, run: [f64; 2], value: f64, reference: f64) -> [f64; 2] {
        self.append(run, value, reference)
    }

    #[inline]
    fn append(&self, run: [f64; 2], value: f64, reference: f64) -> [f64; 2] {
        let term = if CENTRED { value - reference } else { value };
        [run[0] + term, run[1] + run[0]]
    }

    #[inline]
    fn join(&self, suffix: [f64; 2], prefix: [f64; 2]) -> [f64; 2] {
        let moved = self.newest * prefix[0] - prefix[1];
        [suffix[0] + prefix[0], suffix[1] + moved]
    }
}

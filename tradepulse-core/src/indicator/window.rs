use super::{BatchError, batch};

/// What is to be known of the values in a window: sums, an extreme.
pub(super) trait Aggregate {
    /// What is observed.
    type Value: Copy + Default;
    /// What is known of a run of values.
    type Known: Copy;

    /// What is known of no value.
    const NOTHING: Self::Known;

    /// What is known of a run after `value` was put before it.
    fn prepend(&self, run: Self::Known, value: Self::Value, reference: Self::Value) -> Self::Known;

    /// What is known of a run after `value` was put behind it.
    fn append(&self, run: Self::Known, value: Self::Value, reference: Self::Value) -> Self::Known;

    /// What is known of a window: a run of [`prepend`](Self::prepend)ed values and then one of
    /// [`append`](Self::append)ed ones.
    fn join(&self, suffix: Self::Known, prefix: Self::Known) -> Self::Known;
}

/// The last `n` values, in constant time and from values inside the window alone.
///
/// Values fill a block of `n`. When it is full, the aggregates from each value to the end of the
/// block are computed; a window is then such a suffix of the last full block and a prefix of the
/// new one. Nothing is ever subtracted, so nothing remains of what left.
///
/// The newest value of the last full block is the reference of both runs. It is inside the window
/// until the next block is full, so differences to it are no larger than those in the window.
#[derive(Clone, Debug)]
pub(super) struct Window<A: Aggregate> {
    aggregate: A,
    values: Box<[A::Value]>,
    suffixes: Box<[A::Known]>,
    at: usize,
    prefix: A::Known,
    reference: A::Value,
    full: bool,
}

impl<A: Aggregate> Window<A> {
    pub(super) fn new(n: usize, aggregate: A) -> Self {
        Self {
            aggregate,
            values: vec![A::Value::default(); n].into(),
            suffixes: vec![A::NOTHING; n].into(),
            at: 0,
            prefix: A::NOTHING,
            reference: A::Value::default(),
            full: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Takes `value`; what is known of the window, and its reference, once there are `n` values.
    #[inline]
    pub(super) fn push(&mut self, value: A::Value) -> Option<(A::Known, A::Value)> {
        self.prefix = self.aggregate.append(self.prefix, value, self.reference);
        self.values[self.at] = value;
        self.at += 1;
        if self.at == self.values.len() {
            turn(&self.aggregate, &self.values, &mut self.suffixes);
            self.at = 0;
            self.prefix = A::NOTHING;
            self.reference = value;
            self.full = true;
        }
        self.full
            .then(|| (self.aggregate.join(self.suffixes[self.at], self.prefix), self.reference))
    }

    /// What `finish` makes of the windows over `value(0)`, `value(1)`…, given the row of the newest
    /// value, from a window that has seen nothing; `NaN` while warming up. The same operations in
    /// the same order as [`push`](Self::push), a block at a time.
    #[inline]
    pub(super) fn fill<const N: usize>(
        self,
        rows: usize,
        value: impl Fn(usize) -> A::Value,
        mut outs: [&mut [f64]; N],
        finish: impl Fn(usize, A::Known, A::Value) -> [f64; N],
    ) -> Result<(), BatchError> {
        let Self { aggregate, values, mut reference, .. } = self;
        let n = values.len();
        batch::prepare(rows, n - 1, &mut outs)?;
        // Several blocks at a time where they are short.
        let room = n * AT_A_TIME.div_ceil(n);
        let mut values = vec![A::Value::default(); room];
        let mut references = vec![reference; room];
        let mut prefixes = vec![A::NOTHING; room];
        // From slot n on; before that, those of the last block of the rows before.
        let mut suffixes = vec![A::NOTHING; n + room];
        for start in (0..rows).step_by(room) {
            let length = room.min(rows - start);
            for (slot, row) in values.iter_mut().zip(start..start + length) {
                *slot = value(row);
            }
            let values = &values[..length];
            let slots = prefixes.chunks_mut(n).zip(suffixes[n..].chunks_mut(n));
            let blocks = values.chunks(n).zip(references.chunks_mut(n)).zip(slots);
            for ((block, references), (prefixes, suffixes)) in blocks {
                references.fill(reference);
                let newest = block[block.len() - 1];
                runs(&aggregate, block, [reference, newest], prefixes, suffixes);
                if block.len() == n {
                    // The window is the block, which its suffix covers.
                    prefixes[n - 1] = A::NOTHING;
                    references[n - 1] = newest;
                    reference = newest;
                }
            }
            let first = if start == 0 { (n - 1).min(length) } else { 0 };
            let mut outs = outs.each_mut().map(|out| &mut out[start + first..start + length]);
            let suffixes_before = &suffixes[first + 1..=length];
            let (prefixes, references) = (&prefixes[first..length], &references[first..length]);
            for i in 0..length - first {
                let known = aggregate.join(suffixes_before[i], prefixes[i]);
                let lines = finish(start + first + i, known, references[i]);
                outs.iter_mut().zip(lines).for_each(|(out, line)| out[i] = line);
            }
            suffixes.copy_within(room.., 0);
        }
        Ok(())
    }
}

/// Values that a batch looks at before it puts windows together.
const AT_A_TIME: usize = 256;

/// The runs from the start of a block to each of its values, and from each to its end. Neither
/// waits for the other.
#[inline]
fn runs<A: Aggregate>(
    aggregate: &A,
    block: &[A::Value],
    [before, newest]: [A::Value; 2],
    prefixes: &mut [A::Known],
    suffixes: &mut [A::Known],
) {
    let (mut prefix, mut suffix) = (A::NOTHING, A::NOTHING);
    let slots = prefixes.iter_mut().zip(suffixes[..block.len()].iter_mut().rev());
    for ((&first, &last), (prefix_slot, suffix_slot)) in
        block.iter().zip(block.iter().rev()).zip(slots)
    {
        prefix = aggregate.append(prefix, first, before);
        *prefix_slot = prefix;
        suffix = aggregate.prepend(suffix, last, newest);
        *suffix_slot = suffix;
    }
}

/// Computes what is known from each value to the end of a full block.
#[inline]
fn turn<A: Aggregate>(aggregate: &A, block: &[A::Value], suffixes: &mut [A::Known]) {
    let Some(&reference) = block.last() else { return };
    let mut suffix = A::NOTHING;
    for (slot, &value) in suffixes.iter_mut().zip(block).rev() {
        suffix = aggregate.prepend(suffix, value, reference);
        *slot = suffix;
    }
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

    const NOTHING: [f64; N] = [0.0; N];

    #[inline]
    fn prepend(&self, run: [f64; N], value: [f64; N], _: [f64; N]) -> [f64; N] {
        self.join(run, value)
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

/// The highest high and the lowest low of candles given as `[high, low]`.
#[derive(Clone, Debug)]
pub(super) struct Range;

impl Aggregate for Range {
    type Value = [f64; 2];
    type Known = [f64; 2];

    const NOTHING: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

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
        [further::<true>(a[0], b[0]), further::<false>(a[1], b[1])]
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

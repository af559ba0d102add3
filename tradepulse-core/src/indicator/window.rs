use std::ops::Range;

use super::aggregate::Aggregate;
use super::{BatchError, batch};

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
    slots: Box<[Slot<A>]>,
    at: usize,
    prefix: A::Known,
    reference: A::Value,
    full: bool,
}

/// A value of the new block, and what is known from the next slot to the end of the last full block.
/// The value that fills a block needs none.
#[derive(Clone, Debug)]
struct Slot<A: Aggregate> {
    value: A::Value,
    suffix: A::Known,
}

impl<A: Aggregate> Window<A> {
    pub(super) fn new(n: usize, aggregate: A) -> Self {
        Self {
            aggregate,
            slots: (1..n)
                .map(|_| Slot { value: A::Value::default(), suffix: A::NOTHING })
                .collect(),
            at: 0,
            prefix: A::NOTHING,
            reference: A::Value::default(),
            full: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() + 1
    }

    /// Takes `value`; what is known of the window, and its reference, once there are `n` values.
    #[inline]
    pub(super) fn push(&mut self, value: A::Value) -> Option<(A::Known, A::Value)> {
        let Some(slot) = self.slots.get_mut(self.at) else {
            return Some(self.turn(value));
        };
        slot.value = value;
        self.at += 1;
        self.prefix = self.aggregate.append(self.prefix, value, self.reference);
        let known = self.aggregate.join(slot.suffix, self.prefix);
        self.full.then_some((known, self.reference))
    }

    /// Takes the value that fills the block, which is then the window.
    fn turn(&mut self, newest: A::Value) -> (A::Known, A::Value) {
        let mut suffix = self.aggregate.prepend(A::NOTHING, newest, newest);
        // As a batch pairs them: what does not make four comes first.
        let n = self.len();
        let paired = if n.is_multiple_of(FOUR) { n - 2 } else { n / FOUR * FOUR };
        let (pairs, rest) = self.slots.split_at_mut(paired);
        for slot in rest.iter_mut().rev() {
            slot.suffix = suffix;
            suffix = self.aggregate.prepend(suffix, slot.value, newest);
        }
        for [older, newer] in pairs.as_chunks_mut().0.iter_mut().rev() {
            newer.suffix = suffix;
            let values = [older.value, newer.value];
            [older.suffix, suffix] = self.aggregate.prepend_two(suffix, values, newest);
        }
        self.at = 0;
        self.prefix = A::NOTHING;
        self.reference = newest;
        self.full = true;
        (self.aggregate.join(suffix, A::NOTHING), newest)
    }

    /// What `finish` makes of the windows over `values`, given the row of the newest one in the
    /// columns `beside`, from a window that has seen nothing; `NaN` while warming up. The same
    /// operations in the same order as [`push`](Self::push), a block at a time.
    #[inline]
    pub(super) fn fill<const M: usize, const N: usize>(
        self,
        values: impl Values<A::Value>,
        beside: [&[f64]; M],
        mut outs: [&mut [f64]; N],
        finish: impl Fn([f64; M], A::Known, A::Value) -> [f64; N],
    ) -> Result<(), BatchError> {
        let n = self.len();
        let Self { aggregate, mut reference, .. } = self;
        let rows = values.len();
        batch::prepare(rows, n - 1, &mut outs)?;
        // Several blocks at a time where they are short.
        let room = BLOCKS * n * AT_A_TIME.div_ceil(BLOCKS * n);
        let mut scratch = Vec::new();
        let mut references = vec![reference; room];
        let mut prefixes = vec![A::NOTHING; room];
        // From slot n on; before that, those of the last block of the rows before.
        let mut suffixes = vec![A::NOTHING; n + room];
        for start in (0..rows).step_by(room) {
            let length = room.min(rows - start);
            let values = values.rows(start..start + length, &mut scratch);
            if A::CENTRED {
                for (block, references) in values.chunks(n).zip(references.chunks_mut(n)) {
                    references.fill(reference);
                    if let Some(newest) = references.get_mut(n - 1).filter(|_| block.len() == n) {
                        reference = block[n - 1];
                        *newest = reference;
                    }
                }
            }
            let slots = prefixes.chunks_mut(BLOCKS * n).zip(suffixes[n..].chunks_mut(BLOCKS * n));
            let blocks = values.chunks(BLOCKS * n).zip(references.chunks(BLOCKS * n));
            for ((values, references), (prefixes, suffixes)) in blocks.zip(slots) {
                if values.len() == BLOCKS * n {
                    runs::<A, BLOCKS>(&aggregate, n, values, references, prefixes, suffixes);
                } else {
                    let slots = prefixes.chunks_mut(n).zip(suffixes.chunks_mut(n));
                    let blocks = values.chunks(n).zip(references.chunks(n));
                    for ((values, references), (prefixes, suffixes)) in blocks.zip(slots) {
                        let length = values.len();
                        runs::<A, 1>(&aggregate, length, values, references, prefixes, suffixes);
                    }
                }
            }
            for full in prefixes[..length].chunks_exact_mut(n) {
                // The window is the block, which its suffix covers.
                full[n - 1] = A::NOTHING;
            }
            let first = if start == 0 { (n - 1).min(length) } else { 0 };
            let mut outs = outs.each_mut().map(|out| &mut out[start + first..start + length]);
            let suffixes_before = &suffixes[first + 1..=length];
            let (prefixes, references) = (&prefixes[first..length], &references[first..length]);
            let beside = beside.map(|column| &column[start + first..start + length]);
            for i in 0..length - first {
                let known = aggregate.join(suffixes_before[i], prefixes[i]);
                let newest = beside.map(|column| column[i]);
                let lines = finish(newest, known, references[i]);
                outs.iter_mut().zip(lines).for_each(|(out, line)| out[i] = line);
            }
            suffixes.copy_within(room.., 0);
        }
        Ok(())
    }
}

/// What windows of a batch are over.
pub(super) trait Values<V> {
    /// How many there are.
    fn len(&self) -> usize;

    /// Those of `rows`, which may be computed into `scratch`.
    fn rows<'a>(&'a self, rows: Range<usize>, scratch: &'a mut Vec<V>) -> &'a [V];
}

impl<V> Values<V> for &[V] {
    fn len(&self) -> usize {
        <[V]>::len(self)
    }

    #[inline]
    fn rows<'a>(&'a self, rows: Range<usize>, _: &'a mut Vec<V>) -> &'a [V] {
        &self[rows]
    }
}

/// Values computed from each row of columns of one length.
pub(super) struct Computed<'a, const M: usize, F>(pub(super) [&'a [f64]; M], pub(super) F);

impl<V: Copy + Default, const M: usize, F> Values<V> for Computed<'_, M, F>
where
    F: Fn([f64; M]) -> V,
{
    fn len(&self) -> usize {
        self.0.first().map_or(0, |column| column.len())
    }

    #[inline]
    fn rows<'a>(&'a self, rows: Range<usize>, scratch: &'a mut Vec<V>) -> &'a [V] {
        let length = rows.len();
        let columns = self.0.map(|column| &column[rows.clone()]);
        scratch.resize(length, V::default());
        let scratch = &mut scratch[..length];
        for i in 0..length {
            scratch[i] = (self.1)(columns.map(|column| column[i]));
        }
        scratch
    }
}

/// Values that a batch looks at before it puts windows together.
const AT_A_TIME: usize = 128;

/// Blocks whose runs a batch computes side by side.
const BLOCKS: usize = 2;

/// The runs from the start of each of `K` blocks of `length` to each of its values, and from each
/// to its end. None of them waits for another.
#[inline]
fn runs<A: Aggregate, const K: usize>(
    aggregate: &A,
    length: usize,
    values: &[A::Value],
    references: &[A::Value],
    prefixes: &mut [A::Known],
    suffixes: &mut [A::Known],
) {
    let blocks: [&[A::Value]; K] = std::array::from_fn(|k| &values[k * length..][..length]);
    let before: [A::Value; K] = std::array::from_fn(|k| references[k * length]);
    let newest: [A::Value; K] = std::array::from_fn(|k| blocks[k][length - 1]);
    let mut prefixes = prefixes.chunks_exact_mut(length);
    let mut suffixes = suffixes.chunks_exact_mut(length);
    let mut prefixes: [&mut [A::Known]; K] =
        std::array::from_fn(|_| prefixes.next().unwrap_or_default());
    let mut suffixes: [&mut [A::Known]; K] =
        std::array::from_fn(|_| suffixes.next().unwrap_or_default());
    let fours = length / FOUR;
    let (mut prefix, mut suffix) = ([A::NOTHING; K], [A::NOTHING; K]);
    // The suffixes start, and the prefixes end, with what does not make four.
    for i in (fours * FOUR..length).rev() {
        for k in 0..K {
            suffix[k] = aggregate.prepend(suffix[k], blocks[k][i], newest[k]);
            suffixes[k][i] = suffix[k];
        }
    }
    {
        let prefixes = prefixes.each_mut().map(|run| &mut run.as_chunks_mut::<FOUR>().0[..fours]);
        let suffixes = suffixes.each_mut().map(|run| &mut run.as_chunks_mut::<FOUR>().0[..fours]);
        let blocks = blocks.map(|block| &block.as_chunks::<FOUR>().0[..fours]);
        for i in 0..fours {
            let j = fours - 1 - i;
            for (m, n) in [(0, 2), (2, 0)] {
                for k in 0..K {
                    let [older, newer] = [blocks[k][j][n], blocks[k][j][n + 1]];
                    let [one, two] = aggregate.prepend_two(suffix[k], [older, newer], newest[k]);
                    suffixes[k][j][n + 1] = one;
                    suffixes[k][j][n] = two;
                    suffix[k] = two;
                    for m in m..m + 2 {
                        prefix[k] = aggregate.append(prefix[k], blocks[k][i][m], before[k]);
                        prefixes[k][i][m] = prefix[k];
                    }
                }
            }
        }
    }
    for i in fours * FOUR..length {
        for k in 0..K {
            prefix[k] = aggregate.append(prefix[k], blocks[k][i], before[k]);
            prefixes[k][i] = prefix[k];
        }
    }
}

/// Values of a run that are taken together.
const FOUR: usize = 4;

use super::{BatchError, Indicator};
use crate::market::{Candle, Columns};
use crate::time::Timestamp;

/// Checks that all `outs` have `rows` rows and writes `NaN` into the first `warm_up` of each.
pub(super) fn prepare(
    rows: usize,
    warm_up: usize,
    outs: &mut [&mut [f64]],
) -> Result<(), BatchError> {
    for out in outs {
        if out.len() != rows {
            return Err(BatchError::Length { found: out.len(), expected: rows });
        }
        out[..warm_up.min(rows)].fill(f64::NAN);
    }
    Ok(())
}

/// An indicator whose warm-up is apart from the rest.
pub(super) trait Settled: Indicator {
    /// What `next` answers once it has answered for the first time.
    fn settled(&mut self, input: Self::Input) -> Self::Output;
}

/// Drives `indicator` over `inputs` and writes the lines that `split` makes of its outputs;
/// `NaN` where it answers `None`.
#[inline]
pub(super) fn fill<I: Indicator, const N: usize>(
    mut indicator: I,
    inputs: impl ExactSizeIterator<Item = I::Input>,
    mut outs: [&mut [f64]; N],
    split: impl Fn(I::Output) -> [f64; N],
) -> Result<(), BatchError> {
    let rows = inputs.len();
    prepare(rows, 0, &mut outs)?;
    let mut outs = outs.map(|out| &mut out[..rows]);
    for (i, input) in inputs.enumerate() {
        let lines = indicator.next(input).map_or([f64::NAN; N], &split);
        outs.iter_mut().zip(lines).for_each(|(out, line)| out[i] = line);
    }
    Ok(())
}

/// [`fill`], with a loop of its own for all rows after the first answer.
#[inline]
pub(super) fn fill_settled<I: Settled, const N: usize>(
    mut indicator: I,
    mut inputs: impl ExactSizeIterator<Item = I::Input>,
    mut outs: [&mut [f64]; N],
    split: impl Fn(I::Output) -> [f64; N],
) -> Result<(), BatchError> {
    let rows = inputs.len();
    prepare(rows, 0, &mut outs)?;
    let first = rows.min(indicator.warm_up() + 1);
    for (i, input) in inputs.by_ref().take(first).enumerate() {
        let lines = indicator.next(input).map_or([f64::NAN; N], &split);
        outs.iter_mut().zip(lines).for_each(|(out, line)| out[i] = line);
    }
    let mut outs = outs.map(|out| &mut out[first..rows]);
    for (i, input) in inputs.enumerate() {
        let lines = split(indicator.settled(input));
        outs.iter_mut().zip(lines).for_each(|(out, line)| out[i] = line);
    }
    Ok(())
}

/// `columns`, if all are of one length.
pub(super) fn even(columns: &Columns) -> Result<&Columns, BatchError> {
    let Columns { time, open, high, low, close, volume } = columns;
    let expected = time.len();
    for column in [open, high, low, close, volume] {
        if column.len() != expected {
            return Err(BatchError::Length { found: column.len(), expected });
        }
    }
    Ok(columns)
}

/// The rows of `columns`.
#[inline]
pub(super) fn candles(
    columns: &Columns,
) -> Result<impl ExactSizeIterator<Item = Candle> + '_, BatchError> {
    let Columns { time, open, high, low, close, volume } = even(columns)?;
    let prices = open.iter().zip(high).zip(low).zip(close);
    let rows = time.iter().zip(prices).zip(volume);
    Ok(rows.map(|((&time, (((&open, &high), &low), &close)), &volume)| {
        let open_time = Timestamp::from_ms(time);
        Candle { open_time, open, high, low, close, volume }
    }))
}

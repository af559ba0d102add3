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

/// Drives `indicator` over `inputs` and writes the lines that `split` makes of its outputs;
/// `NaN` where it answers `None`.
#[inline]
pub(super) fn fill<I: Indicator, const N: usize>(
    mut indicator: I,
    mut inputs: impl ExactSizeIterator<Item = I::Input>,
    mut outs: [&mut [f64]; N],
    split: impl Fn(I::Output) -> [f64; N],
) -> Result<(), BatchError> {
    let rows = inputs.len();
    let warm_up = indicator.warm_up().min(rows);
    prepare(rows, warm_up, &mut outs)?;
    for input in inputs.by_ref().take(warm_up) {
        let early = indicator.next(input);
        debug_assert!(early.is_none(), "warm before warm_up()");
    }
    let mut outs = outs.map(|out| &mut out[warm_up..rows]);
    for (i, input) in inputs.enumerate() {
        let values = indicator.next(input).map_or([f64::NAN; N], &split);
        for (out, value) in outs.iter_mut().zip(values) {
            out[i] = value;
        }
    }
    Ok(())
}

/// [`fill`] for an indicator of one column with one line.
#[inline]
pub(super) fn fill_one<I: Indicator<Input = f64, Output = f64>>(
    indicator: I,
    values: &[f64],
    out: &mut [f64],
) -> Result<(), BatchError> {
    fill(indicator, values.iter().copied(), [out], |value| [value])
}

/// The rows of `columns`.
#[inline]
pub(super) fn candles(
    columns: &Columns,
) -> Result<impl ExactSizeIterator<Item = Candle> + '_, BatchError> {
    let Columns { time, open, high, low, close, volume } = columns;
    let expected = time.len();
    for column in [open, high, low, close, volume] {
        if column.len() != expected {
            return Err(BatchError::Length { found: column.len(), expected });
        }
    }
    let prices = open.iter().zip(high).zip(low).zip(close);
    let rows = time.iter().zip(prices).zip(volume);
    Ok(rows.map(|((&time, (((&open, &high), &low), &close)), &volume)| {
        let open_time = Timestamp::from_ms(time);
        Candle { open_time, open, high, low, close, volume }
    }))
}

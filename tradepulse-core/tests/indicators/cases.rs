//! Every indicator behind one face, so that each property is written once.

use tradepulse_core::indicator::*;
use tradepulse_core::market::{Candle, Columns};

/// The lines of an indicator over all candles; `NaN` where it has no answer.
pub(crate) type Lines = Vec<Vec<f64>>;

/// An indicator with its parameters.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) warm_up: usize,
    /// Whether it may stay silent once warm.
    pub(crate) event: bool,
    pub(crate) stream: Box<dyn Fn(&Columns) -> Lines>,
    pub(crate) batch: Box<dyn Fn(&Columns) -> Lines>,
}

type Pick = fn(&Columns) -> &[f64];

fn lines<I: Indicator, const N: usize>(
    mut indicator: I,
    inputs: impl Iterator<Item = I::Input>,
    split: impl Fn(I::Output) -> [f64; N],
) -> Lines {
    let mut lines = vec![Vec::new(); N];
    for input in inputs {
        let values = indicator.next(input).map_or([f64::NAN; N], &split);
        lines.iter_mut().zip(values).for_each(|(line, value)| line.push(value));
    }
    lines
}

fn column<I: Indicator<Input = f64, Output: 'static> + Clone + 'static, const N: usize>(
    name: &str,
    indicator: Result<I, PeriodError>,
    pick: Pick,
    split: impl Fn(I::Output) -> [f64; N] + 'static,
    batch: impl Fn(&[f64], [&mut [f64]; N]) -> Result<(), BatchError> + 'static,
) -> Case {
    let indicator = indicator.unwrap();
    Case {
        name: name.to_owned(),
        warm_up: indicator.warm_up(),
        event: false,
        stream: Box::new(move |c| lines(indicator.clone(), pick(c).iter().copied(), &split)),
        batch: Box::new(move |c| {
            let mut outs: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; c.len()]);
            batch(pick(c), outs.each_mut().map(Vec::as_mut_slice)).unwrap();
            outs.to_vec()
        }),
    }
}

fn candles<I: Indicator<Input = Candle, Output: 'static> + Clone + 'static, const N: usize>(
    name: &str,
    indicator: Result<I, PeriodError>,
    split: impl Fn(I::Output) -> [f64; N] + 'static,
    batch: impl Fn(&Columns, [&mut [f64]; N]) -> Result<(), BatchError> + 'static,
) -> Case {
    let indicator = indicator.unwrap();
    Case {
        name: name.to_owned(),
        warm_up: indicator.warm_up(),
        event: false,
        stream: Box::new(move |c| {
            lines(indicator.clone(), (0..c.len()).map(|i| c.candle(i)), &split)
        }),
        batch: Box::new(move |c| {
            let mut outs: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; c.len()]);
            batch(c, outs.each_mut().map(Vec::as_mut_slice)).unwrap();
            outs.to_vec()
        }),
    }
}

fn event(case: Case) -> Case {
    Case { event: true, ..case }
}

/// Every indicator, with periods around `n`.
pub(crate) fn all(n: usize) -> Vec<Case> {
    let close: Pick = |c| &c.close;
    let one = |value| [value];
    vec![
        column("sma", Sma::new(n), close, one, move |x, [o]| Sma::batch(n, x, o)),
        column("ema", Ema::new(n), close, one, move |x, [o]| Ema::batch(n, x, o)),
        column("rsi", Rsi::new(n), close, one, move |x, [o]| Rsi::batch(n, x, o)),
        column("rolling max", RollingMax::new(n), close, one, move |x, [o]| {
            RollingMax::batch(n, x, o)
        }),
        column("rolling min", RollingMin::new(n), close, one, move |x, [o]| {
            RollingMin::batch(n, x, o)
        }),
        column("standard deviation", StandardDeviation::new(n, 1.5), close, one, move |x, [o]| {
            StandardDeviation::batch(n, 1.5, x, o)
        }),
        column(
            "linear regression slope",
            LinearRegressionSlope::new(n + 1),
            close,
            one,
            move |x, [o]| LinearRegressionSlope::batch(n + 1, x, o),
        ),
        event(column(
            "swing low",
            SwingLow::new(n),
            |c| &c.low,
            one,
            move |x, [o]| SwingLow::batch(n, x, o),
        )),
        event(column(
            "swing high",
            SwingHigh::new(n),
            |c| &c.high,
            one,
            move |x, [o]| SwingHigh::batch(n, x, o),
        )),
        candles("true range", Ok(TrueRange::new()), one, |c, [o]| TrueRange::batch(c, o)),
        column("wma", Wma::new(n), close, one, move |x, [o]| Wma::batch(n, x, o)),
        column("momentum", Momentum::new(n), close, one, move |x, [o]| Momentum::batch(n, x, o)),
        column("rate of change", RateOfChange::new(n), close, one, move |x, [o]| {
            RateOfChange::batch(n, x, o)
        }),
        column(
            "macd",
            Macd::new(n, 2 * n, n),
            close,
            |m| [m.line, m.signal, m.histogram],
            move |x, [line, signal, histogram]| {
                Macd::batch([n, 2 * n, n], x, line, signal, histogram)
            },
        ),
        column(
            "bollinger",
            Bollinger::new(n, 2.0),
            close,
            |b| [b.upper, b.middle, b.lower],
            move |x, [upper, middle, lower]| Bollinger::batch(n, 2.0, x, upper, middle, lower),
        ),
        candles("natr", Natr::new(n), one, move |c, [o]| Natr::batch(n, c, o)),
        candles(
            "adx",
            Adx::new(n),
            |a| [a.adx, a.plus_di, a.minus_di],
            move |c, [adx, plus, minus]| Adx::batch(n, c, adx, plus, minus),
        ),
        candles(
            "stochastic",
            Stochastic::new(n, 3, 2),
            |s| [s.k, s.d],
            move |c, [k, d]| Stochastic::batch([n, 3, 2], c, k, d),
        ),
        candles("williams r", WilliamsR::new(n), one, move |c, [o]| WilliamsR::batch(n, c, o)),
        candles("cci", Cci::new(n), one, move |c, [o]| Cci::batch(n, c, o)),
        candles("mfi", Mfi::new(n), one, move |c, [o]| Mfi::batch(n, c, o)),
        candles("obv", Ok(Obv::new()), one, |c, [o]| Obv::batch(c, o)),
        candles("vwap", Ok(Vwap::new()), one, |c, [o]| Vwap::batch(c, o)),
        candles("atr", Atr::new(n), one, move |c, [o]| Atr::batch(n, c, o)),
    ]
}

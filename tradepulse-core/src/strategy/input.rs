use std::sync::Arc;

use crate::indicator::{
    Atr, BatchError, Ema, Indicator, PeriodError, RollingMax, RollingMin, Rsi, Sma,
};
use crate::market::{Candle, Columns};

/// A column of candles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// First prices.
    Open,
    /// Highest prices.
    High,
    /// Lowest prices.
    Low,
    /// Last prices.
    Close,
    /// Volumes.
    Volume,
}

impl Source {
    fn column(self, columns: &Columns) -> &[f64] {
        match self {
            Self::Open => &columns.open,
            Self::High => &columns.high,
            Self::Low => &columns.low,
            Self::Close => &columns.close,
            Self::Volume => &columns.volume,
        }
    }

    fn of(self, candle: &Candle) -> f64 {
        match self {
            Self::Open => candle.open,
            Self::High => candle.high,
            Self::Low => candle.low,
            Self::Close => candle.close,
            Self::Volume => candle.volume,
        }
    }
}

/// One indicator with its parameters: equal specs are computed once and shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputSpec {
    /// Simple moving average.
    Sma(Source, usize),
    /// Exponential moving average.
    Ema(Source, usize),
    /// Wilder's relative strength index.
    Rsi(Source, usize),
    /// Wilder's average true range.
    Atr(usize),
    /// Highest of the last values.
    RollingMax(Source, usize),
    /// Lowest of the last values.
    RollingMin(Source, usize),
}

/// One value per candle, NaN while warming up, as a function of the next candle.
pub(super) type Stream = Box<dyn FnMut(&Candle) -> f64 + Send>;

fn stream<I>(mut indicator: I, source: Source) -> Stream
where
    I: Indicator<Input = f64, Output = f64> + Send + 'static,
{
    Box::new(move |candle| indicator.next(source.of(candle)).unwrap_or(f64::NAN))
}

impl InputSpec {
    /// The whole column at once.
    pub(super) fn column(self, columns: &Columns) -> Result<Vec<f64>, BatchError> {
        let mut out = vec![f64::NAN; columns.len()];
        match self {
            Self::Sma(source, n) => Sma::batch(n, source.column(columns), &mut out),
            Self::Ema(source, n) => Ema::batch(n, source.column(columns), &mut out),
            Self::Rsi(source, n) => Rsi::batch(n, source.column(columns), &mut out),
            Self::Atr(n) => Atr::batch(n, columns, &mut out),
            Self::RollingMax(source, n) => RollingMax::batch(n, source.column(columns), &mut out),
            Self::RollingMin(source, n) => RollingMin::batch(n, source.column(columns), &mut out),
        }?;
        Ok(out)
    }

    /// Candles before the first value.
    fn warm_up(self) -> Result<usize, PeriodError> {
        Ok(match self {
            Self::Sma(_, n) => Sma::new(n)?.warm_up(),
            Self::Ema(_, n) => Ema::new(n)?.warm_up(),
            Self::Rsi(_, n) => Rsi::new(n)?.warm_up(),
            Self::Atr(n) => Atr::new(n)?.warm_up(),
            Self::RollingMax(_, n) => RollingMax::new(n)?.warm_up(),
            Self::RollingMin(_, n) => RollingMin::new(n)?.warm_up(),
        })
    }

    /// The same values candle by candle.
    fn stream(self) -> Result<Stream, PeriodError> {
        Ok(match self {
            Self::Sma(source, n) => stream(Sma::new(n)?, source),
            Self::Ema(source, n) => stream(Ema::new(n)?, source),
            Self::Rsi(source, n) => stream(Rsi::new(n)?, source),
            Self::Atr(n) => {
                let mut atr = Atr::new(n)?;
                Box::new(move |candle| atr.next(*candle).unwrap_or(f64::NAN))
            }
            Self::RollingMax(source, n) => stream(RollingMax::new(n)?, source),
            Self::RollingMin(source, n) => stream(RollingMin::new(n)?, source),
        })
    }
}

/// Handle of a declared input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input(usize);

impl Input {
    #[inline]
    pub(super) fn slot(self) -> usize {
        self.0
    }
}

/// The indicators a strategy declares in [`Strategy::new`](super::Strategy::new).
///
/// Declared, they can be computed once for all trials of a study and for all configurations that
/// watch the same market. An indicator of your own needs no declaration: keep it in the strategy
/// and feed it in [`on_candle`](super::Strategy::on_candle).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    specs: Vec<InputSpec>,
}

impl Inputs {
    /// Declares an indicator; the same one twice gives the same handle.
    pub fn declare(&mut self, spec: InputSpec) -> Input {
        Input(self.specs.iter().position(|s| *s == spec).unwrap_or_else(|| {
            self.specs.push(spec);
            self.specs.len() - 1
        }))
    }

    /// Declares a simple moving average of `period` candles.
    pub fn sma(&mut self, source: Source, period: usize) -> Input {
        self.declare(InputSpec::Sma(source, period))
    }

    /// Declares an exponential moving average of `period` candles.
    pub fn ema(&mut self, source: Source, period: usize) -> Input {
        self.declare(InputSpec::Ema(source, period))
    }

    /// Declares a relative strength index of `period` candles.
    pub fn rsi(&mut self, source: Source, period: usize) -> Input {
        self.declare(InputSpec::Rsi(source, period))
    }

    /// Declares an average true range of `period` candles.
    pub fn atr(&mut self, period: usize) -> Input {
        self.declare(InputSpec::Atr(period))
    }

    /// Declares the highest of the last `period` values, the present one included.
    pub fn rolling_max(&mut self, source: Source, period: usize) -> Input {
        self.declare(InputSpec::RollingMax(source, period))
    }

    /// Declares the lowest of the last `period` values, the present one included.
    pub fn rolling_min(&mut self, source: Source, period: usize) -> Input {
        self.declare(InputSpec::RollingMin(source, period))
    }

    /// What was declared, in the order of the handles.
    pub fn specs(&self) -> &[InputSpec] {
        &self.specs
    }

    /// Candles before every declared indicator has a value.
    ///
    /// # Errors
    /// If a period is outside its indicator's range.
    pub fn warm_up(&self) -> Result<usize, PeriodError> {
        self.specs.iter().try_fold(0, |most, spec| Ok(most.max(spec.warm_up()?)))
    }

    /// Every declared indicator over all of `columns`, NaN while warming up.
    ///
    /// # Errors
    /// If a period is outside its indicator's range.
    pub fn columns(&self, columns: &Columns) -> Result<Vec<Arc<Vec<f64>>>, BatchError> {
        self.specs.iter().map(|spec| spec.column(columns).map(Arc::new)).collect()
    }

    pub(super) fn streams(&self) -> Result<Vec<Stream>, PeriodError> {
        self.specs.iter().map(|spec| spec.stream()).collect()
    }
}

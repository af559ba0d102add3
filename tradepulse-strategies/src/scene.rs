//! Hand-made markets for the tests of the strategies, told once for both sides.

use tradepulse_core::indicator::Atr;
use tradepulse_core::market::{Candle, Columns, Series};
use tradepulse_core::order::Side;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::strategy::lookahead::intents;
use tradepulse_core::strategy::{
    Entry, Funnel, FunnelStep, History, Inputs, Intent, Quote, Strategy,
};
use tradepulse_core::time::{Timeframe, Timestamp};

pub(crate) const BOTH: [Side; 2] = [Side::Long, Side::Short];

/// Candles of 5 minutes, written as the long side sees them; a scene for shorts is reflected at
/// 100, and what it finds is reflected back.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    side: Side,
    columns: Columns,
    next: i64,
}

/// An entry in the terms of the long side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) at: usize,
    pub(crate) stop: f64,
    pub(crate) target: f64,
}

impl Scene {
    /// `n` candles around 100, of range 1 and volume 10, each like the other.
    pub(crate) fn quiet(side: Side, n: usize) -> Self {
        Self { side, columns: Columns::default(), next: 0 }.more_quiet(n)
    }

    pub(crate) fn more_quiet(self, n: usize) -> Self {
        (0..n).fold(self, |scene, _| scene.candle(100.0, 100.5, 99.5, 100.0, 10.0))
    }

    pub(crate) fn candle(
        mut self,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
        volume: f64,
    ) -> Self {
        let (high, low) = match self.side {
            Side::Long => (high, low),
            Side::Short => (self.reflect(low), self.reflect(high)),
        };
        let (open, close) = (self.reflect(open), self.reflect(close));
        let open_time = Timestamp::from_ms(self.next * 300_000);
        self.columns.push(Candle { open_time, open, high, low, close, volume });
        self.next += 1;
        self
    }

    /// Leaves out `n` candles.
    pub(crate) fn gap(mut self, n: i64) -> Self {
        self.next += n;
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    fn reflect(&self, price: f64) -> f64 {
        match self.side {
            Side::Long => price,
            Side::Short => 200.0 - price,
        }
    }

    pub(crate) fn series(&self) -> Series {
        Series::new(Timeframe::M5, self.columns.clone()).unwrap()
    }

    /// ATR at candle `i`.
    pub(crate) fn atr(&self, period: usize, i: usize) -> f64 {
        let mut out = vec![0.0; self.len()];
        Atr::batch(period, &self.columns, &mut out).unwrap();
        out[i]
    }

    /// The entries of `S`, all of which must be on the scene's side.
    pub(crate) fn entries<S: Strategy>(&self, settings: &[(&str, &str)]) -> Vec<Found> {
        let intents = intents::<S>(&self.series(), &parameters::<S>(settings)).unwrap();
        self.found(intents)
    }

    /// The same with a quote at every close.
    pub(crate) fn entries_at_quote<S: Strategy>(
        &self,
        settings: &[(&str, &str)],
        spread: f64,
    ) -> Vec<Found> {
        let (intents, _) = self.stream::<S>(settings, Some(spread));
        self.found(intents)
    }

    /// How many candles passed each condition of the scene's side.
    pub(crate) fn funnel<S: Strategy>(&self, settings: &[(&str, &str)]) -> Vec<u64> {
        let (_, Funnel { long, short }) = self.stream::<S>(settings, None);
        let counts = |steps: Vec<FunnelStep>| steps.into_iter().map(|step| step.candles).collect();
        if self.side == Side::Long { counts(long) } else { counts(short) }
    }

    fn stream<S: Strategy>(
        &self,
        settings: &[(&str, &str)],
        spread: Option<f64>,
    ) -> (Vec<Option<Intent>>, Funnel) {
        let mut inputs = Inputs::default();
        let mut strategy = S::new(&parameters::<S>(settings), &mut inputs).unwrap();
        let mut history = History::new(Timeframe::M5, &inputs, strategy.warm_up()).unwrap();
        let quote = |close| spread.map(|s| Quote { bid: close - s / 2.0, ask: close + s / 2.0 });
        let candles = self.series();
        let intents = candles
            .candles()
            .map(|candle| strategy.on_candle(&history.push(candle, quote(candle.close))))
            .collect();
        (intents, strategy.funnel())
    }

    fn found(&self, intents: Vec<Option<Intent>>) -> Vec<Found> {
        let entries = intents.into_iter().enumerate().filter_map(|(at, intent)| match intent {
            Some(Intent::Enter(entry)) => Some((at, entry)),
            _ => None,
        });
        entries
            .map(|(at, Entry { side, stop, target, .. })| {
                assert_eq!(side, self.side, "candle {at}");
                Found { at, stop: self.reflect(stop), target: self.reflect(target.unwrap()) }
            })
            .collect()
    }
}

pub(crate) fn parameters<S: Strategy>(settings: &[(&str, &str)]) -> Parameters {
    let defaults = Parameters::defaults(S::about().variables);
    settings.iter().fold(defaults, |chosen, (name, text)| chosen.with_text(name, text).unwrap())
}

/// Asserts that there is exactly one entry, at candle `at` with about this stop and target.
#[track_caller]
pub(crate) fn assert_entry(found: &[Found], at: usize, stop: f64, target: f64) {
    let near = |a: f64, b: f64| (a - b).abs() < 0.02;
    match found {
        [one] if one.at == at && near(one.stop, stop) && near(one.target, target) => {}
        _ => panic!("expected an entry at {at}, stop {stop}, target {target}; found {found:?}"),
    }
}

/// The candles of all entries.
pub(crate) fn at(found: &[Found]) -> Vec<usize> {
    found.iter().map(|entry| entry.at).collect()
}

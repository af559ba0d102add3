use std::collections::{BTreeMap, VecDeque};

use tradepulse_core::indicator::{
    Adx, Atr, Bollinger, Ema, Indicator, Macd, Obv, PeriodError, Rsi, Sma,
};
use tradepulse_core::market::{Candle, Symbol};
use tradepulse_core::regime::{Regime, RegimeRule};
use tradepulse_core::time::Timeframe;

use crate::inference::{MarketSnapshot, SnapshotMeta};

/// What models are told of a market.
pub(super) struct Market {
    symbol: Symbol,
    timeframe: Timeframe,
    kept: usize,
    candles: VecDeque<Candle>,
    hours: VecDeque<Candle>,
    /// The hour that has begun, and how many of its candles were seen.
    hour: Option<(Candle, i64)>,
    indicators: Option<Indicators>,
    values: BTreeMap<String, f64>,
}

/// What models were told: a snapshot that owns what it shows.
#[derive(Clone, Debug)]
pub(in crate::coordinator) struct Told {
    symbol: Symbol,
    timeframe: Timeframe,
    candles: Vec<Candle>,
    hours: Vec<Candle>,
    values: BTreeMap<String, f64>,
}

const HOUR_MS: i64 = 3_600_000;

impl Market {
    pub(super) fn new(symbol: Symbol, timeframe: Timeframe, kept: usize) -> Self {
        Self {
            symbol,
            timeframe,
            kept: kept.max(1),
            candles: VecDeque::new(),
            hours: VecDeque::new(),
            hour: None,
            // All of its periods are possible.
            indicators: Indicators::new(timeframe).ok(),
            values: BTreeMap::new(),
        }
    }

    pub(super) fn note(&mut self, candle: &Candle) {
        if self.candles.back().is_some_and(|last| last.open_time >= candle.open_time) {
            return;
        }
        keep(&mut self.candles, *candle, self.kept);
        if let Some(indicators) = &mut self.indicators {
            indicators.next(candle, &mut self.values);
        }
        self.add_to_hour(candle);
    }

    /// Puts candles of less than an hour together; an hour that lacks one is left out.
    fn add_to_hour(&mut self, candle: &Candle) {
        let (length, open) = (self.timeframe.as_ms(), candle.open_time.as_ms());
        if HOUR_MS % length != 0 {
            return;
        }
        let begins = open.rem_euclid(HOUR_MS) == 0;
        let (mut hour, mut seen) = match self.hour.take() {
            _ if begins => (*candle, 0),
            Some((hour, seen)) if hour.open_time.as_ms() + seen * length == open => (hour, seen),
            _ => return,
        };
        if seen > 0 {
            hour.high = hour.high.max(candle.high);
            hour.low = hour.low.min(candle.low);
            hour.close = candle.close;
            hour.volume += candle.volume;
        }
        seen += 1;
        if seen * length == HOUR_MS {
            keep(&mut self.hours, hour, self.kept);
        } else {
            self.hour = Some((hour, seen));
        }
    }

    pub(super) fn told(&self) -> Told {
        Told {
            symbol: self.symbol.clone(),
            timeframe: self.timeframe,
            candles: self.candles.iter().copied().collect(),
            hours: self.hours.iter().copied().collect(),
            values: self.values.clone(),
        }
    }
}

fn keep(candles: &mut VecDeque<Candle>, candle: Candle, most: usize) {
    if candles.len() == most {
        candles.pop_front();
    }
    candles.push_back(candle);
}

impl Told {
    pub(in crate::coordinator) fn snapshot(&self) -> MarketSnapshot<'_> {
        let snapshot = MarketSnapshot::new(&self.symbol, self.timeframe, &self.candles);
        MarketSnapshot {
            indicators: self.values.clone(),
            meta: SnapshotMeta { candles_1h: &self.hours, ..snapshot.meta },
            ..snapshot
        }
    }
}

/// What is told of the last candle besides its prices.
struct Indicators {
    rsi: Rsi,
    ema_20: Ema,
    ema_50: Ema,
    macd: Macd,
    bollinger: Bollinger,
    atr: Atr,
    volume: Sma,
    obv: Obv,
    adx: Adx,
    regime: Option<RegimeRule>,
}

impl Indicators {
    fn new(timeframe: Timeframe) -> Result<Self, PeriodError> {
        Ok(Self {
            rsi: Rsi::new(14)?,
            ema_20: Ema::new(20)?,
            ema_50: Ema::new(50)?,
            macd: Macd::new(12, 26, 9)?,
            bollinger: Bollinger::new(20, 2.0)?,
            atr: Atr::new(14)?,
            volume: Sma::new(20)?,
            obv: Obv::new(),
            adx: Adx::new(14)?,
            // Candles of more than a week have none.
            regime: RegimeRule::over_days(7.0, timeframe).ok(),
        })
    }

    /// What is not known yet is left out.
    fn next(&mut self, candle: &Candle, values: &mut BTreeMap<String, f64>) {
        let Candle { close, volume, .. } = *candle;
        let mut put = |name: &str, value: Option<f64>| {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                values.insert(name.to_owned(), value);
            }
        };
        put("rsi_14", self.rsi.next(close));
        put("ema_20", self.ema_20.next(close));
        put("ema_50", self.ema_50.next(close));
        let macd = self.macd.next(close);
        put("macd", macd.map(|lines| lines.line));
        put("macd_signal", macd.map(|lines| lines.signal));
        put("macd_histogram", macd.map(|lines| lines.histogram));
        let bands = self.bollinger.next(close);
        put("bollinger_upper", bands.map(|bands| bands.upper));
        put("bollinger_middle", bands.map(|bands| bands.middle));
        put("bollinger_lower", bands.map(|bands| bands.lower));
        put("atr_14", self.atr.next(*candle));
        put("volume", Some(volume));
        put("volume_sma_20", self.volume.next(volume));
        put("obv", self.obv.next(*candle));
        put("adx_14", self.adx.next(*candle).map(|lines| lines.adx));
        // As a number, like all of them: 1 bull, 0 sideways, -1 bear.
        let regime = self.regime.as_mut().and_then(|rule| rule.next(close));
        put(
            "regime",
            regime.map(|regime| match regime {
                Regime::Bull => 1.0,
                Regime::Sideways => 0.0,
                Regime::Bear => -1.0,
            }),
        );
    }
}

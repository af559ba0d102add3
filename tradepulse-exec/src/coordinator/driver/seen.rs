use std::collections::BTreeMap;

use tradepulse_core::desk::DeskEventKind;
use tradepulse_core::market::Symbol;
use tradepulse_core::time::{Timeframe, Timestamp};

/// The candles a desk was told of, as far as a feed has to know to go on behind them.
#[derive(Default)]
pub(super) struct Seen {
    closes: BTreeMap<(Symbol, Timeframe), Timestamp>,
    to_trade_on: bool,
}

impl Seen {
    pub(super) fn note(&mut self, kind: &DeskEventKind) {
        let (DeskEventKind::WarmUp { symbol, timeframe, candle }
        | DeskEventKind::Candle { symbol, timeframe, candle, .. }) = kind
        else {
            return;
        };
        self.to_trade_on |= matches!(kind, DeskEventKind::Candle { .. });
        let close = Timestamp::from_ms(candle.open_time.as_ms() + timeframe.as_ms());
        // No clone for a market that is known.
        match self.closes.iter_mut().find(|((s, t), _)| s == symbol && t == timeframe) {
            Some((_, last)) => *last = close.max(*last),
            None => {
                self.closes.insert((symbol.clone(), *timeframe), close);
            }
        }
    }

    /// When the last candle of the market closed.
    pub(super) fn last_close(&self, symbol: &Symbol, timeframe: Timeframe) -> Option<Timestamp> {
        self.closes.get(&(symbol.clone(), timeframe)).copied()
    }

    /// Whether there was one to trade on, not only to warm up.
    pub(super) fn candles_to_trade_on(&self) -> bool {
        self.to_trade_on
    }
}

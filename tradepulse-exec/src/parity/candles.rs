use std::collections::BTreeMap;

use serde::Serialize;
use tradepulse_core::desk::{Control, DeskEvent, DeskEventKind};
use tradepulse_core::ensemble::Advice;
use tradepulse_core::market::{Candle, ExchangeName, Market, Symbol};
use tradepulse_core::store::trading::TradingStore;
use tradepulse_core::time::{Timeframe, Timestamp};

use super::RunParityError;
use crate::store::columnar::{self, CandleStore};

/// The candles a run saw, beside the stored ones of the same time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CandleComparison {
    /// Candles that the run saw.
    pub seen: u64,
    /// Of them, those that are stored with the same values.
    pub same: u64,
    /// Of them, those that are stored with other values.
    pub differing: u64,
    /// Of them, those that are not stored though others of their market are.
    pub not_stored: u64,
    /// Stored candles between the first and the last seen that the run did not see.
    pub not_seen: u64,
    /// Markets of which nothing is stored: the candles seen stand for them.
    pub markets_not_stored: Vec<String>,
}

/// A candle that a desk is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MarketEvent {
    pub(super) warm_up: bool,
    pub(super) symbol: Symbol,
    pub(super) timeframe: Timeframe,
    pub(super) candle: Candle,
    /// What models advised about it.
    pub(super) advice: Option<Advice>,
}

/// What the journal of a run says of the market.
pub(super) struct Seen {
    pub(super) events: Vec<MarketEvent>,
    /// Whether what was open at the end was closed because there were no more candles.
    pub(super) ended: bool,
    /// Commands of people.
    pub(super) controls: u64,
}

type Key = (Symbol, Timeframe);

impl Seen {
    pub(super) async fn read(store: &dyn TradingStore, run: &str) -> Result<Self, RunParityError> {
        const PAGE: u64 = 10_000;
        let mut seen = Self { events: Vec::new(), ended: false, controls: 0 };
        let mut next = 1;
        loop {
            let entries = store.journal(run, next, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(seen) };
            next = last.sequence + 1;
            for entry in &entries {
                if !matches!(entry.kind.as_str(), "candle" | "warm_up" | "control") {
                    continue;
                }
                let event: DeskEvent = serde_json::from_str(&entry.body).map_err(|e| {
                    let (run, sequence) = (run.to_owned(), entry.sequence);
                    RunParityError::Unreadable { run, sequence, reason: e.to_string() }
                })?;
                seen.take(event.kind);
            }
        }
    }

    fn take(&mut self, kind: DeskEventKind) {
        let (warm_up, symbol, timeframe, candle, advice) = match kind {
            DeskEventKind::WarmUp { symbol, timeframe, candle } => {
                (true, symbol, timeframe, candle, None)
            }
            DeskEventKind::Candle { symbol, timeframe, candle, advice } => {
                (false, symbol, timeframe, candle, advice)
            }
            DeskEventKind::Control(Control::EndOfData) => {
                self.ended = true;
                return;
            }
            DeskEventKind::Control(_) => {
                self.controls += 1;
                return;
            }
            _ => return,
        };
        self.events.push(MarketEvent { warm_up, symbol, timeframe, candle, advice });
    }

    /// The same with the stored candles in their places, and how both compare; `None` where they
    /// are the same.
    pub(super) fn as_stored(
        &self,
        exchange: &ExchangeName,
        store: &CandleStore,
    ) -> Result<(Option<Vec<MarketEvent>>, CandleComparison), RunParityError> {
        let mut spans: BTreeMap<Key, (Timestamp, Timestamp)> = BTreeMap::new();
        for event in &self.events {
            let open = event.candle.open_time;
            let span = spans.entry(event.key()).or_insert((open, open));
            *span = (span.0.min(open), span.1.max(open));
        }
        let mut compared =
            CandleComparison { seen: self.events.len() as u64, ..CandleComparison::default() };
        let mut stored: BTreeMap<Key, Vec<Candle>> = BTreeMap::new();
        for ((symbol, timeframe), (first, last)) in spans {
            let market = Market { exchange: exchange.clone(), symbol: symbol.clone(), timeframe };
            let end = Timestamp::from_ms(last.as_ms() + 1);
            match store.load(&market, Some(first), Some(end)) {
                Ok(series) => {
                    let mut candles: Vec<_> = series.candles().collect();
                    candles.reverse();
                    stored.insert((symbol, timeframe), candles);
                }
                Err(columnar::StoreError::NotFound(_)) => {
                    compared.markets_not_stored.push(format!("{symbol} {timeframe}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut events = Vec::with_capacity(self.events.len());
        for event in &self.events {
            match stored.get_mut(&event.key()) {
                None => events.push(event.clone()),
                Some(left) => event.replaced(left, &mut events, &mut compared),
            }
        }
        let same = events == self.events;
        Ok(((!same).then_some(events), compared))
    }
}

impl MarketEvent {
    fn key(&self) -> Key {
        (self.symbol.clone(), self.timeframe)
    }

    /// Appends the stored candles up to the one seen; `left` are those to come, the next one last.
    fn replaced(
        &self,
        left: &mut Vec<Candle>,
        events: &mut Vec<Self>,
        compared: &mut CandleComparison,
    ) {
        while let Some(candle) = left.pop_if(|next| next.open_time < self.candle.open_time) {
            compared.not_seen += 1;
            events.push(Self { candle, advice: None, ..self.clone() });
        }
        match left.pop_if(|next| next.open_time == self.candle.open_time) {
            None => compared.not_stored += 1,
            Some(candle) => {
                match candle == self.candle {
                    true => compared.same += 1,
                    false => compared.differing += 1,
                }
                events.push(Self { candle, ..self.clone() });
            }
        }
    }
}

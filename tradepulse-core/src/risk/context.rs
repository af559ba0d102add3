use crate::market::Symbol;
use crate::order::Side;
use crate::strategy::Quote;
use crate::time::{Timeframe, Timestamp};

/// A position that counts against the limits: one that is open, or that an entry under way may open.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenPosition {
    /// The market.
    pub symbol: Symbol,
    /// Long or short.
    pub side: Side,
    /// Quantity times price, quote currency.
    pub notional: f64,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Correlation of its market's returns with those of the entry's market
    /// ([`ReturnWindow::correlation`](super::ReturnWindow::correlation)); `None` if not known.
    pub correlation: Option<f64>,
}

/// What an entry is judged by, as known when it is judged. `None` is what is not known; it refuses
/// the entry where a rule needs it.
#[derive(Clone, Copy, Debug)]
pub struct EntryContext<'a> {
    /// Now.
    pub at: Timestamp,
    /// The last price of the market.
    pub last_price: Option<f64>,
    /// When the last candle closed.
    pub candle_closed_at: Option<Timestamp>,
    /// The candles' timeframe.
    pub timeframe: Timeframe,
    /// Best bid and ask.
    pub quote: Option<Quote>,
    /// Spread that the strategy tolerates, basis points; `None` if it tolerates any.
    pub spread_tolerance_bps: Option<f64>,
    /// Equity of the wallet, quote currency.
    pub equity: Option<f64>,
    /// Quote currency free to use.
    pub free_balance: Option<f64>,
    /// How many times its margin a position may be at the venue; 1 where it is paid in full.
    pub leverage: f64,
    /// Every position that counts against the limits, those of entries under way included, and
    /// without one that is being closed to make room for this entry. `None` if the venue could not
    /// be asked.
    pub positions: Option<&'a [OpenPosition]>,
}

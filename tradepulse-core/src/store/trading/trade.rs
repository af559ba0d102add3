use super::record::record;
use crate::account::Trade;
use crate::market::{ExchangeName, Symbol};
use crate::order::{ExitReason, Side};
use crate::store::RecordId;
use crate::time::Timeframe;

record! {
    /// A round trip of a run. Money is in quote currency; figures are kept bit by bit, except the
    /// sign of a zero.
    TradeRecord: Trade in "trades",
    key ["run", "sequence"], time "exit_time_ms", changes [],
    {
        /// The run that made it.
        run: String,
        /// Place among the trades of this run, counted from 1.
        sequence: u64,
        /// The wallet that made it.
        wallet: String,
        /// The configuration it comes from.
        configuration_id: RecordId,
        /// Where it was made.
        exchange: ExchangeName,
        /// The market.
        symbol: Symbol,
        /// The length of a candle.
        timeframe: Timeframe,
        /// Name of the strategy.
        strategy: String,
        /// Long or short.
        side: Side,
        /// Open time of the candle in which the entry filled, milliseconds since the Unix epoch.
        entry_time_ms: i64,
        /// Entry price, slippage included.
        entry_price: f64,
        /// Open time of the candle in which the exit filled, milliseconds since the Unix epoch; for
        /// `end_of_data` the last candle's close time.
        exit_time_ms: i64,
        /// Exit price, slippage included.
        exit_price: f64,
        /// Base currency traded.
        quantity: f64,
        /// Fees of entry and exit.
        fees: f64,
        /// What it earned, after fees and funding.
        profit: f64,
        /// Profit in percent of the entry's notional.
        profit_pct: f64,
        /// Why it ended.
        exit_reason: ExitReason,
        /// Candles in the position.
        holding: u32,
        /// Whether stop and target both lay in the candle that ended it.
        ambiguous: bool,
        /// Slippage of entry and exit.
        slippage: f64,
        /// Funding paid; negative if more was received.
        funding: f64,
    }
}

/// Whose trade it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeOwner {
    /// The run that makes it.
    pub run: String,
    /// The wallet that makes it.
    pub wallet: String,
    /// The configuration it comes from.
    pub configuration_id: RecordId,
    /// Where it is made.
    pub exchange: ExchangeName,
    /// The market.
    pub symbol: Symbol,
    /// The length of a candle.
    pub timeframe: Timeframe,
    /// Name of the strategy.
    pub strategy: String,
}

impl TradeRecord {
    /// The record of a run's trade of this number.
    pub fn new(owner: TradeOwner, sequence: u64, trade: &Trade) -> Self {
        Self {
            run: owner.run,
            sequence,
            wallet: owner.wallet,
            configuration_id: owner.configuration_id,
            exchange: owner.exchange,
            symbol: owner.symbol,
            timeframe: owner.timeframe,
            strategy: owner.strategy,
            side: trade.side,
            entry_time_ms: trade.entry_time_ms,
            entry_price: trade.entry_price,
            exit_time_ms: trade.exit_time_ms,
            exit_price: trade.exit_price,
            quantity: trade.quantity,
            fees: trade.fees,
            profit: trade.profit,
            profit_pct: trade.profit_pct,
            exit_reason: trade.exit_reason,
            holding: trade.holding,
            ambiguous: trade.ambiguous,
            slippage: trade.slippage,
            funding: trade.funding,
        }
    }

    /// The trade alone.
    pub fn trade(&self) -> Trade {
        Trade {
            side: self.side,
            entry_time_ms: self.entry_time_ms,
            entry_price: self.entry_price,
            exit_time_ms: self.exit_time_ms,
            exit_price: self.exit_price,
            quantity: self.quantity,
            fees: self.fees,
            profit: self.profit,
            profit_pct: self.profit_pct,
            exit_reason: self.exit_reason,
            holding: self.holding,
            ambiguous: self.ambiguous,
            slippage: self.slippage,
            funding: self.funding,
        }
    }
}

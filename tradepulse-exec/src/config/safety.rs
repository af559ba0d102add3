use tradepulse_core::risk::{BreakerRules, RiskRules};

use super::reader::Reader;
use super::section::section;
use super::yaml::Node;

section! {
    /// The limits of the risk gate and what to do beyond them. null turns a limit off.
    Safety {
        /// Positions open at once, in all markets.
        max_open_positions: Option<u32> = Some(1), "", 1 ..= 1000;
        /// Positions open at once in one market.
        max_open_positions_per_symbol: Option<u32> = Some(1), "", 1 ..= 1000;
        /// Entries in one UTC day.
        max_daily_trades: Option<u32> = Some(20), "", 1 ..= 100_000;
        /// Time from one entry to the next.
        min_trade_interval_seconds: Option<u32> = Some(300), "s", 0 ..= 604_800;
        /// Loss of a UTC day that ends its entries.
        max_daily_loss: Option<f64> = Some(0.10), "fraction of the day's first equity", 0.0001 ..= 1.0;
        /// The same as an amount; whichever is reached first.
        max_daily_loss_quote: Option<f64> = Some(500.0), "quote currency", 0.01 ..= 1e12;
        /// Losses in a row that stop trading for a while.
        circuit_breaker: Option<CircuitBreaker> = Some(CircuitBreaker::default()), "";
        /// Drawdown from the peak of equity that closes everything until a person resets it.
        emergency_drawdown: Option<f64> = Some(0.20), "fraction", 0.001 ..= 1.0;
        /// Notional of all positions together.
        max_total_exposure: Option<f64> = Some(5000.0), "quote currency", 0.01 ..= 1e12;
        /// The same as a multiple of equity.
        max_leverage: Option<f64> = Some(5.0), "multiple of equity", 0.01 ..= 125.0;
        /// Correlation of a new position with an open one, over 30 days.
        max_correlation: Option<f64> = Some(0.8), "", -1.0 ..= 1.0;
        /// Age at which a position is closed.
        max_position_duration_hours: Option<u32> = Some(72), "h", 1 ..= 87_600;
        /// Part of the free balance that an entry leaves free.
        balance_buffer: Option<f64> = Some(0.10), "fraction", 0.0 ..= 1.0;
        /// Distance of an entry from the last price.
        max_price_deviation: Option<f64> = Some(0.02), "fraction of the price", 0.0001 ..= 1.0;
        /// Age of the last candle.
        max_candle_age: Option<f64> = Some(2.0), "timeframes", 1.0 ..= 1000.0;
        /// Spread, as a multiple of what the strategy tolerates.
        max_spread: Option<f64> = Some(1.0), "multiple", 0.01 ..= 1000.0;
        /// Take no entries once something cannot be explained, until a person resumes.
        halt_on_unexplained: bool = true, "";
    }

    /// Losses in a row that stop trading.
    CircuitBreaker {
        /// How many.
        consecutive_losses: u32 = 5, "", 1 ..= 1000;
        /// For how long; then one trade decides.
        cool_down_seconds: u32 = 3600, "s", 0 ..= 604_800;
    }

    /// How long things may take and how often they are done.
    Timing {
        /// How often candles are asked for where there is no stream.
        heartbeat_interval: u32 = 60, "s", 30 ..= 86_400;
        /// How often an order that may be live and of which nothing is heard is asked for.
        order_check_interval: u32 = 10, "s", 1 ..= 3600;
        /// How often the health of the whole is checked.
        health_check_interval: u32 = 300, "s", 10 ..= 86_400;
        /// How long an answer of the venue may take before it counts as lost.
        request_timeout: u32 = 10, "s", 1 ..= 120;
        /// Longest time for the answer of a model.
        model_timeout: f64 = 5.0, "s", 0.01 ..= 300.0;
        /// How long an entry may take to be filled; the rest is taken back.
        entry_patience: f64 = 4.0, "s", 0.1 ..= 3600.0;
        /// How long a position may be without a protective order before it is closed.
        naked_limit: f64 = 5.0, "s", 0.5 ..= 300.0;
        /// How long the price may be beyond a stop that does not fire before the position is closed.
        watchdog_grace: f64 = 3.0, "s", 0.1 ..= 300.0;
        /// First pause before something that failed is tried again; it doubles.
        retry_pause: f64 = 0.25, "s", 0.01 ..= 60.0;
        /// Longest pause before something that failed is tried again.
        max_retry_pause: f64 = 5.0, "s", 0.01 ..= 600.0;
    }
    check Timing::check;
}

impl From<&Safety> for RiskRules {
    fn from(safety: &Safety) -> Self {
        let Safety {
            max_open_positions,
            max_open_positions_per_symbol,
            max_daily_trades,
            min_trade_interval_seconds,
            max_daily_loss,
            max_daily_loss_quote,
            ref circuit_breaker,
            emergency_drawdown,
            max_total_exposure,
            max_leverage,
            max_correlation,
            max_position_duration_hours,
            balance_buffer,
            max_price_deviation,
            max_candle_age,
            max_spread,
            halt_on_unexplained: _,
        } = *safety;
        let circuit_breaker = circuit_breaker.as_ref().map(|breaker| BreakerRules {
            consecutive_losses: breaker.consecutive_losses,
            cool_down_seconds: breaker.cool_down_seconds,
        });
        Self {
            max_open_positions,
            max_open_positions_per_symbol,
            max_daily_trades,
            min_trade_interval_seconds,
            max_daily_loss,
            max_daily_loss_quote,
            circuit_breaker,
            emergency_drawdown,
            max_total_exposure,
            max_leverage,
            max_correlation,
            max_position_duration_hours,
            balance_buffer,
            max_price_deviation,
            max_candle_age,
            max_spread,
        }
    }
}

impl Timing {
    fn check(&self, node: &Node, reader: &mut Reader) {
        if self.max_retry_pause < self.retry_pause {
            let message = format!("must not be below retry_pause ({} s)", self.retry_pause);
            reader.refuse_entry(node, "max_retry_pause", message);
        }
    }
}

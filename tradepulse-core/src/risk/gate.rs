#[cfg(test)]
mod tests;

use super::{
    Approved, CircuitBreaker, EntryContext, RiskRefusal, RiskRule, RiskRules, RiskState, Shutdown,
};
use crate::market::Symbol;
use crate::money::Price;
use crate::order::{OrderRequest, Side};
use crate::time::Timestamp;

/// The gate between orders and venues: entries are judged, exits always pass.
///
/// It is told of what happens ([`entered`](Self::entered), [`closed`](Self::closed),
/// [`equity`](Self::equity)); days are UTC days.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskGate {
    rules: RiskRules,
    state: RiskState,
}

impl RiskGate {
    /// A gate that remembers nothing.
    pub fn new(rules: RiskRules) -> Self {
        Self::restore(rules, RiskState::default())
    }

    /// A gate that goes on from `state`.
    pub fn restore(rules: RiskRules, state: RiskState) -> Self {
        Self { rules, state }
    }

    /// The limits.
    pub fn rules(&self) -> &RiskRules {
        &self.rules
    }

    /// What it remembers.
    pub fn state(&self) -> &RiskState {
        &self.state
    }

    /// What it remembered, taken out.
    pub fn into_state(self) -> RiskState {
        self.state
    }

    /// Judges an entry that is expected to fill at `price`.
    ///
    /// # Errors
    /// The first rule that refuses it.
    pub fn judge(
        &self,
        order: OrderRequest,
        price: Price,
        context: &EntryContext<'_>,
    ) -> Result<Approved<OrderRequest>, RiskRefusal> {
        let entry = Entry {
            symbol: Some(&order.symbol),
            side: order.side,
            price: price.to_f64(),
            notional: order.quantity.times(price).to_f64(),
        };
        self.examine(&entry, context)?;
        Ok(Approved::new(order))
    }

    /// Lets an exit or a protective order pass: they are never blocked.
    pub fn pass(&self, order: OrderRequest) -> Approved<OrderRequest> {
        Approved::new(order)
    }

    /// An entry that passed is sent.
    pub fn entered(&mut self, at: Timestamp, symbol: &Symbol) {
        self.entered_in(at, Some(symbol));
    }

    /// The same, where there may be only one market.
    pub(crate) fn entered_in(&mut self, at: Timestamp, symbol: Option<&Symbol>) {
        self.state.last_entry_at = Some(at);
        self.state.last_entry_symbol = symbol.cloned();
        self.state.begin_day(at);
        if self.state.is_of(at) {
            self.state.daily_trades = self.state.daily_trades.saturating_add(1);
        }
        if let Some(rules) = &self.rules.circuit_breaker {
            self.state.breaker.entered(rules, at);
        }
    }

    /// The entry sent last, at `at`, came to nothing (rejected, cancelled, expired without a fill):
    /// it does not count as a trade. The interval to the next entry still begins with it.
    pub fn abandoned(&mut self, at: Timestamp) {
        if self.state.is_of(at) {
            self.state.daily_trades = self.state.daily_trades.saturating_sub(1);
        }
        self.state.breaker.abandoned();
    }

    /// A trade ended with `profit`, quote currency, after fees. One that is no number is a loss to
    /// the circuit breaker, and cannot be added to the day's.
    pub fn closed(&mut self, at: Timestamp, profit: f64) {
        self.state.begin_day(at);
        if self.state.is_of(at) && profit.is_finite() {
            self.state.daily_profit += profit;
        }
        if let Some(rules) = &self.rules.circuit_breaker {
            self.state.breaker.closed(rules, at, profit);
        }
    }

    /// Marks equity: the peak, and what the day began with. Says once when the drawdown from the
    /// peak exceeds the limit: the caller then cancels all orders, closes all positions and stops,
    /// and entries stay refused until [`reset_emergency`](Self::reset_emergency). An equity that is
    /// no number is not known, and marks nothing.
    pub fn equity(&mut self, at: Timestamp, equity: f64) -> Option<Shutdown> {
        if !equity.is_finite() {
            return None;
        }
        self.state.begin_day(at);
        if self.state.is_of(at) {
            self.state.day_start_equity.get_or_insert(equity);
        }
        let peak = self.state.peak_equity.map_or(equity, |peak| peak.max(equity));
        self.state.peak_equity = Some(peak);
        let limit = self.rules.emergency_drawdown?;
        let drawdown = drawdown(peak, equity);
        if self.state.shutdown.is_some() || drawdown <= limit {
            return None;
        }
        let shutdown = Shutdown { at, equity, peak, drawdown };
        self.state.shutdown = Some(shutdown);
        Some(shutdown)
    }

    /// A person stops everything: entries stay refused until
    /// [`reset_emergency`](Self::reset_emergency).
    pub fn stop(&mut self, at: Timestamp, equity: f64) {
        let peak = self.state.peak_equity.map_or(equity, |peak| peak.max(equity));
        let drawdown = drawdown(peak, equity);
        self.state.shutdown.get_or_insert(Shutdown { at, equity, peak, drawdown });
    }

    /// A person closes the circuit breaker.
    pub fn reset_breaker(&mut self, at: Timestamp) {
        self.state.begin_day(at);
        self.state.breaker = CircuitBreaker::default();
    }

    /// A person lets trading go on after an emergency shutdown. The peak is the next equity marked.
    pub fn reset_emergency(&mut self, at: Timestamp) {
        self.state.begin_day(at);
        self.state.shutdown = None;
        self.state.peak_equity = None;
    }

    /// Refuses all entries until [`resume`](Self::resume).
    pub fn pause(&mut self) {
        self.state.paused = true;
    }

    /// Lets entries pass again, if the rules do.
    pub fn resume(&mut self) {
        self.state.paused = false;
    }

    /// Whether a position opened at `opened_at` has been held as long as the rules allow, and is to
    /// be closed.
    pub fn overdue(&self, opened_at: Timestamp, now: Timestamp) -> bool {
        self.rules.overdue(opened_at, now)
    }

    /// Holds an entry against every rule: people and memory first, then what the market is like,
    /// then what is held.
    pub(crate) fn examine(
        &self,
        entry: &Entry<'_>,
        context: &EntryContext<'_>,
    ) -> Result<(), RiskRefusal> {
        self.examine_state(context)?;
        self.examine_day(context)?;
        self.examine_market(entry, context)?;
        self.examine_positions(entry, context)?;
        self.examine_money(entry, context)
    }

    fn examine_state(&self, context: &EntryContext<'_>) -> Result<(), RiskRefusal> {
        let (rules, state) = (&self.rules, &self.state);
        if state.paused {
            return Err(refusal(RiskRule::Paused, None, None, "entries are paused".to_owned()));
        }
        if let Some(shutdown) = &state.shutdown {
            let text = format!(
                "shut down at {}, {:.1} % below the peak; a person must reset it",
                shutdown.at,
                shutdown.drawdown * 100.0
            );
            let limit = rules.emergency_drawdown;
            return Err(refusal(RiskRule::EmergencyDrawdown, Some(shutdown.drawdown), limit, text));
        }
        if let Some(limit) = rules.emergency_drawdown {
            let rule = RiskRule::EmergencyDrawdown;
            let equity = known(rule, "the equity", context.equity, limit)?;
            let peak = state.peak_equity.map_or(equity, |peak| peak.max(equity));
            at_most(rule, drawdown(peak, equity), limit, |figure, limit| {
                let (figure, limit) = (figure * 100.0, limit * 100.0);
                format!("equity is {figure:.1} % below its peak, at most {limit} % allowed")
            })?;
        }
        if let Some(breaker) = &rules.circuit_breaker
            && !state.breaker.permits(breaker, context.at)
        {
            let text = match state.breaker {
                CircuitBreaker::Open { since } => format!(
                    "{} losses in a row opened it at {since}; it is half-open from {} on",
                    breaker.consecutive_losses,
                    breaker.half_open_at(since)
                ),
                _ => "half-open, and its one trade is under way".to_owned(),
            };
            let limit = Some(f64::from(breaker.consecutive_losses));
            return Err(refusal(RiskRule::CircuitBreaker, None, limit, text));
        }
        Ok(())
    }

    fn examine_day(&self, context: &EntryContext<'_>) -> Result<(), RiskRefusal> {
        let (rules, state) = (&self.rules, &self.state);
        let today = state.is_of(context.at);
        let profit = if today { state.daily_profit } else { 0.0 };
        if rules.max_daily_loss.is_some() || rules.max_daily_loss_quote.is_some() {
            let rule = RiskRule::MaxDailyLoss;
            let limits = [rules.max_daily_loss, rules.max_daily_loss_quote];
            let shown = limits.into_iter().flatten().next().unwrap_or_default();
            let equity = known(rule, "the equity", context.equity, shown)?;
            // The first equity seen of a day is what it began with.
            let start = match state.day_start_equity.filter(|_| today) {
                Some(start) => start,
                None if !today || profit == 0.0 => equity,
                None => known(rule, "the equity the day began with", None, shown)?,
            };
            let loss = (start - equity).max(-profit).max(0.0);
            let of_equity = rules.max_daily_loss.map_or(f64::INFINITY, |share| share * start);
            let of_money = rules.max_daily_loss_quote.unwrap_or(f64::INFINITY);
            let limit =
                if of_equity < of_money || of_equity.is_nan() { of_equity } else { of_money };
            // A limit that has been reached is used up.
            if !(loss < limit || (loss == 0.0 && limit >= 0.0)) {
                let text =
                    format!("{loss:.2} lost today in quote currency, at most {limit:.2} allowed");
                return Err(refusal(rule, Some(loss), Some(limit), text));
            }
        }
        if let Some(limit) = rules.max_daily_trades {
            let trades = if today { state.daily_trades } else { 0 };
            room(RiskRule::MaxDailyTrades, trades, limit, "entries today")?;
        }
        if let (Some(limit), Some(last)) = (rules.min_trade_interval_seconds, state.last_entry_at) {
            let waited = context.at.as_ms().saturating_sub(last.as_ms());
            if waited < i64::from(limit) * 1000 {
                let waited = waited as f64 / 1000.0;
                let market = state.last_entry_symbol.as_ref();
                let market = market.map_or_else(String::new, |symbol| format!(" (in {symbol})"));
                let text =
                    format!("{waited} s since the last entry{market}, at least {limit} s wanted");
                let limit = Some(f64::from(limit));
                return Err(refusal(RiskRule::MinTradeInterval, Some(waited), limit, text));
            }
        }
        Ok(())
    }

    fn examine_market(
        &self,
        entry: &Entry<'_>,
        context: &EntryContext<'_>,
    ) -> Result<(), RiskRefusal> {
        if let Some(limit) = self.rules.max_candle_age {
            let rule = RiskRule::StaleData;
            let closed = context.candle_closed_at.map(|at| at.as_ms() as f64);
            let closed = known(rule, "the time of the last candle", closed, limit)?;
            let age = (context.at.as_ms() as f64 - closed) / context.timeframe.as_ms() as f64;
            let timeframe = context.timeframe;
            at_most(rule, age, limit, |age, limit| {
                format!(
                    "the last candle closed {age:.2} × {timeframe} ago, at most {limit} allowed"
                )
            })?;
        }
        if let Some(limit) = self.rules.max_price_deviation {
            let rule = RiskRule::PriceSanity;
            let last = known(rule, "the last price", context.last_price, limit)?;
            let (price, deviation) = (entry.price, (entry.price / last - 1.0).abs());
            at_most(rule, deviation, limit, |deviation, limit| {
                let (deviation, limit) = (deviation * 100.0, limit * 100.0);
                format!(
                    "{price} is {deviation:.2} % from the last price {last}, at most {limit} % \
                     allowed"
                )
            })?;
        }
        if let (Some(multiple), Some(tolerance)) =
            (self.rules.max_spread, context.spread_tolerance_bps)
        {
            let (rule, limit) = (RiskRule::Spread, multiple * tolerance);
            let spread = context.quote.map(|quote| quote.spread_bps());
            let spread = known(rule, "the spread", spread, limit)?;
            at_most(rule, spread, limit, |spread, limit| {
                format!("the spread is {spread:.2} bps, at most {limit:.2} bps tolerated")
            })?;
        }
        Ok(())
    }

    fn examine_positions(
        &self,
        entry: &Entry<'_>,
        context: &EntryContext<'_>,
    ) -> Result<(), RiskRefusal> {
        let rules = &self.rules;
        let positions = |rule, limit: f64| {
            context.positions.ok_or_else(|| unknown(rule, "what is held", limit))
        };
        let in_market = |symbol: &Symbol| entry.symbol.is_none_or(|own| own == symbol);
        if let Some(limit) = rules.max_open_positions {
            let rule = RiskRule::MaxOpenPositions;
            let open = positions(rule, f64::from(limit))?.len();
            room(rule, u32::try_from(open).unwrap_or(u32::MAX), limit, "positions open")?;
        }
        if let Some(limit) = rules.max_open_positions_per_symbol {
            let rule = RiskRule::MaxOpenPositionsPerSymbol;
            let held = positions(rule, f64::from(limit))?.iter();
            let open = held.filter(|p| in_market(&p.symbol)).count();
            let open = u32::try_from(open).unwrap_or(u32::MAX);
            room(rule, open, limit, "positions open in this market")?;
        }
        if let Some(limit) = rules.max_correlation {
            let rule = RiskRule::MaxCorrelation;
            for held in positions(rule, limit)?.iter().filter(|p| !in_market(&p.symbol)) {
                let symbol = &held.symbol;
                let what = || format!("the correlation with {symbol}");
                let known = held.correlation.filter(|value| value.is_finite());
                let correlation = known.ok_or_else(|| unknown(rule, &what(), limit))?;
                let correlation = entry.side.sign() * held.side.sign() * correlation;
                at_most(rule, correlation, limit, |correlation, limit| {
                    format!(
                        "returns correlate {correlation:.2} with those of the position in \
                         {symbol}, at most {limit} allowed"
                    )
                })?;
            }
        }
        Ok(())
    }

    fn examine_money(
        &self,
        entry: &Entry<'_>,
        context: &EntryContext<'_>,
    ) -> Result<(), RiskRefusal> {
        let rules = &self.rules;
        let exposure = |rule, limit| {
            let held = context.positions.ok_or_else(|| unknown(rule, "what is held", limit))?;
            Ok(held.iter().map(|p| p.notional.abs()).sum::<f64>() + entry.notional)
        };
        if let Some(limit) = rules.max_total_exposure {
            let rule = RiskRule::MaxTotalExposure;
            at_most(rule, exposure(rule, limit)?, limit, |exposure, limit| {
                format!("{exposure:.2} would be held in quote currency, at most {limit:.2} allowed")
            })?;
        }
        if let Some(limit) = rules.max_leverage {
            let rule = RiskRule::MaxLeverage;
            let equity = known(rule, "the equity", context.equity, limit)?;
            let exposure = exposure(rule, limit)?;
            let leverage = if equity > 0.0 { exposure / equity } else { f64::INFINITY };
            at_most(rule, leverage, limit, |leverage, limit| {
                format!("{leverage:.2} × the equity would be held, at most {limit} × allowed")
            })?;
        }
        if let Some(buffer) = rules.balance_buffer {
            let rule = RiskRule::BalanceBuffer;
            let free = known(rule, "the free balance", context.free_balance, buffer)?;
            let (needed, limit) = (entry.notional / context.leverage, free * (1.0 - buffer));
            let needed = if context.leverage > 0.0 { needed } else { f64::NAN };
            at_most(rule, needed, limit, |needed, limit| {
                format!(
                    "{needed:.2} of a free balance of {free:.2} in quote currency needed, at most \
                     {limit:.2} may be used"
                )
            })?;
        }
        Ok(())
    }
}

/// An entry as the rules see it.
pub(crate) struct Entry<'a> {
    /// Its market; `None` where there is only one.
    pub(crate) symbol: Option<&'a Symbol>,
    pub(crate) side: Side,
    /// Price it is expected to fill at.
    pub(crate) price: f64,
    /// Quantity times price, quote currency.
    pub(crate) notional: f64,
}

/// How far `equity` is below `peak`, a fraction; all of it where there is no peak above zero.
fn drawdown(peak: f64, equity: f64) -> f64 {
    if peak > 0.0 { (peak - equity) / peak } else { 1.0 }
}

fn refusal(rule: RiskRule, figure: Option<f64>, limit: Option<f64>, text: String) -> RiskRefusal {
    RiskRefusal { rule, figure, limit, text }
}

fn unknown(rule: RiskRule, what: &str, limit: f64) -> RiskRefusal {
    refusal(rule, None, Some(limit), format!("{what} is not known"))
}

/// The figure that a rule needs, which must be known and a number.
fn known(rule: RiskRule, what: &str, figure: Option<f64>, limit: f64) -> Result<f64, RiskRefusal> {
    figure.filter(|value| value.is_finite()).ok_or_else(|| unknown(rule, what, limit))
}

/// Refuses a figure that is not at most the limit; NaN on either side is not.
fn at_most(
    rule: RiskRule,
    figure: f64,
    limit: f64,
    text: impl Fn(f64, f64) -> String,
) -> Result<(), RiskRefusal> {
    if figure <= limit {
        return Ok(());
    }
    Err(refusal(rule, Some(figure), Some(limit), text(figure, limit)))
}

/// Refuses one more where there are as many as allowed.
fn room(rule: RiskRule, there: u32, limit: u32, what: &str) -> Result<(), RiskRefusal> {
    if there < limit {
        return Ok(());
    }
    let text = format!("{there} {what}, at most {limit} allowed");
    Err(refusal(rule, Some(f64::from(there)), Some(f64::from(limit)), text))
}

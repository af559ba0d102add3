use super::terms::Terms;
use super::{Costs, LegFill, Priority, leg_fill};
use crate::market::{Candle, Series};
use crate::order::{Fill, Leg, Moment, Order, OrderId, OrderKind, Side};
use crate::time::Timestamp;

/// A venue made of candles.
///
/// It holds the orders it was given and meets one candle after the other: market orders fill at
/// the open, in the order they came; then protective pairs by the [fill rule](super::leg_fill): what
/// fills at the open before what fills inside, and there stops before targets.
#[derive(Clone, Debug)]
pub struct Venue<'a> {
    costs: Costs,
    priority: Priority,
    detail: Option<&'a Series>,
    market: Vec<Order>,
    protective: Vec<Order>,
}

impl<'a> Venue<'a> {
    /// A venue without orders.
    pub fn new(costs: Costs, priority: Priority) -> Self {
        Self { costs, priority, detail: None, market: Vec::new(), protective: Vec::new() }
    }

    /// Takes the order of events inside a candle from a finer series where that tells.
    pub fn with_detail(mut self, detail: Option<&'a Series>) -> Self {
        self.detail = detail;
        self
    }

    /// Accepts an order.
    pub fn submit(&mut self, order: Order) {
        match order.kind {
            OrderKind::Market => self.market.push(order),
            OrderKind::Oco { .. } => self.protective.push(order),
        }
    }

    /// Removes an order that has not filled; an unknown one is ignored.
    pub fn cancel(&mut self, id: OrderId) {
        self.market.retain(|order| order.id != id);
        self.protective.retain(|order| order.id != id);
    }

    /// Removes every order.
    pub fn cancel_all(&mut self) {
        self.market.clear();
        self.protective.clear();
    }

    /// The prices at which something happens here; `None` if the next candle fills an order
    /// whatever its prices.
    pub(crate) fn reach(&self) -> Option<Reach> {
        if !self.market.is_empty() {
            return None;
        }
        let mut reach = Reach { low: f64::NEG_INFINITY, high: f64::INFINITY };
        for order in &self.protective {
            let OrderKind::Oco { stop, target } = order.kind else { continue };
            let (low, high) = match order.side {
                Side::Short => (stop, target.unwrap_or(f64::INFINITY)),
                Side::Long => (target.unwrap_or(f64::NEG_INFINITY), stop),
            };
            reach = Reach { low: reach.low.max(low), high: reach.high.min(high) };
        }
        Some(reach)
    }

    /// The next fill that `candle` gives, `None` once it gives no more. `close_ms` is its close
    /// time. An order leaves the venue with its fill.
    #[inline]
    pub fn next_fill(&mut self, candle: &Candle, close_ms: i64) -> Option<Fill> {
        if self.market.is_empty() && !self.protective.iter().any(|order| is_reached(order, candle))
        {
            return None;
        }
        self.fill(candle, close_ms)
    }

    #[cold]
    fn fill(&mut self, candle: &Candle, close_ms: i64) -> Option<Fill> {
        if !self.market.is_empty() {
            let order = self.market.remove(0);
            let time_ms = candle.open_time.as_ms();
            return Some(self.fill_market(&order, candle, candle.open, time_ms, Moment::Open));
        }
        let mut first: Option<(usize, LegFill)> = None;
        for (slot, order) in self.protective.iter().enumerate() {
            let OrderKind::Oco { stop, target } = order.kind else { continue };
            let met = leg_fill(candle, order.side.opposite(), stop, target, self.priority);
            if let Some(met) = met
                && first
                    .is_none_or(|(_, first)| met.rank(self.priority) < first.rank(self.priority))
            {
                first = Some((slot, met));
            }
        }
        let (slot, mut met) = first?;
        let order = self.protective.remove(slot);
        if met.ambiguous
            && let OrderKind::Oco { stop, target } = order.kind
            && let Some(leg) =
                self.ask_detail(candle, close_ms, order.side.opposite(), stop, target)
        {
            met.leg = leg;
            met.ambiguous = false;
            met.reference = if leg == Leg::Stop { stop } else { target.unwrap_or(stop) };
        }
        let terms = self.costs.leg_terms(&met, order.side, order.quantity, candle);
        Some(self.execute(&order, terms, Some(met.leg), candle.open_time.as_ms()))
    }

    /// Executes a market order at the close of `candle`, and says it happened at `time_ms`: how a
    /// run ends.
    pub fn fill_at_close(&self, order: &Order, candle: &Candle, time_ms: i64) -> Fill {
        self.fill_market(order, candle, candle.close, time_ms, Moment::Close)
    }

    fn fill_market(
        &self,
        order: &Order,
        candle: &Candle,
        reference: f64,
        time_ms: i64,
        moment: Moment,
    ) -> Fill {
        let terms = self.costs.market_terms(reference, order.side, order.quantity, candle, moment);
        self.execute(order, terms, None, time_ms)
    }

    fn execute(&self, order: &Order, terms: Terms, leg: Option<Leg>, time_ms: i64) -> Fill {
        let Terms { price, reference, liquidity, ambiguous, moment } = terms;
        Fill {
            order: order.id,
            side: order.side,
            quantity: order.quantity,
            price,
            reference,
            fee: self.costs.fee(price, order.quantity, liquidity),
            liquidity,
            leg,
            ambiguous,
            time_ms,
            moment,
        }
    }

    /// Which leg the finer candles between `candle`'s open and `close_ms` reach first; `None` if
    /// they do not tell.
    fn ask_detail(
        &self,
        candle: &Candle,
        close_ms: i64,
        side: Side,
        stop: f64,
        target: Option<f64>,
    ) -> Option<Leg> {
        let detail = self.detail?;
        let from = detail.time().partition_point(|&t| t < candle.open_time.as_ms());
        let finer = (from..detail.len()).map(|i| detail.candle(i));
        let met = finer
            .take_while(|c| c.open_time < Timestamp::from_ms(close_ms))
            .find_map(|c| leg_fill(&c, side, stop, target, self.priority))?;
        (!met.ambiguous).then_some(met.leg)
    }
}

/// Prices between which none of a venue's orders is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    low: f64,
    high: f64,
}

impl Reach {
    /// Whether a candle from `low` to `high` reaches an order.
    #[inline(always)]
    pub(crate) fn is_met_by(self, low: f64, high: f64) -> bool {
        low <= self.low || high >= self.high
    }
}

/// Whether the candle comes to the stop or the target of a protective pair.
#[inline]
fn is_reached(order: &Order, candle: &Candle) -> bool {
    let OrderKind::Oco { stop, target } = order.kind else { return false };
    match order.side {
        Side::Short => candle.low <= stop || candle.high >= target.unwrap_or(f64::INFINITY),
        Side::Long => candle.high >= stop || candle.low <= target.unwrap_or(f64::NEG_INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Columns;
    use crate::order::Liquidity;
    use crate::time::Timeframe;

    fn candle(minute: i64, open: f64, high: f64, low: f64, close: f64) -> Candle {
        let open_time = Timestamp::from_ms(minute * 60_000);
        Candle { open_time, open, high, low, close, volume: 10.0 }
    }

    fn oco(stop: f64, target: f64) -> Order {
        let kind = OrderKind::Oco { stop, target: Some(target) };
        Order { id: OrderId(7), side: Side::Short, quantity: 2.0, kind }
    }

    #[test]
    fn market_orders_come_first_and_pay_slippage() {
        let mut venue = Venue::new(Costs::default(), Priority::StopFirst);
        let market =
            Order { id: OrderId(1), side: Side::Long, quantity: 2.0, kind: OrderKind::Market };
        venue.submit(oco(95.0, 105.0));
        venue.submit(market);
        let c = candle(0, 100.0, 106.0, 99.0, 104.0);
        let first = venue.next_fill(&c, 60_000).unwrap();
        assert_eq!((first.order, first.price), (OrderId(1), 100.0 * (1.0 + 0.0005)));
        assert_eq!(first.fee, first.price * 2.0 * 0.001);
        let second = venue.next_fill(&c, 60_000).unwrap();
        assert_eq!((second.leg, second.price), (Some(Leg::Target), 105.0));
        assert_eq!(second.liquidity, Liquidity::Maker);
        assert_eq!(venue.next_fill(&c, 60_000), None);
    }

    #[test]
    fn a_finer_series_settles_what_came_first() {
        let c = candle(0, 100.0, 106.0, 94.0, 100.0);
        let minute = |m, high, low| candle(m, 100.0, high, low, 100.0);
        let fill_with = |finer: &[Candle]| {
            let mut columns = Columns::default();
            finer.iter().for_each(|c| columns.push(*c));
            let detail = Series::new(Timeframe::M1, columns).unwrap();
            let mut venue = Venue::new(Costs::FREE, Priority::StopFirst).with_detail(Some(&detail));
            venue.submit(oco(95.0, 105.0));
            let fill = venue.next_fill(&c, 300_000).unwrap();
            (fill.leg.unwrap(), fill.price, fill.ambiguous)
        };
        let up_first = [minute(0, 101.0, 99.0), minute(1, 106.0, 99.0), minute(2, 101.0, 94.0)];
        assert_eq!(fill_with(&up_first), (Leg::Target, 105.0, false));
        let down_first = [minute(0, 101.0, 94.0), minute(1, 106.0, 99.0)];
        assert_eq!(fill_with(&down_first), (Leg::Stop, 95.0, false));
        assert_eq!(fill_with(&[minute(0, 106.0, 94.0)]), (Leg::Stop, 95.0, true));
        assert_eq!(fill_with(&[minute(7, 106.0, 99.0)]), (Leg::Stop, 95.0, true));
    }
}

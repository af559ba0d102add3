use rand::{Rng, RngExt};

use super::{SignificanceError, TradeTemplate};
use crate::market::Series;
use crate::order::{Leg, Side};
use crate::random::Seed;
use crate::simulation::{Costs, Priority, leg_fill};

/// An entry drawn at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScheduledEntry {
    /// The candle at whose open it fills, unless the trade before is still open then.
    pub candle: usize,
    /// Which template it follows.
    pub template: usize,
}

/// Trades like those of a strategy, entered at random times: what its exits, its sizes and the
/// market's drift earn without the entries.
///
/// Held fixed in every run: the number of trades, each trade's side, stop and target distance,
/// holding limit and weight, one position at a time, the candles on which entries may fill, the
/// costs and the fill rule. Drawn anew: the order of the trades and the times between them. The
/// candles not held by the observed trades are dealt out between them at random, every division
/// equally likely. A trade that lasts longer than the one it imitates delays the next to the first
/// allowed candle after its end; one that no candle is left for is not made (it pays no costs
/// either, so the test does not become easier).
///
/// Not held: sizes do not compound (a trade's profit is weighted by its template's share of the
/// capital), exits by signal come after the same holding rather than at a signal, and slippage is
/// the part that does not depend on the order's size ([`Slippage::expected`]).
///
/// [`Slippage::expected`]: crate::simulation::Slippage::expected
#[derive(Clone, Debug)]
pub struct RandomEntries<'a> {
    series: &'a Series,
    templates: &'a [TradeTemplate],
    costs: Costs,
    allowed: Vec<usize>,
    /// Entries by allowed candle that each template takes up.
    room: Vec<usize>,
}

impl<'a> RandomEntries<'a> {
    /// Random entries on `series` from candle `from` on (the strategy's first possible entry). With
    /// `marks`, one a candle, an entry may fill only at the open of a candle that is marked: for a
    /// strategy that trades in one regime, those after a close of that regime.
    ///
    /// # Errors
    /// Without templates, for a distance or holding that no trade can have, marks that are not one
    /// a candle, and fewer candles to enter on than trades.
    pub fn new(
        series: &'a Series,
        templates: &'a [TradeTemplate],
        costs: Costs,
        from: usize,
        marks: Option<&[bool]>,
    ) -> Result<Self, SignificanceError> {
        if templates.is_empty() {
            return Err(SignificanceError::NoTrades);
        }
        for (trade, template) in templates.iter().enumerate() {
            template.check(trade)?;
        }
        let candles = series.len();
        if let Some(marks) = marks.filter(|m| m.len() != candles) {
            return Err(SignificanceError::Marks { found: marks.len(), expected: candles });
        }
        let may_enter = |i: &usize| marks.is_none_or(|marks| marks[*i]);
        let allowed: Vec<usize> = (from..candles).filter(may_enter).collect();
        if allowed.len() < templates.len() {
            let (trades, candles) = (templates.len(), allowed.len());
            return Err(SignificanceError::TooFewCandles { trades, candles });
        }
        let density = allowed.len() as f64 / (candles - from) as f64;
        let room = templates
            .iter()
            .map(|t| ((f64::from(t.holding.max(1)) * density).round() as usize).max(1))
            .collect();
        Ok(Self { series, templates, costs, allowed, room })
    }

    /// Draws one schedule: entries in the order of time, one a template.
    pub fn schedule(&self, random: &mut impl Rng) -> Vec<ScheduledEntry> {
        let count = self.templates.len();
        let mut order: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            order.swap(i, random.random_range(0..=i));
        }
        let slots = self.allowed.len();
        let taken: usize = self.room.iter().sum();
        let free = slots.saturating_sub(taken);
        let mut gaps: Vec<usize> = (0..count).map(|_| random.random_range(0..=free)).collect();
        gaps.sort_unstable();
        let (mut before, mut entries) = (0, Vec::with_capacity(count));
        for (gap, template) in gaps.into_iter().zip(order) {
            // Where the trades take up more than there is, they press against each other.
            let slot = (gap + before).min(slots - 1);
            entries.push(ScheduledEntry { candle: self.allowed[slot], template });
            before += self.room[template];
        }
        entries
    }

    /// The profit of random run number `run`: the sum over its trades of weight × profit in percent
    /// of the entry's notional. Compare it with the same sum over the observed trades,
    /// [`observed`](Self::observed). The same seed and run give the same profit, whoever computes
    /// it.
    pub fn profit(&self, seed: Seed, run: usize) -> f64 {
        let mut random = seed.stream(&format!("random entries {run}"));
        let mut profit = 0.0;
        let mut free_from = 0;
        for entry in self.schedule(&mut random) {
            let candle = if entry.candle >= free_from {
                entry.candle
            } else {
                let slot = self.allowed.partition_point(|candle| *candle < free_from);
                let Some(candle) = self.allowed.get(slot) else { break };
                *candle
            };
            let template = &self.templates[entry.template];
            let (gain, end) = self.trade(template, candle);
            profit += template.weight * gain;
            free_from = end;
        }
        profit * 100.0
    }

    /// The figure to compare with: the sum of weight × profit in percent of the trades that the
    /// templates were made of, `profit_pct` being one a template.
    pub fn observed(templates: &[TradeTemplate], profit_pct: &[f64]) -> f64 {
        templates.iter().zip(profit_pct).map(|(t, profit)| t.weight * profit).sum()
    }

    /// A trade entered at the open of `entry`: its profit over entry notional, and the first candle
    /// at whose open another may be entered.
    fn trade(&self, template: &TradeTemplate, entry: usize) -> (f64, usize) {
        let columns = self.series.columns();
        let (side, slippage) = (template.side, self.costs.slippage.expected());
        let sign = side.sign();
        let reference = columns.open[entry];
        let price = reference * (1.0 + sign * slippage);
        // No stop is one that no price reaches.
        let never = sign * f64::NEG_INFINITY;
        let stop = template.stop.map_or(never, |d| reference * (1.0 - sign * d));
        let target = template.target.map(|d| reference * (1.0 + sign * d));
        let last = columns.len() - 1;
        // The candle at whose open a holding limit takes effect.
        let limit = template.max_holding.map_or(usize::MAX, |held| entry + held as usize);
        let end = last.min(limit.saturating_sub(1));
        let (exit, fee, free_from) = match self.leg(side, stop, target, entry, end) {
            Some((at, Leg::Target, reference)) => (reference, self.costs.maker_fee, at + 1),
            Some((at, Leg::Stop, reference)) => {
                (reference * (1.0 - sign * slippage), self.costs.taker_fee, at + 1)
            }
            None => {
                let reference =
                    if limit <= last { columns.open[limit] } else { columns.close[last] };
                (reference * (1.0 - sign * slippage), self.costs.taker_fee, end + 1)
            }
        };
        let fees = self.costs.taker_fee + fee * exit / price;
        (sign * (exit / price - 1.0) - fees, free_from)
    }

    /// The first protective fill on the candles `entry..=end`: candle, leg, price before slippage.
    fn leg(
        &self,
        side: Side,
        stop: f64,
        target: Option<f64>,
        entry: usize,
        end: usize,
    ) -> Option<(usize, Leg, f64)> {
        let columns = self.series.columns();
        let (below, above) = match side {
            Side::Long => (stop, target.unwrap_or(f64::INFINITY)),
            Side::Short => (target.unwrap_or(f64::NEG_INFINITY), stop),
        };
        let (lows, highs) = (&columns.low[entry..=end], &columns.high[entry..=end]);
        let reached = |(low, high): (&f64, &f64)| *low <= below || *high >= above;
        let at = entry + lows.iter().zip(highs).position(reached)?;
        let fill = leg_fill(&columns.candle(at), side, stop, target, Priority::StopFirst)?;
        Some((at, fill.leg, fill.reference))
    }
}

/// The profits of `runs` random runs on the whole of `series`, in the order of the runs; see
/// [`RandomEntries`] for what they hold fixed.
///
/// # Errors
/// As [`RandomEntries::new`].
pub fn random_entry_profits(
    series: &Series,
    templates: &[TradeTemplate],
    costs: Costs,
    runs: usize,
    seed: Seed,
) -> Result<Vec<f64>, SignificanceError> {
    let entries = RandomEntries::new(series, templates, costs, 0, None)?;
    Ok((0..runs).map(|run| entries.profit(seed, run)).collect())
}

#[cfg(test)]
mod tests;

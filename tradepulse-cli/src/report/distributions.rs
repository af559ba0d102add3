use tradepulse_core::account::Trade;
use tradepulse_core::order::ExitReason;
use tradepulse_core::time::DAY_MS;

use super::Report;
use super::text::trades as trade_count;
use super::text::{Money, count, duration, escape, fixed, percent, plain, signed_percent, tone};

/// How the trades are distributed; empty without trades.
pub(super) fn section(report: &Report<'_>) -> String {
    let trades = &report.outcome.trades;
    if trades.is_empty() {
        return String::new();
    }
    let money = report.money();
    let hours = by_slot(
        trades,
        &money,
        24,
        |t| t.entry_time_ms.rem_euclid(DAY_MS) / 3_600_000,
        |h| format!("{h:02}"),
    );
    // The epoch was a Thursday.
    let days = by_slot(
        trades,
        &money,
        7,
        |t| (t.entry_time_ms.div_euclid(DAY_MS) + 3).rem_euclid(7),
        |d| ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][d].to_owned(),
    );
    format!(
        "<section id=\"distributions\">\n<h2>Distributions</h2>\n<div class=\"columns sixths\">\n\
         <figure class=\"half\"><figcaption>Profit of a trade, percent</figcaption>{}</figure>\n\
         <figure class=\"half\"><figcaption>Holding, candles</figcaption>{}</figure>\n\
         <figure><figcaption>Exit reasons</figcaption>{}</figure>\n\
         <figure><figcaption>Profit by hour of entry, UTC</figcaption>{hours}</figure>\n\
         <figure><figcaption>Profit by weekday of entry, UTC</figcaption>{days}</figure>\n\
         </div>\n</section>\n",
        profits(trades),
        holdings(trades, report.series.timeframe().as_ms()),
        exits(trades, &money),
    )
}

/// A histogram has at least about this many bars.
const LEAST_BARS: f64 = 11.0;

/// Bars of a histogram from `low` in steps of `width`; the outer ones hold what lies beyond.
struct Histogram {
    low: f64,
    width: f64,
    counts: Vec<u64>,
    open_below: bool,
    open_above: bool,
}

impl Histogram {
    /// About `bars` bars over all but the outermost values, with a boundary at zero.
    fn new(values: &[f64], bars: f64, least_width: f64) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |q: f64| sorted[((sorted.len() - 1) as f64 * q).round() as usize];
        let (from, to) = (at(0.005), at(0.995));
        let width = nice((to - from) / bars).max(least_width);
        let (first, last) = ((from / width).floor(), (to / width).floor());
        // A few values make a few bars, not broad ones.
        let margin = ((LEAST_BARS - (last - first)) / 2.0).ceil().max(0.0);
        let first = if from < 0.0 { first - margin } else { (first - margin).max(first.min(0.0)) };
        let low = first * width;
        let bins = (last + margin - first) as usize + 1;
        let mut counts = vec![0; bins];
        let (mut open_below, mut open_above) = (false, false);
        for value in values {
            let bin = ((value - low) / width).floor();
            open_below |= bin < 0.0;
            open_above |= bin >= bins as f64;
            counts[(bin.max(0.0) as usize).min(bins - 1)] += 1;
        }
        Self { low, width, counts, open_below, open_above }
    }

    fn start(&self, bin: usize) -> f64 {
        let start = self.low + bin as f64 * self.width;
        // Sums of a decimal width drift; its multiples do not.
        (start / self.width).round() * self.width
    }

    /// The bars with their labels; `label` is given the bounds of a bar.
    fn html(&self, name: &str, tones: bool, unit: &str) -> String {
        let most = self.counts.iter().copied().max().unwrap_or(1).max(1) as f64;
        let last = self.counts.len() - 1;
        let bars: String = self
            .counts
            .iter()
            .enumerate()
            .map(|(k, n)| {
                let (from, to) = (self.start(k), self.start(k + 1));
                let range = match (k == 0 && self.open_below, k == last && self.open_above) {
                    (true, _) => format!("below {}", plain(to)),
                    (_, true) => format!("{} and more", plain(from)),
                    _ => format!("{} to {}", plain(from), plain(to)),
                };
                let tone = if tones { tone(from + self.width / 2.0) } else { "step" };
                format!(
                    "<i class=\"{tone}\" style=\"height:{}%\" title=\"{range}{unit}: {}\"></i>",
                    fixed(*n as f64 / most * 100.0, 2),
                    trade_count(*n),
                )
            })
            .collect();
        let ticks = self.ticks();
        format!(
            "<div class=\"bars\" role=\"img\" aria-label=\"Histogram of {name}; tallest bar {}\">\
             {bars}</div><div class=\"axis\">{ticks}</div>",
            trade_count(most as u64),
        )
    }

    /// Labels at round multiples, about five.
    fn ticks(&self) -> String {
        let bins = self.counts.len();
        let least = bins.div_ceil(8) as i64;
        let every = [1, 2, 5, 10, 20].into_iter().find(|n| *n >= least).unwrap_or(50);
        let first = (self.low / self.width).round() as i64;
        (0..=bins as i64)
            .filter(|k| (first + k) % every == 0)
            .map(|k| {
                let left = fixed(k as f64 / bins as f64 * 100.0, 2);
                format!(
                    "<span style=\"left:{left}%\">{}</span>",
                    plain((first + k) as f64 * self.width)
                )
            })
            .collect()
    }
}

/// The nearest of 1, 2, 2.5, 5 × 10ⁿ not below `width`.
fn nice(width: f64) -> f64 {
    if !(width > 0.0 && width.is_finite()) {
        return 1.0;
    }
    let power = width.log10().floor() as i32;
    let unit = |m: f64, p: i32| if p < 0 { m / 10_f64.powi(-p) } else { m * 10_f64.powi(p) };
    [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|m| unit(m, power))
        .find(|w| *w >= width)
        .unwrap_or(unit(1.0, power + 1))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn profits(trades: &[Trade]) -> String {
    let values: Vec<f64> = trades.iter().map(|t| t.profit_pct).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (least, most) =
        values.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
    format!(
        "{}<p class=\"caption\">Mean {}, median {}, from {} to {} of entry notional.</p>",
        Histogram::new(&values, 36.0, 0.0).html("profit percent", true, "\u{202f}%"),
        signed_percent(mean),
        signed_percent(median(&values)),
        signed_percent(least),
        signed_percent(most),
    )
}

fn holdings(trades: &[Trade], timeframe_ms: i64) -> String {
    let values: Vec<f64> = trades.iter().map(|t| f64::from(t.holding)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let longest = values.iter().copied().fold(0.0, f64::max);
    let length = |candles: f64| duration((candles * timeframe_ms as f64) as i64);
    format!(
        "{}<p class=\"caption\">Mean {} ({}), median {}, longest {} ({}).</p>",
        Histogram::new(&values, 36.0, 1.0).html("holding", false, " candles"),
        fixed(mean, 1),
        length(mean),
        plain(median(&values)),
        count(longest as u64),
        length(longest),
    )
}

fn exits(trades: &[Trade], money: &Money) -> String {
    let mut reasons: Vec<(ExitReason, u64, u64, f64)> = Vec::new();
    for trade in trades {
        let won = u64::from(trade.profit > 0.0);
        match reasons.iter_mut().find(|(reason, ..)| *reason == trade.exit_reason) {
            Some((_, n, wins, profit)) => {
                (*n, *wins, *profit) = (*n + 1, *wins + won, *profit + trade.profit);
            }
            None => reasons.push((trade.exit_reason, 1, won, trade.profit)),
        }
    }
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.name().cmp(b.0.name())));
    let most = reasons.first().map_or(1, |r| r.1) as f64;
    let rows: String = reasons
        .iter()
        .map(|(reason, n, wins, profit)| {
            format!(
                "<tr><th scope=\"row\">{}</th><td class=\"track\"><div><i class=\"step\" \
                 style=\"width:{}%\"></i></div></td><td>{}</td><td>{}</td><td class=\"{}\">{}</td></tr>\n",
                reason.name(),
                fixed(*n as f64 / most * 100.0, 2),
                count(*n),
                percent(*wins as f64 / *n as f64 * 100.0),
                tone(*profit),
                money.signed(*profit),
            )
        })
        .collect();
    format!(
        "<table class=\"ledger\"><thead><tr><td></td><td></td><th scope=\"col\">Trades</th>\
         <th scope=\"col\">Won</th><th scope=\"col\">{}</th></tr></thead><tbody>{rows}</tbody>\
         </table>",
        escape(&money.currency),
    )
}

/// Profit summed over `slots`, as bars up and down from zero.
fn by_slot(
    trades: &[Trade],
    money: &Money,
    slots: usize,
    slot: impl Fn(&Trade) -> i64,
    label: impl Fn(usize) -> String,
) -> String {
    let mut sums = vec![(0_u64, 0.0_f64); slots];
    for trade in trades {
        if let Some(sum) = sums.get_mut(slot(trade) as usize) {
            *sum = (sum.0 + 1, sum.1 + trade.profit);
        }
    }
    let ends = |pick: fn(f64, f64) -> f64| sums.iter().map(|(_, profit)| *profit).fold(0.0, pick);
    let (low, high) = (ends(f64::min), ends(f64::max));
    let span = if high > low { high - low } else { 1.0 };
    let every = if slots > 12 { 3 } else { 1 };
    let (mut bars, mut axis) = (String::new(), String::new());
    for (k, (n, profit)) in sums.iter().enumerate() {
        let title = format!("{}: {} in {}", label(k), money.signed(*profit), trade_count(*n));
        bars += &format!(
            "<span title=\"{title}\"><i class=\"{}\" style=\"height:{}%\"></i></span>",
            tone(*profit),
            fixed(profit.abs() / span * 100.0, 2),
        );
        let text = if k % every == 0 { label(k) } else { String::new() };
        axis += &format!("<span>{text}</span>");
    }
    format!(
        "<div class=\"slots\" role=\"img\" aria-label=\"Profit by {}, from {} to {}\" \
         style=\"--zero:{}%\">{bars}</div>\
         <div class=\"slot-axis\" aria-hidden=\"true\">{axis}</div>",
        if slots == 24 { "hour" } else { "weekday" },
        money.signed(low),
        money.signed(high),
        fixed(high / span * 100.0, 2),
    )
}

use tradepulse_core::backtest::Settings;
use tradepulse_core::order::Side;
use tradepulse_core::parameter::Parameters;
use tradepulse_core::simulation::{Costs, Slippage};
use tradepulse_core::sizing::Sizing;

use super::Report;
use super::text::{
    self, DASH, Money, escape, fixed, moment, or_dash, percent, plain, rate, signed_percent, tone,
};

/// Strategy, market, period, key figures, parameters and rules.
pub(super) fn section(report: &Report<'_>) -> String {
    let summary = report.outcome.about.summary;
    format!(
        "<header class=\"head\">\n<h1>{}</h1>\n{}{}\n{}</header>\n{}<div class=\"setup\">\n{}{}</div>\n",
        escape(report.title),
        if summary.is_empty() {
            String::new()
        } else {
            format!("<p class=\"lede\">{}</p>\n", escape(summary))
        },
        market_line(report.symbol, report.exchange, report.series),
        notes(&report.notes),
        tiles(report),
        parameters(&report.outcome.parameters),
        rules(report.settings, &report.money()),
    )
}

/// The market and the period in one line.
pub(super) fn market_line(
    symbol: &str,
    exchange: Option<&str>,
    series: &tradepulse_core::market::Series,
) -> String {
    let (from, to) = series.span().unwrap_or_default();
    let (from, to) = (from.as_ms(), to.as_ms());
    let exchange = exchange.map_or_else(String::new, |e| format!("<span>{}</span>", escape(e)));
    format!(
        "<p class=\"market\"><strong>{}</strong>{exchange}<span>{}</span><span><time>{}</time> to \
         <time>{}</time> UTC</span><span>{}</span></p>",
        escape(symbol),
        series.timeframe(),
        moment(from),
        moment(to),
        text::duration(to - from),
    )
}

/// What must be known before the figures are read.
pub(super) fn notes(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let items: String = notes.iter().map(|n| format!("<li>{}</li>", escape(n))).collect();
    format!("<ul class=\"notes\" aria-label=\"Notes\">{items}</ul>\n")
}

fn tiles(report: &Report<'_>) -> String {
    let (m, money) = (&report.outcome.metrics, report.money());
    let timeframe_ms = report.series.timeframe().as_ms();
    let two = |value: Option<f64>| or_dash(value, |v| fixed(v, 2));
    let below = m.max_drawdown_duration as i64 * timeframe_ms;
    let count = |side| report.outcome.trades.iter().filter(|t| t.side == side).count() as u64;
    let (long, short) = (count(Side::Long), count(Side::Short));
    let (first, last) = (report.series.open().first(), report.series.close().last());
    let market = first.zip(last).map(|(first, last)| (last / first - 1.0) * 100.0);
    let tiles = [
        (
            "Net profit",
            tone(m.net_profit),
            signed_percent(m.net_profit_pct),
            format!(
                "{} {}, market {}",
                money.signed(m.net_profit),
                escape(&money.currency),
                or_dash(market, signed_percent)
            ),
        ),
        ("Sharpe", "", two(m.sharpe), format!("Sortino {}", two(m.sortino))),
        (
            "Max drawdown",
            "",
            percent(m.max_drawdown_pct),
            format!("longest below its peak {}", text::duration(below)),
        ),
        (
            "Trades",
            "",
            text::count(m.trades),
            format!("{} long, {} short", text::count(long), text::count(short)),
        ),
        (
            "Win rate",
            "",
            or_dash(m.win_rate, |v| percent(v * 100.0)),
            format!("{} won, {} lost", text::count(m.wins), text::count(m.losses)),
        ),
        (
            "Profit factor",
            "",
            two(m.profit_factor),
            format!("payoff ratio {}", two(m.payoff_ratio)),
        ),
        (
            "p-value",
            "",
            or_dash(m.p_value, text::probability),
            format!("of the mean daily return, t {}", two(m.z_score)),
        ),
        (
            "Exposure",
            "",
            or_dash(m.exposure, |v| percent(v * 100.0)),
            or_dash(m.average_holding, |v| format!("mean holding {} candles", fixed(v, 1))),
        ),
    ];
    tile_list(&tiles)
}

/// Key figures: what each is called, its colour, the figure, and what is said beneath it.
pub(super) fn tile_list(tiles: &[(&str, &str, String, String)]) -> String {
    let tiles: String = tiles
        .iter()
        .map(|(label, tone, value, below)| {
            format!(
                "<div class=\"tile\"><dt>{label}</dt><dd class=\"figure {tone}\">{value}</dd>\
                 <dd class=\"sub\">{below}</dd></div>\n"
            )
        })
        .collect();
    format!("<dl class=\"tiles\" aria-label=\"Key figures\">\n{tiles}</dl>\n")
}

fn parameters(parameters: &Parameters) -> String {
    if parameters.iter().len() == 0 {
        return String::new();
    }
    let chips: String = parameters
        .iter()
        .map(|(variable, value)| {
            let changed = if value == variable.default { "" } else { " class=\"changed\"" };
            let hint =
                format!("{} · {} · default {}", variable.doc, variable.domain, variable.default);
            format!(
                "<li{changed} title=\"{}\"><span>{}</span> <b>{}</b> {}</li>\n",
                escape(hint.trim_start_matches(" · ")),
                escape(variable.name),
                escape(&value.to_string()),
                escape(variable.unit),
            )
        })
        .collect();
    format!("<div><h2>Parameters</h2><ul class=\"chips\">{chips}</ul></div>\n")
}

/// Costs, sizing and what else decides how intents are filled.
pub(super) fn rules(settings: &Settings, money: &Money) -> String {
    let rules = &settings.rules;
    let currency = &money.currency;
    let mut chips = vec![
        ("capital", format!("{} {currency}", money.plain(settings.capital))),
        ("sizing", sizing(&rules.sizing, currency)),
        ("max leverage", format!("{}×", plain(rules.max_leverage))),
        ("min edge", format!("{} round trips", plain(rules.min_edge))),
        ("compounding", (if rules.compounding { "on" } else { "off" }).to_owned()),
        ("both in one candle", text::name(&settings.priority).replace('_', " ")),
    ];
    chips.extend(costs(&settings.venue_costs));
    if settings.venue_costs != rules.costs {
        let reckoned = costs(&rules.costs).map(|(k, v)| format!("{k} {v}")).join(", ");
        chips.push(("sized with", reckoned));
    }
    let instrument = &rules.instrument;
    chips.push(("instrument", text::name(&instrument.kind)));
    let limits = [
        ("quantity step", instrument.quantity_step),
        ("minimum quantity", instrument.min_quantity),
        ("minimum notional", instrument.min_notional),
    ];
    chips.extend(limits.into_iter().filter_map(|(k, v)| Some((k, v?.to_string()))));
    let chips: String = chips
        .iter()
        .map(|(key, value)| format!("<li><span>{key}</span> <b>{}</b></li>\n", escape(value)))
        .collect();
    format!("<div><h2>Costs and rules</h2><ul class=\"chips\">{chips}</ul></div>\n")
}

fn costs(costs: &Costs) -> [(&'static str, String); 3] {
    let slippage = match costs.slippage {
        Slippage::Fixed { fraction } => rate(fraction),
        Slippage::VolumeShare { fraction, impact } => {
            format!("{} + {} × volume share²", rate(fraction), rate(impact))
        }
    };
    [
        ("taker fee", rate(costs.taker_fee)),
        ("maker fee", rate(costs.maker_fee)),
        ("slippage", slippage),
    ]
}

fn sizing(sizing: &Sizing, currency: &str) -> String {
    match sizing {
        Sizing::FixedRisk { risk } => format!("{} of equity at risk", rate(*risk)),
        Sizing::AllIn => "all equity".to_owned(),
        Sizing::FixedFraction { fraction } => format!("{} of equity", rate(*fraction)),
        Sizing::FixedAmount { amount } => format!("{} {currency} a trade", plain(*amount)),
        Sizing::Kelly { share, risk } => {
            format!("{} of Kelly, first {} at risk", rate(*share), rate(*risk))
        }
        Sizing::VolatilityTarget { daily_volatility } => {
            format!("{} of equity a day by volatility", rate(*daily_volatility))
        }
        _ => DASH.to_owned(),
    }
}

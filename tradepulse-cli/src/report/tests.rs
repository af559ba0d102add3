use std::collections::BTreeSet;

use serde_json::Value;
use tradepulse_core::account::Trade;
use tradepulse_core::backtest::{CostCell, CostSurvival, Outcome, Settings};
use tradepulse_core::engine::{Refusal, RefusalReason};
use tradepulse_core::market::{Candle, Columns, Series};
use tradepulse_core::order::{ExitReason, Side};
use tradepulse_core::parameter::Parameters;
use tradepulse_core::performance::{EquityCurve, Metrics, MonteCarlo};
use tradepulse_core::random::Seed;
use tradepulse_core::strategy::{About, Funnel};
use tradepulse_core::time::{Timeframe, Timestamp};
use tradepulse_core::variable::Variable;

use super::*;

const VARIABLES: &[Variable] =
    &[Variable::integer("fast", 2, 100, 1, 20, "candles", "period of the fast average")];
const START: i64 = 1_704_067_200_000; // 2024-01-01
const HOUR: i64 = 3_600_000;

fn series(candles: i64) -> Series {
    let mut columns = Columns::default();
    for i in 0..candles {
        let open = 100.0 + (i % 7) as f64;
        columns.push(Candle {
            open_time: Timestamp::from_ms(START + i * HOUR),
            open,
            high: open + 2.0,
            low: open - 1.0,
            close: open + 0.5,
            volume: 10.0,
        });
    }
    Series::new(Timeframe::H1, columns).unwrap()
}

fn trade(k: i64, side: Side, profit: f64) -> Trade {
    Trade {
        side,
        entry_time_ms: START + k * 24 * HOUR,
        entry_price: 100.0,
        exit_time_ms: START + (k * 24 + 5) * HOUR,
        exit_price: 101.0,
        quantity: 1.5,
        fees: 0.3,
        profit,
        profit_pct: profit / 1.5,
        exit_reason: if profit > 0.0 { ExitReason::Target } else { ExitReason::Stop },
        holding: 6,
        ambiguous: k == 1,
        slippage: 0.1,
        funding: 0.0,
    }
}

/// An outcome whose equity steps by each trade's profit at its exit.
fn outcome(series: &Series, trades: Vec<Trade>, capital: f64) -> Outcome {
    let mut curve = EquityCurve::new(capital);
    let equity: Vec<f64> = series
        .time()
        .iter()
        .map(|ms| {
            let settled = trades.iter().filter(|t| t.exit_time_ms <= *ms);
            let equity = capital + settled.map(|t| t.profit).sum::<f64>();
            curve.mark(*ms, equity);
            equity
        })
        .collect();
    curve.finish();
    let (from, to) = series.span().unwrap();
    let metrics = Metrics::new(capital, &trades, &curve, to.as_ms() - from.as_ms());
    Outcome {
        about: About {
            name: "example",
            version: 3,
            summary: "an example",
            variables: VARIABLES,
            optional_inputs: &[],
        },
        parameters: Parameters::defaults(VARIABLES).with("fast", 12_i64).unwrap(),
        trades,
        metrics,
        equity,
        daily_returns: curve.daily_returns().to_vec(),
        refusals: vec![Refusal {
            time_ms: START,
            side: Side::Short,
            reason: RefusalReason::Edge,
            figure: 0.1,
            limit: 0.6,
        }],
        funnel: Funnel::new(["trend < limit", "sweep"], [40, 2], Some([30, 0])),
        warm_up: 220,
    }
}

fn some_trades() -> Vec<Trade> {
    (0..40)
        .map(|k| {
            trade(
                k,
                if k % 3 == 0 { Side::Short } else { Side::Long },
                [120.0, -80.0][k as usize % 2],
            )
        })
        .collect()
}

fn report<'a>(series: &'a Series, outcome: &'a Outcome, settings: &'a Settings) -> Report<'a> {
    Report {
        title: "example",
        symbol: "BTC/USDT",
        exchange: Some("binance"),
        series,
        outcome,
        settings,
        fingerprint: "f1",
        trades_hash: "t1",
        monte_carlo: None,
        cost_survival: None,
        notes: Vec::new(),
    }
}

/// The embedded data of a page.
pub(super) fn data(html: &str) -> Value {
    let (_, after) = html.split_once("id=\"report-data\">").unwrap();
    serde_json::from_str(after.split_once("</script>").unwrap().0).unwrap()
}

fn metric_cell<'a>(html: &'a str, name: &str) -> &'a str {
    let (_, after) = html.split_once(&format!("<dfn tabindex=\"0\">{name}<")).unwrap();
    let (_, after) = after.split_once("<td>").unwrap();
    after.split_once("</td>").unwrap().0
}

fn tag_names(html: &str) -> Vec<(bool, String)> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let closing = after.starts_with('/');
        let name = after.trim_start_matches('/');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        let name = name[..end].to_owned();
        rest = after;
        if !closing && (name == "script" || name == "style") {
            rest = after.split_once(&format!("</{name}>")).unwrap().1;
        } else if !name.is_empty() && !after.split('>').next().unwrap().ends_with('/') {
            tags.push((closing, name));
        }
    }
    tags
}

/// Checks that elements are closed, ids unique and links lead to one of them; the links.
pub(super) fn well_formed(html: &str) -> Vec<String> {
    let mut open = Vec::new();
    for (closing, name) in tag_names(html) {
        if ["meta", "link", "input", "doctype"].contains(&name.as_str()) {
            continue;
        }
        if closing {
            assert_eq!(open.pop(), Some(name));
        } else {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");

    let values = |start: &str| -> Vec<String> {
        html.split(start).skip(1).map(|s| s.split('"').next().unwrap().to_owned()).collect()
    };
    let ids = values(" id=\"");
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    let links = values("<a href=\"#");
    assert!(links.iter().all(|link| ids.contains(link)), "{links:?}");
    links
}

#[test]
fn elements_are_closed_and_links_lead_somewhere() {
    let (series, settings) = (series(24 * 60), Settings::default());
    for trades in [some_trades(), Vec::new()] {
        let outcome = outcome(&series, trades, settings.capital);
        let monte_carlo = MonteCarlo::new(settings.capital, &outcome.trades, 50, Seed(7));
        let mut report = report(&series, &outcome, &settings);
        report.monte_carlo = monte_carlo.as_ref();
        let html = render(&report).unwrap();
        let links = well_formed(&html);
        assert!(links.len() >= 7);
        assert_eq!(links.contains(&"monte-carlo".to_owned()), report.monte_carlo.is_some());
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let (series, settings) = (series(30), Settings::default());
    let outcome = outcome(&series, Vec::new(), settings.capital);
    let html = render(&report(&series, &outcome, &settings)).unwrap();
    for reference in [" src=", "@import", "url(", "https:", "fetch(", "import("] {
        assert!(!html.contains(reference), "{reference}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn text_from_outside_stays_text() {
    let (series, settings) = (series(30), Settings::default());
    let outcome = outcome(&series, some_trades(), settings.capital);
    let hostile = "</script><script>alert('1')</script>\u{2028}\"&{{data}}";
    let report = Report {
        title: hostile,
        symbol: hostile,
        exchange: Some(hostile),
        fingerprint: hostile,
        trades_hash: hostile,
        notes: vec![hostile.to_owned()],
        ..report(&series, &outcome, &settings)
    };
    let html = render(&report).unwrap();
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script>").count(), 2);
    assert!(!html.split("<script").next().unwrap().contains("alert('1')"));
    // Once each in title, heading, market, legend, exchange, note at the top and in the foot, hashes.
    assert!(html.matches("{{data}}").count() >= 8, "what is put in was looked at again");
    assert_eq!(data(&html)["symbol"], hostile);
    let (_, json) = html.split_once("id=\"report-data\">").unwrap();
    assert!(!json.split_once("</script>").unwrap().0.contains('\u{2028}'));

    let overview = Overview {
        title: hostile,
        symbol: hostile,
        exchange: Some(hostile),
        series: &series,
        capital: settings.capital,
        rows: vec![OverviewRow { outcome: &outcome, link: Some(hostile.to_owned()) }],
        notes: vec![hostile.to_owned()],
    };
    let html = render_overview(&overview).unwrap();
    assert_eq!(html.matches("<script").count(), 1);
    assert!(!html.contains("alert('1')"));
}

#[test]
fn every_metric_is_there_and_undefined_ones_are_dashes() {
    let (series, settings) = (series(30), Settings::default());
    let mut outcome = outcome(&series, Vec::new(), settings.capital);
    outcome.metrics = Metrics::default();
    let html = render(&report(&series, &outcome, &settings)).unwrap();
    let Value::Object(metrics) = serde_json::to_value(outcome.metrics).unwrap() else {
        panic!("metrics are an object");
    };
    assert_eq!(metrics.len(), 35);
    for (name, value) in metrics {
        let cell = metric_cell(&html, &name);
        assert_eq!(cell == "–", value.is_null(), "{name}: {cell}");
    }
    let page = html.split("<script").next().unwrap();
    assert!(!page.contains("NaN") && !page.contains(">inf"));
}

#[test]
fn figures_are_those_of_the_outcome() {
    let (series, settings) = (series(24 * 60), Settings::default());
    let outcome = outcome(&series, some_trades(), settings.capital);
    let html = render(&report(&series, &outcome, &settings)).unwrap();
    assert_eq!(metric_cell(&html, "net_profit"), "+800.00");
    assert_eq!(metric_cell(&html, "net_profit_pct"), "+8.00\u{202f}%");
    assert_eq!(metric_cell(&html, "win_rate"), "50.00\u{202f}%");
    assert_eq!(metric_cell(&html, "fees_paid"), "12.00");
    assert_eq!(
        metric_cell(&html, "max_drawdown_pct"),
        format!("{:.2}\u{202f}%", outcome.metrics.max_drawdown_pct)
    );
    assert!(html.contains("<b>12</b> candles"), "the parameter");
    assert!(html.contains("2024-01-01 00:00") && html.contains("2024-03-01 00:00"));
    assert!(html.contains("1 trade ended in a candle that reaches both"));
    let data = data(&html);
    let trades = data["trades"].as_array().unwrap();
    assert_eq!(trades.len(), 40);
    assert_eq!(
        trades[1].to_string(),
        format!(
            "[1,{},100.0,{},101.0,1.5,0.3,0.1,-80.0,-53.3333333,1,6,1]",
            START + 24 * HOUR,
            START + 29 * HOUR
        )
    );
    assert_eq!(data["exit_reasons"].to_string(), r#"["target","stop"]"#);
}

#[test]
fn without_trades_the_funnel_comes_first() {
    let (series, settings) = (series(100), Settings::default());
    let without = outcome(&series, Vec::new(), settings.capital);
    let html = render(&report(&series, &without, &settings)).unwrap();
    assert!(html.contains("<h2>No trades</h2>"));
    assert!(
        html.contains("trend &lt; limit") && html.contains("the target is not worth the costs")
    );
    assert!(html.find("id=\"entries\"").unwrap() < html.find("id=\"equity\"").unwrap());
    assert!(!html.contains("id=\"distributions\""));
    let with = outcome(&series, vec![trade(0, Side::Long, 5.0)], settings.capital);
    let html = render(&report(&series, &with, &settings)).unwrap();
    assert!(html.find("id=\"entries\"").unwrap() > html.find("id=\"costs\"").unwrap());
    assert!(html.contains("id=\"distributions\""));
}

#[test]
fn months_compound_to_the_year() {
    let (series, settings) = (series(24 * 60), Settings::default());
    let outcome = outcome(&series, some_trades(), settings.capital);
    let report = report(&series, &outcome, &settings);
    let months = months::monthly_returns(&report);
    let january: f64 = some_trades()[..31].iter().map(|t| t.profit).sum();
    assert_eq!(months.keys().collect::<Vec<_>>(), [&(2024, 1), &(2024, 2)]);
    assert!((months[&(2024, 1)] - january / 100.0).abs() < 1e-9);
    let both: f64 = months.values().map(|r| 1.0 + r / 100.0).product();
    assert!((both - 1.08).abs() < 1e-9);
}

#[test]
fn optional_parts_appear_when_given() {
    let (series, settings) = (series(24 * 60), Settings::default());
    let outcome = outcome(&series, some_trades(), settings.capital);
    let monte_carlo = MonteCarlo::new(settings.capital, &outcome.trades, 100, Seed(1)).unwrap();
    let grid = [(0.0, 900.0), (1.0, 800.0), (2.0, -50.0)].map(|(m, net_profit)| CostCell {
        fee_multiple: m,
        slippage_multiple: 1.0,
        net_profit,
    });
    let survival = CostSurvival {
        grid: grid.to_vec(),
        break_even_multiple: Some(1.9375),
        break_even_round_trip: Some(0.0058125),
    };
    let mut report = report(&series, &outcome, &settings);
    let without = render(&report).unwrap();
    assert!(!without.contains("Monte Carlo") && !without.contains("under other costs"));
    report.monte_carlo = Some(&monte_carlo);
    report.cost_survival = Some(&survival);
    report.notes = vec!["synthetic market".to_owned()];
    let html = render(&report).unwrap();
    assert!(html.contains("100 bootstrap runs"));
    assert!(html.contains("×1.94</b> of the assumed costs") && html.contains("−0.5</td>"));
    assert!(html.contains("<li>synthetic market</li>"));
    assert_eq!(html, render(&report).unwrap(), "the same report, the same bytes");
}

#[test]
fn an_outcome_without_equity_is_refused() {
    let (series, settings) = (series(30), Settings::default());
    let mut outcome = outcome(&series, Vec::new(), settings.capital);
    outcome.equity.clear();
    let result = render(&report(&series, &outcome, &settings));
    assert!(matches!(result, Err(ReportError::NoEquity)));
}

#[test]
fn the_overview_ranks_and_links() {
    let (series, settings) = (series(24 * 60), Settings::default());
    let poor = outcome(&series, vec![trade(1, Side::Long, -10.0)], settings.capital);
    let good = outcome(&series, some_trades(), settings.capital);
    let overview = Overview {
        title: "Demo",
        symbol: "DEMO/USDT",
        exchange: None,
        series: &series,
        capital: settings.capital,
        rows: vec![
            OverviewRow { outcome: &poor, link: None },
            OverviewRow { outcome: &good, link: Some("good.html".to_owned()) },
        ],
        notes: vec!["synthetic market".to_owned()],
    };
    let html = render_overview(&overview).unwrap();
    assert!(html.find("+8.00").unwrap() < html.find("−0.10").unwrap());
    assert!(html.contains("<a href=\"good.html\">example</a>"));
    assert_eq!(html.matches("<svg").count(), 3);
}

//! Daily statistics and the equity curve against empyrical, quantstats and plain NumPy.
//! They annualise by 252 days where we do by 365; the rest is defined alike.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use tradepulse_core::performance::{DAYS_PER_YEAR, DailyStatistics, EquityCurve};
use tradepulse_core::time::DAY_MS;

fn check(returns: &str, reference: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/");
    let mut reader = csv::Reader::from_path(format!("{folder}{returns}")).unwrap();
    let returns: Vec<f64> = reader.records().map(|r| r.unwrap()[1].parse().unwrap()).collect();
    let text = std::fs::read_to_string(format!("{folder}{reference}")).unwrap();
    // The file has NaN and Infinity, which JSON has not.
    let reference: Value =
        serde_json::from_str(&text.replace("NaN", "null").replace("Infinity", "null")).unwrap();
    let expected = |library: &str, name: &str| reference[library][name].as_f64().unwrap();
    let close = |name: &str, ours: Option<f64>, theirs: f64| {
        let ours = ours.unwrap();
        let error = (ours - theirs).abs() / theirs.abs().max(1e-12);
        assert!(error < 1e-9, "{name}: ours {ours}, theirs {theirs}");
    };

    let daily = DailyStatistics::new(&returns);
    let year = (DAYS_PER_YEAR / 252.0).sqrt();
    close("sharpe", daily.sharpe(), expected("empyrical", "sharpe_ratio") * year);
    close("sharpe", daily.sharpe(), expected("quantstats", "sharpe") * year);
    close("sharpe", daily.sharpe(), expected("ffn", "daily_sharpe") * year);
    close("sortino", daily.sortino(), expected("empyrical", "sortino_ratio") * year);
    close("sortino", daily.sortino(), expected("plain", "sortino_ann_252") * year);
    close("var", daily.var_95(), -expected("plain", "var_hist_5"));
    close("cvar", daily.cvar_95(), -expected("plain", "cvar_hist_5"));
    close("cvar", daily.cvar_95(), -expected("empyrical", "cvar_5"));
    let n = returns.len() as f64;
    close("t", daily.z_score(), expected("plain", "sharpe_daily") * n.sqrt());
    // With a thousand days Student's t is close to the normal curve behind the probabilistic
    // Sharpe ratio, which in addition corrects for skewness and kurtosis.
    let psr = expected("plain", "psr_vs_0");
    assert!((1.0 - daily.p_value().unwrap() - psr).abs() < 2e-3);

    let mut curve = EquityCurve::new(1.0);
    let mut equity = 1.0;
    for (day, r) in returns.iter().enumerate() {
        equity *= 1.0 + r;
        curve.mark(day as i64 * DAY_MS, equity);
    }
    curve.finish();
    for (ours, theirs) in curve.daily_returns().iter().zip(&returns) {
        assert!((ours - theirs).abs() < 1e-12);
    }
    close("drawdown", Some(-curve.max_drawdown_pct() / 100.0), expected("plain", "max_drawdown"));
    // quantstats divides the ulcer index by n - 1.
    let theirs = expected("quantstats", "ulcer_index") * ((n - 1.0) / n).sqrt() * 100.0;
    close("ulcer", curve.ulcer_index(), theirs);
}

#[test]
fn losing_returns() {
    check("metrics_returns.csv", "metrics_reference.json");
}

#[test]
fn winning_returns() {
    check("metrics_returns_pos.csv", "metrics_reference_pos.json");
}

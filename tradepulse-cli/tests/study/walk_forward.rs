use crate::folder::Folder;

const MARKET: &str = "--data c.csv --timeframe 15m --train-days 30 --gap-days 2 --test-days 15 \
                      --min-trades 3";

#[test]
fn windows_are_searched_and_joined() {
    let folder = Folder::new();
    let search = format!(
        "walk-forward volume_breakout {MARKET} --optimizer random --trials 16 --set \
         volume_multiplier=2 --json"
    );
    let search = search.as_str();
    let found = folder.json(search);
    let windows = found["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 6);
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(0.0);
    let trades: f64 = windows.iter().map(|w| number(&w["out_of_sample"]["trades"])).sum();
    assert_eq!(number(&found["metrics"]["trades"]), trades);
    assert_eq!(found["trades"].as_array().unwrap().len() as f64, trades);
    let profit: f64 = windows.iter().map(|w| number(&w["out_of_sample"]["net_profit"])).sum();
    assert!((number(&found["metrics"]["net_profit"]) - profit).abs() < 1e-6);
    for window in windows {
        assert!(window["train"]["to_ms"].as_i64() < window["test"]["from_ms"].as_i64());
        assert_eq!(window["parameters"]["volume_multiplier"], 2.0, "it was fixed");
    }
    assert_eq!(
        found["judgement"]["flags"].as_array().unwrap().len(),
        found["flags"].as_array().unwrap().len()
    );
    assert_eq!(found, folder.json(&format!("{search} --jobs 1")), "on any number of threads");
    let said = folder.good(search.trim_end_matches("--json"));
    assert!(said.contains("OOS Sharpe") && said.contains("1: "), "{said}");
}

#[test]
fn fixed_parameters_are_the_same_in_every_window_and_trade_as_a_backtest_does() {
    let folder = Folder::new();
    let found = folder.json(&format!(
        "walk-forward ema_cross {MARKET} --fixed --set fast=10 --set slow=40 --json"
    ));
    for window in found["windows"].as_array().unwrap() {
        assert_eq!(window["parameters"]["fast"], 10);
        assert_eq!(window["parameters"]["slow"], 40);
        assert!(window["in_sample"]["trades"].as_u64().unwrap() > 0);
    }
    // The first test part alone.
    let first = &found["windows"][0];
    let day = |ms: &serde_json::Value| {
        let ms = ms.as_i64().unwrap();
        tradepulse_core::time::Timestamp::from_ms(ms).to_string()
    };
    let outcome = folder.json(&format!(
        "backtest ema_cross --data c.csv --timeframe 15m --set fast=10 --set slow=40 --to {} --json",
        day(&first["test"]["to_ms"])
    ));
    let from = first["test"]["from_ms"].as_i64().unwrap();
    let entries = |trades: &serde_json::Value| -> Vec<i64> {
        let times = trades.as_array().unwrap().iter().map(|t| t["entry_time_ms"].as_i64().unwrap());
        times.filter(|t| *t > from + 10 * 86_400_000).collect()
    };
    let to = first["test"]["to_ms"].as_i64().unwrap();
    let walked: Vec<i64> = entries(&found["trades"]).into_iter().filter(|t| *t < to).collect();
    assert!(!walked.is_empty());
    assert_eq!(walked, entries(&outcome["trades"]));
    // A set of parameters that hardly trades is tested, not left out.
    let quiet = folder.json(&format!(
        "walk-forward volume_breakout {MARKET} --fixed --set volume_multiplier=5 --json"
    ));
    assert!(quiet["windows"].as_array().unwrap().iter().all(|w| !w["out_of_sample"].is_null()));
}

#[test]
fn what_cannot_be_walked_is_said() {
    let folder = Folder::new();
    for (arguments, expected) in [
        ("walk-forward ema_crss --data c.csv --timeframe 15m", "ema_cross"),
        ("walk-forward ema_cross --data c.csv --timeframe 15m --set fats=3", "\"fast\""),
        ("walk-forward ema_cross --data c.csv --timeframe 15m --set fast=0", "domain"),
        ("walk-forward ema_cross --data c.csv --timeframe 15m --train-days 400", "too little data"),
        (
            "walk-forward ema_cross --data c.csv --timeframe 15m --optimizer grid",
            "--max-trials 10000",
        ),
        ("walk-forward ema_cross --data nothing.csv --timeframe 15m", "nothing.csv"),
        ("walk-forward ema_cross", "--data FILE"),
    ] {
        let error = folder.refused(arguments);
        assert!(error.contains(expected), "{arguments}: {error}");
    }
}

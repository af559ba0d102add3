//! `tradepulse parity`: a replay, done again from its record.

#![allow(clippy::unwrap_used)]

mod program;

use program::Folder;

const CONFIG: &str = "\
symbols: [BTC/USDT]
safety: {max_open_positions: null, max_daily_trades: null, min_trade_interval_seconds: null,
  max_daily_loss: null, max_daily_loss_quote: null, circuit_breaker: null,
  emergency_drawdown: null, max_total_exposure: null, balance_buffer: null}
trading:
  from_store: false
  min_edge: 0
  configurations:
    - {strategy: ema_cross, parameters: {fast: 5, slow: 20, allow_short: true}}
    - {strategy: volume_breakout}
";

/// Amounts are written to the digit to which they are counted.
const NOTHING: &str = "0.00000000";

const PARTS: [&str; 6] = ["signal", "data", "size", "latency", "fill", "fee"];

#[test]
fn a_replay_is_what_the_simulator_does() {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG);
    folder.candles("c.csv", 4000);
    folder.good("import --exchange binance --symbol BTC/USDT --timeframe 5m c.csv");
    folder.good("trade --replay 2024-01-03..2024-01-12");
    let parity = folder.json("parity latest");
    for part in PARTS {
        assert_eq!(parity["parts"][part], NOTHING, "{part}");
    }
    let trades = folder.json("trades");
    let pairs = parity["pairs"].as_array().unwrap().len();
    assert!(pairs > 5 && pairs == trades.as_array().unwrap().len(), "{pairs} pairs");
    assert_eq!(parity["candles"]["seen"], parity["candles"]["same"]);
    // The configuration is not asked: the record has all that is needed.
    folder.write("config.yaml", "trading: {paper_capital: 7}\n");
    assert_eq!(folder.json("parity latest")["parts"], parity["parts"]);
    let said = folder.good("parity latest");
    assert!(said.contains(&format!("{pairs} trades of both, 0 only of the run")), "{said}");
}

#[test]
fn candles_that_are_not_the_stored_ones_are_said() {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG);
    folder.candles("c.csv", 2000);
    folder.good("trade --replay --data c.csv");
    let parity = folder.json("parity latest");
    assert_eq!(parity["candles"]["markets_not_stored"][0], "BTC/USDT 5m");
    // Stored later, from another venue's data: two hundred candles went further.
    let text = std::fs::read_to_string(folder.path("c.csv")).unwrap();
    let other = text.lines().enumerate().map(|(i, line)| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if (801..1001).contains(&i) {
            cells[2] = (cells[2].parse::<f64>().unwrap() * 1.1).to_string();
            cells[3] = (cells[3].parse::<f64>().unwrap() * 0.9).to_string();
        }
        cells.join(",") + "\n"
    });
    folder.write("other.csv", other.collect::<String>());
    folder.good("import --exchange binance --symbol BTC/USDT --timeframe 5m other.csv");
    let parity = folder.json("parity latest");
    assert_eq!(
        (&parity["candles"]["differing"], &parity["candles"]["same"]),
        (&200.into(), &1800.into())
    );
    assert_ne!(parity["parts"]["data"], NOTHING);
    assert_eq!(parity["parts"]["data"], parity["difference"]);
    let unknown = folder.refused("parity nothing");
    assert!(unknown.contains("there is no run"), "{unknown}");
    assert!(folder.refused("--data-dir empty parity latest").contains("Nothing has traded"));
}

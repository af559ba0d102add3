//! Closed trades as CSV.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

use std::fs;

use tradepulse_core::{
    order::{ExitReason, Side},
    store::{RecordId, trading::TradeRecord},
    time::Timeframe,
};
use tradepulse_exec::store::trades_csv::{TradesCsv, TradesCsvError};

fn trade(run: &str, sequence: u64) -> TradeRecord {
    let figure = |i: u64| ((sequence * 31 + i) as f64).sin() * 100.0;
    TradeRecord {
        run: run.to_owned(),
        sequence,
        wallet: "main, \"the\" wallet".to_owned(),
        configuration_id: RecordId::derive(&["a"]),
        exchange: "binance".parse().unwrap(),
        symbol: "BTC/USDT".parse().unwrap(),
        timeframe: Timeframe::M5,
        strategy: "ema_cross".to_owned(),
        side: Side::Short,
        entry_time_ms: 1_704_067_200_000,
        entry_price: figure(0),
        exit_time_ms: 1_704_067_500_000,
        exit_price: figure(1),
        quantity: 1e-9,
        fees: 1e300,
        profit: figure(2),
        profit_pct: figure(3),
        exit_reason: ExitReason::MaxHolding,
        holding: 24,
        ambiguous: false,
        slippage: 0.1 + 0.2,
        funding: 0.0,
    }
}

/// Runs that look like keys of each other.
fn trades() -> Vec<TradeRecord> {
    let runs = ["run-1", "run-1\",1", "run,1", "", "ünïcödé"];
    runs.iter().flat_map(|run| (1..=11).map(|sequence| trade(run, sequence))).collect()
}

#[test]
fn a_row_has_every_column_and_every_digit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.csv");
    let mut csv = TradesCsv::open(&path).unwrap();
    assert!(csv.append(&trade("run-1", 7)).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "run,sequence,wallet,configuration_id,exchange,symbol,timeframe,strategy,side,\
         entry_time_ms,entry_price,exit_time_ms,exit_price,quantity,fees,profit,profit_pct,\
         exit_reason,holding,ambiguous,slippage,funding"
    );
    let start = format!("\"run-1\",7,\"main, \"\"the\"\" wallet\",{},", RecordId::derive(&["a"]));
    assert!(lines[1].starts_with(&start), "{}", lines[1]);
    let end = ",max_holding,24,false,0.30000000000000004,0.0";
    assert!(lines[1].ends_with(end), "{}", lines[1]);
    let price = lines[1].split(',').nth(11).unwrap();
    assert_eq!(price.parse::<f64>().unwrap().to_bits(), trade("run-1", 7).entry_price.to_bits());
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_trade_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.csv");
    for round in 0..3 {
        let mut csv = TradesCsv::open(&path).unwrap();
        assert_eq!(csv.repaired(), 0);
        for trade in trades() {
            assert_eq!(csv.append(&trade).unwrap(), round == 0, "{trade:?}");
            assert!(!csv.append(&trade).unwrap());
        }
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), trades().len() + 1);
}

#[test]
fn a_row_cut_off_anywhere_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.csv");
    let trades: Vec<_> = trades().into_iter().step_by(20).collect();
    let mut csv = TradesCsv::open(&path).unwrap();
    for trade in &trades {
        csv.append(trade).unwrap();
    }
    let full = fs::read(&path).unwrap();
    let ends = full.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i);
    let around = ends.flat_map(|end| [end - 1, end, end + 1]);
    for cut in (0..full.len()).step_by(7).chain(around) {
        fs::write(&path, &full[..cut]).unwrap();
        let mut csv = TradesCsv::open(&path).unwrap();
        let whole = full[..cut].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        assert_eq!(csv.repaired(), (cut - whole) as u64);
        for trade in &trades {
            csv.append(trade).unwrap();
        }
        assert!(fs::read(&path).unwrap() == full, "cut at {cut}");
    }
}

#[test]
fn another_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.csv");
    for content in ["notes", "run,sequence\n", "side,entry_time_ms\nlong,1\n", "\n"] {
        fs::write(&path, content).unwrap();
        let error = TradesCsv::open(&path).unwrap_err();
        assert!(matches!(error, TradesCsvError::Foreign { .. }), "{content:?} {error:?}");
        assert!(error.to_string().contains("it was left as it is"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn what_cannot_be_a_row_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.csv");
    let mut csv = TradesCsv::open(&path).unwrap();
    let before = fs::read(&path).unwrap();
    let lines = TradeRecord { strategy: "a\nb".to_owned(), ..trade("r", 1) };
    let nan = TradeRecord { profit: f64::NAN, ..trade("r", 1) };
    for (wrong, expected) in [(lines, "more than one line"), (nan, "not a finite number")] {
        let error = csv.append(&wrong).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

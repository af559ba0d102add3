use super::*;

fn candle(minute: i64, close: f64) -> Candle {
    Candle {
        open_time: Timestamp::from_ms(minute * 60_000),
        open: 10.0,
        high: 12.0,
        low: 8.0,
        close,
        volume: 1.0,
    }
}

fn columns(rows: &[Candle]) -> Columns {
    let mut columns = Columns::default();
    rows.iter().for_each(|c| columns.push(*c));
    columns
}

fn refused(rows: &[Candle]) -> DataError {
    Series::new(Timeframe::M1, columns(rows)).unwrap_err()
}

#[test]
fn impossible_rows_are_named() {
    let good = candle(0, 10.0);
    let bad = |change: fn(&mut Candle)| {
        let mut c = candle(1, 10.0);
        change(&mut c);
        refused(&[good, c])
    };
    for (error, column) in [
        (bad(|c| c.open = f64::NAN), "open"),
        (bad(|c| c.high = f64::INFINITY), "high"),
        (bad(|c| c.low = -1.0), "low"),
        (bad(|c| c.low = 0.0), "low"),
        (bad(|c| c.high = 7.0), "high"),
        (bad(|c| c.close = 13.0), "close"),
        (bad(|c| c.open = 7.0), "open"),
        (bad(|c| c.volume = -0.5), "volume"),
        (bad(|c| c.volume = f64::NAN), "volume"),
        (bad(|c| c.open_time = Timestamp::from_ms(60_001)), "time"),
        (bad(|c| c.open_time = Timestamp::from_ms(i64::MAX)), "time"),
        (bad(|c| c.open_time = Timestamp::from_ms(i64::MIN)), "time"),
    ] {
        assert_eq!((error.row(), error.column()), (Some(1), column), "{error}");
    }
    let mut short = columns(&[good]);
    short.close.clear();
    assert!(matches!(
        Series::new(Timeframe::M1, short),
        Err(DataError::Ragged { column: "close", found: 0, expected: 1 })
    ));
}

#[test]
fn order_and_duplicates() {
    assert!(matches!(
        refused(&[candle(2, 10.0), candle(1, 10.0)]),
        DataError::Unsorted { row: 1, .. }
    ));
    assert!(matches!(
        refused(&[candle(1, 10.0), candle(1, 10.0)]),
        DataError::Duplicate { row: 1, conflicting: false, .. }
    ));
    assert!(matches!(
        refused(&[candle(1, 10.0), candle(1, 11.0)]),
        DataError::Duplicate { row: 1, conflicting: true, .. }
    ));
}

#[test]
fn repair_sorts_and_drops_but_never_chooses() {
    let rows = [candle(2, 9.0), candle(1, 10.0), candle(2, 9.0), candle(4, 11.0)];
    let (series, report) = Series::repair(Timeframe::M1, columns(&rows)).unwrap();
    assert_eq!(series.time(), [60_000, 120_000, 240_000]);
    assert_eq!(report, Repair { moved: 1, dropped: 1 });
    assert_eq!(series.gaps(), Gaps { count: 1, missing: 1, longest: 1 });
    assert!(matches!(series.require_no_gaps(), Err(DataError::Gap { row: 2, .. })));

    let rows = [candle(2, 9.0), candle(1, 10.0), candle(2, 9.5)];
    let error = Series::repair(Timeframe::M1, columns(&rows)).unwrap_err();
    assert!(matches!(error, DataError::Duplicate { row: 2, first: 0, conflicting: true, .. }));
    assert_eq!(error.reason(), "time 1970-01-01T00:02:00Z appears a second time with other values");
    let mut bad = candle(1, 10.0);
    bad.low = 0.0;
    let error = Series::repair(Timeframe::M1, columns(&[candle(2, 9.0), bad])).unwrap_err();
    assert_eq!(error.row(), Some(1));
}

#[test]
fn selections_and_hash() {
    let rows: Vec<_> = (0..5).map(|m| candle(m, 10.0)).collect();
    let series = Series::new(Timeframe::M1, columns(&rows)).unwrap();
    let part = series.between(Timestamp::from_ms(60_000), Timestamp::from_ms(180_000));
    assert_eq!(part.time(), [60_000, 120_000]);
    assert_eq!(part, series.slice(1..3));
    assert!(series.between(Timestamp::from_ms(9), Timestamp::from_ms(3)).is_empty());
    assert_eq!(series.span().unwrap().1.as_ms(), 300_000);
    assert_eq!(series.sha256().len(), 64);
    assert_ne!(series.sha256(), part.sha256());
}

//! Any bytes as CSV.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tradepulse_core::{market::Series, time::Timeframe};
use tradepulse_exec::{
    export::write_csv,
    import::{Options, Rows, read_csv},
};

fn read(text: &[u8]) -> Option<Rows> {
    let options = Options { max_rows: 4096, ..Options::default() };
    let mut rows = Rows::default();
    read_csv(text, Path::new("fuzz.csv"), &options, &mut rows).ok()?;
    Some(rows)
}

fuzz_target!(|data: &[u8]| {
    let Some(rows) = read(data) else { return };
    let count = rows.columns().len();
    for row in 0..count {
        let place = rows.place(row).expect("every row has a place");
        assert!(place.line() >= 1 && place.line() <= data.len() as u64 + 1);
    }
    assert!(rows.place(count).is_none());
    let columns = rows.into_columns();
    let _ = Series::repair(Timeframe::M1, columns.clone());
    let Ok(series) = Series::new(Timeframe::M1, columns) else { return };
    let _ = (series.gaps(), series.span());
    let mut text = Vec::new();
    write_csv(&series, &mut text).expect("memory takes everything");
    let again = read(&text).expect("what was written can be read").into_columns();
    let again = Series::new(Timeframe::M1, again).expect("what was accepted is accepted");
    assert_eq!(again.sha256(), series.sha256());
});

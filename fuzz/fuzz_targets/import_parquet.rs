//! Any bytes as Parquet.
#![no_main]

use std::path::Path;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tradepulse_core::{market::Series, time::Timeframe};
use tradepulse_exec::{
    export::write_parquet,
    import::{Options, Rows, read_parquet},
};

fn read(file: Vec<u8>) -> Option<Rows> {
    let options = Options { max_rows: 4096, ..Options::default() };
    let mut rows = Rows::default();
    read_parquet(Bytes::from(file), Path::new("fuzz.parquet"), &options, &mut rows).ok()?;
    Some(rows)
}

fuzz_target!(
    // The importer turns panics of the Parquet decoder into errors: only panics that leave it
    // count, so the hook that ends the process at any panic goes.
    init: {
        let _ = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
    },
    |data: &[u8]| {
        let Some(rows) = read(data.to_vec()) else { return };
        let columns = rows.into_columns();
        let _ = Series::repair(Timeframe::M1, columns.clone());
        let Ok(series) = Series::new(Timeframe::M1, columns) else { return };
        let mut file = Vec::new();
        write_parquet(&series, &[], &mut file).expect("memory takes everything");
        let again = read(file).expect("what was written can be read").into_columns();
        let again = Series::new(Timeframe::M1, again).expect("what was accepted is accepted");
        assert_eq!(again.sha256(), series.sha256());
    }
);

//! Funding rates from files: what is read, and what is refused by line and column.

#![allow(clippy::unwrap_used)]

use std::io::Write;

use tradepulse_exec::import::read_funding;

fn read(bytes: &[u8]) -> Result<(Vec<i64>, Vec<f64>), String> {
    let mut file = tempfile::Builder::new().prefix("funding").tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let name = file.path().display().to_string();
    let series = read_funding(file.path()).map_err(|error| {
        let error: &dyn std::error::Error = &error;
        let source = error.source().map_or_else(String::new, |s| format!(": {s}"));
        format!("{error}{source}").replace(&name, "f.csv")
    })?;
    Ok((series.time().to_vec(), series.rate().to_vec()))
}

const START: i64 = 1_704_067_200_000;
const HOURS_8: i64 = 8 * 3_600_000;

#[test]
fn the_tables_of_venues_are_read() {
    let expected = (vec![START, START + HOURS_8], vec![0.0001, -0.00025]);
    for text in [
        "time,rate\n2024-01-01,0.0001\n2024-01-01T08:00:00Z,-0.00025\n",
        "calc_time,funding_interval_hours,last_funding_rate\n1704067200003,8,0.0001\n\
         1704096000000,8,-0.00025",
        "\u{feff}\"fundingRate\";\"fundingTime\"\r\n1e-4;1704067200\r\n\r\n-2.5e-4;1704096000\r\n",
    ] {
        assert_eq!(read(text.as_bytes()).unwrap(), expected, "{text}");
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"time,rate\n1704067200,0.0001\n1704096000,-0.00025\n").unwrap();
    assert_eq!(read(&packed.finish().unwrap()).unwrap(), expected);
}

#[test]
fn what_is_wrong_is_named() {
    for (text, message) in [
        ("", "f.csv holds no funding rates"),
        ("time,rate\n", "f.csv holds no funding rates"),
        ("time,price\n1,2\n", "f.csv: no column for rate; found: time, price"),
        ("time,rate,date\n", "f.csv: more than one column for time: time, date"),
        (
            "time,rate\n2024-01-01,NaN\n",
            "f.csv, line 2, column rate: \"NaN\" is not a finite number",
        ),
        ("time,rate\n2024-01-01,\n", "f.csv, line 2, column rate: \"\" is empty"),
        ("time,rate\n2024-01-01\n", "f.csv, line 2: 1 fields, expected 2"),
        (
            "time,rate\n2024-01-01,0\n\n2024-01-01,0\n",
            "f.csv, line 4: time 2024-01-01T00:00:00Z is not after that of the previous row \
             (2024-01-01T00:00:00Z)",
        ),
        ("time,rate\n2024-01-01,1\n", "f.csv, line 2: rate 1 is not a fraction between -1 and 1"),
        ("PAR1....", "f.csv is a Parquet file: funding rates are read from CSV"),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap_err(), message, "{text}");
    }
    assert!(read(b"time,rate\nsoon,0.1\n").unwrap_err().starts_with("f.csv, line 2, column time"));
}

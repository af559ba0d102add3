//! Any bytes as a LightGBM text model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tradepulse_core::inference::{Predictor, Rows};
use tradepulse_exec::inference::lightgbm::LightGbm;

fuzz_target!(|data: &[u8]| {
    let Ok(model) = LightGbm::parse_bytes(data) else { return };
    let inputs = model.signature().inputs;
    if inputs > 4096 {
        return;
    }
    for value in [0.0, 1.0, -3.5, f64::NAN, f64::INFINITY] {
        let row = vec![value; inputs];
        let rows = Rows::new(&row, inputs).expect("one row");
        if let Ok(outputs) = model.predict_rows(rows) {
            assert!(outputs.iter().all(|output| output.is_finite()));
        }
    }
});

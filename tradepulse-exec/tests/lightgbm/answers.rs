use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tradepulse_core::conformance;
use tradepulse_core::inference::{PredictorError, Rows};
use tradepulse_exec::inference::lightgbm::LightGbm;

pub(crate) fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lightgbm/models")
}

fn table(path: &Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(|word| word.parse().unwrap()).collect()).collect()
}

/// Compares every model in `folder` with the answers beside it; says how many there are.
fn compare(folder: &Path) -> usize {
    let rows = table(&folder.join("rows.csv"));
    let mut models = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        models += 1;
        let model = LightGbm::load(&path).unwrap();
        let answers = table(&path.with_extension("csv"));
        assert_eq!(rows.len(), answers.len());
        let mut together: Vec<f64> = Vec::new();
        let mut expected: Vec<f64> = Vec::new();
        for (i, (row, answer)) in rows.iter().zip(&answers).enumerate() {
            let mut outputs = vec![0.0; answer.len()];
            let result = model.predict_row(row, &mut outputs);
            if answer.iter().any(|answer| !answer.is_finite()) {
                let refused = matches!(result, Err(PredictorError::NotFinite { .. }));
                assert!(refused, "{}: row {i} has {outputs:?}", path.display());
                continue;
            }
            result.unwrap();
            for (found, answer) in outputs.iter().zip(answer) {
                let near = (found - answer).abs() <= 1e-12 * answer.abs().max(1.0);
                assert!(near, "{}: row {i} has {found}, not {answer}", path.display());
            }
            together.extend_from_slice(row);
            expected.extend(outputs);
        }
        let rows = Rows::new(&together, rows[0].len()).unwrap();
        assert_eq!(model.predict_rows(rows).unwrap(), expected, "{}", path.display());
    }
    models
}

#[test]
fn committed_models_answer_as_in_python() {
    assert_eq!(compare(&committed()), 26);
}

#[test]
fn fresh_models_answer_as_in_python() {
    let python = std::env::var("TRADEPULSE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import lightgbm, numpy"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} has no lightgbm (pip install lightgbm numpy)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/lightgbm_models.py");
    let sizes = ["--rows", "1000", "--trees", "40", "--leaves", "31"];
    let status = Command::new(&python).arg(script).arg(folder.path()).args(sizes).status();
    assert!(status.unwrap().success());
    assert_eq!(compare(folder.path()), 26);
}

#[test]
fn models_keep_the_contract() {
    let sample = table(&committed().join("rows.csv"));
    let sample: Vec<f64> = sample[1..5].concat();
    for name in ["regression", "binary", "multiclass", "categorical", "zero_as_missing", "linear"] {
        let model = LightGbm::load(&committed().join(format!("{name}.txt"))).unwrap();
        let report = pollster::block_on(conformance::predictor::run(&model, &sample));
        assert!(report.is_clean(), "{name}\n{report}");
    }
}

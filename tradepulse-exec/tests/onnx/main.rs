//! ONNX models: Python's own answers, where ONNX Runtime is found (`ORT_DYLIB_PATH`, or in the
//! Python package).
//!
//! The committed models and answers are made by `tools/onnx_models.py`.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod conversion;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tradepulse_core::conformance;
use tradepulse_core::inference::{FeatureRegistry, Predictor, Rows};
use tradepulse_exec::inference::bundle::{self, Flags};
use tradepulse_exec::inference::onnx::{HOW_TO_GET_IT, Onnx, load_library};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/models")
}

fn python() -> String {
    std::env::var("TRADEPULSE_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Loads the library, if there is one.
fn ready() -> bool {
    let find = "import glob, os, onnxruntime\n\
        print(glob.glob(os.path.dirname(onnxruntime.__file__) + '/capi/libonnxruntime.so*')[0])";
    let found = Command::new(python()).args(["-c", find]).output();
    let in_package = found.ok().filter(|output| output.status.success());
    let path = std::env::var("ORT_DYLIB_PATH").ok().or_else(|| {
        in_package.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    });
    match path {
        Some(path) => load_library(path.as_ref()).map(|()| true).unwrap(),
        None => {
            eprintln!("skipped: no ONNX Runtime ({HOW_TO_GET_IT})");
            false
        }
    }
}

fn table(path: &Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(|word| word.parse().unwrap()).collect()).collect()
}

#[tokio::test]
async fn models_answer_as_in_python() {
    if !ready() {
        return;
    }
    let rows = table(&folder().join("rows.csv")).concat();
    for name in ["network", "network_double", "classifier", "trees"] {
        let model = Onnx::load(&folder().join(format!("{name}.onnx"))).unwrap();
        let expected = table(&folder().join(format!("{name}.csv")));
        assert_eq!(model.signature().outputs, expected[0].len());
        let outputs = model.predict(Rows::new(&rows, 10).unwrap()).await.unwrap();
        for (found, expected) in outputs.iter().zip(expected.concat()) {
            assert!((found - expected).abs() < 1e-6, "{name}: {found} is not {expected}");
        }
        let report = conformance::predictor::run(&model, &rows[..50]).await;
        assert!(report.is_clean(), "{name}\n{report}");
    }
}

#[tokio::test]
async fn a_bundle_may_be_an_onnx_model() {
    if !ready() {
        return;
    }
    let flags =
        Flags { name: None, features: "basic10".to_owned(), output: "probs3".parse().unwrap() };
    let file = folder().join("classifier.onnx");
    let bundle = bundle::load(&file, Some(&flags), &FeatureRegistry::default()).await.unwrap();
    assert_eq!((bundle.platform(), bundle.manifest().name.as_str()), ("onnx", "classifier"));
}

#[test]
fn what_is_no_model_is_an_error() {
    if !ready() {
        return;
    }
    let model = fs::read(folder().join("network.onnx")).unwrap();
    for bytes in [&[][..], &[8, 7], &model[..model.len() / 2], b"tree\nversion=v4\n"] {
        assert!(Onnx::parse_bytes(bytes).is_err());
    }
}

#[test]
fn a_library_that_is_not_there_is_told() {
    let told = match load_library("/no/such/libonnxruntime.so".as_ref()) {
        // Another test was first.
        Ok(()) => return,
        Err(error) => error.to_string(),
    };
    assert!(told.contains("/no/such/libonnxruntime.so"), "{told}");
    assert!(told.contains("pip download onnxruntime"), "{told}");
}

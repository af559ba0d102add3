//! TorchScript models: Python's own answers. Needs libtorch to build; the committed models and
//! answers are made by `tools/torch_models.py`, larger ones on the spot where a Python with PyTorch
//! is found (`TRADEPULSE_PYTHON`, or `python3`).

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tradepulse_core::conformance;
use tradepulse_core::inference::{FeatureRegistry, Predictor, PredictorError, Rows};
use tradepulse_exec::inference::bundle::{self, BundleError, Flags};
use tradepulse_exec::inference::torch::Torch;

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch/models")
}

/// Models in a folder, with PyTorch's answers to 1,000 rows; none without PyTorch.
fn fresh() -> Option<TempDir> {
    let python = std::env::var("TRADEPULSE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import torch, numpy"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} has no PyTorch (pip install torch numpy)");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/torch_models.py");
    let mut make = Command::new(&python);
    make.arg(script).arg(folder.path()).args(["--rows", "1000"]);
    assert!(make.status().unwrap().success());
    Some(folder)
}

fn table(path: &Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(|word| word.parse().unwrap()).collect()).collect()
}

async fn compare(folder: &Path, names: &[&str]) {
    let rows = table(&folder.join("rows.csv")).concat();
    for name in names {
        let model = Torch::load(&folder.join(format!("{name}.pt")), 10).unwrap();
        let expected = table(&folder.join(format!("{name}.csv")));
        assert_eq!(model.signature().outputs, expected[0].len());
        let outputs = model.predict(Rows::new(&rows, 10).unwrap()).await.unwrap();
        let expected = expected.concat();
        assert_eq!(outputs.len(), expected.len());
        let near = if *name == "double" { 1e-12 } else { 1e-6 };
        for (found, expected) in outputs.iter().zip(expected) {
            assert!((found - expected).abs() < near, "{name}: {found} is not {expected}");
        }
        let report = conformance::predictor::run(&model, &rows[..500]).await;
        assert!(report.is_clean(), "{name}\n{report}");
    }
}

#[tokio::test]
async fn committed_models_answer_as_in_python() {
    compare(&committed(), &["classifier", "recurrent", "double"]).await;
}

#[tokio::test]
async fn fresh_models_answer_as_in_python() {
    let Some(folder) = fresh() else { return };
    let names = ["classifier", "recurrent", "convolution", "forecast", "branching", "double"];
    compare(folder.path(), &names).await;
    fs::copy(folder.path().join("frozen.pt"), folder.path().join("classifier.pt")).unwrap();
    compare(folder.path(), &["classifier"]).await;

    let refused = |name: &str| {
        let file = folder.path().join(format!("{name}.pt"));
        Torch::load(&file, 10).map(drop).unwrap_err().to_string()
    };
    assert!(refused("missing").contains("cannot read"));
    assert!(refused("pair").contains("cannot be asked"), "{}", refused("pair"));
    assert!(refused("label").contains("it answers Int64"), "{}", refused("label"));
    assert!(refused("whole").contains("cannot be asked"), "{}", refused("whole"));
    assert!(refused("weights").contains("cannot be asked"), "{}", refused("weights"));

    let model = Torch::load(&folder.path().join("nan.pt"), 10).unwrap();
    let rows = [[1.0; 10], [-1.0; 10]].concat();
    let answer = model.predict(Rows::new(&rows, 10).unwrap()).await;
    assert_eq!(answer, Err(PredictorError::NotFinite { row: 1, output: 0 }));
    let answer = model.predict(Rows::new(&rows[..10], 10).unwrap()).await;
    assert_eq!(answer, Ok(vec![f64::from(10.0_f32.sqrt())]));
}

#[test]
fn what_is_no_model_is_an_error() {
    let model = fs::read(committed().join("classifier.pt")).unwrap();
    let mut torn = model.clone();
    torn[model.len() / 2..].fill(0);
    for bytes in [&[][..], b"PK", &model[..model.len() / 2], &torn, b"tree\nversion=v4\n"] {
        let told = Torch::parse_bytes(bytes, 10).map(drop).unwrap_err().to_string();
        assert!(told.starts_with("the TorchScript model cannot be asked: "), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    for inputs in [0, 9, 11] {
        let told = Torch::parse_bytes(&model, inputs).map(drop).unwrap_err().to_string();
        let what = if inputs == 0 { "no features" } else { "shapes" };
        assert!(told.contains(what) && told.lines().count() == 1, "{told}");
    }
}

#[tokio::test]
async fn a_bundle_may_be_a_torchscript_model() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.pt");
    fs::copy(committed().join("classifier.pt"), &file).unwrap();
    let registry = FeatureRegistry::default();
    let flags = |features: &str| Flags {
        name: None,
        features: features.to_owned(),
        output: "probs3".parse().unwrap(),
    };
    let bundle = bundle::load(&file, Some(&flags("basic10")), &registry).await.unwrap();
    assert_eq!((bundle.platform(), bundle.manifest().name.as_str()), ("torchscript", "network"));

    let raw = flags(bundle::RAW);
    let told = bundle::load(&file, Some(&raw), &registry).await.unwrap_err();
    assert!(matches!(told, BundleError::Width { .. }), "{told}");
    assert!(matches!(bundle::width(&file, None), Err(BundleError::Width { .. })));
    assert_eq!(bundle::width(&file, Some(10)).unwrap(), 10);
    let narrow = bundle::write_manifest(&file, &raw, &registry, vec![0.5; 9], None).await;
    assert!(matches!(narrow, Err(BundleError::Torch { .. })));
    bundle::write_manifest(&file, &raw, &registry, vec![0.5; 10], None).await.unwrap();
    let bundle = bundle::load(&file, None, &registry).await.unwrap();
    assert_eq!(bundle.manifest().feature_names[9], "feature_9");

    fs::copy(committed().join("double.pt"), &file).unwrap();
    let told = bundle::load(&file, None, &registry).await.unwrap_err();
    assert!(matches!(told, BundleError::Hash { .. }), "{told}");
}

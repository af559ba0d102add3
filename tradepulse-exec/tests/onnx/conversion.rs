//! PyTorch models that `tools/convert_to_onnx.py` makes ONNX models of, where a Python with PyTorch
//! is found (`TRADEPULSE_PYTHON`, or `python3`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tradepulse_core::conformance;
use tradepulse_core::inference::{
    Basic10, FeatureRegistry, FeatureSet, OutputKind, Rows, contract_hash,
};
use tradepulse_exec::inference::bundle;

use super::{python, ready, table};

fn tool(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools").join(name)
}

/// PyTorch models in a folder, with PyTorch's answers to 1,000 rows; none without PyTorch.
fn models() -> Option<TempDir> {
    let python = python();
    let found = Command::new(&python).args(["-c", "import torch, numpy"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} has no PyTorch (pip install torch numpy onnx onnxruntime)");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut make = Command::new(&python);
    make.arg(tool("torch_models.py")).arg(folder.path()).args(["--rows", "1000"]);
    assert!(make.status().unwrap().success());
    Some(folder)
}

/// Converts `NAME.pt` to `NAME.onnx`: the exit code, and what was told.
fn convert(folder: &TempDir, name: &str, flags: &str) -> (Option<i32>, String) {
    let file = |extension| folder.path().join(name).with_extension(extension);
    let mut command = Command::new(python());
    command.arg(tool("convert_to_onnx.py"));
    command.arg("--input").arg(file("pt")).arg("--output").arg(file("onnx"));
    let size = ["--input-size", "10"];
    let output = command.args(size).args(flags.split_whitespace()).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

#[test]
fn it_knows_the_contract_of_basic10() {
    let script = fs::read_to_string(tool("convert_to_onnx.py")).unwrap();
    let contract = contract_hash(&Basic10);
    assert!(script.contains(&format!("\"contract\": \"{contract}\"")), "it is {contract}");
    let mut rest = &*script;
    for name in Basic10.names() {
        let quoted = format!("\"{name}\",");
        let at = rest.find(&quoted).unwrap_or_else(|| panic!("{name} is not in its place"));
        rest = &rest[at + quoted.len()..];
    }
}

#[tokio::test]
async fn converted_models_answer_as_in_pytorch() {
    let Some(folder) = models().filter(|_| ready()) else { return };
    let rows = table(&folder.path().join("rows.csv")).concat();
    let cases = [
        ("classifier", "probs3", "--features basic10 --horizon 12 --learnt-to 2024-05-01"),
        ("recurrent", "score", ""),
        ("convolution", "binary", "--name chance"),
        ("forecast", "score", "--feature-names a,b,c,d,e,f,g,h,i,j"),
        ("branching", "logits", "--classes short,hold,long"),
        ("double", "score", ""),
        ("frozen", "probs3", ""),
        ("whole", "probs3", "--trust-pickle"),
    ];
    for (name, kind, flags) in cases {
        let (code, told) = convert(&folder, name, flags);
        assert_eq!(code, Some(0), "{name}: {told}");
        assert!(told.contains(&format!("answers {kind}")), "{name}: {told}");
        let file = folder.path().join(name).with_extension("onnx");
        let bundle = bundle::load(&file, None, &FeatureRegistry::default()).await.unwrap();
        let manifest = bundle.manifest();
        assert_eq!((manifest.output.name(), bundle.platform()), (kind, "onnx"));
        match name {
            "classifier" => {
                assert_eq!((manifest.horizon, manifest.features.as_str()), (Some(12), "basic10"));
                let learnt_to = manifest.learnt_to.map(|time| time.to_string());
                assert_eq!(learnt_to.as_deref(), Some("2024-05-01T00:00:00Z"));
            }
            "convolution" => assert_eq!(manifest.name, "chance"),
            "forecast" => assert_eq!(manifest.feature_names[9], "j"),
            "branching" => {
                let OutputKind::Logits { classes } = manifest.output else { panic!("{told}") };
                assert_eq!(classes.map(|class| class.name()), ["short", "hold", "long"]);
            }
            _ => {}
        }
        let same = ["frozen", "whole"].contains(&name);
        let answered = folder.path().join(if same { "classifier" } else { name });
        let expected = table(&answered.with_extension("csv")).concat();
        let outputs = bundle.model().predict(Rows::new(&rows, 10).unwrap()).await.unwrap();
        assert_eq!(outputs.len(), expected.len());
        for (found, expected) in outputs.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{name}: {found} is not {expected}");
        }
        let report = conformance::predictor::run(bundle.model(), &rows[..500]).await;
        assert!(report.is_clean(), "{name}\n{report}");
    }
    let (code, told) = convert(&folder, "classifier", "");
    assert!(code == Some(2) && told.contains("is there already; --replace"), "{told}");
    assert_eq!(convert(&folder, "classifier", "--replace").0, Some(0));
}

#[test]
fn what_cannot_be_converted_is_told() {
    let Some(folder) = models() else { return };
    let file = |name: &str| folder.path().join(name);
    let script = fs::read(file("classifier.pt")).unwrap();
    fs::write(file("torn.pt"), &script[..script.len() / 2]).unwrap();
    fs::write(file("text.pt"), "tree\nversion=v4\n").unwrap();
    let cases = [
        ("missing", "", "cannot read"),
        ("torn", "", "is no"),
        ("text", "--trust-pickle", "text.pt is no PyTorch model"),
        ("whole", "", "--trust-pickle reads it, which runs the code in it"),
        ("weights", "", "has weights only"),
        ("mixing", "", "depends on the other rows"),
        ("pair", "", "answers a tuple, expected one tensor"),
        ("label", "", "with torch.int64"),
        ("nan", "", "is not finite"),
        ("double", "--input-size 11", "does not take rows of 11 features"),
        ("recurrent", "--output-kind binary", "is not in 0..1"),
        ("double", "--output-kind probs3", "has 1 outputs, which are not probs3"),
        ("double", "--features basic10 --input-size 9", "10 names of features, --input-size is 9"),
        ("branching", "--classes long,long,hold", "each once"),
        ("branching", "--horizon 0", "invalid count value: '0'"),
        ("branching", "--learnt-to May", "invalid instant value: 'May'"),
    ];
    for (name, flags, expected) in cases {
        let (code, told) = convert(&folder, name, flags);
        assert!(code == Some(2) && told.contains(expected), "{name} {flags}: {code:?} {told}");
        assert!(!told.contains("Traceback"), "{told}");
    }
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().unwrap().to_str().unwrap();
        assert!(["pt", "csv"].contains(&extension), "{} was written", path.display());
    }
}

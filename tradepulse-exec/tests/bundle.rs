//! Bundles: every difference between a model and its manifest is an error that names it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use pollster::block_on;
use tradepulse_core::inference::{FeatureRegistry, OutputKind, Signature};
use tradepulse_exec::inference::bundle::{
    Bundle, BundleError, Flags, RAW, load, manifest_path, write_manifest,
};

fn model(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lightgbm/models");
    folder.join(format!("{name}.txt"))
}

fn flags() -> Flags {
    Flags { name: Some("trees".to_owned()), features: RAW.to_owned(), output: OutputKind::Score }
}

/// A model with its manifest in a folder of its own.
fn published() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trees.txt");
    fs::copy(model("regression"), &file).unwrap();
    let registry = FeatureRegistry::default();
    let sample = vec![0.5, -0.25, 1.0, 0.0, 2.0, 7.0];
    block_on(write_manifest(&file, &flags(), &registry, sample, None)).unwrap();
    (folder, file)
}

fn open(file: &Path, flags: Option<&Flags>) -> Result<Bundle, BundleError> {
    block_on(load(file, flags, &FeatureRegistry::default()))
}

fn told(file: &Path) -> String {
    let error = open(file, None).unwrap_err();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Changes the text of a file.
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_bundle_is_loaded_as_it_was_written() {
    let (_folder, file) = published();
    let bundle = open(&file, None).unwrap();
    assert_eq!(bundle.model().signature(), Signature { inputs: 6, outputs: 1 });
    assert_eq!(bundle.manifest().name, "trees");
    assert_eq!(bundle.manifest().feature_names[5], "Column_5");
    assert!(bundle.features().is_none());
    assert!(open(&file, Some(&flags())).is_ok());
}

#[test]
fn a_bare_file_needs_flags() {
    let file = model("multiclass");
    assert!(told(&file).contains("--features and --output"));
    let wrong = open(&file, Some(&flags())).unwrap_err().to_string();
    assert_eq!(wrong, "the model has 3 outputs, the manifest says 1");
    let right = Flags { output: "probs3".parse().unwrap(), name: None, ..flags() };
    assert_eq!(open(&file, Some(&right)).unwrap().manifest().name, "multiclass");
    let basic = Flags { features: "basic10".to_owned(), ..right };
    let wrong = open(&file, Some(&basic)).unwrap_err().to_string();
    assert_eq!(wrong, "the model has 6 features, the manifest says 10");
}

#[test]
fn differences_are_named() {
    let cases = [
        ("\"Column_0\",", "", "the model has 6 features, the manifest says 5"),
        ("\"score\"", "\"probs3\",\"classes\":[\"long\",\"short\",\"hold\"]", "1 outputs"),
        ("\"raw\"", "\"basic10\"", "feature 0 is \"return_1\", the manifest says \"Column_0\""),
        ("\"raw\"", "\"basic11\"", "did you mean \"basic10\""),
        ("\"manifest_version\": 1", "\"manifest_version\": 7", "version 7"),
        ("\"tolerance\": 1e-9", "\"tolerance\": 0.0", ""),
        ("\"horizon\"", "\"horizont\"", "unknown field `horizont`"),
    ];
    for (from, to, expected) in cases {
        let (_folder, file) = published();
        edit(&manifest_path(&file), from, to);
        match open(&file, None) {
            Ok(_) => assert_eq!(expected, ""),
            Err(error) => assert!(error.to_string().contains(expected), "{error}"),
        }
    }
    let (_folder, file) = published();
    let other = Flags { name: Some("forest".to_owned()), ..flags() };
    let error = open(&file, Some(&other)).unwrap_err().to_string();
    assert_eq!(error, "name is \"forest\", the manifest says \"trees\"");
}

#[test]
fn a_golden_sample_must_be_reproduced() {
    let (_folder, file) = published();
    edit(&manifest_path(&file), "0.5,", "-3.5,");
    assert!(told(&file).contains("golden sample: output 0 is "), "{}", told(&file));
}

#[test]
fn a_damaged_or_swapped_file_is_not_served() {
    let (_folder, file) = published();
    fs::copy(model("huber"), &file).unwrap();
    assert!(told(&file).contains("the file was changed or swapped"));
    let text = fs::read(model("regression")).unwrap();
    fs::write(&file, &text[..text.len() / 3]).unwrap();
    assert!(told(&file).contains("it is cut off"));
    fs::write(&file, "").unwrap();
    assert!(told(&file).contains("the model is empty"));
    fs::remove_file(&file).unwrap();
    assert!(told(&file).contains("cannot read"));
    let pickled = file.with_extension("pkl");
    fs::write(&pickled, [8, 7]).unwrap();
    assert!(told(&pickled).contains("cannot be asked by this build"));
    let network = file.with_extension("pt");
    fs::write(&network, [8, 7]).unwrap();
    let told = told(&network);
    if cfg!(feature = "torch") {
        assert!(told.contains("trees.pt is no model that can be used"), "{told}");
    } else {
        assert!(told.contains("convert_to_onnx.py --input "), "{told}");
        assert!(told.contains("cargo build --features torch"), "{told}");
    }
}

use std::fs;

use proptest::prelude::*;
use tradepulse_core::inference::{Predictor, Rows};
use tradepulse_exec::inference::lightgbm::LightGbm;

use super::answers::committed;

fn text(name: &str) -> String {
    fs::read_to_string(committed().join(format!("{name}.txt"))).unwrap()
}

fn told(text: &str) -> String {
    LightGbm::parse(text).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn errors_say_what_and_where() {
    let model = text("regression");
    let with = |from: &str, to: &str| told(&model.replacen(from, to, 1));
    assert!(told("").contains("is empty"));
    assert!(told("\n \n").contains("is empty"));
    assert!(told("hello\n").contains("line 1 is \"hello\""));
    assert!(with("version=v4", "version=v9").contains("line 2, the header, version: \"v9\""));
    assert!(with("max_feature_idx=5", "max_feature_idx=4").contains("6 names"));
    assert!(with("objective=regression", "objective=magic").contains("\"magic\" is not known"));
    assert!(with("num_leaves=6", "num_leaves=7").contains("tree 0, leaf_value: 6 numbers"));
    assert!(with("Tree=1\n", "Tree=4\n").contains("expected the next tree"));
    assert!(with("end of trees", "").contains("\"end of trees\": it is cut off"));
    assert!(with("\nthreshold=", "\nthresh=").contains("tree 0 (line 12) has no \"threshold\""));
    assert!(with("split_feature=", "split_feature=9 ").contains("6 numbers, expected 5"));
    assert!(with("leaf_value=", "leaf_value=x").contains("is no number"));
    let missing = LightGbm::load("no/such/model.txt".as_ref()).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read no/such/model.txt"), "{missing}");
    let pickle = LightGbm::parse_bytes(b"tree\nversion=\xff\n").unwrap_err().to_string();
    assert!(pickle.contains("line 2 is no text"), "{pickle}");
}

#[test]
fn what_is_no_tree_is_an_error() {
    let children = |left: &str, right: &str| {
        told(&format!(
            "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\n\
             feature_names=a\ntree_sizes=1\nTree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=0 0\n\
             threshold=1 2\ndecision_type=2 2\nleft_child={left}\nright_child={right}\n\
             leaf_value=1 2 3\nend of trees\n"
        ))
    };
    assert!(children("1 0", "-1 -2").contains("split 0 has two parents"));
    assert!(children("1 -1", "-1 -2").contains("leaf 0 has two parents"));
    assert!(children("5 -1", "-2 -3").contains("there is no split 5"));
    assert!(children("-1 -3", "-2 -1").contains("split 1 has no parent"));
    assert!(children("1 -9", "-1 -2").contains("there is no leaf 8"));
}

#[test]
fn every_truncation_is_an_error() {
    let model = text("categorical_multiclass");
    let end = model.find("end of trees").unwrap() + "end of trees".len();
    for length in (0..end).filter(|&length| model.is_char_boundary(length)).step_by(7) {
        assert!(LightGbm::parse(&model[..length]).is_err(), "the first {length} bytes");
    }
}

/// Changes some bytes of a model.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let names = ["regression", "categorical", "multiclass", "linear", "zero_as_missing"];
    let models = names.map(|name| text(name).into_bytes());
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6);
    (prop::sample::select(models.to_vec()), edits).prop_map(|(mut model, edits)| {
        let end = String::from_utf8_lossy(&model).find("end of trees").unwrap_or(model.len());
        for (place, byte, how) in edits {
            let place = place.index(end.min(model.len()));
            match how {
                0 => model[place] = byte,
                1 => model[place] = b"0123456789-. \n"[usize::from(byte) % 14],
                2 => drop(model.remove(place)),
                _ => model.insert(place, b"0123456789-. \n=ea"[usize::from(byte) % 17]),
            }
        }
        model
    })
}

proptest! {
    #[test]
    fn damaged_models_never_panic(bytes in damaged()) {
        if let Ok(model) = LightGbm::parse_bytes(&bytes) {
            let inputs = model.signature().inputs;
            for value in [0.0, f64::NAN, 7.0, -1e300, f64::INFINITY] {
                let _ = model.predict_rows(Rows::new(&vec![value; inputs * 2], inputs).unwrap());
            }
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = LightGbm::parse_bytes(&bytes);
    }
}

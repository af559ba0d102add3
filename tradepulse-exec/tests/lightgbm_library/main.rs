//! LightGBM's own library as a learner, where a Python with LightGBM is found (`TRADEPULSE_PYTHON`,
//! or `python3`).

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::Command;

use rand::RngExt;
use tradepulse_core::inference::Rows;
use tradepulse_core::random::Seed;
use tradepulse_exec::inference::boosting::{Objective, Table};
use tradepulse_exec::inference::learner::{BuiltInTrees, Learner, TreeGrowth};
use tradepulse_exec::inference::lightgbm::LightGbm;
use tradepulse_exec::inference::lightgbm_library::LightGbmTrees;

/// Python, and the library in its package.
fn found() -> Option<(String, PathBuf)> {
    let python = std::env::var("TRADEPULSE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let find = "import lightgbm, numpy, os\n\
        print(os.path.join(os.path.dirname(lightgbm.__file__), 'lib', 'lib_lightgbm.so'))";
    let output = Command::new(&python).args(["-c", find]).output().ok();
    let output = output.filter(|output| output.status.success());
    let path = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let Some(path) = path.filter(|path| Path::new(path).is_file()) else {
        eprintln!("skipped: {python} has no lightgbm (pip install lightgbm numpy)");
        return None;
    };
    Some((python, path.into()))
}

const FEATURES: usize = 10;

/// Columns, and labels of as many classes that the first two decide with some noise.
fn rows(count: usize, classes: u16, seed: u64) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut random = Seed(seed).stream("rows");
    let (mut columns, mut labels) = (vec![Vec::new(); FEATURES], Vec::new());
    for _ in 0..count {
        let row: [f64; FEATURES] = std::array::from_fn(|_| random.random());
        let score = 0.5 * row[0] + 0.4 * row[1] + 0.1 * random.random::<f64>();
        labels.push((score * f64::from(classes)).floor());
        for (column, value) in columns.iter_mut().zip(row) {
            // Some are missing.
            column.push(if random.random::<f64>() < 0.02 { f64::NAN } else { value });
        }
    }
    (columns, labels)
}

#[test]
fn its_models_are_read_and_answer_as_it_does() {
    let Some((python, library)) = found() else { return };
    let growth = TreeGrowth { rounds: 60, ..TreeGrowth::default() };
    let learner = LightGbmTrees::load(&library, growth).unwrap();
    let names: [String; FEATURES] = std::array::from_fn(|i| format!("feature_{i}"));
    for (objective, classes) in [(Objective::Binary, 2), (Objective::Multiclass { classes: 3 }, 3)]
    {
        let (columns, labels) = rows(3_000, classes, 1);
        let (held_out, held_out_labels) = rows(1_000, classes, 2);
        let training = Table { names: &names, columns: &columns, labels: &labels };
        let validation = Table { names: &names, columns: &held_out, labels: &held_out_labels };
        let learnt = learner.learn(objective, &training, Some(&validation)).unwrap();
        assert_eq!(learner.learn(objective, &training, Some(&validation)).unwrap(), learnt);
        // As good as the trees of our own, or nearly.
        let own = BuiltInTrees(growth).learn(objective, &training, Some(&validation)).unwrap();
        let (theirs, ours) = (learnt.validation_loss.unwrap(), own.validation_loss.unwrap());
        assert!((theirs / ours - 1.0).abs() < 0.15, "{theirs} and {ours}");
        assert!(learnt.importance[0] > learnt.importance[2]);

        let model = LightGbm::parse(&learnt.model).unwrap();
        assert_eq!(model.feature_names(), names);
        let asked: Vec<f64> =
            (0..1_000).flat_map(|i| held_out.iter().map(move |column| column[i])).collect();
        let outputs = model.predict_rows(Rows::new(&asked, FEATURES).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (file, csv) = (folder.path().join("model.txt"), folder.path().join("rows.csv"));
        std::fs::write(&file, &learnt.model).unwrap();
        let line = |row: &[f64]| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
        let text: Vec<String> = asked.chunks(FEATURES).map(line).collect();
        std::fs::write(&csv, text.join("\n")).unwrap();
        let script = "import lightgbm, numpy, sys\n\
            rows = numpy.loadtxt(sys.argv[2], delimiter=',')\n\
            out = lightgbm.Booster(model_file=sys.argv[1]).predict(rows)\n\
            print('\\n'.join(repr(float(x)) for x in out.ravel()))";
        let told = Command::new(&python).args(["-c", script]).args([&file, &csv]).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let told = String::from_utf8(told.stdout).unwrap();
        let expected: Vec<f64> = told.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(outputs.len(), expected.len());
        for (found, expected) in outputs.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }
}

#[test]
fn what_cannot_be_learnt_is_told() {
    let missing = LightGbmTrees::load(Path::new("/nowhere.so"), TreeGrowth::default());
    let why = missing.unwrap_err().to_string();
    assert!(why.contains("/nowhere.so") && why.contains("pip install lightgbm"), "{why}");
    let Some((_, library)) = found() else { return };
    let learner = LightGbmTrees::load(&library, TreeGrowth::default()).unwrap();
    let names = ["a".to_owned()];
    let table = Table { names: &names, columns: &[vec![1.0, 2.0]], labels: &[0.0, 7.0] };
    let error = learner.learn(Objective::Binary, &table, None).unwrap_err().to_string();
    assert!(error.contains("7 is no label"), "{error}");
}

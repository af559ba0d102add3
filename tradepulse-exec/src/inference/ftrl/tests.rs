use proptest::prelude::*;
use rand::RngExt;
use tradepulse_core::conformance;
use tradepulse_core::random::Seed;

use super::*;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("feature_{i}")).collect()
}

fn new(count: usize) -> Ftrl {
    Ftrl::new(FtrlSettings::default(), names(count)).unwrap()
}

/// Any number that is finite, the extreme ones too.
fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<f64>().prop_filter("finite", |x| x.is_finite()),
        4 => -2.0..2.0,
        1 => prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-310]),
    ]
}

proptest! {
    #[test]
    fn whatever_rows_come_it_says_a_probability(
        rows in prop::collection::vec((prop::array::uniform3(finite()), any::<bool>()), 1..60),
        asked in prop::array::uniform3(finite()),
    ) {
        let (mut model, mut again) = (new(3), new(3));
        for (row, label) in &rows {
            model.update(row, *label).unwrap();
            // Written and read between any two rows it is the same.
            again = Ftrl::parse(&again.text().unwrap()).unwrap();
            again.update(row, *label).unwrap();
        }
        prop_assert_eq!(model.text().unwrap(), again.text().unwrap());
        let p = model.probability(&asked).unwrap();
        prop_assert!(p > 0.0 && p < 1.0, "{}", p);
    }

    #[test]
    fn what_is_not_finite_is_refused_and_changes_nothing(
        rows in prop::collection::vec((prop::array::uniform2(finite()), any::<bool>()), 0..20),
        bad in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
        second in any::<bool>(),
    ) {
        let mut model = new(2);
        for (row, label) in &rows {
            model.update(row, *label).unwrap();
        }
        let before = model.clone();
        let row = if second { [0.0, bad] } else { [bad, 0.0] };
        let refused = matches!(model.update(&row, true), Err(FtrlError::NotFinite { .. }));
        prop_assert!(refused && model.probability(&row).is_err());
        prop_assert_eq!(model, before);
    }
}

#[test]
fn it_learns_whatever_the_features_are_measured_in() {
    let mut random = Seed(4).stream("rows");
    let (mut small, mut large) = (new(2), new(2));
    let mut right = 0;
    for i in 0..2_000 {
        let [a, b]: [f64; 2] = [random.random(), random.random()];
        let label = a + 0.1 * random.random::<f64>() > 0.55;
        right += u32::from(i >= 1_000 && (small.probability(&[a, b]).unwrap() > 0.5) == label);
        small.update(&[a, b], label).unwrap();
        large.update(&[a * 1e6, b - 1e3], label).unwrap();
    }
    assert!(right > 900, "{right} of 1000");
    let (small, large) = (small.probability(&[0.7, 0.2]), large.probability(&[0.7e6, 0.2 - 1e3]));
    assert!((small.unwrap() - large.unwrap()).abs() < 1e-6);
}

#[test]
fn it_keeps_the_contract() {
    let mut model = new(2);
    for i in 0..50 {
        model.update(&[f64::from(i % 7), f64::from(i % 3)], i % 2 == 0).unwrap();
    }
    let report = pollster::block_on(conformance::predictor::run(&model, &[1.0, 2.0, 0.5, -3.0]));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn it_is_on_the_disk_after_each_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.ftrl");
    let open = || FtrlFile::open(&path, FtrlSettings::default(), names(1));
    let mut expected = new(1);
    for i in 0..5 {
        let mut file = open().unwrap();
        file.update(&[f64::from(i)], i > 2).unwrap();
        expected.update(&[f64::from(i)], i > 2).unwrap();
        assert_eq!(open().unwrap().model(), &expected);
    }
    assert!(FtrlFile::open(&path, FtrlSettings::default(), names(2)).is_err());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert!(matches!(open(), Err(FtrlError::Format(_))));
    // What cannot be read is not overwritten.
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text[..text.len() / 2]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let with = |settings| Ftrl::new(settings, names(1)).is_err();
    let usual = FtrlSettings::default();
    assert!(with(FtrlSettings { alpha: 0.0, ..usual }) && with(FtrlSettings { l1: -1.0, ..usual }));
    assert!(with(FtrlSettings { beta: 0.0, l2: 0.0, ..usual }));
    assert!(Ftrl::new(usual, Vec::new()).is_err());
}

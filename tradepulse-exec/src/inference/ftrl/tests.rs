use proptest::prelude::*;
use rand::RngExt;
use tradepulse_core::conformance;
use tradepulse_core::random::Seed;

use super::*;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("feature_{i}")).collect()
}

fn new(count: usize) -> Ftrl {
    of_classes(count, 2)
}

fn of_classes(count: usize, classes: usize) -> Ftrl {
    Ftrl::new(FtrlSettings::default(), names(count), classes).unwrap()
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
        rows in prop::collection::vec((prop::array::uniform3(finite()), 0..3_usize), 1..60),
        classes in 2..4_usize,
        asked in prop::array::uniform3(finite()),
    ) {
        let (mut model, mut again) = (of_classes(3, classes), of_classes(3, classes));
        for (row, class) in &rows {
            let class = class % classes;
            model.update(row, class).unwrap();
            // Written and read between any two rows it is the same.
            again = Ftrl::parse(&again.text().unwrap()).unwrap();
            again.update(row, class).unwrap();
        }
        prop_assert_eq!(model.text().unwrap(), again.text().unwrap());
        let said = model.probabilities(&asked).unwrap();
        prop_assert!(said.len() == classes && said.iter().all(|p| *p > 0.0 && *p < 1.0), "{said:?}");
        prop_assert!((said.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_finite_is_refused_and_changes_nothing(
        rows in prop::collection::vec((prop::array::uniform2(finite()), 0..2_usize), 0..20),
        bad in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
        second in any::<bool>(),
    ) {
        let mut model = new(2);
        for (row, class) in &rows {
            model.update(row, *class).unwrap();
        }
        let before = model.clone();
        let row = if second { [0.0, bad] } else { [bad, 0.0] };
        let refused = matches!(model.update(&row, 1), Err(FtrlError::NotFinite { .. }));
        prop_assert!(refused && model.probabilities(&row).is_err());
        let none = matches!(model.update(&[0.0; 2], 2), Err(FtrlError::Class { .. }));
        prop_assert!(none);
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
        let said = small.probabilities(&[a, b]).unwrap()[1] > 0.5;
        right += u32::from(i >= 1_000 && said == label);
        small.update(&[a, b], label.into()).unwrap();
        large.update(&[a * 1e6, b - 1e3], label.into()).unwrap();
    }
    assert!(right > 900, "{right} of 1000");
    let small = small.probabilities(&[0.7, 0.2]).unwrap();
    let large = large.probabilities(&[0.7e6, 0.2 - 1e3]).unwrap();
    assert!((small[1] - large[1]).abs() < 1e-6);
}

#[test]
fn three_classes_are_told_apart() {
    let (mut random, mut model) = (Seed(8).stream("rows"), of_classes(2, 3));
    let mut right = 0;
    for i in 0..3_000 {
        let row: [f64; 2] = [random.random_range(-1.0..1.0), random.random_range(-1.0..1.0)];
        let class = if row[0] > 0.2 { 0 } else { 1 + usize::from(row[1] > 0.0) };
        let said = model.probabilities(&row).unwrap();
        let most = (0..3).max_by(|a, b| said[*a].total_cmp(&said[*b])).unwrap();
        right += u32::from(i >= 1_000 && most == class);
        model.update(&row, class).unwrap();
    }
    assert!(right > 1_800, "{right} of 2000");
}

#[test]
fn it_keeps_the_contract() {
    let mut model = new(2);
    for i in 0..50 {
        model.update(&[f64::from(i % 7), f64::from(i % 3)], i as usize % 2).unwrap();
    }
    let report = pollster::block_on(conformance::predictor::run(&model, &[1.0, 2.0, 0.5, -3.0]));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let with = |settings| Ftrl::new(settings, names(1), 2).is_err();
    let usual = FtrlSettings::default();
    assert!(with(FtrlSettings { alpha: 0.0, ..usual }) && with(FtrlSettings { l1: -1.0, ..usual }));
    assert!(with(FtrlSettings { beta: 0.0, l2: 0.0, ..usual }));
    assert!(Ftrl::new(usual, Vec::new(), 2).is_err() && Ftrl::new(usual, names(1), 1).is_err());
}

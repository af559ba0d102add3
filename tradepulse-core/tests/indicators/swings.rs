use proptest::prelude::*;
use tradepulse_core::indicator::{Indicator, SwingHigh, SwingLow};

/// The definition: strictly below the lows of the `k` candles on each side, known `k` later.
fn lows_by_definition(k: usize, lows: &[f64]) -> Vec<Option<f64>> {
    (0..lows.len())
        .map(|i| {
            let j = i.checked_sub(k)?;
            let left = &lows[j.checked_sub(k)?..j];
            let right = &lows[j + 1..=i];
            left.iter().chain(right).all(|&other| lows[j] < other).then_some(lows[j])
        })
        .collect()
}

proptest! {
    #[test]
    fn swings_are_what_the_definition_says(
        k in 1_usize..=6,
        lows in proptest::collection::vec((1_i32..=12).prop_map(f64::from), 0..=200),
    ) {
        let mut low = SwingLow::new(k).unwrap();
        let mut high = SwingHigh::new(k).unwrap();
        let expected = lows_by_definition(k, &lows);
        let found: Vec<_> = lows.iter().map(|&x| low.next(x)).collect();
        prop_assert_eq!(&found, &expected);
        let mirrored: Vec<_> = lows.iter().map(|&x| high.next(-x).map(|x| -x)).collect();
        prop_assert_eq!(&mirrored, &expected);
    }
}

#[test]
fn equal_lows_side_by_side_are_no_swing() {
    let mut swing = SwingLow::new(2).unwrap();
    let lows = [9.0, 8.0, 5.0, 5.0, 8.0, 9.0, 9.0, 7.0, 8.0, 9.0];
    let found: Vec<_> = lows.iter().map(|&x| swing.next(x)).collect();
    let mut expected = vec![None; 10];
    expected[9] = Some(7.0);
    assert_eq!(found, expected);
}

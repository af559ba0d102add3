use proptest::prelude::*;
use rand::RngExt;
use tradepulse_core::random::Seed;

use super::*;

/// Rows of three features of which two matter, and what follows from them.
fn rows(count: usize, seed: u64) -> (Vec<String>, Vec<Vec<f64>>, Vec<f64>) {
    let mut random = Seed(seed).stream("rows");
    let names = ["near", "far", "noise"].map(str::to_owned).to_vec();
    let mut columns = vec![Vec::new(); 3];
    let mut labels = Vec::new();
    for _ in 0..count {
        let row: [f64; 3] = std::array::from_fn(|_| random.random::<f64>() * 2.0 - 1.0);
        let missing = random.random::<f64>() < 0.1;
        // Neither of the two says anything by itself.
        let side = row[0] * row[1] > 0.0 || missing;
        let label = if random.random::<f64>() < 0.1 { !side } else { side };
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
        if missing {
            columns[0].pop();
            columns[0].push(f64::NAN);
        }
        labels.push(f64::from(u8::from(label)));
    }
    (names, columns, labels)
}

fn table(rows: &(Vec<String>, Vec<Vec<f64>>, Vec<f64>)) -> Table<'_> {
    Table { names: &rows.0, columns: &rows.1, labels: &rows.2 }
}

#[test]
fn it_learns_what_two_features_say_together() {
    let (train, held_out) = (rows(4_000, 1), rows(2_000, 2));
    let settings = BoostingSettings::new(Objective::Binary);
    let boosted = boost(&settings, &table(&train), Some(&table(&held_out))).unwrap();
    let best = boosted.validation_loss.iter().copied().fold(f64::INFINITY, f64::min);
    // A coin has 0.693, and one label in ten is wrong: 0.325 is the least there can be.
    assert!((0.325..0.42).contains(&best), "{best}");
    assert!(boosted.rounds < boosted.validation_loss.len(), "it stopped where it was best");
    assert_eq!(boosted.validation_loss[boosted.rounds - 1], best);
    let [near, far, noise] = boosted.importance[..] else { panic!() };
    assert!(near.1 > 5.0 * noise.1 && far.1 > 5.0 * noise.1, "{:?}", boosted.importance);
    assert_eq!(boosted.text.matches("\nTree=").count(), boosted.rounds);
}

#[test]
fn the_sizes_in_the_text_are_those_of_its_trees() {
    let train = rows(500, 3);
    let settings = BoostingSettings { rounds: 7, ..BoostingSettings::new(Objective::Binary) };
    let text = boost(&settings, &table(&train), None).unwrap().text;
    let sizes = text.lines().find_map(|line| line.strip_prefix("tree_sizes=")).unwrap();
    let mut at = text.find("Tree=0").unwrap();
    for (i, size) in sizes.split(' ').enumerate() {
        assert!(text[at..].starts_with(&format!("Tree={i}\n")), "tree {i}");
        at += size.parse::<usize>().unwrap();
    }
    assert!(text[at..].starts_with("end of trees"));
}

#[test]
fn classes_and_values_are_learnt_too() {
    let (names, columns, _) = rows(3_000, 4);
    let class = |i: usize| match columns[1][i] {
        x if x < -0.3 => 0.0,
        x if x < 0.4 => 1.0,
        _ => 2.0,
    };
    let labels: Vec<f64> = (0..3_000).map(class).collect();
    let train = (names, columns, labels);
    let classes = BoostingSettings::new(Objective::Multiclass { classes: 3 });
    let boosted = boost(&classes, &table(&train), None).unwrap();
    assert!(*boosted.training_loss.last().unwrap() < 0.01, "{:?}", boosted.training_loss);
    assert_eq!(boosted.text.matches("\nTree=").count(), 300);
    let values = BoostingSettings::new(Objective::Regression);
    let boosted = boost(&values, &table(&train), None).unwrap();
    assert!(*boosted.training_loss.last().unwrap() < 0.01, "{:?}", boosted.training_loss);
}

#[test]
fn fractions_are_drawn_from_the_seed() {
    let train = rows(1_000, 5);
    let text = |seed, rows| {
        let settings = BoostingSettings {
            seed: Seed(seed),
            row_fraction: rows,
            feature_fraction: 0.7,
            rounds: 20,
            ..BoostingSettings::new(Objective::Binary)
        };
        boost(&settings, &table(&train), None).unwrap().text
    };
    assert_eq!(text(1, 0.6), text(1, 0.6));
    let trees = |text: &str| text.split("end of trees").next().unwrap().to_owned();
    assert_ne!(trees(&text(1, 0.6)), trees(&text(2, 0.6)));
}

#[test]
fn what_cannot_be_learnt_is_said() {
    let good = rows(50, 6);
    let told = |change: &dyn Fn(&mut BoostingSettings), rows: &Table<'_>| {
        let mut settings = BoostingSettings::new(Objective::Binary);
        change(&mut settings);
        boost(&settings, rows, None).unwrap_err().to_string()
    };
    let with = |column: usize, row: usize, value: f64| {
        let mut rows = good.clone();
        match column {
            3 => rows.2[row] = value,
            column => rows.1[column][row] = value,
        }
        rows
    };
    let bad_label = with(3, 7, 2.0);
    assert_eq!(told(&|_| {}, &table(&bad_label)), "row 7: 2 is no label of binary");
    let infinite = with(1, 3, f64::INFINITY);
    assert!(told(&|_| {}, &table(&infinite)).contains("feature far, row 3: inf is not finite"));
    let settings = told(&|s| s.learning_rate = 0.0, &table(&good));
    assert_eq!(settings, "learning_rate: 0 is not in above 0 to 1");
    let names = ["a b", "far", "noise"].map(str::to_owned);
    let odd = Table { names: &names, ..table(&good) };
    assert!(told(&|_| {}, &odd).contains("\"a b\""));
    let short = Table { labels: &good.2[..40], ..table(&good) };
    assert_eq!(told(&|_| {}, &short), "feature near has 50 values for 40 labels");
    let one = (good.0.clone(), good.1.clone(), vec![1.0; 50]);
    assert_eq!(told(&|_| {}, &table(&one)), "every label is 1: there is nothing to tell apart");
}

proptest! {
    /// Whatever the values: bins and thresholds divide rows in the same way.
    #[test]
    fn a_bin_is_what_its_threshold_says(
        values in prop::collection::vec(
            prop_oneof![-1e3..1e3, Just(f64::NAN), (-5..5_i32).prop_map(f64::from), Just(1e-300)],
            1..200,
        ),
        most in 2_u32..40,
    ) {
        let bins = bins::Bins::of(&values, most);
        prop_assert!(bins.count() <= most as usize);
        for value in values.iter().filter(|value| !value.is_nan()) {
            let bin = bins.find(*value) as usize;
            for cut in 0..bins.of_values() {
                prop_assert_eq!(*value <= bins.threshold(cut), bin <= cut, "{} at {}", value, cut);
            }
        }
    }
}

//! Probabilistic and deflated Sharpe ratio, probability of overfitting, reality check and bootstrap
//! against reference answers (NumPy, SciPy, arch).

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use tradepulse_core::overfitting::{
    Cscv, RealityCheck, TrackRecord, expected_maximum_sharpe, variance,
};
use tradepulse_core::performance::{BlockLength, BootstrapInterval, Resampling, Statistic};
use tradepulse_core::random::Seed;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/");

fn reference(file: &str) -> Value {
    let text = std::fs::read_to_string(format!("{FOLDER}{file}")).unwrap();
    // The file has NaN and Infinity, which JSON has not.
    serde_json::from_str(&text.replace("NaN", "null").replace("Infinity", "null")).unwrap()
}

fn returns(file: &str) -> Vec<f64> {
    let mut reader = csv::Reader::from_path(format!("{FOLDER}{file}")).unwrap();
    reader.records().map(|r| r.unwrap()[1].parse().unwrap()).collect()
}

/// The trials, one vector each.
fn matrix() -> Vec<Vec<f64>> {
    let path = format!("{FOLDER}metrics_matrix_1000x40.csv");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
    let mut trials = vec![Vec::new(); 40];
    for row in reader.records() {
        for (trial, cell) in trials.iter_mut().zip(row.unwrap().iter()) {
            trial.push(cell.parse().unwrap());
        }
    }
    trials
}

fn close(name: &str, ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().unwrap();
    let error = (ours - theirs).abs() / theirs.abs().max(1e-12);
    assert!(error < 1e-12, "{name}: ours {ours}, theirs {theirs}");
}

#[test]
fn probabilistic_sharpe_and_minimum_length() {
    for (data, answers) in [
        ("metrics_returns.csv", "metrics_reference.json"),
        ("metrics_returns_pos.csv", "metrics_reference_pos.json"),
    ] {
        let (returns, reference) = (returns(data), reference(answers));
        let plain = &reference["plain"];
        let record = TrackRecord::new(&returns).unwrap();
        close("sharpe", record.sharpe, &plain["sharpe_daily"]);
        close("skewness", record.skewness, &plain["skew_biased"]);
        close("kurtosis", record.kurtosis, &plain["kurt_pearson_biased"]);
        close("psr", record.probabilistic_sharpe(0.0).unwrap(), &plain["psr_vs_0"]);
        // For losing returns the reference is the length that shows the loss: that of their mirror.
        let sign = record.sharpe.signum();
        let mirror: Vec<f64> = returns.iter().map(|r| r * sign).collect();
        let length = TrackRecord::new(&mirror).unwrap().minimum_length(0.0, 0.95).unwrap();
        close("length", length, &plain["min_track_record_len_95"]);
        assert_eq!(record.minimum_length(0.0, 0.95).is_some(), sign > 0.0);
        // quantstats corrects skewness and kurtosis for bias.
        let theirs = reference["quantstats"]["psr"].as_f64().unwrap();
        assert!((record.probabilistic_sharpe(0.0).unwrap() - theirs).abs() < 1e-6);
    }
}

#[test]
fn deflated_sharpe() {
    let (trials, reference) = (matrix(), reference("metrics_reference.json"));
    let plain = &reference["plain"];
    let records: Vec<_> = trials.iter().map(|t| TrackRecord::new(t).unwrap()).collect();
    let sharpes: Vec<f64> = records.iter().map(|r| r.sharpe).collect();
    let best = (0..40).max_by(|a, b| sharpes[*a].total_cmp(&sharpes[*b])).unwrap();
    assert_eq!(best as u64, plain["matrix_best_col"].as_u64().unwrap());
    close("best", sharpes[best], &plain["matrix_best_sr_daily"]);
    let variance = variance(&sharpes).unwrap();
    close("variance", variance, &plain["matrix_var_sr"]);
    close("maximum", expected_maximum_sharpe(40, variance).unwrap(), &plain["expected_max_sr"]);
    close("dsr", records[best].deflated_sharpe(40, variance).unwrap(), &plain["dsr_best"]);
    // With the count alone: the trials are independent noise of 1000 days, so that is close.
    let by_count = records[best].deflated_sharpe_by_count(40).unwrap();
    assert!((by_count - 0.3).abs() < 0.15, "{by_count}");
}

#[test]
fn probability_of_overfitting() {
    let (trials, reference) = (matrix(), reference("metrics_reference.json"));
    for answer in reference["cscv"].as_array().unwrap() {
        let blocks = answer["S"].as_u64().unwrap() as usize;
        let cscv = Cscv::new(&trials, blocks).unwrap();
        assert_eq!(cscv.combinations as u64, answer["combinations"].as_u64().unwrap());
        close("pbo", cscv.probability, &answer["pbo"]);
        close("logit mean", cscv.logit_mean, &answer["logit_mean"]);
        close("logit median", cscv.logit_median, &answer["logit_median"]);
        close("loss", cscv.probability_of_loss, &answer["prob_oos_loss"]);
        close("slope", cscv.degradation_slope.unwrap(), &answer["slope_oos_on_is"]);
    }
}

#[test]
fn reality_check() {
    let (trials, reference) = (matrix(), reference("metrics_reference.json"));
    let answer = &reference["spa"];
    let ours = RealityCheck::new(&trials, 10.0, 10_000, Seed(1)).unwrap();
    // Both are estimates by simulation, with a standard error of 0.005 and 0.0035.
    let (lower, consistent, upper) = (ours.mean.lower, ours.mean.consistent, ours.mean.upper);
    for (name, ours) in [("lower", lower), ("consistent", consistent), ("upper", upper)] {
        let theirs = answer[name].as_f64().unwrap();
        assert!((ours - theirs).abs() < 0.02, "{name}: ours {ours}, theirs {theirs}");
    }
    // Calm trials among wild ones: divided by their deviations they weigh alike.
    assert!(ours.studentised.consistent > 0.3, "{ours:?}");
}

#[test]
fn block_length_and_interval() {
    let best = &matrix()[18];
    let lengths = BlockLength::new(best).unwrap();
    let answer = &reference("metrics_reference.json")["optimal_block_length_best_col"];
    close("stationary", lengths.stationary, &answer["stationary"]);
    close("circular", lengths.circular, &answer["circular"]);

    for (data, answers) in [
        ("metrics_returns.csv", "metrics_reference.json"),
        ("metrics_returns_pos.csv", "metrics_reference_pos.json"),
    ] {
        let resampling = Resampling::Stationary { mean_block: 10.0 };
        let (data, statistic) = (returns(data), Statistic::Sharpe);
        let ours =
            BootstrapInterval::new(&data, statistic, resampling, 0.95, 20_000, Seed(1)).unwrap();
        let answer = &reference(answers)["sharpe_bootstrap_ci95_stationary10_5000"];
        let year = 252_f64.sqrt();
        for (at, ours) in [(0, ours.percentile.low * year), (1, ours.percentile.high * year)] {
            let theirs = answer[at].as_f64().unwrap();
            assert!((ours - theirs).abs() < 0.06, "ours {ours}, theirs {theirs}");
        }
        let corrected = ours.corrected.unwrap();
        assert!((corrected.low - ours.percentile.low).abs() * year < 0.1);
    }
}

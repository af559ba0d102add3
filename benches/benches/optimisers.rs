//! Optimisers on functions whose best value is known: the median over seeds of the best value
//! found, and the time of each of the last ten suggestions. With `optuna`, its samplers do the same
//! in the same run (`optimisers/optuna_reference.py`; it needs `pip install optuna cmaes scipy torch`).
//!
//! `cargo bench -p tradepulse-benches --bench optimisers -- [SEEDS] [TRIALS] [METHOD…] [optuna]`

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::f64::consts::PI;
use std::process::Command;
use std::time::Instant;

use tradepulse_core::optimise::{Method, Outcome, Space, Told};
use tradepulse_core::parameter::Parameters;
use tradepulse_core::random::Seed;
use tradepulse_core::variable::Variable;

/// A function to be minimised.
struct Function {
    name: &'static str,
    variables: &'static [Variable],
    value: fn(&Parameters) -> f64,
}

const fn unit(name: &'static str) -> Variable {
    Variable::real(name, 0.0, 1.0, 0.0, 0.5, "", "")
}

const fn wide(name: &'static str) -> Variable {
    Variable::real(name, -20.0, 30.0, 0.0, 0.0, "", "")
}

const fn narrow(name: &'static str) -> Variable {
    Variable::real(name, -2.0, 3.0, 0.0, 0.0, "", "")
}

/// The last two had no part in choosing the constants of the optimisers.
const FUNCTIONS: [Function; 5] = [
    Function {
        name: "branin",
        variables: &[
            Variable::real("x", -5.0, 10.0, 0.0, 0.0, "", ""),
            Variable::real("y", 0.0, 15.0, 0.0, 0.0, "", ""),
        ],
        value: branin,
    },
    Function {
        name: "hartmann6",
        variables: &[unit("x0"), unit("x1"), unit("x2"), unit("x3"), unit("x4"), unit("x5")],
        value: hartmann6,
    },
    Function {
        name: "step9",
        variables: &[
            Variable::real("pierce_depth", 0.05, 0.50, 0.01, 0.18, "", ""),
            Variable::integer("rejection_candles", 1, 5, 1, 3, "", ""),
            Variable::real("volume_spike", 1.5, 5.0, 0.1, 2.8, "", ""),
            Variable::integer("lookback", 20, 200, 5, 100, "", ""),
            Variable::real("stop_distance", 0.5, 2.0, 0.1, 1.0, "", ""),
            Variable::real("target_multiple", 1.5, 4.0, 0.1, 2.5, "", ""),
            Variable::integer("max_holding", 5, 200, 5, 30, "", ""),
            Variable::choice("hours", &[4, 6, 12, 24], 4, "", ""),
            Variable::bool("allow_short", false, ""),
        ],
        value: step9,
    },
    Function {
        name: "ackley5",
        variables: &[wide("x0"), wide("x1"), wide("x2"), wide("x3"), wide("x4")],
        value: ackley5,
    },
    Function {
        name: "rosenbrock4",
        variables: &[narrow("x0"), narrow("x1"), narrow("x2"), narrow("x3")],
        value: rosenbrock4,
    },
];

fn get(p: &Parameters, name: &str) -> f64 {
    p.iter().find(|(v, _)| v.name == name).unwrap().1.as_f64()
}

/// Branin 1972; three equal minima of 0.397887.
fn branin(p: &Parameters) -> f64 {
    let (x, y) = (get(p, "x"), get(p, "y"));
    let (b, c, t) = (5.1 / (4.0 * PI * PI), 5.0 / PI, 1.0 / (8.0 * PI));
    (y - b * x * x + c * x - 6.0).powi(2) + 10.0 * (1.0 - t) * x.cos() + 10.0
}

/// Hartmann 1973, six dimensions; the minimum is −3.32237.
fn hartmann6(p: &Parameters) -> f64 {
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let x: Vec<f64> = p.iter().map(|(_, value)| value.as_f64()).collect();
    let hill = |a: &[f64; 6], b: &[f64; 6]| -> f64 {
        (-(0..6).map(|i| a[i] * (x[i] - b[i]).powi(2)).sum::<f64>()).exp()
    };
    let heights = [1.0, 1.2, 3.0, 3.2];
    -heights.iter().zip(A.iter().zip(&P)).map(|(h, (a, b))| h * hill(a, b)).sum::<f64>()
}

/// A plateau landscape over a table like a strategy's: grids of integers and reals, a choice on
/// which the best lookback depends, a bool, and two variables that matter by their product. In
/// steps of a hundredth; the minimum is −0.999.
fn step9(p: &Parameters) -> f64 {
    let (lookback, penalty) = match get(p, "hours") as i64 {
        4 => (60.0, 0.25),
        6 => (85.0, 0.1),
        12 => (110.0, 0.0),
        _ => (150.0, 0.15),
    };
    let (stop, target) = (get(p, "stop_distance"), get(p, "target_multiple"));
    let d = ((get(p, "pierce_depth") - 0.18) / 0.30).powi(2)
        + ((get(p, "rejection_candles") - 3.0) / 5.0).powi(2)
        + ((get(p, "volume_spike") - 2.8) / 2.5).powi(2)
        + ((get(p, "lookback") - lookback) / 110.0).powi(2)
        + ((stop * target - 2.5) / 3.0).powi(2)
        + ((stop - 1.0) / 1.5).powi(2)
        + ((get(p, "max_holding") - 45.0) / 120.0).powi(2)
        + penalty
        + if get(p, "allow_short") == 1.0 { 0.0 } else { 0.2 };
    -0.999 * (100.0 * (-1.5 * d).exp() + 0.5).floor() / 100.0
}

/// Suggestions at the end of a search, whose time is told.
const LAST: u64 = 10;

/// Ackley 1987: a funnel full of dents; the minimum is 0.
fn ackley5(p: &Parameters) -> f64 {
    let x: Vec<f64> = p.iter().map(|(_, value)| value.as_f64()).collect();
    let squares = x.iter().map(|x| x * x).sum::<f64>() / 5.0;
    let waves = x.iter().map(|x| (2.0 * PI * x).cos()).sum::<f64>() / 5.0;
    20.0 + 1.0_f64.exp() - 20.0 * (-0.2 * squares.sqrt()).exp() - waves.exp()
}

/// Rosenbrock 1960: a bent valley; the minimum is 0.
fn rosenbrock4(p: &Parameters) -> f64 {
    let x: Vec<f64> = p.iter().map(|(_, value)| value.as_f64()).collect();
    let valley = |x: &[f64]| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2);
    x.windows(2).map(valley).sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let mut numbers = given.iter().filter_map(|a| a.parse::<u64>().ok());
    let (seeds, trials) = (numbers.next().unwrap_or(20), numbers.next().unwrap_or(100));
    let named: Vec<Method> = given.iter().filter_map(|a| a.parse().ok()).collect();
    let methods = if named.is_empty() { Method::ALL } else { &named };
    println!("{seeds} seeds, {trials} trials, one at a time");
    let (median_us, mean_us) = ("µs median", "mean");
    println!("{:<30}{:>12}{:>10}{median_us:>12}{mean_us:>10}", "", "median best", "worst");
    for method in methods.iter().filter(|m| **m != Method::Grid) {
        for function in &FUNCTIONS {
            let mut bests = Vec::new();
            let mut spent = Vec::new();
            for seed in 0..seeds {
                let mut search = method.start(Space::new(function.variables).unwrap(), Seed(seed));
                for trial in 0..trials {
                    let start = Instant::now();
                    let suggestion = search.ask(1).remove(0);
                    if trial + LAST >= trials {
                        spent.push(start.elapsed().as_secs_f64() * 1e6);
                    }
                    let outcome = Outcome::value(-(function.value)(&suggestion.parameters));
                    search.tell(vec![Told { number: suggestion.number, outcome }]).unwrap();
                }
                let best = search.best().unwrap().outcome.as_ref().unwrap().objective().unwrap();
                bests.push(-best);
            }
            let worst = bests.iter().copied().fold(f64::MIN, f64::max);
            let mean = spent.iter().sum::<f64>() / spent.len() as f64;
            let each = median(spent);
            let name = function.name;
            let method = method.name();
            let best = median(bests);
            println!("{method:<18}{name:<12}{best:>12.4}{worst:>10.4}{each:>12.1}{mean:>10.1}");
        }
    }
    if given.iter().any(|a| a == "optuna") {
        optuna(seeds, trials);
    }
}

/// The first three by Optuna, which needs an hour for them.
fn optuna(seeds: u64, trials: u64) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/optimisers/optuna_reference.py");
    println!("Optuna");
    let status = Command::new("python3")
        .args([script, "--functions", "branin,hartmann6,step9"])
        .args(["--seeds", &seeds.to_string(), "--trials", &trials.to_string()])
        .status();
    match status {
        Ok(status) if status.success() => {}
        other => println!("Optuna was not measured: {other:?}"),
    }
}

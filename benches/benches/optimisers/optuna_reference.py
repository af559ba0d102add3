"""Optuna on the functions of optimisers.rs, as the reference to compare with.

    pip install optuna cmaes scipy torch
    python benches/benches/optimisers/optuna_reference.py [--samplers tpe,gp] [--seeds 20] [--trials 100]

Prints the median best value and the mean time per suggestion of each sampler on each function.
"""

import argparse
import math
import statistics
import time
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)

HARTMANN_A = [
    [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
    [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
    [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
    [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
]
HARTMANN_P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]
HARTMANN_C = [1.0, 1.2, 3.0, 3.2]
LOOKBACK = {4: 60, 6: 85, 12: 110, 24: 150}
HOURS = {4: 0.25, 6: 0.1, 12: 0.0, 24: 0.15}


def branin(trial):
    x = trial.suggest_float("x", -5.0, 10.0)
    y = trial.suggest_float("y", 0.0, 15.0)
    b, c = 5.1 / (4 * math.pi**2), 5 / math.pi
    t = 1 / (8 * math.pi)
    return (y - b * x * x + c * x - 6) ** 2 + 10 * (1 - t) * math.cos(x) + 10


def hartmann6(trial):
    x = [trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(6)]
    return -sum(
        c * math.exp(-sum(a * (v - p) ** 2 for a, v, p in zip(row_a, x, row_p)))
        for c, row_a, row_p in zip(HARTMANN_C, HARTMANN_A, HARTMANN_P)
    )


def step9(trial):
    depth = trial.suggest_float("pierce_depth", 0.05, 0.50, step=0.01)
    rejection = trial.suggest_int("rejection_candles", 1, 5)
    volume = trial.suggest_float("volume_spike", 1.5, 5.0, step=0.1)
    lookback = trial.suggest_int("lookback", 20, 200, step=5)
    stop = trial.suggest_float("stop_distance", 0.5, 2.0, step=0.1)
    target = trial.suggest_float("target_multiple", 1.5, 4.0, step=0.1)
    holding = trial.suggest_int("max_holding", 5, 200, step=5)
    hours = trial.suggest_categorical("hours", [4, 6, 12, 24])
    short = trial.suggest_categorical("allow_short", [False, True])
    d = (
        ((depth - 0.18) / 0.30) ** 2
        + ((rejection - 3) / 5.0) ** 2
        + ((volume - 2.8) / 2.5) ** 2
        + ((lookback - LOOKBACK[hours]) / 110.0) ** 2
        + ((stop * target - 2.5) / 3.0) ** 2
        + ((stop - 1.0) / 1.5) ** 2
        + ((holding - 45) / 120.0) ** 2
        + HOURS[hours]
        + (0.0 if short else 0.2)
    )
    return -0.999 * math.floor(100.0 * math.exp(-1.5 * d) + 0.5) / 100.0


def ackley5(trial):
    x = [trial.suggest_float(f"x{i}", -20.0, 30.0) for i in range(5)]
    squares = sum(v * v for v in x) / 5
    waves = sum(math.cos(2 * math.pi * v) for v in x) / 5
    return 20 + math.e - 20 * math.exp(-0.2 * math.sqrt(squares)) - math.exp(waves)


def rosenbrock4(trial):
    x = [trial.suggest_float(f"x{i}", -2.0, 3.0) for i in range(4)]
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in zip(x, x[1:]))


FUNCTIONS = {
    "branin": branin,
    "hartmann6": hartmann6,
    "step9": step9,
    "ackley5": ackley5,
    "rosenbrock4": rosenbrock4,
}
SAMPLERS = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True),
    "tpe-univariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
    "cma-es": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--samplers", default=",".join(SAMPLERS))
    parser.add_argument("--functions", default=",".join(FUNCTIONS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=100)
    given = parser.parse_args()
    print(f"{'optimiser':<16}{'function':<12}{'median best':>12}{'ms/suggestion':>15}")
    for name in given.samplers.split(","):
        for function in given.functions.split(","):
            best, start = [], time.perf_counter()
            for seed in range(given.seeds):
                study = optuna.create_study(sampler=SAMPLERS[name](seed))
                study.optimize(FUNCTIONS[function], n_trials=given.trials)
                best.append(study.best_value)
            spent = 1e3 * (time.perf_counter() - start) / (given.seeds * given.trials)
            print(f"{name:<16}{function:<12}{statistics.median(best):>12.4f}{spent:>15.2f}", flush=True)


if __name__ == "__main__":
    main()

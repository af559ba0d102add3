"""Makes LightGBM text models of every kind, and what Python's LightGBM answers for the same rows.

    python tools/lightgbm_models.py OUT [--rows 60] [--trees 6] [--leaves 6]

writes OUT/rows.csv (features; `nan`, `inf`, `-inf` are written like that), and for each model
OUT/NAME.txt and OUT/NAME.csv (its answers). Needs the packages lightgbm and numpy.
"""

import argparse
import pathlib

import lightgbm
import numpy as np

INPUTS = 6
CATEGORY = 5  # the column that holds categories
OBJECTIVES = {
    "regression": {},
    "regression_sqrt": {"objective": "regression", "reg_sqrt": True},
    "regression_l1": {},
    "huber": {},
    "fair": {},
    "poisson": {},
    "quantile": {},
    "mape": {},
    "gamma": {},
    "tweedie": {},
    "binary": {},
    "binary_sigmoid": {"objective": "binary", "sigmoid": 0.7},
    "multiclass": {"num_class": 3},
    "multiclassova": {"num_class": 3},
    "cross_entropy": {},
    "cross_entropy_lambda": {},
    "lambdarank": {},
    "rank_xendcg": {},
}
VARIANTS = {
    "categorical": {"objective": "binary", "categorical": True},
    "categorical_multiclass": {"objective": "multiclass", "num_class": 3, "categorical": True},
    "zero_as_missing": {"objective": "regression", "zero_as_missing": True},
    "no_missing": {"objective": "regression", "use_missing": False},
    "random_forest": {
        "objective": "binary",
        "boosting": "rf",
        "bagging_fraction": 0.6,
        "bagging_freq": 1,
    },
    "dart": {"objective": "regression", "boosting": "dart"},
    "linear": {"objective": "regression", "linear_tree": True},
    "stump": {"objective": "regression", "min_data_in_leaf": 100000},
}


def training_rows(rng, count):
    x = rng.normal(size=(count, INPUTS))
    x[:, CATEGORY] = rng.integers(0, 40, count)
    x[rng.random(count) < 0.1, 0] = np.nan
    x[rng.random(count) < 0.3, 1] = 0.0
    return x


def asked_rows(rng, count):
    """Rows as they are trained on, every third with something odd in it."""
    odd = [np.nan, 0.0, -0.0, 1e-36, -1e-36, 2e-35, np.inf, -np.inf, 1e300, -1e300, -0.5, 2.9, 31.0,
           32.0, 63.0, 64.0, 1e10, -3.0, 5e-324]
    x = training_rows(rng, count)
    for i in range(0, count, 3):
        for _ in range(rng.integers(1, 4)):
            x[i, rng.integers(0, INPUTS)] = odd[rng.integers(0, len(odd))]
    x[0, :] = np.nan
    return x


def label(objective, x, rng):
    clean = np.nan_to_num(x)
    score = clean[:, 0] + clean[:, 1] * clean[:, 2] + 0.3 * rng.normal(size=len(x))
    score += np.where(clean[:, CATEGORY] % 3 == 1, 1.5, 0.0)
    if objective in ("binary", "cross_entropy", "cross_entropy_lambda"):
        return (score > 0.5).astype(float)
    if objective in ("multiclass", "multiclassova"):
        return np.digitize(score, [0.0, 1.0]).astype(float)
    if objective in ("lambdarank", "rank_xendcg"):
        return np.digitize(score, [-1.0, 0.0, 1.0]).astype(float)
    if objective in ("poisson", "gamma", "tweedie", "mape"):
        return np.exp(0.4 * score)
    return score


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--trees", type=int, default=6)
    parser.add_argument("--leaves", type=int, default=6)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    x = training_rows(np.random.default_rng(1), 1200)
    asked = asked_rows(np.random.default_rng(2), options.rows)
    write(options.out / "rows.csv", asked)
    models = {name: {"objective": name, **extra} for name, extra in OBJECTIVES.items()}
    for name, settings in {**models, **VARIANTS}.items():
        settings = dict(settings)
        categorical = [CATEGORY] if settings.pop("categorical", False) else []
        y = label(settings["objective"], x, np.random.default_rng(3))
        group = [12] * 100 if settings["objective"] in ("lambdarank", "rank_xendcg") else None
        settings = {
            "num_leaves": options.leaves,
            "learning_rate": 0.2,
            "verbose": -1,
            "num_threads": 1,
            "seed": 7,
            "deterministic": True,
            **settings,
        }
        data = lightgbm.Dataset(x, y, group=group, categorical_feature=categorical)
        model = lightgbm.train(settings, data, options.trees)
        path = options.out / f"{name}.txt"
        model.save_model(path)
        # The file is what counts: what is read from it is asked.
        answers = lightgbm.Booster(model_file=path).predict(asked)
        write(options.out / f"{name}.csv", np.asarray(answers).reshape(len(asked), -1))


def write(path, rows):
    path.write_text("".join(",".join(repr(float(v)) for v in row) + "\n" for row in rows))


if __name__ == "__main__":
    main()

"""Trains the ONNX model of `tradepulse demo`: a small network, by numpy.

    cargo run --release --bin feature_rows -- 6 0.0015 > rows.csv
    python tools/demo_model.py rows.csv tradepulse-cli/src/command/demo

writes network.onnx and network.manifest.json. It learns from the first 60 % of the rows, as the
other models of the demo do; the next 20 % decide when to stop; the last 20 % are only looked at to
print what it is worth there. Seeded: the same rows give the same file. Needs the packages numpy, onnx
and onnxruntime.
"""

import argparse
import hashlib
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

CLASSES = ["long", "short", "hold"]
HIDDEN = 8
SEED = 42


def read(path):
    """What is said of the features, the rows, and the class of each."""
    with open(path, encoding="utf-8") as file:
        about = json.loads(file.readline().removeprefix("#"))
        lines = [line.strip().split(",") for line in file][1:]
    rows = np.array([line[:-1] for line in lines], dtype=np.float64)
    return about, rows, np.array([CLASSES.index(line[-1]) for line in lines])


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def answer(weights, rows):
    w1, b1, w2, b2 = weights
    hidden = np.tanh(rows @ w1 + b1)
    return hidden, softmax(hidden @ w2 + b2)


def loss(weights, rows, labels):
    _, said = answer(weights, rows)
    return -np.log(said[np.arange(len(labels)), labels]).mean()


def train(rows, labels, stop_rows, stop_labels):
    """Adam, in batches, until the loss on the rows to stop by has not fallen for ten rounds."""
    rng = np.random.default_rng(SEED)
    shapes = [(rows.shape[1], HIDDEN), (HIDDEN,), (HIDDEN, 3), (3,)]
    weights = [rng.normal(size=shape) / np.sqrt(shape[0]) * (len(shape) > 1) for shape in shapes]
    mean = [np.zeros(shape) for shape in shapes]
    square = [np.zeros(shape) for shape in shapes]
    best, patience, step = (np.inf, weights), 10, 0
    while patience > 0:
        for batch in np.array_split(rng.permutation(len(rows)), len(rows) // 512):
            x, wanted = rows[batch], np.eye(3)[labels[batch]]
            hidden, said = answer(weights, x)
            error = (said - wanted) / len(batch)
            back = (error @ weights[2].T) * (1 - hidden**2)
            slopes = [x.T @ back, back.sum(0), hidden.T @ error, error.sum(0)]
            step += 1
            for i, slope in enumerate(slopes):
                slope = slope + 1e-4 * weights[i]
                mean[i] = 0.9 * mean[i] + 0.1 * slope
                square[i] = 0.999 * square[i] + 0.001 * slope**2
                move = mean[i] / (1 - 0.9**step)
                scale = np.sqrt(square[i] / (1 - 0.999**step)) + 1e-8
                weights[i] = weights[i] - 1e-3 * move / scale
        now = loss(weights, stop_rows, stop_labels)
        if now < best[0] - 1e-6:
            best, patience = (now, [weight.copy() for weight in weights]), 10
        else:
            patience -= 1
    return best[1]


def network(weights):
    kind = TensorProto.FLOAT
    names = ["w1", "b1", "w2", "b2"]
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
            helper.make_node("Tanh", ["h"], ["t"]),
            helper.make_node("Gemm", ["t", "w2", "b2"], ["s"]),
            helper.make_node("Softmax", ["s"], ["y"], axis=1),
        ],
        "network",
        [helper.make_tensor_value_info("x", kind, [None, weights[0].shape[0]])],
        [helper.make_tensor_value_info("y", kind, [None, 3])],
        [numpy_helper.from_array(w.astype(np.float32), n) for w, n in zip(weights, names)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    about, rows, labels = read(arguments.rows)
    gap = about["horizon"]
    train_end, stop_end = len(rows) * 6 // 10, len(rows) * 8 // 10
    # No label looks into the next part.
    learnt = slice(0, train_end - gap)
    stop = slice(train_end, stop_end - gap)
    center, width = rows[learnt].mean(0), rows[learnt].std(0)
    scaled = (rows - center) / width
    w1, b1, w2, b2 = train(scaled[learnt], labels[learnt], scaled[stop], labels[stop])
    # The model takes features as they are.
    weights = [w1 / width[:, None], b1 - (center / width) @ w1, w2, b2]
    data = network(weights)
    session = onnxruntime.InferenceSession(data)
    sample = rows[-1].astype(np.float32)
    manifest = {
        "manifest_version": 1,
        "name": "network",
        "version": 1,
        "file": "network.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "features": about["features"],
        "feature_names": about["feature_names"],
        "contract": about["contract"],
        "output": {"kind": "probs3", "classes": CLASSES},
        "horizon": about["horizon"],
        "data": about["data"],
        "golden_sample": {
            "input": sample.tolist(),
            "output": session.run(None, {"x": sample[None]})[0][0].tolist(),
            "tolerance": 1e-6,
        },
    }
    (arguments.out / "network.onnx").write_bytes(data)
    text = json.dumps(manifest, indent=2)
    (arguments.out / "network.manifest.json").write_text(text + "\n", encoding="utf-8")
    shares = np.bincount(labels[learnt], minlength=3) / len(labels[learnt])
    for name, part in [("learnt", learnt), ("stopped by", stop), ("never seen", slice(stop_end, None))]:
        coin = -np.log(shares[labels[part]]).mean()
        found = session.run(None, {"x": rows[part].astype(np.float32)})[0]
        found = -np.log(found[np.arange(len(found)), labels[part]]).mean()
        print(f"{name}: log loss {found:.5f}, of a coin {coin:.5f}, better by {coin - found:+.5f}")
    print(f"{len(data)} bytes")


if __name__ == "__main__":
    main()

"""Makes small ONNX models, and what Python's onnxruntime answers for the same rows.

    python tools/onnx_models.py OUT [--rows 60]

writes OUT/rows.csv, and for each model OUT/NAME.onnx and OUT/NAME.csv (its answers). Needs the
packages onnx, onnxruntime and numpy.
"""

import argparse
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

INPUTS = 10
HIDDEN = 16


def network(name, classes, dtype):
    """A network of one hidden layer; with classes a label comes first and probabilities last."""
    rng = np.random.default_rng(len(name))
    kind = TensorProto.FLOAT if dtype == np.float32 else TensorProto.DOUBLE
    width = classes or 1
    weights = [
        ("w1", rng.normal(size=(INPUTS, HIDDEN))),
        ("b1", rng.normal(size=HIDDEN)),
        ("w2", rng.normal(size=(HIDDEN, width)) / HIDDEN),
        ("b2", rng.normal(size=width) / HIDDEN),
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
        helper.make_node("Tanh", ["h"], ["t"]),
        helper.make_node("Gemm", ["t", "w2", "b2"], ["s" if classes else "y"]),
    ]
    outputs = [helper.make_tensor_value_info("y", kind, [None, width])]
    if classes:
        nodes += [
            helper.make_node("Softmax", ["s"], ["y"], axis=1),
            helper.make_node("ArgMax", ["y"], ["label"], axis=1, keepdims=0),
        ]
        label = helper.make_tensor_value_info("label", TensorProto.INT64, [None])
        outputs.insert(0, label)
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", kind, [None, INPUTS])],
        outputs,
        [numpy_helper.from_array(value.astype(dtype), key) for key, value in weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def trees():
    """A forest of two stumps over features 0 and 3."""
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0, 1, 1, 1],
        nodes_nodeids=[0, 1, 2, 0, 1, 2],
        nodes_featureids=[0, 0, 0, 3, 0, 0],
        nodes_values=[0.25, 0.0, 0.0, -0.5, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"] * 2,
        nodes_truenodeids=[1, 0, 0, 1, 0, 0],
        nodes_falsenodeids=[2, 0, 0, 2, 0, 0],
        target_treeids=[0, 0, 1, 1],
        target_nodeids=[1, 2, 1, 2],
        target_ids=[0, 0, 0, 0],
        target_weights=[-0.75, 0.5, 0.125, -0.25],
    )
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=60)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = np.random.default_rng(9).normal(size=(options.rows, INPUTS))
    write(options.out / "rows.csv", rows)
    models = {
        "network": network("network", 0, np.float32),
        "network_double": network("network_double", 0, np.float64),
        "classifier": network("classifier", 3, np.float32),
        "trees": trees(),
    }
    for name, model in models.items():
        path = options.out / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        dtype = np.float64 if name.endswith("double") else np.float32
        write(options.out / f"{name}.csv", session.run(["y"], {"x": rows.astype(dtype)})[0])


def write(path, rows):
    path.write_text("".join(",".join(repr(float(v)) for v in row) + "\n" for row in rows))


if __name__ == "__main__":
    main()

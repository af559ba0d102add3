"""What Python's libraries take for the rows that the benchmark `inference` asks.

    TREES=/tmp/trees.txt cargo bench -p tradepulse-benches --bench inference
    python benches/benches/inference/python.py /tmp/trees.txt \
        tradepulse-exec/tests/onnx/models/network.onnx

Needs numpy, lightgbm and onnxruntime; prints medians, one thread each.
"""

import statistics
import sys
import time

import lightgbm
import numpy
import onnxruntime


def median(ask, times):
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e6


def main(trees, network):
    rows = numpy.random.default_rng(1).normal(0.0, 0.01, (256, 10))
    booster = lightgbm.Booster(model_file=trees, params={"verbose": -1})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    name, output = session.get_inputs()[0].name, session.get_outputs()[-1].name
    singles = rows.astype(numpy.float32)
    for what, ask in [
        ("lightgbm, {} trees".format(booster.num_trees()), lambda n: booster.predict(rows[:n], num_threads=1)),
        ("onnxruntime, a network", lambda n: session.run([output], {name: singles[:n]})),
    ]:
        for count in (1, 256):
            ask(count)
            print(f"{what}, {count} rows: {median(lambda: ask(count), 2000):.1f} µs")


if __name__ == "__main__":
    main(*sys.argv[1:])

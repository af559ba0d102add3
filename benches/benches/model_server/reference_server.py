"""A model server as it is usually written in Python, for comparison: FastAPI, numpy, lightgbm or
onnxruntime. One process, one thread; /predict takes the snapshot that `tradepulse model-server`
takes, and checks less.

    pip install fastapi uvicorn httptools uvloop numpy lightgbm onnxruntime
    taskset -c 0 python benches/benches/model_server/reference_server.py trees.txt 8002 &
    taskset -c 1 cargo bench -p tradepulse-benches --bench model_server -- 127.0.0.1:8002 $!

The model is a LightGBM text model or ends in .onnx, with the ten features of basic10.
"""

import os
import sys

import numpy
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

NAMES = [f"feature_{i}" for i in range(10)]


class Candle(BaseModel):
    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Snapshot(BaseModel):
    symbol: str
    timeframe: str
    candles: list[Candle]
    indicators: dict[str, float] = {}
    meta: dict = {}


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class InferRequest(BaseModel):
    inputs: list[Tensor]


def model(path):
    """A function of rows."""
    if path.endswith(".onnx"):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name, output = session.get_inputs()[0].name, session.get_outputs()[-1].name
        return lambda rows: session.run([output], {name: rows.astype(numpy.float32)})[0]
    import lightgbm

    booster = lightgbm.Booster(model_file=path, params={"verbose": -1})
    return lambda rows: booster.predict(rows, num_threads=1)


def mean(values, period):
    """An exponential mean."""
    weight, found = 2.0 / (period + 1.0), values[0]
    for value in values[1:]:
        found += weight * (value - found)
    return found


def features(candles):
    """Like basic10, with means that are cheaper than its RSI, MACD and ATR."""
    close = numpy.array([candle.close for candle in candles])
    volume = numpy.array([candle.volume for candle in candles])
    spread = numpy.array([candle.high - candle.low for candle in candles])
    last, change = close[-1], numpy.diff(close[-15:])
    gain, loss = change[change > 0].sum(), -change[change < 0].sum()
    middle, deviation = close[-20:].mean(), close[-20:].std()
    return numpy.array([[
        last / close[-2] - 1, last / close[-6] - 1, last / close[-11] - 1,
        gain / (gain + loss) if gain + loss > 0 else 0.5,
        mean(close.tolist(), 20) / last - 1, mean(close.tolist(), 50) / last - 1,
        (close[-12:].mean() - close[-26:].mean()) / last,
        (last - middle) / (4 * deviation) + 0.5 if deviation > 0 else 0.5,
        spread[-14:].mean() / last, volume[-1] / max(volume[-20:].mean(), 1e-9) - 1,
    ]])


def application(path):
    ask, app = model(path), FastAPI()

    @app.get("/status")
    async def status():
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        return {
            "model_name": "reference", "model_type": "python", "features": "basic10",
            "feature_names": NAMES, "memory_bytes": pages * os.sysconf("SC_PAGE_SIZE"),
        }

    @app.post("/predict")
    async def predict(snapshot: Snapshot):
        output = numpy.ravel(ask(features(snapshot.candles)))
        return {"raw_score": float(output[0]), "for_candle": snapshot.candles[-1].timestamp}

    @app.post("/v2/models/reference/infer")
    async def infer(request: InferRequest):
        tensor = request.inputs[0]
        output = numpy.asarray(ask(numpy.array(tensor.data).reshape(tensor.shape)))
        return {"outputs": [{"name": "output", "datatype": "FP64", "shape": list(output.shape),
                             "data": output.ravel().tolist()}]}

    return app


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[1]), port=int(sys.argv[2]), log_level="warning",
                access_log=False)

"""Converts a PyTorch model to ONNX, with the manifest that TradePulse serves it by.

    python tools/convert_to_onnx.py --input model.pt --output model.onnx --input-size 10

reads a TorchScript file, or a whole module written by torch.save (with --trust-pickle only, since
reading one runs the code in it), and writes model.onnx and model.manifest.json. The model takes
rows [rows, features] of floats and answers [rows, outputs]. It is asked random rows first: its
answer for a row has to be finite, always the same, and independent of the other rows; where the
package onnxruntime is installed, ONNX Runtime has to give the same answers. Nothing is written
otherwise. Exit code 0 if both files are written, 2 if not.

Needs the package torch, from 1.13 on; newer versions need the package onnx, too.
"""

import argparse
import datetime
import hashlib
import inspect
import io
import json
import math
import os
import pathlib
import pickle
import sys
import tempfile
import warnings
import zipfile

# What the feature set basic10 is; the hash is that of its names, window and definition.
BASIC10 = {
    "contract": "73ef3fb9c913045cc14ddb729b9c72dd0bda1c5164cb0779b88baddba251d55f",
    "names": [
        "return_1",
        "return_5",
        "return_10",
        "rsi_14",
        "ema_20_distance",
        "ema_50_distance",
        "macd_histogram",
        "bollinger_position",
        "atr_14",
        "volume_ratio_20",
    ],
}
ASKED = 1000  # random rows
ACTIONS = ["long", "short", "hold"]


class Refused(Exception):
    """Why a model is not converted, in a sentence."""


def main():
    options = arguments()
    try:
        told = convert(options)
    except Refused as why:
        print(f"error: {why}", file=sys.stderr)
        return 2
    print("\n".join(told))
    return 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", type=pathlib.Path, required=True, metavar="FILE",
                        help="the PyTorch model")
    parser.add_argument("--output", type=pathlib.Path, required=True, metavar="FILE",
                        help="where the ONNX model is written; its manifest goes beside it")
    parser.add_argument("--input-size", type=count, required=True, metavar="N",
                        help="number of features")
    parser.add_argument("--features", choices=["raw", "basic10"], default="raw",
                        help="basic10: TradePulse makes them of candles; raw: whoever asks does "
                             "[default: raw]")
    parser.add_argument("--feature-names", metavar="A,B,...",
                        help="names of raw features [default: feature_0, feature_1, ...]")
    parser.add_argument("--output-kind", choices=["probs3", "logits", "binary", "score"],
                        help="what the outputs mean [default: what its answers look like]")
    parser.add_argument("--classes", default=",".join(ACTIONS), metavar="A,B,C",
                        help="which class of probs3 or logits stands where [default: %(default)s]")
    parser.add_argument("--name", help="name of the model [default: that of the file]")
    parser.add_argument("--model-version", type=count, default=1, metavar="N",
                        help="its version [default: 1]")
    parser.add_argument("--horizon", type=count, metavar="CANDLES",
                        help="how many candles ahead it looks")
    parser.add_argument("--learnt-to", type=instant, metavar="TIME",
                        help="close of the newest candle that it learnt from, such as 2024-05-01: "
                             "no backtest asks it about earlier ones")
    parser.add_argument("--tolerance", type=float, default=1e-6, metavar="X",
                        help="by how much answers may differ, as a part of those above 1 "
                             "[default: %(default)s]")
    parser.add_argument("--trust-pickle", action="store_true",
                        help="read a pickled module: this runs whatever code is in the file")
    parser.add_argument("--replace", action="store_true", help="replace what is there")
    return parser.parse_args()


def count(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def instant(text):
    """Milliseconds since 1970; UTC where nothing else is said."""
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.timezone.utc)
    return round(time.timestamp() * 1000)


def convert(options):
    """Does it all; what there is to tell comes back as lines."""
    manifest_path = options.output.with_suffix(".manifest.json")
    names, classes = feature_names(options), class_order(options)
    if options.output.suffix != ".onnx":
        raise Refused(f"--output {options.output} has to end in .onnx")
    for path in [options.output, manifest_path]:
        if path.exists() and not options.replace:
            raise Refused(f"{path} is there already; --replace writes another")
    torch = package("torch")
    warnings.simplefilter("ignore")
    model = load(torch, options.input, options.trust_pickle)
    dtype = element(torch, model)
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(ASKED, options.input_size, generator=generator, dtype=dtype)
    sample = [(-1) ** i * (i + 1) / 10 for i in range(options.input_size)]
    rows = torch.cat([torch.tensor([sample], dtype=dtype), rows])
    answers = ask(torch, model, rows, options)
    golden = answers[0]
    kind = output_kind(answers, options.output_kind)
    content = export(torch, model, rows[:2], answers.shape[1])
    told = [f"{options.output} takes {len(names)} features ({options.features}), answers {kind}"]
    if options.output_kind is None:
        told[0] += ": that is what its answers look like, --output-kind says something else"
    try:
        import onnxruntime
    except ImportError:
        told.append("onnxruntime is not installed: that it answers the same is not checked")
    else:
        session = open_session(onnxruntime, content)
        found, alone = run(torch, session, rows), run(torch, session, rows[:1])[0]
        furthest = max(difference(answers, found), difference(golden, alone))
        if not furthest <= options.tolerance:
            raise Refused(f"ONNX Runtime differs from PyTorch by {furthest:.1e}, --tolerance allows "
                          f"{options.tolerance}")
        golden = alone
        told.append(f"ONNX Runtime differs from PyTorch by {furthest:.1e} at most on {ASKED} rows")
    golden = [float(value) for value in golden]
    manifest = {
        "manifest_version": 1,
        "name": options.name or options.output.stem,
        "version": options.model_version,
        "file": options.output.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "features": options.features,
        "feature_names": names,
        "contract": BASIC10["contract"] if options.features == "basic10" else None,
        "output": {"kind": kind, **({"classes": classes} if kind in ("probs3", "logits") else {})},
        "horizon": options.horizon,
        "data": None,
        "learnt_to": options.learnt_to,
        "golden_sample": {
            "input": sample,
            "output": golden,
            "tolerance": options.tolerance * max(1.0, *map(abs, golden)),
        },
    }
    text = json.dumps(manifest, indent=2, allow_nan=False)
    # A model beside the manifest of another is refused, so either may come first.
    write(options.output, content)
    write(manifest_path, text.encode())
    told.append(f"`tradepulse model-server --model {options.output}` serves it by {manifest_path}")
    return told


def feature_names(options):
    size = options.input_size
    if options.features == "basic10":
        names = BASIC10["names"]
        if options.feature_names:
            raise Refused("--feature-names are of raw features; basic10 has its own")
    elif options.feature_names:
        names = options.feature_names.split(",")
    else:
        names = [f"feature_{i}" for i in range(size)]
    if len(names) != size:
        raise Refused(f"there are {len(names)} names of features, --input-size is {size}")
    return names


def class_order(options):
    classes = options.classes.split(",")
    if sorted(classes) != sorted(ACTIONS):
        raise Refused(f"--classes {options.classes} has to be long, short and hold, each once")
    return classes


def package(name):
    try:
        return __import__(name)
    except ImportError as why:
        raise Refused(f"the package {name} is needed ({why}): pip install {name}") from why


def load(torch, path, trusted):
    """The model in a file, on the CPU, as it is used after training."""
    try:
        content = path.read_bytes()
    except OSError as why:
        raise Refused(f"cannot read {path}: {why.strerror}") from why
    model = load_script(torch, path, content)
    if model is None:
        model = load_pickle(torch, path, content, trusted)
    return model.eval()


def load_script(torch, path, content):
    """The TorchScript in a file; None if it is something else."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return None
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name.partition("/")[2] for name in archive.namelist()]
    if "constants.pkl" not in names:
        return None
    try:
        return torch.jit.load(io.BytesIO(content), map_location="cpu")
    except Exception as why:
        raise Refused(f"{path} is TorchScript that PyTorch {torch.__version__} cannot read: "
                      f"{sentence(why)}") from why


def load_pickle(torch, path, content, trusted):
    """What torch.save has written. Only weights are read of a file that is not trusted."""
    try:
        model = torch.load(io.BytesIO(content), map_location="cpu", weights_only=not trusted)
    except pickle.UnpicklingError as why:
        if trusted:
            raise Refused(f"{path} is no PyTorch model: {sentence(why)}") from why
        raise Refused(f"{path} is no TorchScript. If it is a module written by torch.save, and you "
                      "trust who wrote it, --trust-pickle reads it, which runs the code in it; "
                      "torch.jit.script(model).save(...) writes a file that needs no trust") from why
    except (AttributeError, ImportError) as why:
        raise Refused(f"{path} needs code that is not here ({sentence(why)}): PYTHONPATH says where "
                      "the model's class is, or save it as TorchScript") from why
    except Exception as why:
        raise Refused(f"{path} is no PyTorch model: {sentence(why)}") from why
    if isinstance(model, torch.nn.Module):
        return model
    if isinstance(model, dict):
        raise Refused(f"{path} has weights only, no model (a state dict or a checkpoint): load them "
                      "into the model, and save that by torch.jit.script(model).save(...)")
    raise Refused(f"{path} has a {type(model).__name__}, no model")


def element(torch, model):
    """The kind of float that the model computes with: that of its weights."""
    kinds = {weight.dtype for weight in model.parameters() if weight.is_floating_point()}
    if not kinds:
        return torch.float32
    if kinds not in ({torch.float32}, {torch.float64}):
        told = ", ".join(sorted(str(kind) for kind in kinds))
        raise Refused(f"its weights are {told}; they have to be all float32, or all float64")
    return kinds.pop()


def ask(torch, model, rows, options):
    """The model's answers as a matrix, once they are known to be answers."""
    try:
        with torch.no_grad():
            answers, again, single = model(rows), model(rows), model(rows[:1])
            last = model(rows[-1:])
    except Exception as why:
        raise Refused(f"the model does not take rows of {options.input_size} features: "
                      f"{sentence(why)}") from why
    for answer, count in [(answers, len(rows)), (single, 1)]:
        if not isinstance(answer, torch.Tensor):
            raise Refused(f"the model answers a {type(answer).__name__}, expected one tensor")
        shape = list(answer.shape)
        if len(shape) not in (1, 2) or shape[0] != count or not answer.is_floating_point():
            raise Refused(f"the model answers {count} rows with {answer.dtype} {shape}, expected "
                          f"floats [{count}, outputs]")
    answers = answers.reshape(len(rows), -1)
    if not bool(torch.isfinite(answers).all()):
        raise Refused("an answer of the model to small random numbers is not finite")
    if difference(answers, again.reshape(answers.shape)) > 0:
        raise Refused("the model answers the same rows differently the second time")
    alone = torch.cat([single, last]).reshape(2, -1)
    if difference(answers[[0, -1]], alone) > options.tolerance:
        raise Refused("what the model answers for a row depends on the other rows")
    return answers


def output_kind(answers, said):
    width = answers.shape[1]
    if width not in (1, 3):
        raise Refused(f"the model has {width} outputs: 3 (probs3, logits) or 1 (binary, score) can "
                      "be served")
    within = bool(((answers >= 0) & (answers <= 1)).all())
    if said is None:
        if width == 3:
            sums = answers.sum(dim=1)
            return "probs3" if within and bool(((sums - 1).abs() < 1e-3).all()) else "logits"
        return "binary" if within else "score"
    if width != {"probs3": 3, "logits": 3}.get(said, 1):
        raise Refused(f"the model has {width} outputs, which are not {said}")
    if said in ("probs3", "binary") and not within:
        raise Refused(f"an answer of the model is not in 0..1, so it is not {said}")
    return said


def export(torch, model, rows, width):
    """The bytes of an ONNX file that takes any number of rows."""

    class Rows(torch.nn.Module):
        """Answers [rows, outputs], also where the model answers [rows]."""

        def __init__(self):
            super().__init__()
            self.model = model
            self.width = width

        def forward(self, x):
            return self.model(x).reshape(-1, self.width)

    content = io.BytesIO()
    # Of the two exporters the older one takes TorchScript; early versions know no other.
    parameters = inspect.signature(torch.onnx.export).parameters
    older = {"dynamo": False} if "dynamo" in parameters else {}
    try:
        whole = Rows().eval()
        if isinstance(model, torch.jit.ScriptModule):
            # A trace would not go into a script.
            whole = torch.jit.script(whole)
        torch.onnx.export(
            whole,
            (rows,),
            content,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "rows"}, "output": {0: "rows"}},
            **older,
        )
    except Exception as why:
        raise Refused(f"PyTorch {torch.__version__} cannot write the model as ONNX: "
                      f"{sentence(why)}") from why
    return content.getvalue()


def open_session(onnxruntime, content):
    try:
        return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as why:
        raise Refused(f"ONNX Runtime refuses the converted model: {sentence(why)}") from why


def run(torch, session, rows):
    try:
        return torch.from_numpy(session.run(None, {"input": rows.numpy()})[0])
    except Exception as why:
        raise Refused(f"ONNX Runtime cannot ask the converted model: {sentence(why)}") from why


def difference(answers, others):
    """The largest, as a part of answers above 1."""
    answers, others = answers.double(), others.double()
    apart = (answers - others).abs() / answers.abs().clamp(min=1.0)
    return math.inf if bool(apart.isnan().any()) else float(apart.max())


def sentence(why):
    """The first line of an error that says something."""
    lines = [line.strip() for line in str(why).splitlines() if line.strip()]
    return lines[0] if lines else type(why).__name__


def write(path, content):
    """Writes a file whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(file.name, 0o644)
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
    except OSError as why:
        raise Refused(f"cannot write {path}: {why.strerror}") from why


if __name__ == "__main__":
    sys.exit(main())

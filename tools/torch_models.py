"""Makes small PyTorch models, and what PyTorch answers for the same rows.

    python tools/torch_models.py OUT [--rows 60]

writes OUT/rows.csv, and for each model OUT/NAME.pt and OUT/NAME.csv (its answers): TorchScript, but
for `whole`, which is a pickled module, and `weights`, which is a state dict. `frozen` is `classifier` with
its weights made constants. `mixing`, `pair`, `label` and `nan` are models that cannot be served. Needs the packages torch and numpy.
"""

import argparse
import pathlib

import numpy as np
import torch
from torch import nn

INPUTS = 10
HIDDEN = 16


class Recurrent(nn.Module):
    """Takes a row for a sequence of single numbers."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 8, batch_first=True)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        outputs, _ = self.lstm(x.unsqueeze(-1))
        return torch.tanh(self.head(outputs[:, -1]))


class Convolution(nn.Module):
    """Slides over a row."""

    def __init__(self):
        super().__init__()
        self.filters = nn.Conv1d(1, 4, 3)
        self.head = nn.Linear(4 * (INPUTS - 2), 1)

    def forward(self, x):
        seen = torch.tanh(self.filters(x.unsqueeze(1)))
        return torch.sigmoid(self.head(seen.flatten(1)))


class Forecast(nn.Module):
    """Answers a number a row, not a row of one number."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(INPUTS, 1)

    def forward(self, x):
        return self.line(x).squeeze(-1)


class Branching(nn.Module):
    """Goes another way for each row count: only a script knows both."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(INPUTS, 3)

    def forward(self, x):
        logits = self.line(x)
        if x.size(0) > 1:
            logits = logits + 0.0
        return logits


class Mixing(nn.Module):
    """What it answers for a row depends on the others."""

    def forward(self, x):
        return torch.softmax(x[:, :3], dim=0)


class Pair(nn.Module):
    """Answers two tensors."""

    def forward(self, x):
        return x[:, :1], x


class Label(nn.Module):
    """Answers a class, not how probable it is."""

    def forward(self, x):
        return x[:, :3].argmax(dim=1)


class Nan(nn.Module):
    """The root of a sum, which is negative as often as not."""

    def forward(self, x):
        return torch.sqrt(x.sum(dim=1, keepdim=True))


def classifier():
    return nn.Sequential(
        nn.Linear(INPUTS, HIDDEN),
        nn.BatchNorm1d(HIDDEN),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(HIDDEN, 3),
        nn.Softmax(dim=1),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=60)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    rows = np.random.default_rng(9).normal(size=(options.rows, INPUTS))
    write(options.out / "rows.csv", rows)
    models = {
        "classifier": classifier(),
        "recurrent": Recurrent(),
        "convolution": Convolution(),
        "forecast": Forecast(),
        "branching": Branching(),
        "double": nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1)).double(),
        "mixing": Mixing(),
        "pair": Pair(),
        "label": Label(),
        "nan": Nan(),
    }
    for name, model in models.items():
        model.eval()
        # Saved while it trains: whoever reads it has to say that it does not.
        path = options.out / f"{name}.pt"
        torch.jit.script(model.train(name == "classifier")).save(str(path))
        model.eval()
        x = torch.tensor(rows, dtype=torch.float64 if name == "double" else torch.float32)
        with torch.no_grad():
            answers = model(x)
        if isinstance(answers, torch.Tensor):
            write(options.out / f"{name}.csv", answers.reshape(len(rows), -1).numpy())
    frozen = torch.jit.freeze(torch.jit.script(models["classifier"]))
    frozen.save(str(options.out / "frozen.pt"))
    torch.save(models["classifier"], options.out / "whole.pt")
    torch.save(models["classifier"].state_dict(), options.out / "weights.pt")


def write(path, rows):
    path.write_text("".join(",".join(repr(float(v)) for v in row) + "\n" for row in rows))


if __name__ == "__main__":
    main()

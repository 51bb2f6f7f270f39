"""`python -m model.train`: the first model, of last year's payments; what comes after it is trained in the account (retrain.py)."""

from __future__ import annotations

import json

import numpy as np

from handlers.inference import model_fn, predict_fn
from model.data import NAMES, WHOLE, last_year
from model.fit import fitted
from model.leave import folder, leave

GATE = 0.95


def main() -> None:
    """Leave the model, its score on payments that it has not seen, and what `leave` leaves."""
    rows, labels = last_year(1200, seed=0)
    held_out, true = last_year(400, seed=1)
    (folder() / "model.onnx").write_bytes(fitted(rows, labels))
    model = model_fn(str(folder()))
    right = float(
        np.mean([answer[0] == label for answer, label in zip(predict_fn(held_out, model), true, strict=True)])
    )
    document = {"metrics": {"accuracy": right}, "gates": {"accuracy": GATE}}
    (folder() / "metrics.json").write_text(json.dumps(document))
    answers = predict_fn(rows, model)
    columns = {
        name: [int(value) if name in WHOLE else value for value in rows[:, place].tolist()]
        for place, name in enumerate(NAMES)
    }
    leave(columns, {"fraud": [row[0] for row in answers], "probability": [row[1] for row in answers]})


if __name__ == "__main__":
    main()

"""`python -m model.train`: scikit-learn's 1,797 handwritten digits, 8 by 8 shades of 0 to 16, and a small network."""

from __future__ import annotations

import json

import joblib
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from handlers.inference import predict_fn
from model.frames import as_pgm
from model.leave import folder, leave

GATE = 0.95


def main() -> None:
    """Leave the model, its score on digits that it has not seen, what `leave` leaves, and a frame as the camera takes it."""
    bunch = load_digits()
    rows, others, labels, true = train_test_split(bunch.data, bunch.target, test_size=0.25, random_state=0)
    model = MLPClassifier((64,), max_iter=300, random_state=0).fit(rows, labels)
    joblib.dump(model, folder() / "model.joblib")
    scores = {"accuracy": float(model.score(others, true))}
    (folder() / "metrics.json").write_text(json.dumps({"metrics": scores, "gates": {"accuracy": GATE}}))
    answers = predict_fn(rows, model)
    columns = {f"p{place:02}": rows[:, place].tolist() for place in range(rows.shape[1])}
    leave(columns, {"digit": [row[0] for row in answers], "sure": [row[1] for row in answers]})
    (folder() / "frame.pgm").write_bytes(as_pgm(rows[0].reshape(8, 8), times=30))


if __name__ == "__main__":
    main()

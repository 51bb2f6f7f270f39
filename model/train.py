"""`python -m model.train`: split, search, evaluate, and leave in `.fogbank/trained` what `fogbank pack` takes.

Out: model.joblib, schema.json, metrics.json (with the gates), evaluation.json, baseline.csv (predictions and features of the
training rows, for the monitor), sample.csv (a request) and rows.csv (all rows, for the demo's traffic).
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import joblib
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from model.data import SEED, Split, Table, load, split
from model.evaluate import GATES, evaluate, held_out
from model.features import OUTPUT_COLUMNS, label

TRAINED = Path(__file__).parent.parent / ".fogbank" / "trained"


def search(table: Table) -> Any:
    """The better of two families, by five-fold cross-validated ROC AUC."""
    pipeline = Pipeline([("scale", StandardScaler()), ("classify", LogisticRegression())])
    families = [
        {"classify": [LogisticRegression(max_iter=2000)], "classify__C": [0.1, 0.3, 1.0, 3.0]},
        {"classify": [RandomForestClassifier(n_estimators=60, random_state=SEED)], "classify__max_depth": [4, 8]},
    ]
    found = GridSearchCV(pipeline, families, scoring="roc_auc", cv=5)
    found.fit(table.x, table.y)
    return found


def write(folder: Path, found: Any, parts: Split) -> dict[str, float]:
    """Leave everything in `folder`; returns the held-out metrics."""
    model = found.best_estimator_
    metrics = {**evaluate(model, parts.held_out), "cross_validated_roc_auc": float(found.best_score_)}
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    columns = [{"name": name, "dtype": "float"} for name in parts.train.names]
    _json(folder / "schema.json", {"input": {"columns": columns}, "output": {"columns": list(OUTPUT_COLUMNS)}})
    _json(folder / "metrics.json", {"metrics": metrics, "gates": GATES})
    _json(
        folder / "evaluation.json",
        {"family": type(model.named_steps["classify"]).__name__, "held_out": held_out(model, parts.held_out)},
    )
    _csv(folder / "baseline.csv", model, parts.train, with_predictions=True)
    _rows(folder / "rows.csv", load())
    _csv(
        folder / "sample.csv",
        model,
        Table(parts.held_out.names, parts.held_out.x[:5], parts.held_out.y[:5]),
        with_predictions=False,
    )
    return metrics


def _json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n")


def _csv(path: Path, model: Any, table: Table, *, with_predictions: bool) -> None:
    probability = model.predict_proba(table.x)[:, 1]
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if with_predictions:  # output columns first: SageMaker's `output_columns_position: START`
            writer.writerow([*(column["name"] for column in OUTPUT_COLUMNS), *table.names])
        for row, p in zip(table.x.tolist(), probability.tolist(), strict=True):
            writer.writerow([label(p), p, *row] if with_predictions else row)


def _rows(path: Path, table: Table) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(table.names)
        writer.writerows(table.x.tolist())


def main() -> None:
    """Train and tell."""
    parts = split(load())
    metrics = write(TRAINED, search(parts.train), parts)
    print("  ".join(f"{name} {value:.4f}" for name, value in metrics.items()))


if __name__ == "__main__":
    main()

"""How good a model is on rows it has not seen, and how good it must be to be packaged."""

from __future__ import annotations

from typing import Any

from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

from model.data import Table
from model.features import THRESHOLD

GATES = {"accuracy": 0.93, "recall": 0.90, "roc_auc": 0.97}
"""`fogbank pack` refuses a model that is below any of these."""


def evaluate(model: Any, table: Table) -> dict[str, float]:
    """Accuracy, precision, recall, F1 and ROC AUC."""
    probability = model.predict_proba(table.x)[:, 1]
    predicted = probability >= THRESHOLD
    return {
        "accuracy": float(accuracy_score(table.y, predicted)),
        "precision": float(precision_score(table.y, predicted)),
        "recall": float(recall_score(table.y, predicted)),
        "f1": float(f1_score(table.y, predicted)),
        "roc_auc": float(roc_auc_score(table.y, probability)),
    }


def held_out(model: Any, table: Table) -> dict[str, list[float] | list[int]]:
    """What was true of each row and what the model says, for the report's confusion matrix, curves and calibration."""
    probability = model.predict_proba(table.x)[:, 1]
    return {
        "labels": table.y.tolist(),
        "predictions": (probability >= THRESHOLD).astype(int).tolist(),
        "scores": probability.tolist(),
    }

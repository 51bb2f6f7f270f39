"""What runs on a request: SageMaker's script-mode functions. Those that are not here have the server's defaults.

In: rows of 30 measurements; out: `prediction` (1 malignant, 0 benign) and `probability`.
"""

from __future__ import annotations

from typing import Any

from model.features import label


def predict_fn(data: Any, model: Any) -> list[list[float]]:
    """Label and probability of every row."""
    return [[label(p), p] for p in model.predict_proba(data)[:, 1].tolist()]

"""What runs behind the endpoint: texts, in any form that the server reads; out: `mood` (`glad` or `sad`) and how sure that is."""

from __future__ import annotations

from typing import Any

MOODS = ("sad", "glad")


def predict_fn(data: Any, model: Any) -> list[list[Any]]:
    """Mood and probability of every text."""
    texts = [row if isinstance(row, str) else row[0] for row in data]
    shares = model.predict_proba(texts)
    return [[MOODS[int(share[1] >= 0.5)], float(max(share))] for share in shares]

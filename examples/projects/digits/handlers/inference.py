"""What runs on a request: a frame (image/x-portable-graymap), or rows of 64 shades as CSV. Out: `digit`, and how `sure` that is."""

from __future__ import annotations

from typing import Any

import numpy as np
from model.frames import from_pgm

FRAME = "image/x-portable-graymap"


def input_fn(body: Any, content_type: str) -> Any:
    """Shape (rows, 64). Raises ValueError for what is neither."""
    if content_type.partition(";")[0].strip().lower() == FRAME:
        return from_pgm(body)
    text = body.decode() if isinstance(body, bytes) else body
    return np.loadtxt(text.splitlines(), delimiter=",", ndmin=2)


def predict_fn(data: Any, model: Any) -> list[list[Any]]:
    """Digit and certainty of every row."""
    shares = model.predict_proba(data)
    return [[int(np.argmax(share)), round(float(np.max(share)), 6)] for share in shares]

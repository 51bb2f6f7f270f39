"""A baseline's JSON documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fogbank.monitor.dataset import DatasetError


def read_document(path: Path | None, *, infinite: bool = False) -> dict[str, Any] | None:
    """The JSON object of a file; None without one. Raises DatasetError that names it.

    `infinite`: numbers may be `Infinity`, which is no JSON, but Python writes it so, and Clarify's metrics may be it.
    """
    if path is None:
        return None

    def constant(text: str) -> float:
        if not infinite or text == "NaN":
            raise ValueError(f"{text} is no number of JSON's")
        return float(text)

    try:
        document: Any = json.loads(path.read_bytes(), parse_constant=constant)
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"the baseline file {path.name} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise DatasetError(f"the baseline file {path.name} is no JSON object")
    return document

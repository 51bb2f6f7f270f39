"""What training and serving must agree on: the columns' names and the threshold of the label."""

from __future__ import annotations

THRESHOLD = 0.5
OUTPUT_COLUMNS = ({"name": "prediction", "dtype": "integer"}, {"name": "probability", "dtype": "float"})


def column_name(name: str) -> str:
    """Lower case and underscores, as Model Monitor advises.

    >>> column_name("mean fractal dimension")
    'mean_fractal_dimension'
    """
    return name.strip().lower().replace(" ", "_")


def label(probability: float) -> int:
    """1 (malignant) from the threshold upwards."""
    return int(probability >= THRESHOLD)

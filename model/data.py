"""The data: scikit-learn's breast cancer measurements (569 rows, 30 columns), without a download.

Out: a table of floats, and labels of which 1 means malignant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from model.features import column_name

SEED = 0


@dataclass(frozen=True)
class Table:
    """Rows `x` of shape (rows, columns), labels `y` of shape (rows,), and the columns' names."""

    names: tuple[str, ...]
    x: NDArray[np.float64]
    y: NDArray[Any]


@dataclass(frozen=True)
class Split:
    """Three quarters to train on, a quarter held out, both with the same share of either label."""

    train: Table
    held_out: Table


def load() -> Table:
    """All 569 rows."""
    bunch = load_breast_cancer()
    return Table(tuple(column_name(name) for name in bunch.feature_names), bunch.data, 1 - bunch.target)


def split(table: Table) -> Split:
    """The same split every time."""
    x_train, x_test, y_train, y_test = train_test_split(
        table.x, table.y, test_size=0.25, stratify=table.y, random_state=SEED
    )
    return Split(Table(table.names, x_train, y_train), Table(table.names, x_test, y_test))

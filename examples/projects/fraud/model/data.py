"""Payments by card, drawn: what thieves did last year, and what they do now. Bring your own payments here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NAMES = ("amount", "hour", "distance_km", "account_days", "attempts")
WHOLE = ("hour", "account_days", "attempts")
Rows = NDArray[np.float64]


def last_year(rows: int, seed: int) -> tuple[Rows, NDArray[np.int64]]:
    """Shape (rows, 5), and labels of which 1 is fraud: large amounts, far from home."""
    table, label, drawn = _honest(rows, seed)
    table[label, 0] = drawn.lognormal(6.5, 0.4, label.sum())
    table[label, 2] = drawn.lognormal(6.5, 0.5, label.sum())
    return _whole(table), label.astype(np.int64)


def now(rows: int, seed: int) -> tuple[Rows, NDArray[np.int64]]:
    """Everybody pays small amounts by phone, wherever they are; thieves try young cards again and again."""
    table, label, drawn = _honest(rows, seed)
    table[:, 0] = drawn.lognormal(2.0, 0.5, rows)
    table[:, 2] = drawn.lognormal(5.0, 1.0, rows)
    table[label, 3] = drawn.uniform(1, 60, label.sum())
    table[label, 4] = drawn.integers(5, 12, label.sum())
    return _whole(table), label.astype(np.int64)


def _honest(rows: int, seed: int) -> tuple[Rows, NDArray[np.bool_], np.random.Generator]:
    """Payments of everybody, and which of them are fraud: three in ten, so that few rows have enough of them."""
    drawn = np.random.default_rng(seed)
    columns = (
        drawn.lognormal(3.5, 0.6, rows),
        drawn.integers(0, 24, rows),
        drawn.lognormal(1.5, 0.8, rows),
        drawn.uniform(30, 3000, rows),
        drawn.integers(1, 4, rows),
    )
    return np.column_stack(columns).astype(np.float64), drawn.uniform(size=rows) < 0.3, drawn


def _whole(table: Rows) -> Rows:
    table[:, [NAMES.index(name) for name in WHOLE]] = table[:, [NAMES.index(name) for name in WHOLE]].round()
    return table.round(2)

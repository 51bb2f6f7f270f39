"""A proof fails at whatever differs, and says at what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fogbank.pack.agreement import DisagreementError, agree

ROWS = np.random.default_rng(0).normal(size=(50, 2))


class Model:
    """Answers by functions; refuses a first cell above its limit."""

    def __init__(self, predict: Callable[[Any], Any], limit: float = np.inf, **others: Any) -> None:
        self._predict, self._limit = predict, limit
        self.__dict__.update(others)

    def predict(self, rows: Any) -> Any:
        if (rows[:, 0] > self._limit).any():
            raise ValueError("too large")
        return self._predict(rows)


def compare(model: Model, other: Model, tolerance: float = 1e-6) -> Any:
    return agree(model, other, {"predict": tolerance}, {"rows": ROWS})


def test_the_same_is_exact_and_close_is_not() -> None:
    model = Model(lambda rows: rows[:, 0] * 1e9)

    assert compare(model, model).exact
    near = compare(model, Model(lambda rows: rows[:, 0] * 1e9 * (1 + 1e-9)))
    assert (near.exact, 0 < near.difference < 2e-9) == (False, True)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (Model(lambda rows: rows[:, 0] + 1e-3), "predict on rows: a score differs by 0.001, the tolerance is 1e-06"),
        (Model(lambda rows: np.where(rows[:, 0] > 1, np.nan, rows[:, 0])), "one of the two is no finite number"),
        (Model(lambda rows: np.where(rows[:, 0] > 1, np.inf, rows[:, 0])), "one of the two is no finite number"),
        (Model(lambda rows: rows[:, :1]), r"float64 of shape \(50, 1\), not float64 of shape \(50,\)"),
        (Model(lambda rows: rows[:, 0].astype(np.float32)), "float32 of shape"),
        (Model(lambda rows: rows[:, 0], limit=1.0), "ONNX refuses a row that the model answers"),
        (Model(lambda rows: rows[:, 0] + (len(rows) == 1)), "a score differs by"),
    ],
)
def test_what_differs_is_said(other: Model, reason: str) -> None:
    with pytest.raises(DisagreementError, match=reason):
        compare(Model(lambda rows: rows[:, 0]), other)


def test_nan_on_both_sides_is_the_same_and_on_one_is_not() -> None:
    holes = Model(lambda rows: np.where(rows[:, 0] > 1, np.nan, rows[:, 0]))

    assert compare(holes, holes).exact
    with pytest.raises(DisagreementError, match="no finite number"):
        compare(holes, Model(lambda rows: rows[:, 0]))


def test_a_row_that_only_the_model_refuses() -> None:
    with pytest.raises(DisagreementError, match="the model refuses a row that ONNX answers"):
        compare(Model(lambda rows: rows[:, 0], limit=1.0), Model(lambda rows: rows[:, 0]))
    both = Model(lambda rows: rows[:, 0], limit=1.0)
    assert compare(both, both).refused == int((ROWS[:, 0] > 1).sum())


def test_a_label_is_never_close() -> None:
    labels = Model(lambda rows: np.where(rows[:, 0] > 0, 1.0, 0.0), classes_=np.array([0.0, 1.0]))
    nearly = Model(lambda rows: np.where(rows[:, 0] > 0, 1.0 + 1e-9, 0.0), classes_=np.array([0.0, 1.0]))

    with pytest.raises(DisagreementError, match="a label differs"):
        compare(labels, nearly)
    with pytest.raises(DisagreementError, match="the model answers a list"):
        compare(Model(lambda rows: rows.tolist()), labels)


def test_ties_are_counted() -> None:
    shares = Model(lambda rows: rows[:, 0], predict_proba=lambda rows: np.full((len(rows), 2), 0.5))
    assert agree(shares, shares, {"predict_proba": 0.0}, {"rows": ROWS}).ties == 50

"""Estimates before labels come: right by hand, and their intervals hold what labels say as often as they promise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fogbank.monitor.estimate import METRICS, Counts, audited, estimated
from fogbank.monitor.sketch import Floats


def test_what_three_rows_promise() -> None:
    found = {name: own["value"] for name, own in estimated(np.array([0.9, 0.6, 0.2]))["metrics"].items()}

    assert found == pytest.approx(
        {"accuracy": 2.3 / 3, "precision": 1.5 / 2, "recall": 1.5 / 1.7, "f1": 3 / (3 + 0.5 + 0.2)}
    )


def realised(probabilities: Floats, true: NDArray[np.bool_]) -> dict[str, float]:
    told = probabilities > 0.5
    counts = Counts(
        *(np.array([float((a & b).sum())]) for a, b in ((told, true), (told, ~true), (~told, true), (~told, ~true)))
    )
    return {name: float(metric(counts)[0]) for name, metric in METRICS.items()}


@pytest.mark.parametrize("rows", [60, 3000])
def test_intervals_hold_what_labels_say_as_often_as_they_promise(rows: int) -> None:
    """100 windows of calibrated probabilities: 95 of them, and three deviations of a binomial."""
    g, windows = np.random.default_rng(8), 100
    held = dict.fromkeys(METRICS, 0)
    for _ in range(windows):
        probabilities = g.beta(1, 1, size=rows)
        true = g.random(rows) < probabilities
        for name, own in audited(estimated(probabilities), realised(probabilities, true))["metrics"].items():
            held[name] += own["held"]

    assert min(held.values()) >= windows * (0.95 - 3 * np.sqrt(0.95 * 0.05 / windows))


def test_probabilities_that_promise_too_much_are_found_out() -> None:
    g = np.random.default_rng(9)
    probabilities = g.choice([0.02, 0.98], size=500)
    true = g.random(500) < np.where(probabilities > 0.5, 0.8, 0.2)

    found = audited(estimated(probabilities), realised(probabilities, true))["metrics"]["accuracy"]
    assert (found["held"], found["value"]) == (False, pytest.approx(0.98))


@pytest.mark.parametrize("scores", [[], [1.5], [-0.1, 0.5], [float("nan")]])
def test_scores_that_are_no_probabilities_promise_nothing(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="needs probabilities from 0 to 1"):
        estimated(np.array(scores))

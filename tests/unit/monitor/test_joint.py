"""A domain classifier tells a shift that no column alone shows, and none where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from fogbank.monitor.joint import domain_classifier


def correlated(g: np.random.Generator, rows: int, correlation: float) -> np.ndarray:
    return g.multivariate_normal([0, 0, 0], np.array([[1, correlation, 0], [correlation, 1, 0], [0, 0, 1]]), size=rows)


def test_a_changed_correlation_is_told() -> None:
    g = np.random.default_rng(0)
    found = domain_classifier(correlated(g, 1000, 0.0), correlated(g, 1000, 0.7))

    assert found.auc > found.smallest_detectable
    assert found.p_value < 1e-6
    assert found.rows == (500, 500)


def test_without_a_shift_alarms_are_as_rare_as_asked_for() -> None:
    g = np.random.default_rng(1)
    chances = [domain_classifier(correlated(g, 60, 0.5), correlated(g, 40, 0.5)).p_value for _ in range(300)]

    assert np.mean(np.array(chances) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_gaps_and_constants_are_columns_too() -> None:
    g = np.random.default_rng(2)
    old, new = np.zeros((200, 2)), np.zeros((200, 2))
    new[g.random(200) < 0.5, 0] = np.nan

    assert domain_classifier(old, new).p_value < 1e-6
    assert domain_classifier(old, old).auc == 0.5


def test_other_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="other columns"):
        domain_classifier(np.zeros((9, 2)), np.zeros((9, 3)))
    with pytest.raises(ValueError, match="4 rows of each: there are 3 and 9"):
        domain_classifier(np.zeros((3, 2)), np.zeros((9, 2)))

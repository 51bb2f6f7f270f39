"""Distances of texts: cells that are small are merged, values that the statistics do not show count as one more."""

from __future__ import annotations

import pytest
from scipy import stats

from fogbank.monitor.drift import chi_squared, counts_of


def test_chi_squared_is_scipys_where_no_cell_is_small() -> None:
    base, now = {"a": 300.0, "b": 500.0, "c": 200.0}, {"a": 40.0, "b": 40.0, "c": 20.0}
    expected = stats.chisquare([40, 40, 20], [30, 50, 20])

    assert chi_squared(base, now) == pytest.approx((expected.statistic, 2))


def test_small_cells_are_one_where_they_are_many() -> None:
    base = {"a": 960.0, **{f"r{i}": 10.0 for i in range(4)}}  # 1 expected of each of four: all are small

    assert chi_squared(base, {"a": 90.0, "r0": 10.0}) == pytest.approx(((90 - 96) ** 2 / 96 + (10 - 4) ** 2 / 4, 1))


def test_what_is_not_shown_counts() -> None:
    texts = {"common": {"num_present": 9}, "distribution": {"categorical": {"buckets": [{"value": "a", "count": 4}]}}}

    assert counts_of(texts) == {"a": 4.0, "": 5.0}
    assert chi_squared({}, {"a": 1.0}) == (0.0, 0)

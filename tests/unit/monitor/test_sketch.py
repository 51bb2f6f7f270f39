"""Sketches: exact while they are small, close to exact when they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fogbank.monitor.sketch import distance, sketch

VALUES = st.lists(st.integers(-50, 50), min_size=4, max_size=300)


@given(VALUES, VALUES)
def test_distance_is_the_kolmogorov_smirnov_statistic(base: list[int], now: list[int]) -> None:
    ours = distance(sketch(np.array(base, float)), sketch(np.array(now, float)))

    assert ours == pytest.approx(stats.ks_2samp(base, now, method="asymp").statistic, abs=1e-12)


def test_a_sketch_of_many_values_keeps_the_weight_and_the_quantiles() -> None:
    values = np.random.default_rng(3).normal(size=100_001)
    levels = sketch(values)

    assert sum(len(level) * 2**i for i, level in enumerate(levels)) == 100_001
    assert max(len(level) for level in levels) <= 2048
    assert distance(levels, sketch(values)) == 0.0
    kept = np.concatenate([np.repeat(level, 2**i) for i, level in enumerate(levels)])
    assert stats.ks_2samp(np.sort(values), kept).statistic < 0.005

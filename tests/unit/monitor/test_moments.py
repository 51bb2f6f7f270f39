"""Moments of parts are those of the whole, at any size of number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.monitor.moments import Moments

PARTS = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1), min_size=1, max_size=4)


@given(PARTS)
def test_merged_moments_are_numpys(parts: list[list[float]]) -> None:
    merged, *others = [Moments.of(np.sort(part)) for part in parts]
    for other in others:
        merged = merged.merge(other)
    document, values = merged.document(), np.concatenate(parts)

    assert document["mean"] == pytest.approx(values.mean(), rel=1e-9, abs=1e-6)
    assert document["std_dev"] == pytest.approx(values.std(), rel=1e-6, abs=1e-6)
    assert (document["min"], document["max"]) == (values.min(), values.max())


def test_huge_numbers_have_finite_moments() -> None:
    merged = Moments.of(np.array([1.0])).merge(Moments.of(np.array([-1.7e308, 1.7e308])))

    assert all(map(math.isfinite, merged.document().values()))

"""Shifts: sizes and chances beside scipy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from fogbank.monitor.profile import Document, Profile
from fogbank.monitor.shifts import error_bound, homogeneity, jensen_shannon, psi, shifts, wasserstein
from fogbank.monitor.sketch import Quantiles, between, sketch, weighted

VALUES = st.lists(st.integers(-50, 50), min_size=2, max_size=300)
COUNTS = st.lists(st.integers(20, 200), min_size=2, max_size=6)


def document(**columns: Any) -> Document:
    profile = Profile()
    profile.add(columns, len(next(iter(columns.values()))))
    return profile.document()


@given(VALUES, VALUES)
def test_wasserstein_is_scipys(base: list[int], now: list[int]) -> None:
    ours = wasserstein(*between(weighted(sketch(np.array(base, float))), weighted(sketch(np.array(now, float)))))

    assert ours == pytest.approx(stats.wasserstein_distance(base, now), abs=1e-9)


@given(st.integers(2, 6).flatmap(lambda n: st.tuples(*[st.lists(st.integers(20, 200), min_size=n, max_size=n)] * 2)))
def test_sizes_and_the_chi_square_are_scipys(counts: tuple[list[int], list[int]]) -> None:
    table = np.array(counts, float)
    base, now = table / table.sum(axis=1, keepdims=True)
    statistic, _, freedom, _ = stats.chi2_contingency(table, correction=False)

    assert homogeneity(table) == pytest.approx((statistic, freedom))
    assert jensen_shannon(base, now) == pytest.approx(distance.jensenshannon(base, now, base=2), abs=1e-7)
    assert psi(base, now) == pytest.approx(stats.entropy(base, now) + stats.entropy(now, base))


def test_a_shift_says_its_reference_its_assumptions_and_what_it_could_have_told() -> None:
    g = np.random.default_rng(0)
    base = document(p=g.normal(size=2000), x=g.normal(size=2000), s=["a", "b"] * 1000)
    now = document(p=g.normal(1.0, size=500), x=g.normal(size=500), s=["a", "b"] * 250)

    found = shifts(base, now, outputs=("p",))
    p, x, s = found["features"]

    assert found["shifted"] == ["p"]
    assert (p["role"], x["role"], p["test"], s["test"]) == ("prediction", "feature", "Kolmogorov-Smirnov", "chi-square")
    assert p["wasserstein"] == pytest.approx(1.0, abs=0.15)
    assert (found["reference"]["item_count"], found["current"]["item_count"]) == (2000, 500)
    assert found["assumptions"].keys() == {"Kolmogorov-Smirnov", "chi-square"}
    # c(0.05 / 3) sqrt(2500 / 1000000)
    assert x["smallest_detectable"] == {"measure": "max |CDF - CDF|", "value": pytest.approx(1.5473 * 0.05, abs=1e-4)}
    assert s["smallest_detectable"]["value"] == pytest.approx(np.sqrt(stats.chi2.isf(0.05 / 3, 1) / 400))
    assert p["statistic"] > p["smallest_detectable"]["value"]


@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=4))
def test_the_bound_that_levels_tell_holds(sizes: list[int]) -> None:
    quantiles = Quantiles()
    for size in sizes:
        quantiles.add(np.arange(size, dtype=float))

    assert quantiles.error <= error_bound(quantiles.levels()) + 1e-12


def test_large_windows_without_a_shift_do_not_alarm_for_the_sketchs_error() -> None:
    g = np.random.default_rng(1)
    base, now = (document(x=g.normal(size=400_000)) for _ in range(2))

    assert shifts(base, now)["shifted"] == []


def test_columns_of_nothing_or_of_another_kind_have_no_shift() -> None:
    base, now = document(a=[None], b=["x"], c=["1"]), document(a=["1"], b=["1"], c=[None])

    assert shifts(base, now)["features"] == []

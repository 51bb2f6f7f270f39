"""Chances beside scipy's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from fogbank.monitor.significance import benjamini_hochberg, chi_square_p, holm, kolmogorov_p, kolmogorov_quantile

CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(st.floats(0, 2000), st.integers(1, 500))
def test_chi_square(statistic: float, freedom: int) -> None:
    assert chi_square_p(statistic, freedom) == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-8, abs=1e-13)


@given(st.floats(0.3, 4))
def test_kolmogorov(x: float) -> None:
    assert kolmogorov_p(x / 50, 5000, 5000) == pytest.approx(special.kolmogorov(x), rel=1e-9, abs=1e-12)


def test_the_quantile_is_passed_with_its_chance() -> None:
    for level in (0.2, 0.05, 0.001):
        assert special.kolmogorov(kolmogorov_quantile(level)) == pytest.approx(level, rel=2e-3)


@given(CHANCES)
def test_benjamini_hochberg_is_scipys(chances: list[float]) -> None:
    assert benjamini_hochberg(chances) == pytest.approx(stats.false_discovery_control(chances), abs=1e-12)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert (holm([]), benjamini_hochberg([])) == ([], [])

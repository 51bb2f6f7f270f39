"""Summaries: sums are exact, percentiles are within a hundredth of the value that is there, whatever is merged in whatever order."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.cloud.observe.summary import MANY, Summary, is_statistic, pack, unpack
from fogbank.cloud.observe.summary import merged as merged_packed

VALUES = st.lists(st.floats(0, 1e9, allow_subnormal=False), min_size=1, max_size=60)


def merged(*parts: list[float]) -> Summary:
    whole = Summary()
    for part in parts:
        whole.add(Summary.of(part))
    return whole


@given(VALUES, VALUES, st.sampled_from([0.1, 1, 10, 50, 90, 99, 99.9, 100]))
def test_a_percentile_is_near_the_value_that_is_there(some: list[float], more: list[float], percent: float) -> None:
    values = sorted(some + more)
    exact = values[math.ceil(percent * len(values) / 100 - 1e-9) - 1]
    found = merged(some, more).statistic(f"p{percent:g}")

    assert found == pytest.approx(exact, rel=0.0101, abs=1e-280)


@given(VALUES, VALUES)
def test_what_is_merged_is_what_was_there(some: list[float], more: list[float]) -> None:
    whole, values = merged(some, more), some + more

    assert (whole.count, whole.least, whole.most) == (len(values), min(values), max(values))
    assert whole.total == pytest.approx(math.fsum(values))
    assert whole.buckets == Summary.of(values).buckets == unpack(pack(whole.buckets))


@given(st.lists(VALUES, min_size=MANY, max_size=MANY + 2))
def test_many_histograms_are_merged_as_few_are(parts: list[list[float]]) -> None:
    packed = [pack(Summary.of(part).buckets) for part in parts]

    assert merged_packed(packed) == Summary.of([value for part in parts for value in part]).buckets
    assert merged_packed(packed[:2]) == Summary.of(parts[0] + parts[1]).buckets
    assert merged_packed([*packed, None]) is None


def test_values_that_came_several_times_and_sets_of_one_value_have_percentiles() -> None:
    counted = Summary.of_counts({1.0: 98.0, 0.0: 1.0, 7.0: 1.0})
    counted.add(Summary.of_set(4, 12.0, 3.0, 3.0))

    assert (counted.statistic("SampleCount"), counted.statistic("Sum")) == (104, 117.0)
    assert counted.statistic("p50") == pytest.approx(1, rel=0.01)
    assert counted.statistic("p97") == pytest.approx(3, rel=0.01)
    assert counted.statistic("p100") == 7.0
    assert Summary.of([5.0] * 9).statistic("p50") == 5.0


@pytest.mark.parametrize(
    "other", [Summary.of_set(2, 3.0, 1.0, 2.0), Summary.of([-1.0]), Summary.of_counts({-1.0: 1.0})]
)
def test_where_the_values_are_not_known_or_below_zero_there_are_no_percentiles(other: Summary) -> None:
    whole = merged([1.0, 2.0])
    whole.add(other)

    assert whole.statistic("p50") is None
    assert whole.statistic("Maximum") == 2.0
    assert pack(whole.buckets) is None


def test_trimmed_means_counts_and_sums() -> None:
    whole = merged([float(i) for i in range(1, 101)])

    assert whole.statistic("tm90") == pytest.approx(45.5, rel=0.02)
    assert whole.statistic("TM(10%:90%)") == pytest.approx(50.5, rel=0.02)
    assert whole.statistic("IQM") == pytest.approx(50.5, rel=0.02)
    assert whole.statistic("tc90") == pytest.approx(90)
    assert whole.statistic("TS(50%:)") == pytest.approx(sum(range(51, 101)), rel=0.02)


@pytest.mark.parametrize("name", ["p101", "wm99", "PR(1:2)", "TM(1:2)", "average", "p", ""])
def test_what_is_not_a_statistic_or_not_there_is_known_by_name(name: str) -> None:
    assert not is_statistic(name)
    with pytest.raises(KeyError):
        Summary.of([1.0]).statistic(name)

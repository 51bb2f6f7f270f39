"""statistics.json of a data set, in SageMaker's form."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.monitor.dataset import read_csv
from fogbank.monitor.profile import feature, inferred_type, statistics


def test_statistics_in_sagemakers_form() -> None:
    data = read_csv("n,x,s,e\n1,1.5,red,\n2,2.5,blue,\n3,,red,\n")
    features = {item["name"]: item for item in statistics(data)["features"]}

    assert [features[name]["inferred_type"] for name in "nxse"] == ["Integral", "Fractional", "String", "Unknown"]
    numeric = features["x"]["numerical_statistics"]
    assert numeric["common"] == {"num_present": 2, "num_missing": 1}
    assert (numeric["mean"], numeric["std_dev"], numeric["min"], numeric["max"]) == (2.0, 0.5, 1.5, 2.5)
    buckets = numeric["distribution"]["kll"]["buckets"]
    assert len(buckets) == 10
    assert sum(bucket["count"] for bucket in buckets) == 2
    first = features["s"]["string_statistics"]["distribution"]["categorical"]["buckets"][0]
    assert first == {"value": "red", "count": 2}


@given(st.lists(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers()), min_size=1))
def test_any_numbers_have_statistics_that_are_json(values: list[float]) -> None:
    document = feature("x", [repr(value) for value in values])

    json.dumps(document, allow_nan=False)
    if numeric := document.get("numerical_statistics"):
        buckets = numeric["distribution"]["kll"]["buckets"]
        assert sum(bucket["count"] for bucket in buckets) == len(values)
        assert numeric["min"] <= numeric["max"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "+3"], "Integral"),
        (["1", "2.", ".5", "1e3"], "Fractional"),
        (["1_000"], "String"),
        (["٣"], "String"),
        (["nan", "inf"], "String"),
        (["1e999"], "String"),
        (["9" * 400], "String"),
        ([], "Unknown"),
    ],
)
def test_types(values: list[str], kind: str) -> None:
    assert inferred_type(values) == kind


def test_values_that_hardly_differ_have_buckets() -> None:
    for low, high in ((0.1, math.nextafter(0.1, 1)), (0.0, 5e-324), (1e17, 1e17), (-1.7e308, 1.7e308)):
        document = feature("x", [repr(low), repr(high)])
        assert sum(item["count"] for item in document["numerical_statistics"]["distribution"]["kll"]["buckets"]) == 2

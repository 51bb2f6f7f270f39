"""A baseline from training data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fogbank.contracts.errors import DataError
from fogbank.monitor import suggest


def test_a_baseline_with_other_columns_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("p,a\n1,2\n")
    with pytest.raises(DataError) as refusal:
        suggest(tmp_path / "b.csv", ("p", "a", "b"))

    assert refusal.value.code == "baseline-columns"
    assert "the first that differs is number 3" in refusal.value.cause


def test_a_column_of_words_is_text_though_each_of_them_looks_like_a_number(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("p,zip\n1,02134\n2,90210\n3,02134\n")

    stats, constraints = suggest(tmp_path / "b.csv", ("p", "zip"), ["zip"])

    number, text = json.loads(stats)["features"]
    assert (number["inferred_type"], text["inferred_type"]) == ("Integral", "String")
    buckets = text["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert buckets == [{"value": "02134", "count": 2}, {"value": "90210", "count": 1}]
    assert json.loads(constraints)["features"][1]["string_constraints"] == {"domains": ["02134", "90210"]}
    _, free = suggest(tmp_path / "b.csv", ("p", "zip"), ["zip"], ["zip"])
    assert "string_constraints" not in json.loads(free)["features"][1], "a new text is no violation"

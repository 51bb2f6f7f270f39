"""statistics.json of a data set, in SageMaker's form."""

from __future__ import annotations

import json
import math
import pickle
import weakref
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.monitor.dataset import Dataset, csv_rows, table
from fogbank.monitor.numbers import Plain
from fogbank.monitor.profile import HELD, Profile, feature, statistics
from fogbank.monitor.sketch import weighted
from tests.drawn import at_most


def test_statistics_in_sagemakers_form() -> None:
    names, *rows = csv_rows("n,x,s,e\n1,1.5,red,\n2,2.5,blue,\n3,,red,\n")
    data = table(rows, names)
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
    assert feature("x", values)["inferred_type"] == kind


def test_values_that_hardly_differ_have_buckets() -> None:
    for low, high in ((0.1, math.nextafter(0.1, 1)), (0.0, 5e-324), (1e17, 1e17), (-1.7e308, 1.7e308)):
        document = feature("x", [repr(low), repr(high)])
        assert sum(item["count"] for item in document["numerical_statistics"]["distribution"]["kll"]["buckets"]) == 2


COLUMN = st.lists(st.one_of(st.none(), st.integers(-9, 9).map(str), st.floats(-9, 9).map(repr), st.sampled_from("abc")))


@given(st.lists(COLUMN, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_merged_profiles_are_the_profile_of_all(parts: list[list[str | None]], random: Random) -> None:
    whole = Profile.of([Dataset({"x": [value for part in parts for value in part]})]).document()
    profiles = [Profile.of([Dataset({"x": part})]) for part in parts]
    random.shuffle(profiles)
    first = profiles.pop()
    for other in profiles:
        first.merge(other)

    assert approximately(first.document()) == approximately(whole)


def approximately(document: dict[str, Any]) -> dict[str, Any]:
    """The same with sums rounded: they are added in another order."""
    text = json.dumps(document, sort_keys=True)
    rounded: dict[str, Any] = json.loads(text, parse_float=lambda number: round(float(number), 9) + 0.0)
    return rounded


@given(st.integers(0, 2**32), st.lists(st.integers(1, 40_000), min_size=1, max_size=6), st.sampled_from((1, 50, 10**6)))
@at_most(25)
def test_sketches_err_no_more_than_they_say(seed: int, sizes: list[int], ties: int) -> None:
    values = [np.round(np.random.default_rng(seed + i).gamma(2.0, size=n), 6) % ties for i, n in enumerate(sizes)]
    profile = Profile()
    for part in values:
        own = Profile()
        own.add({"x": part}, len(part))
        profile.merge(own)
    column, everything = profile.columns["x"], np.sort(np.concatenate(values))
    points, shares = weighted(column.quantiles.levels())
    exact = np.searchsorted(everything, points, side="right") / len(everything)
    counts = Counter(everything.tolist())

    assert column.quantiles.error <= 0.01
    last = np.concatenate([points[1:] != points[:-1], [True]])
    assert np.abs(shares - exact)[last].max() <= column.quantiles.error + 1e-12
    for text, count in column.frequent.most(5):
        assert 0 <= counts[float(text)] - count <= column.frequent.error
    assert column.frequent.error <= len(everything) / 2000
    assert column.distinct.count() == pytest.approx(len(counts), rel=0.08)


def test_a_numeric_column_of_many_values_that_turns_to_texts_is_a_string() -> None:
    profile = Profile.of([
        Dataset({"x": list(map(str, range(9000)))}), Dataset({"x": list(map(str, range(9000)))}), Dataset({"x": ["late"] * 5000}),
    ])  # fmt: skip
    texts = profile.document()["features"][0]["string_statistics"]

    assert texts["common"] == {"num_present": 23_000, "num_missing": 0}
    first = texts["distribution"]["categorical"]["buckets"][0]
    assert first["value"] == "late"
    assert 0 <= 5000 - first["count"] <= profile.columns["x"].frequent.error


def test_short_chunks_are_the_profile_of_all_and_nothing_that_waits_is_lost() -> None:
    g = np.random.default_rng(6)
    values = {
        "x": g.normal(size=1500),
        "n": g.integers(0, 9, size=1500),
        "word": np.where(g.random(1500) < 0.5, "a", "b").tolist(),
    }
    whole, short = Profile(), Profile()
    whole.add(values, 1500)
    for start in range(0, 1500, 100):
        short.add({name: each[start : start + 100] for name, each in values.items()}, 100)
    sent = pickle.loads(pickle.dumps(short))  # noqa: S301 - of this very process

    assert sent.document() == short.document() == whole.document()
    assert short.columns["x"].present == 1500


class Block:
    """Bytes that were read, which the texts of all their columns keep."""

    def texts(self) -> Sequence[str]:
        return []


def test_few_blocks_of_wide_data_are_kept_while_numbers_wait() -> None:
    profile, kept, most = Profile(), weakref.WeakSet[Block](), 0
    rows, wide, numbers = 512, 4000, np.zeros(512)
    for _ in range(7):
        block = Block()
        kept.add(block)
        profile.add({str(at): Plain(numbers, rows, block.texts) for at in range(wide)}, rows)
        most = max(most, len(kept))

    assert most <= HELD // (wide * rows) + 2
    assert profile.columns["0"].present == profile.rows == 7 * rows


def test_an_infinity_changes_no_text_of_its_neighbours() -> None:
    """They come as one chunk, or in several that wait for one another."""
    together, apart = Profile(), Profile()
    together.add({"x": np.array([np.inf, 1.0, 2.0, 1.5])}, 4)
    for values in ([np.inf, 1.0], [2.0], [1.5]):
        apart.add({"x": np.array(values)}, len(values))
    found = together.document()["features"][0]["string_statistics"]

    assert found == apart.document()["features"][0]["string_statistics"]
    assert {item["value"] for item in found["distribution"]["categorical"]["buckets"]} == {"inf", "1", "2", "1.5"}


def test_what_is_known_to_be_words_stays_so_with_what_waits() -> None:
    profile = Profile()
    profile.add({"zip": np.array([8001, 8002])}, 2)
    other = Profile().first(["zip"])
    other.merge(profile.of_words(["zip"]))

    assert profile.document()["features"][0]["inferred_type"] == "String"
    assert [item["string_statistics"]["distinct_count"] for item in profile.document()["features"]] == [2.0]

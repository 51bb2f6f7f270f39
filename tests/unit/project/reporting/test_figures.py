"""The figures of a report: shares of columns that were binned otherwise, and answers that are the same."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.project.reporting.figures import bars_of, columns_of, same_answers


def numbers(name: str, *buckets: tuple[float, float, float], missing: int = 0) -> dict[str, Any]:
    total = sum(count for _, _, count in buckets)
    kll = [{"lower_bound": low, "upper_bound": high, "count": count} for low, high, count in buckets]
    said = {
        "common": {"num_present": total, "num_missing": missing},
        "mean": 1.0, "min": 0.0, "max": 2.0, "distribution": {"kll": {"buckets": kll}},
    }  # fmt: skip
    return {"name": name, "inferred_type": "Fractional", "numerical_statistics": said}


def words(name: str, **counts: int) -> dict[str, Any]:
    buckets = [{"value": value, "count": count} for value, count in counts.items()]
    said = {
        "common": {"num_present": sum(counts.values()), "num_missing": 0},
        "distinct_count": len(counts), "distribution": {"categorical": {"buckets": buckets}},
    }  # fmt: skip
    return {"name": name, "inferred_type": "String", "string_statistics": said}


def test_numbers_share_their_bins_and_lose_nothing() -> None:
    bars = bars_of(numbers("a", (0, 1, 30), (1, 2, 10)), numbers("a", (1, 4, 12)))

    assert sum(bar["base"] for bar in bars) == pytest.approx(1)
    assert sum(bar["now"] for bar in bars) == pytest.approx(1)
    assert bars[0]["label"].startswith("0 to")
    assert bars[-1]["base"] == 0


def test_a_column_of_one_value_is_one_bin() -> None:
    bars = bars_of(numbers("a", (3, 3, 7)), None)

    assert sum(bar["base"] for bar in bars) == pytest.approx(1)
    assert all(bar["now"] is None for bar in bars)


def test_words_are_by_their_share_and_new_ones_are_seen() -> None:
    assert bars_of(words("c", Rome=3, Oslo=1), words("c", Rome=1, Bern=1)) == [
        {"label": "Rome", "base": 0.75, "now": 0.5},
        {"label": "Oslo", "base": 0.25, "now": 0.0},
        {"label": "Bern", "base": 0.0, "now": 0.5},
    ]


def test_a_column_that_became_words_is_told_as_words() -> None:
    assert [bar["label"] for bar in bars_of(numbers("a", (0, 1, 3)), words("a", x=1))] == ["x"]


def test_columns_say_what_they_are_like_and_what_is_missing() -> None:
    [column] = columns_of({"features": [numbers("a", (0, 2, 9), missing=1)]}, {}, {"a"})

    assert (column["missing"], column["like"], column["drift"], column["flagged"]) == (
        0.1,
        "0 to 2, mean 1",
        None,
        True,
    )


def test_an_answer_that_lacks_rows_is_not_the_same() -> None:
    assert same_answers([["1"]], [["1"], ["2"]]) == 1
    assert same_answers([["1", "2"]], [["1"]]) == 0
    assert same_answers([["nan"]], [["1"]]) == 0

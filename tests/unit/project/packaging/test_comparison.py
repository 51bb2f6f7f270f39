"""Answers beside what the model itself says."""

from __future__ import annotations

import pytest

from fogbank.contracts.errors import DataError
from fogbank.project.packaging.comparison import TOLERANCE, compared, from_csv, shifted, to_csv


def test_answers_that_are_the_models_are_counted_with_how_far_they_are_off() -> None:
    assert compared("endpoint", [[1.0, 0.5 + TOLERANCE / 2]], [[1.0, 0.5]]) == {
        "path": "endpoint",
        "rows": 1,
        "largest_difference": pytest.approx(TOLERANCE / 2, rel=1e-3),
        "equal": True,
    }


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([[1.0]], "1 answers for 2 rows"),
        ([[1.0], [2.0 + 2 * TOLERANCE]], "differ from the model in memory by up to 2e-09"),
        ([[float("nan")], [2.0]], "differ from the model in memory"),
        ([[1.0], [float("nan")]], "differ from the model in memory"),
    ],
)
def test_answers_that_are_not_are_an_error(answers: list[list[float]], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        compared("endpoint", answers, [[1.0], [2.0]])

    assert caught.value.code == "answers-differ"


def test_csv_is_exact_both_ways_and_a_shift_is_of_the_first_columns() -> None:
    rows = [[0.1 + 0.2, 1e-300, 3.0, 4.0]]

    assert from_csv(to_csv(rows)) == rows
    assert shifted([[1.0, 2.0, 4.0, 8.0]]) == [[1.5, 3.0, 6.0, 8.0]]

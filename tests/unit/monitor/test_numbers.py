"""Texts as numbers: as JSON writes them or not, and which are whole ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.monitor.numbers import is_integral, is_number, numbers_of

TEXTS = [
    "1",
    "-2",
    "+3",
    "007",
    "1.0",
    ".5",
    "5.",
    "1e3",
    "1E+2",
    "1e400",
    "nan",
    "inf",
    "0x1",
    "1_0",
    "x",
    "[1]",
    '"1"',
    "true",
    "null",
    "٣",
]


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=5))
def test_a_column_is_numbers_where_each_of_its_texts_is_one(texts: list[str]) -> None:
    found = numbers_of(texts)

    if not all(map(is_number, texts)):
        assert found is None
    else:
        assert found is not None
        assert found.numbers.tolist() == [float(text) for text in texts]
        assert found.integral == sum(map(is_integral, texts))
        assert list(found.texts()) == texts


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_double_is_read_to_its_last_bit(values: list[float]) -> None:
    found = numbers_of([repr(value) for value in values])

    assert found is not None
    assert found.numbers.tolist() == values


@pytest.mark.parametrize(("texts", "json"), [(["1", "2.5"], True), (["1", "+2"], False), (["9" * 30], False)])
def test_what_json_does_not_write_so_is_read_one_by_one(texts: list[str], json: bool) -> None:
    found = numbers_of(texts)

    assert found is not None
    assert found.json == json

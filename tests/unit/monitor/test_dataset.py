"""Data sets are put together by name."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from fogbank.monitor.dataset import Dataset, cell, cells, csv_rows, records, table

CELLS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('\n\r",\x0b\x0c\x1c\x85\u2028\u2029\x00')))


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1))
def test_any_text_of_a_cell_stays_in_its_cell(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("a", "b"), *rows])

    names, *cells = csv_rows(out.getvalue())
    data = table(cells, names)

    assert list(zip(data.columns["a"], data.columns["b"], strict=True)) == [(cell(a), cell(b)) for a, b in rows]


def test_without_a_header_the_first_row_is_data() -> None:
    data = table(csv_rows("1,2.5,a\n2,3.5,b\n"), [])

    assert data == Dataset({"_c0": ["1", "2"], "_c1": ["2.5", "3.5"], "_c2": ["a", "b"]})


def test_a_name_that_a_row_lacks_is_a_missing_value() -> None:
    assert records([{"b": "x"}, {"z": "1", "a": "2"}], ["a", "b", "gone"]) == Dataset(
        {"a": [None, "2"], "b": ["x", None], "z": [None, "1"]}
    )


def test_blanks_are_missing_and_other_signs_are_text() -> None:
    assert [cell(text) for text in (None, "", " \t", " a ", "\u2028", "\x85")] == [
        None,
        None,
        None,
        "a",
        "\u2028",
        "\x85",
    ]


def test_a_truth_of_python_is_one_of_json() -> None:
    assert cells(["True", "false", " False", "Truest"]) == ["true", "false", "false", "Truest"]

"""Data sets are put together by name; what is no table is an error that names the file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.monitor.dataset import Dataset, DatasetError, cell, joined, read_csv, read_csv_files, records

CELLS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('\n\r",\x0b\x0c\x1c\x85\u2028\u2029\x00')))


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1))
def test_any_text_of_a_cell_stays_in_its_cell(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("a", "b"), *rows])

    data = read_csv(out.getvalue())

    assert list(zip(data.columns["a"], data.columns["b"], strict=True)) == [(cell(a), cell(b)) for a, b in rows]


def test_without_a_header_the_first_row_is_data() -> None:
    data = read_csv("1,2.5,a\n2,3.5,b\n", header=False)

    assert data == Dataset({"_c0": ["1", "2"], "_c1": ["2.5", "3.5"], "_c2": ["a", "b"]})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"a,b,a\n1,2,3\n", "the header has the column 'a' twice"),
        (b"a,b\n1,2\n3\n", "row 2 has 1 columns, row 1 has 2"),
        (b"", "the CSV is empty"),
        (b"\xff\xfe", "can't decode byte"),
    ],
)
def test_what_is_no_table_is_an_error_that_names_the_file(tmp_path: Path, body: bytes, reason: str) -> None:
    (tmp_path / "d.csv").write_bytes(body)

    with pytest.raises(DatasetError, match=r"^d\.csv: ") as refusal:
        read_csv_files([tmp_path / "d.csv"])

    assert reason in str(refusal.value)


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n")

    assert read_csv_files([tmp_path / "d.csv"]) == Dataset({"a": ["1"], "b": ["2"]})


def test_files_are_joined_by_name(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,x\n")
    (tmp_path / "2.csv").write_text("b,a,c\ny,2,9\n")

    data = read_csv_files([tmp_path / "1.csv", tmp_path / "2.csv"])

    assert data == Dataset({"a": ["1", "2"], "b": ["x", "y"], "c": [None, "9"]})


def test_a_name_that_a_row_lacks_is_a_missing_value() -> None:
    assert records([{"b": "x"}, {"z": "1", "a": "2"}], ["a", "b", "gone"]) == Dataset(
        {"a": [None, "2"], "b": ["x", None], "z": [None, "1"]}
    )


def test_joining_nothing_is_nothing() -> None:
    assert joined([]).item_count == 0


def test_blanks_are_missing_and_other_signs_are_text() -> None:
    assert [cell(text) for text in (None, "", " \t", " a ", "\u2028", "\x85")] == [
        None,
        None,
        None,
        "a",
        "\u2028",
        "\x85",
    ]

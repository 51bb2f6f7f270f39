"""Rows of CSV in bytes."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.transform.jsonpath import PathError, parse
from fogbank.transform.rows import Picker, RowError, cells, line, lines_of, plain

CELLS = st.lists(st.text("ab1,\"' \r\t.", max_size=6), min_size=1, max_size=5)


@given(CELLS)
def test_a_row_comes_back_and_others_read_it_so(row: list[str]) -> None:
    written = line([cell.encode() for cell in row])

    assert [cell.decode() for cell in cells(written)] == row
    assert next(csv.reader(io.StringIO(written.decode(), newline=""), strict=True)) == row


@given(CELLS)
def test_what_others_write_is_read_so(row: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(row)

    assert [cell.decode() for cell in cells(out.getvalue().encode())] == row


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'1,a"b,2', 'bare " in non quoted field found near: \'a"b,2'),
        (b'1,"a', 'extraneous or missing " in quoted-field'),
        (b'1,"a"b', 'extraneous or missing " in quoted-field'),
    ],
)
def test_broken_lines_are_said_in_the_words_of_sagemaker(text: bytes, said: str) -> None:
    with pytest.raises(RowError) as error:
        cells(text)

    assert said in str(error.value)


def test_empty_lines_are_no_records_and_carriage_returns_belong_to_line_ends() -> None:
    assert lines_of(b"1\r\n\r\n\n2\n") == [b"1", b"2"]
    assert lines_of(b"1\n2") == [b"1", b"2"]
    assert [plain(body) for body in (b"1,2\r\n", b"1,2\n", b"1,2\r")] == [True] * 3
    assert [plain(body) for body in (b'"1",2\n', b"1\r2\r\n", b"1\r\r\n")] == [False] * 3


def test_cells_are_picked_from_rows_of_any_width() -> None:
    indexes = parse("$[0,-1]").indexes()
    assert indexes is not None
    pick = Picker(indexes)

    assert pick([b"a", b"b", b"c"]) == [b"a", b"c"]
    assert pick([b"a"]) == [b"a", b"a"]
    three = parse("$[2]").indexes()
    assert three is not None
    with pytest.raises(PathError, match="index 2"):
        Picker(three)([b"a"])

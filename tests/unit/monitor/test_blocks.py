"""CSV by the block is CSV by the row: the same rows under the same lines, whatever the cells, the quotes and the ends of lines."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.monitor.blocks import Columns, Numbered, parts
from fogbank.monitor.dataset import BLANKS
from fogbank.monitor.numbers import Plain

CELLS = st.sampled_from(
    ["1", "2.50", "-0.5e3", "", "x", "é", " 7 ", '"a,b"', '"a\nb"', "1\r", "007", "+1", "nan", "1e400", "[1]"]
)
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=9)


def read(body: bytes, *, header: bool = False, size: int = 1 << 20) -> list[Numbered]:
    """Every row, stripped, by the line that it ends at."""
    found: list[Numbered] = []
    for part in parts(io.BytesIO(body), header=header, size=size):
        found += part.numbered() if isinstance(part, Columns) else part
    return [(line, [cell.strip(BLANKS) for cell in row]) for line, row in found]


def expected(body: bytes) -> list[Numbered]:
    reader = csv.reader(io.StringIO(body.decode("utf-8-sig", "surrogateescape"), newline=""))
    return [(reader.line_num, [cell.strip(BLANKS) for cell in row]) for row in reader if row]


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(TABLES, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 60), st.booleans(), st.booleans(), st.booleans())
def test_blocks_have_the_rows_of_the_csv(
    table: list[list[str]], end: str, size: int, whole: bool, mark: bool, header: bool
) -> None:
    text = end.join(",".join(row) for row in table) + (end if whole else "")
    body = (b"\xef\xbb\xbf" if mark else b"") + text.encode()

    assert read(body, header=header, size=size) == expected(body)


def columns(body: bytes) -> Columns:
    [part] = parts(io.BytesIO(body), header=False)
    assert isinstance(part, Columns)
    return part


def test_plain_numbers_come_as_arrays_that_know_how_they_were_written() -> None:
    part = columns(b"1,1.0,2\n2,2.5,3\n-3,4,1e2\n")

    assert (part.line, part.rows) == (1, 3)
    found = [value for value in part.values if isinstance(value, Plain)]
    assert [value.numbers.tolist() for value in found] == [[1, 2, -3], [1, 2.5, 4], [2, 3, 100]]
    assert [value.integral for value in found] == [3, 1, 2]
    assert list(found[1].texts()) == ["1.0", "2.5", "4"]


def test_other_cells_come_as_texts_of_which_an_absent_one_is_none() -> None:
    assert columns(b"1,x\n , y\n").values == [["1", None], ["x", "y"]]


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf"])
def test_a_file_of_nothing_has_no_part(body: bytes) -> None:
    assert list(parts(io.BytesIO(body), header=True)) == []


def test_a_line_that_is_no_utf8_leaves_its_block_to_the_row_reader() -> None:
    [part] = parts(io.BytesIO(b"1,x\n2,\xff\n"), header=False)

    assert part == [(1, ["1", "x"]), (2, ["2", "\udcff"])]

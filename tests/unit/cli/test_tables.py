"""Answers as tables: each of the forms in which servers write rows, and nothing for what is not one."""

from __future__ import annotations

import pytest

from fogbank.cli.tables import MOST, table_lines

PEOPLE = ["label   yes  no ", "-----  ----  ---", "yes    0.75  0.2", "no        1  0.5"]
LABELLED = (
    '{"label": "yes", "probabilities": {"yes": 0.75, "no": 0.2}}',
    '{"label": "no", "probabilities": {"yes": 1, "no": 0.5}}',
)


@pytest.mark.parametrize(
    ("body", "kind", "header"),
    [
        ("label,yes,no\nyes,0.75,0.2\nno,1,0.5\n", "text/csv", True),
        (f'{{"predictions": [{", ".join(LABELLED)}]}}', "application/json", False),
        (f"[{', '.join(LABELLED)}]", "application/json; charset=utf-8", False),
        ("\n".join(LABELLED) + "\n", "application/jsonlines", False),
    ],
)
def test_named_rows_have_their_names_above_and_numbers_to_the_right(body: str, kind: str, header: bool) -> None:
    lines = table_lines(body.encode(), kind, header=header)
    assert [line.split() for line in lines] == [line.split() for line in PEOPLE]
    assert lines[2:] == ["yes    0.75  0.2", "no        1  0.5"]


@pytest.mark.parametrize(
    ("body", "kind", "lines"),
    [
        ("1,a\n22,b\n", "text/csv", [" 1  a", "22  b"]),
        ("[[1, null], [22, true]]", "application/json", [" 1  null", "22  true"]),
        ('{"predictions": [1, 22]}', "application/json", [" 1", "22"]),
        ('["two\\nlines"]', "application/json", ["two lines"]),
    ],
)
def test_rows_without_names_are_rows(body: str, kind: str, lines: list[str]) -> None:
    assert table_lines(body.encode(), kind, header=False) == lines


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"message": "no"}', "application/json"),
        (b"[[1], [1, 2]]", "application/json"),
        (b'[{"a": 1}, {"b": 1}]', "application/json"),
        (b"7", "application/json"),
        (b"\xff\xfe", "text/csv"),
        (b"", "text/csv"),
        (b"a text, with words", "text/plain"),
        (b"\x93NUMPY", "application/x-npy"),
    ],
)
def test_what_is_no_table_is_none(body: bytes, kind: str) -> None:
    assert table_lines(body, kind, header=True) == []


def test_of_many_rows_the_first_are_shown_and_the_rest_counted() -> None:
    lines = table_lines(b"1\n" * (MOST + 7), "text/csv", header=False)
    assert (len(lines), lines[-1]) == (MOST + 1, "... 7 more")

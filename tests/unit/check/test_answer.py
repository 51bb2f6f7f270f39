"""What an answer is held against: rows are the records' own, whatever characters are in them."""

from __future__ import annotations

import pytest

from fogbank.check.answer import rows_of


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1,2\n3,4\n", 2),
        ("1,2\r\n3,4\r\n", 2),
        ("1,2", 1),
        ('{"text": "a\u2028b"}\n{"text": "c\u2029d"}', 2),
        ("form\x0cfeed\nvertical\x0btab\nnext\x85line\n", 3),
        ("a\x1cb\x1dc\x1ed", 1),
    ],
)
def test_a_line_feed_ends_a_row_and_nothing_else_does(text: str, rows: int) -> None:
    assert rows_of(text) == rows

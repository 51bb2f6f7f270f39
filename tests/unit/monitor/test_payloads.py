"""The rows of one captured record, in every form that the server reads and answers."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from fogbank.contracts.capture import CapturedPayload, CaptureRecord, Encoding
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.payloads import encoding_of, rows_of

NAMES = ("p", "a", "b")


def record(
    asked: str, answer: str, encoding: Encoding = "JSON", content_type: str = "application/json"
) -> CaptureRecord:
    return CaptureRecord(
        event_id="e",
        time=datetime(2026, 4, 18, tzinfo=UTC),
        input=CapturedPayload(content_type=content_type, mode="INPUT", data=asked, encoding=encoding),
        output=CapturedPayload(content_type=content_type, mode="OUTPUT", data=answer, encoding=encoding),
    )


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ('{"instances": [{"a": 1, "b": "x"}, {"a": 2, "b": null}]}', '{"predictions": [0.5, 1]}'),
        ('{"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"], [2, null]]}}', "[[0.5], [1]]"),
        ('{"columns": ["b", "a"], "data": [["x", 1], [null, 2]]}', '[{"p": 0.5}, {"p": 1}]'),
        ('{"dataframe_records": [{"b": "x", "a": 1}, {"a": 2, "b": null}]}', '{"outputs": [{"p": 0.5}, {"p": 1}]}'),
        ('{"a": 1, "b": "x"}\n{"a": 2, "b": null}', '{"p": 0.5}\n{"p": 1}'),
    ],
)
def test_forms_are_rows_by_name(asked: str, answer: str) -> None:
    rows = rows_of(record(asked, answer), NAMES)

    assert [dict(row) for row in rows if not isinstance(row, list)] == [
        {"p": "0.5", "a": "1", "b": "x"},
        {"p": "1", "a": "2", "b": None},
    ]


def test_lists_are_rows_by_their_order() -> None:
    assert rows_of(record("[[1, true], [2, null]]", "[0.5, 1]"), NAMES) == [["0.5", "1", "true"], ["1", "2", ""]]
    assert rows_of(record("[1, 2]", "[0.5]"), NAMES) == [["0.5", "1", "2"]]


def test_base64_of_a_type_that_can_be_read_is_read() -> None:
    asked, answer = (base64.b64encode(text).decode() for text in (b"1,x\n", b"0.5\n"))
    captured = record(asked, answer, "BASE64", "text/csv; charset=utf-8")

    assert encoding_of(captured) == "BASE64"
    assert rows_of(captured, NAMES) == [["0.5", "1", "x"]]


@pytest.mark.parametrize(
    ("asked", "answer", "rows"),
    [
        ("b,a\nx,1\ny,\n", "0.5\n1\n", [{"p": "0.5", "a": "1", "b": "x"}, {"p": "1", "a": "", "b": "y"}]),
        ("a,b\n1,x\n", "p\n0.5\n", [{"p": "0.5", "a": "1", "b": "x"}]),
        ("1,a\n2,b\n", "0.5\n1\n", [["0.5", "1", "a"], ["1", "2", "b"]]),
        ("a,b\n", "0.5\n", [["0.5", "a", "b"]]),
    ],
)
def test_a_header_is_told_as_the_server_tells_it(asked: str, answer: str, rows: list[object]) -> None:
    assert rows_of(record(asked, answer, "CSV", "text/csv"), NAMES) == rows
    with pytest.raises(DatasetError, match="3 rows and its answer 2"):
        rows_of(record("a,b\n1,x\n2,y\n", "0.5\n1\n", "CSV", "text/csv; header=absent"), NAMES)


@pytest.mark.parametrize(
    ("captured", "reason"),
    [
        (record("!", "!", "BASE64", "text/csv"), "its BASE64 holds no CSV"),
        (record("AA==", "AA==", "BASE64", "image/png"), "the captured data is BASE64 of image/png"),
        (record('{"instances": [[[1]]]}', "[1]"), "lists of plain values"),
        (record('{"columns": ["a"], "data": [[1, 2]]}', "[1]"), "one cell for each of the 1 columns"),
    ],
)
def test_what_is_no_row_is_told(captured: CaptureRecord, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        rows_of(captured, NAMES)

"""The records wire: a record is one line and comes back equal, whatever was captured; a line that is none is told."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.contracts.capture import (
    CapturedLine,
    CapturedPayload,
    CaptureRecord,
    captured,
    object_key,
    read_lines,
)

NOON = datetime(2026, 4, 18, 0, 20, 48, 871000, UTC)
ENDS_OF_LINES = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\x00\ud800\udfff\ufeff"
"""What some reader or other takes for the end of a line, or for no text."""
TEXT = st.text(st.one_of(st.characters(), st.sampled_from(ENDS_OF_LINES)))


def record(body: bytes = b"1,2\n", answer: bytes = b"0.5\n") -> CaptureRecord:
    return CaptureRecord(
        event_id="e",
        time=NOON.replace(microsecond=0),
        inference_id="i",
        input=captured(body, "text/csv; charset=utf-8", "INPUT", ["text/csv"], []),
        output=captured(answer, "image/png", "OUTPUT", ["text/csv"], []),
    )


def test_the_line_is_sagemakers_compact_form() -> None:
    document = json.loads(record(answer=b"\xff\x00").line())

    assert document["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv; charset=utf-8", "mode": "INPUT", "data": "1,2\n", "encoding": "CSV",
    }  # fmt: skip
    assert document["captureData"]["endpointOutput"]["encoding"] == "BASE64"
    assert document["eventMetadata"] == {"eventId": "e", "inferenceId": "i", "inferenceTime": "2026-04-18T00:20:48Z"}


@given(st.binary(), st.binary())
def test_any_body_is_one_line_and_comes_back_equal(body: bytes, answer: bytes) -> None:
    whole = record(body, answer)

    assert whole.line().splitlines() == [whole.line()]
    assert list(read_lines(whole.line().encode())) == [CapturedLine(number=1, record=whole)]


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=5))
def test_any_text_in_any_member_is_one_line_and_comes_back_equal(texts: list[tuple[str, str, str]]) -> None:
    wholes = [
        CaptureRecord(
            event_id=f"e{text[0]}",
            time=NOON.replace(microsecond=0),
            inference_id=text[0] or None,
            custom_attributes=text[1] or None,
            input=CapturedPayload(content_type=text[0], mode="INPUT", data=text[1], encoding="CSV"),
            output=CapturedPayload(content_type=text[1], mode="OUTPUT", data=text[2], encoding="JSON"),
        )
        for text in texts
    ]
    body = "".join(whole.line() + "\n" for whole in wholes)

    assert len(body.splitlines()) == len(wholes)
    assert [line.record for line in read_lines(body.encode("ascii"))] == wholes


def test_lines_of_others_may_hold_any_text_raw() -> None:
    raw = record("a\x85b\u2028,1\n".encode()).line().encode().decode("unicode_escape").replace("\n", "\\n")

    assert [line.record is not None for line in read_lines(f"{raw}\r\n\n{raw}\n".encode())] == [True, True]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "JSONDecodeError"),
        (b"[]", "TypeError"),
        (b"\xff\xfe", "UnicodeDecodeError"),
        (b"[" * 100_000, "RecursionError"),
        (b'{"captureData": {}}', "eventMetadata"),
        (b'{"captureData": 1, "eventMetadata": {"eventId": "e", "inferenceTime": "2026-04-18T00:20:48Z"}}', "AttributeError"),
        (b'{"captureData": {}, "eventMetadata": {"eventId": "e", "inferenceTime": "noon"}}', "noon"),
        (record().line().replace('"1,2\\n"', '{"a": 1}').encode(), "dict data"),
        (record().line().replace('"CSV"', '"XML"').encode(), "encoding 'XML'"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_record_is_told_by_its_number_and_the_others_are_read(line: bytes, problem: str) -> None:
    good = record().line().encode()
    first, second, third = read_lines(b"\n".join([good, line, b"", good]))

    assert (first.record, third.record) == (record(), record())
    assert (first.number, second.number, third.number) == (1, 2, 4)
    assert second.record is None
    assert problem in second.problem


@given(st.randoms(use_true_random=False), st.integers(0, 40))
def test_no_damage_of_a_line_raises_anything_else(randomness: random.Random, times: int) -> None:
    damaged = bytearray(record().line().encode())
    for _ in range(times):
        damaged[randomness.randrange(len(damaged))] = randomness.randrange(256)

    assert all(bool(line.record) != bool(line.problem) for line in read_lines(bytes(damaged)))


def test_the_key_has_hour_folders_and_milliseconds() -> None:
    assert object_key("ep", "AllTraffic", NOON, "u") == "ep/AllTraffic/2026/04/18/00/20-48-871-u.jsonl"

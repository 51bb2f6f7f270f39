"""Objects into mini-batches, as their bytes come."""

from __future__ import annotations

import gzip
import itertools
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.transform.framing import MAGIC, masked_crc
from fogbank.transform.records import (
    MiniBatch,
    RecordError,
    assembled,
    decompressed,
    lines_in,
    mini_batches,
    newlines,
    output_key,
    places,
    without,
)

LINES = st.lists(st.binary(min_size=0, max_size=30).map(lambda b: b.replace(b"\n", b"") + b"\n"), max_size=30)
STRATEGIES = st.sampled_from(["MultiRecord", "SingleRecord"])


def cut(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def made(body: bytes, split_type: str, strategy: str = "MultiRecord", limit: int = 0, size: int = 3) -> list[MiniBatch]:
    return list(mini_batches(cut(body, size), split_type, strategy, limit))


@given(LINES, st.integers(31, 200), STRATEGIES, st.integers(1, 90), st.booleans())
def test_batches_are_whole_records_in_order_as_many_as_fit(
    lines: list[bytes], limit: int, strategy: str, size: int, ended: bool
) -> None:
    body = b"".join(lines) if ended else b"".join(lines).removesuffix(b"\n")
    batches = made(body, "Line", strategy, limit, size)
    whole = body.split(b"\n")[: -1 if body.endswith(b"\n") or not body else None]

    assert b"".join(batch.body for batch in batches) == body
    assert all(len(batch.body) <= limit for batch in batches)
    assert [batch.end for batch in batches] == [
        sum(len(batch.body) for batch in batches[: number + 1]) for number in range(len(batches))
    ]
    assert [batch.first for batch in batches] == [
        1 + sum(batch.count for batch in batches[:number]) for number in range(len(batches))
    ]
    assert sum(batch.count for batch in batches) == len(whole)
    for batch, following in itertools.pairwise(batches):
        if strategy == "SingleRecord":
            assert batch.count == 1
        else:  # the next record would not have fitted
            assert len(batch.body) + following.body.find(b"\n") + 1 > limit or b"\n" not in following.body


@given(LINES, STRATEGIES, st.integers(0, 20))
def test_a_job_goes_on_from_the_end_of_any_batch(lines: list[bytes], strategy: str, number: int) -> None:
    body = b"".join(lines)
    batches = made(body, "Line", strategy, 40)
    if number >= len(batches):
        return
    mark = batches[number]
    rest = mini_batches(
        without(cut(body, 4), mark.end), "Line", strategy, 40, at=mark.end, first=mark.first + mark.count
    )

    assert list(rest) == batches[number + 1 :]


@given(st.lists(st.text().map(lambda text: text.replace("\n", ""))))
def test_a_line_ends_at_a_newline_and_nowhere_else(lines: list[str]) -> None:
    body = "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")

    bodies = [batch.body.decode("utf-8", "surrogatepass") for batch in made(body, "Line", "SingleRecord")]
    assert bodies == [line + "\n" for line in lines]


def test_a_final_newline_makes_no_record_and_without_a_split_type_all_is_one() -> None:
    assert [batch.body for batch in made(b"1\n2", "Line", "SingleRecord")] == [b"1\n", b"2"]
    assert [batch.body for batch in made(b"1\n2\n", "None")] == [b"1\n2\n"]
    assert [batch.body for batch in made(b"", "None")] == [b""]
    assert made(b"", "Line") == []


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_a_record_over_the_limit_is_named_and_not_read_to_its_end(strategy: str) -> None:
    def endless() -> Iterator[bytes]:
        yield b"1\n"
        while True:
            yield b"1234"

    with pytest.raises(RecordError, match=r"record 2 has more bytes than MaxPayloadInMB allows \(4\)"):
        list(mini_batches(endless(), "Line", strategy, 4))
    with pytest.raises(RecordError, match="record 1 has more"):
        list(mini_batches(endless(), "None", strategy, 4))


def recordio(*bodies: bytes) -> list[bytes]:
    return [struct.pack("<II", MAGIC, len(body)) + body + bytes(-len(body) % 4) for body in bodies]


def tfrecord(*bodies: bytes) -> list[bytes]:
    heads = [struct.pack("<Q", len(body)) for body in bodies]
    return [
        head + struct.pack("<I", masked_crc(head)) + body + b"crc?" for head, body in zip(heads, bodies, strict=True)
    ]


@given(st.lists(st.binary(max_size=20), max_size=12), st.sampled_from([recordio, tfrecord]), st.integers(1, 50))
def test_frames_stay_around_their_records(bodies: list[bytes], framed: object, size: int) -> None:
    frames = recordio(*bodies) if framed is recordio else tfrecord(*bodies)
    kind = "RecordIO" if framed is recordio else "TFRecord"

    assert [batch.body for batch in made(b"".join(frames), kind, "SingleRecord", size=size)] == frames
    batches = made(b"".join(frames), kind, "MultiRecord", 60, size)
    assert b"".join(batch.body for batch in batches) == b"".join(frames)
    assert sum(batch.count for batch in batches) == len(frames)
    assert all(len(batch.body) <= 60 for batch in batches)


def test_a_record_of_several_parts_is_one() -> None:
    first, middle, last = (part << 29 | 4 for part in (1, 2, 3))
    body = b"".join(struct.pack("<II4s", MAGIC, word, b"abcd") for word in (first, middle, last))

    assert [batch.body for batch in made(body * 2, "RecordIO", "SingleRecord")] == [body, body]


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("RecordIO", b"12345678", "record 1 cannot be read: it is not RecordIO"),
        ("RecordIO", recordio(b"a")[0] + recordio(b"b")[0][:-1], "record 2 cannot be read: the object ends within it"),
        ("RecordIO", recordio(b"a")[0][:5], "record 1 cannot be read: the object ends within it"),
        ("TFRecord", b"123456781234", "it is not TFRecord"),
        ("TFRecord", tfrecord(b"a")[0][:-1], "record 1 cannot be read: the object ends within it"),
    ],
)
def test_what_is_not_framed_so_is_said(kind: str, body: bytes, text: str) -> None:
    with pytest.raises(RecordError, match=text):
        made(body, kind)


def test_the_checksum_is_that_of_tensorflow() -> None:
    crc = 0xE3069283  # of "123456789", as RFC 3720's authors and everybody since give it
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("reply", "how", "out"),
    [(b"1\n", "None", b"1\n"), (b"1", "None", b"1"), (b"1", "Line", b"1\n"), (b"2\n", "Line", b"2\n")],
)
def test_assembly(reply: bytes, how: str, out: bytes) -> None:
    assert assembled(reply, how) == out


@pytest.mark.parametrize(
    ("prefix", "key", "expected"),
    [
        ("in/", "in/day.csv", "out/day.csv.out"),
        ("in", "in/sub/day.csv", "out/in/sub/day.csv.out"),
        ("in/day.csv", "in/day.csv", "out/day.csv.out"),
        ("in/day-", "in/day-1.csv", "out/day-1.csv.out"),
    ],
)
def test_output_names(prefix: str, key: str, expected: str) -> None:
    assert output_key(prefix, key, "out/") == expected


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.integers(1, 40))
def test_gzip_member_by_member(members: list[bytes], size: int) -> None:
    body = b"".join(gzip.compress(member) for member in members)

    assert b"".join(decompressed(cut(body, size), "Gzip")) == b"".join(members)
    assert b"".join(decompressed(cut(body, size), "None")) == body


def test_what_is_not_gzip_is_said_and_little_may_hold_much() -> None:
    whole = gzip.compress(b"1\n" * 1000)
    for broken in (b"1\n", whole[:-9], whole[:12] + b"\xff\xff" + whole[14:], b""):
        with pytest.raises(RecordError, match="not gzip"):
            list(decompressed([broken], "Gzip"))
    parts = decompressed([gzip.compress(bytes(1 << 26))], "Gzip")
    assert max(map(len, parts)) <= 1 << 20


@dataclass(frozen=True)
class LaidBytes:
    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)

    def read(self, start: int, size: int) -> bytes:
        return self.body[start : start + size]


@given(LINES, st.integers(1, 60), st.booleans(), st.integers(0, 3))
def test_places_are_those_of_the_mini_batches(lines: list[bytes], limit: int, ended: bool, done: int) -> None:
    body = b"".join(lines) + b"no end" * (not ended)
    at = sum(map(len, lines[:done]))
    laid = LaidBytes(body)

    def of_parts() -> list[tuple[int, int, int]]:
        batches = mini_batches(cut(body[at:], 3), "Line", "MultiRecord", limit, at=at, first=done + 1)
        return [(batch.end - len(batch.body), len(batch.body), batch.count) for batch in batches]

    def of_places() -> list[tuple[int, int, int]]:
        found = places(laid, limit, at=at, first=done + 1)
        return [(start, size, lines_in(laid.read(start, size))) for start, size in found]

    done = min(done, len(lines))
    try:
        expected = of_parts()
    except RecordError as error:
        with pytest.raises(RecordError, match=f"^{re.escape(str(error))}$"):
            of_places()
        return
    assert of_places() == expected
    assert newlines(laid, at, len(body)) == body[at:].count(b"\n")

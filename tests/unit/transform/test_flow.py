"""One request of any size over lines that are filtered and joined: the same as in one piece, some lines at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fogbank.contracts.transform import DataProcessing
from fogbank.transform.association import Association, AssociationError, associated, by_lines
from fogbank.transform.flow import BLOCK, ROWS, Flow, blocks

CSV, JSON_LINES = "text/csv", "application/jsonlines"
CELL = st.text(alphabet='a1., "\r\u00e9', max_size=4)
TEXT = st.lists(st.lists(CELL, min_size=1, max_size=3).map(",".join), max_size=6).map("\n".join).map(str.encode)
VALUES = st.sampled_from(["1", '{"a":1}', "[2]", "", "  ", "{", '{"a":', "2}", '{"SageMakerOutput":1}'])
LINES = st.lists(VALUES, max_size=5).map("\n".join).map(str.encode)


def cut(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def in_one_piece(processing: DataProcessing, media: str, body: bytes, reply: bytes) -> bytes | None:
    records = associated(Association.of(processing), media, lines=True)
    try:
        records.request(body)
        return records.output(body, reply)
    except AssociationError:
        return None


def as_it_comes(processing: DataProcessing, media: str, body: bytes, reply: bytes, size: int) -> bytes | None:
    records = by_lines(associated(Association.of(processing), media, lines=True))
    if records is None:  # it is not taken apart
        return reply
    flow = Flow(records, lambda: cut(body, size))
    try:
        list(flow.request())
        return b"".join(flow.output(cut(reply, size)))
    except AssociationError:
        return None


@given(
    body=TEXT, reply=TEXT, size=st.integers(1, 9), join=st.sampled_from(["None", "Input"]),
    before=st.sampled_from(["$", "$[0]", "$[1:]"]), after=st.sampled_from(["$", "$[0,-1]", "$[1:]"]),
)  # fmt: skip
@example(body=b"", reply=b"\r\r", size=9, join="None", before="$", after="$[0,-1]")
@example(body=b"a\r\r\nb\n", reply=b"1\n2\n", size=9, join="Input", before="$", after="$")
def test_rows_are_the_same_as_in_one_piece(
    body: bytes, reply: bytes, size: int, join: str, before: str, after: str
) -> None:
    processing = DataProcessing(input_filter=before, output_filter=after, join_source=join)

    assert as_it_comes(processing, CSV, body, reply, size) == in_one_piece(processing, CSV, body, reply)


@given(
    body=LINES, reply=LINES, size=st.integers(1, 9), join=st.sampled_from(["None", "Input"]),
    before=st.sampled_from(["$", "$.a"]), after=st.sampled_from(["$", "$.SageMakerOutput"]),
)  # fmt: skip
def test_values_are_the_same_as_in_one_piece(
    body: bytes, reply: bytes, size: int, join: str, before: str, after: str
) -> None:
    processing = DataProcessing(input_filter=before, output_filter=after, join_source=join)

    assert as_it_comes(processing, JSON_LINES, body, reply, size) == in_one_piece(processing, JSON_LINES, body, reply)


def flow(media: str, body: bytes, **processing: str) -> Flow:
    records = by_lines(associated(Association.of(DataProcessing(**processing)), media, lines=True))
    assert records is not None
    return Flow(records, lambda: cut(body, 1000))


def test_an_error_has_the_number_of_its_record_far_into_an_object() -> None:
    body = b"\n" + b"1,2\n" * (BLOCK // 2) + b"3\n"

    rows = flow(CSV, body, input_filter="$[1]")
    with pytest.raises(AssociationError) as error:
        list(rows.request())
    assert error.value.record == BLOCK // 2
    assert rows.line(BLOCK // 2) == BLOCK // 2 + 2


def test_blocks_after_the_first_are_not_one_value_over_several_lines() -> None:
    first = b'{"a":1}\n' * (BLOCK // 2)

    with pytest.raises(AssociationError, match="not a value a line"):
        list(flow(JSON_LINES, b"", output_filter="$['a']").output([first, b'{"a":\n2}\n']))


@pytest.mark.parametrize(("theirs", "said"), [(5, "3 records with 5"), (2, "3 records with 2")])
def test_answers_of_another_number_are_not_joined(theirs: int, said: str) -> None:
    joined = flow(CSV, b"1\n2\n\n3\n", join_source="Input")

    with pytest.raises(AssociationError, match=said):
        list(joined.output([b"9\n" * theirs]))


def test_no_more_is_held_than_a_block_and_no_more_is_read_than_is_joined() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        for _ in itertools.count():
            read += 1 << 16
            yield (b"x" * 63 + b"\n") * (1 << 10)

    records = by_lines(associated(Association.of(DataProcessing(join_source="Input")), CSV, lines=True))
    assert records is not None
    made = Flow(records, endless).output(b"1\n" * 100 for _ in itertools.count())
    for _ in range(8):
        next(made)

    assert read < 16 * BLOCK
    assert max(map(len, itertools.islice(blocks(endless()), 20))) <= BLOCK + (1 << 16)


def test_of_long_lines_few_are_held_at_once() -> None:
    read, line = 0, b"x" * 100_000 + b"\n"

    def long() -> Iterator[bytes]:
        nonlocal read
        for _ in range(ROWS):
            read += len(line)
            yield line

    joined = by_lines(associated(Association.of(DataProcessing(join_source="Input")), CSV, lines=True))
    assert joined is not None
    made = Flow(joined, long).output([b"1\n" * ROWS])
    first = next(made)

    assert first.startswith(b"x" * 100_000 + b",1\n")
    assert max(read, len(first)) < 4 * BLOCK

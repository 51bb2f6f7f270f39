"""Filters, joins and ids: the guide's own examples, and what cannot be. The matrix is in tests/contracts/jobs/test_matrix.py."""

from __future__ import annotations

import pytest

from fogbank.contracts.transform import DataProcessing
from fogbank.transform.association import (
    CSV,
    JSON,
    JSON_LINES,
    Associated,
    Association,
    AssociationError,
    associated,
)


def of(before: str = "$", after: str = "$", *, join: bool = False, media: str = CSV, lines: bool = True) -> Associated:
    processing = DataProcessing(input_filter=before, output_filter=after, join_source="Input" if join else "None")
    return associated(Association.of(processing), media, lines=lines)


def test_nothing_asked_is_nothing_done() -> None:
    found = of()

    assert found.request(b"a\r\n\n") == b"a\r\n\n"
    assert found.output(b"a", b"\nx\r\n") == b"\nx\r\n"


def test_the_examples_of_the_guide() -> None:
    rows = b"7,1.5,2,3,4\n8,2.5,2,3,4\n"
    assert of(join=True).output(b"1,2,3\n", b"1") == b"1,2,3,1\n"
    found = of("$[1:]", "$[0,-1]", join=True)
    assert found.request(rows) == b"1.5,2,3,4\n2.5,2,3,4\n"
    assert found.output(rows, b"0.5\n0.25\n") == b"7,0.5\n8,0.25\n"
    lines = of(join=True, media=JSON_LINES)
    assert lines.output(b'{"key":1}\n', b'{"label":1}\n') == b'{"key":1,"SageMakerOutput":{"label":1}}\n'
    assert (
        of(join=True, media=JSON, lines=False).output(b"[1, 2]", b"3")
        == b'{"SageMakerInput":[1,2],"SageMakerOutput":3}'
    )
    named = of("$.features", "$['id','SageMakerOutput']", join=True, media=JSON)
    assert named.request(b'{"id": 1, "features": [1, 2]}\n') == b"[1,2]\n"
    assert named.output(b'{"id": 1, "features": [1, 2]}\n', b"0.5\n") == b'{"id":1,"SageMakerOutput":0.5}\n'


def test_an_attribute_of_that_name_is_overwritten() -> None:
    found = of(join=True, media=JSON_LINES)

    assert found.output(b'{"SageMakerOutput":1,"a":2}', b"3") == b'{"SageMakerOutput":3,"a":2}\n'


def test_quotes_stay_where_they_have_to_be() -> None:
    found = of("$[1:]", "$[-1,0]", join=True)

    assert found.request(b'1,"a,b","c"\r\n\r\n2,d,e\r\n') == b'"a,b",c\nd,e\n'
    assert found.output(b'"x,y",1,1\n', b'"say ""no"""\n') == b'"say ""no""","x,y"\n'
    assert of("$[1]").request(b"1,,3\n") == b'""\n'  # an empty line would be no record


def test_one_json_answer_may_have_several_lines() -> None:
    found = of(join=True, media=JSON)

    assert found.output(b'{"a":1}\n', b'{\n "b": 2\n}\n') == b'{"a":1,"SageMakerOutput":{"b":2}}\n'


def test_of_several_json_answers_the_broken_one_is_named() -> None:
    with pytest.raises(AssociationError, match=r"^Failed to parse output from the algorithm as JSON") as error:
        of("$", "$.a", media=JSON_LINES).output(b"", b'{"a":1}\n{"a":\n')
    assert error.value.record == 1


def test_numbers_and_text_are_kept() -> None:
    found = of("$.v", media=JSON_LINES)

    assert found.request(b'{"v": 123456789012345678901}\n{"v": "\\u00e4\\ud800"}\n') == (
        b'123456789012345678901\n"\\u00e4\\ud800"\n'
    )
    assert found.request('{"v": "ä"}'.encode()) == '"ä"\n'.encode()


def test_ids_are_added_last() -> None:
    stamps = iter([("id-1", "T"), ("id-2", "T")] * 3)
    rows = associated(Association.of(DataProcessing(output_filter="$[0]"), lambda: next(stamps)), CSV, lines=True)
    lines = associated(Association.of(None, lambda: next(stamps)), JSON_LINES, lines=True)

    assert rows.output(b"", b"1,2\n3,4\n") == b"1,id-1,T\n3,id-2,T\n"
    assert lines.output(b"", b'{"a":1}\n2\n') == (
        b'{"a":1,"SageMakerInferenceId":"id-1","SageMakerInferenceTime":"T"}\n'
        b'{"SageMakerOutput":2,"SageMakerInferenceId":"id-2","SageMakerInferenceTime":"T"}\n'
    )
    assert rows.request(b"1,2\r\n") == b"1,2\n"


@pytest.mark.parametrize(
    ("found", "body", "reply", "text", "record"),
    [
        (of(join=True), b"1\n2\n", b"1\n", "answered 2 records with 1", None),
        (of(join=True), b'1\na"b\n', b"1\n1\n", 'Failed to parse input as CSV: bare "', 1),
        (of(join=True), b"1\n1\n", b'1\n"a\n', "Failed to parse output from the algorithm as CSV", 1),
        (of(after="$[0,3]"), b"", b"1,2,3,4\n1,2\n", "index 3 does not lie within the 2", 1),
        (of(after='$[0,3]'), b"", b'"1",2,3,4\n1,2\n', "index 3 does not lie within the 2", 1),
        (of(after="$.a", media=JSON_LINES), b"", b'{"a":1}\n{}\n', "has no 'a'", 1),
        (of(join=True, media=JSON_LINES), b"{}\n{\n", b"1\n2\n", "Failed to parse input as JSON", 1),
        (of(join=True, media=JSON_LINES), b"{}\n", b"NaN\n", "Failed to parse output from the algorithm as JSON", 0),
        (of(join=True, media=JSON), b"1e999\n", b"1\n", "Failed to write JSON", 0),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_of_its_record(
    found: Associated, body: bytes, reply: bytes, text: str, record: int | None
) -> None:
    with pytest.raises(AssociationError, match=text) as error:
        found.output(body, reply)

    assert error.value.record == record

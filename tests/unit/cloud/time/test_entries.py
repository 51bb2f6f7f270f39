"""Entries of PutEvents that EventBridge refuses, and the others in their places."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.api.errors import NotOursError
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer
from fogbank.cloud.time.entries import MALFORMED, NOT_AUTHORIZED, Entries

TAKEN = {"EventId": "e"}


def request(body: bytes) -> Request:
    return Request(method="POST", path="/", query="", headers={"x-amz-target": "AWSEvents.PutEvents"}, body=body)


def answered(entries: list[Any]) -> dict[str, Any]:
    """By a moto that takes everything."""

    def moto(asked: Request) -> Answer:
        taken = json.loads(asked.body)["Entries"]
        assert asked.headers["content-length"] == str(len(asked.body))
        return json_answer({"FailedEntryCount": 0, "Entries": [TAKEN] * len(taken)})

    found: dict[str, Any] = json.loads(Entries(moto).handle(request(json.dumps({"Entries": entries}).encode())).body)
    return found


def test_each_entry_has_its_answer_in_its_place() -> None:
    good, own, no_object = (
        {"Source": source, "DetailType": "d", "Detail": detail}
        for source, detail in (("a", "{}"), ("aws.s3", "{}"), ("a", "[" * 100_000))
    )

    assert answered([own, good, no_object, good]) == {
        "FailedEntryCount": 2,
        "Entries": [NOT_AUTHORIZED, TAKEN, MALFORMED, TAKEN],
    }
    assert answered([own]) == {"FailedEntryCount": 1, "Entries": [NOT_AUTHORIZED]}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"Entries": 1}', b'{"Entries": [1, {"Source": "a"}, {}]}'])
def test_what_is_wrong_otherwise_is_motos_to_say(body: bytes) -> None:
    with pytest.raises(NotOursError):
        Entries(lambda asked: error_answer(asked, 400, "X", "")).handle(request(body))


def test_more_than_a_request_may_have_are_motos_to_refuse_whatever_is_refused_of_them() -> None:
    own, good = ({"Source": source, "DetailType": "d", "Detail": "{}"} for source in ("aws.s3", "a"))
    for entries in ([own] * 11, [own, *[good] * 10]):
        with pytest.raises(NotOursError):
            answered(entries)


def test_what_moto_refuses_as_a_whole_is_refused() -> None:
    body = {"Entries": [{"Source": "aws.s3", "Detail": "{}"}, {"Source": "a", "Detail": "{}"}]}
    answer = Entries(lambda asked: error_answer(asked, 400, "X", "m")).handle(request(json.dumps(body).encode()))

    assert answer.status == 400

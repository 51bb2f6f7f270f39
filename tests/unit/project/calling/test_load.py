"""Traffic at a rate: what is measured is what was due, and what came of it."""

from __future__ import annotations

import json
import math
import threading

import pytest

from fogbank.contracts.capture import CapturedPayload
from fogbank.contracts.errors import AwsError, DataError
from fogbank.project.calling.invoke import Request
from fogbank.project.calling.load import Sent, by_line, replay, report, request_of


def test_latency_counts_from_when_a_request_was_due() -> None:
    sent = [
        Sent(due=0.0, done=0.010),
        Sent(due=0.1, done=0.130),
        Sent(due=0.2, done=1.200),
        Sent(due=0.3, done=0.31, code="ModelError"),
    ]
    found = report(sent, rate=10, seconds=0.4, alone_s=0.009)

    assert (found.sent, found.answered, found.errors) == (4, 3, {"ModelError": 1})
    assert [round(value) for value in (found.p50_ms, found.p90_ms, found.most_ms, found.alone_ms)] == [
        30,
        1000,
        1000,
        9,
    ]
    assert found.reached == pytest.approx(3 / 1.2)
    assert found.saturated


def test_an_endpoint_that_follows_is_not_saturated() -> None:
    sent = [Sent(due=number / 10, done=number / 10 + 0.01) for number in range(10)]

    assert not report(sent, rate=10, seconds=1, alone_s=0.01).saturated


def test_where_nothing_was_answered_there_is_no_latency() -> None:
    found = report([Sent(due=0, done=1, code="ModelError")], rate=1, seconds=1, alone_s=0.01)

    assert math.isnan(found.p50_ms)
    assert json.loads(json.dumps(found.document()))["p50_ms"] is None


def test_requests_go_round_and_failures_are_counted() -> None:
    seen, lock = list[bytes](), threading.Lock()

    def send(request: Request) -> None:
        with lock:
            seen.append(request.body)
            fails = len(seen) > 20 and len(seen) % 2
        if fails:
            raise AwsError("ModelError", "no", "")

    found = replay(send, by_line(b"1,2\n\n3,4\n"), rate=400, seconds=0.1)

    assert (found.sent, len(seen)) == (40, 60), "20 alone come first"
    assert found.errors == {"ModelError": 20}
    assert seen.count(b"1,2\n") == seen.count(b"3,4\n") == 30


def test_the_first_failure_of_all_is_an_error() -> None:
    def send(request: Request) -> None:
        raise AwsError("ValidationError", "Endpoint x not found", "")

    with pytest.raises(AwsError, match="not found"):
        replay(send, by_line(b"1\n"), rate=1, seconds=1)


def test_what_was_captured_is_sent_as_it_was() -> None:
    payload = CapturedPayload(content_type="application/x-npy", mode="INPUT", data="AAE=", encoding="BASE64")

    assert request_of(payload) == Request(body=b"\x00\x01", content_type="application/x-npy")
    text = CapturedPayload(content_type="text/csv", mode="INPUT", data="1,2\n", encoding="CSV")
    assert request_of(text) == Request(body=b"1,2\n", content_type="text/csv")


def test_nothing_to_send_is_an_error() -> None:
    with pytest.raises(DataError, match="nothing to send"):
        by_line(b"\n")

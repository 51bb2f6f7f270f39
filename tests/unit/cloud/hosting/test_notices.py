"""Messages of outcomes: the response is in them where it is wanted and short."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

from fogbank.cloud.hosting.notices import INCLUDED_LIMIT, Result, message_of, topic_of
from tests.unit.cloud.hosting.test_deliveries import REQUEST

BOTH = replace(
    REQUEST,
    topics={"SUCCESS_NOTIFICATION_TOPIC": "good", "ERROR_NOTIFICATION_TOPIC": "bad"},
    included=("SUCCESS_NOTIFICATION_TOPIC",),
    failure="s3://b/u-error.out",
)


def test_each_outcome_has_its_topic() -> None:
    assert topic_of(BOTH, Result(body=b"x")) == "good"
    assert topic_of(BOTH, Result(reason="r")) == "bad"
    assert topic_of(REQUEST, Result(body=b"x")) == ""


def test_a_short_response_is_in_the_message_and_a_long_one_is_not() -> None:
    short = json.loads(message_of(BOTH, Result(body=b"x" * INCLUDED_LIMIT), 1.5))
    long = json.loads(message_of(BOTH, Result(body=b"x" * (INCLUDED_LIMIT + 1)), 1.5))

    assert base64.b64decode(short["responseBody"]["content"]) == b"x" * INCLUDED_LIMIT
    assert "responseBody" not in long
    assert (short["eventTime"], short["receivedTime"]) == ("1970-01-01T00:00:01.500Z", "1970-01-01T00:00:00.000Z")


def test_a_failure_says_where_the_containers_words_lie_if_there_are_any() -> None:
    said = json.loads(message_of(BOTH, Result(body=b"trace", reason="r"), 1.5))
    silent = json.loads(message_of(BOTH, Result(reason="r"), 1.5))

    assert said["responseParameters"]["failureLocation"] == "s3://b/u-error.out"
    assert "responseBody" not in said, "it is wanted in messages of success alone"
    assert "responseParameters" not in silent

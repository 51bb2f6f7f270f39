"""Messages of an event stream: botocore reads what is written, byte for byte."""

from __future__ import annotations

import json

from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from fogbank.cloud.ground.eventstream import event, exception


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_botocore_reads_every_event_that_is_written(payloads: list[bytes]) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(event("PayloadPart", payload) for payload in payloads))
    messages = list(buffer)

    assert [message.payload for message in messages] == payloads
    assert all(message.headers[":event-type"] == "PayloadPart" for message in messages)


def test_an_exception_has_its_type_and_its_members() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(exception("ModelStreamError", {"Message": "gone", "ErrorCode": "StreamBroken"}))
    [message] = buffer

    assert message.headers[":message-type"] == "exception"
    assert message.headers[":exception-type"] == "ModelStreamError"
    assert json.loads(message.payload) == {"Message": "gone", "ErrorCode": "StreamBroken"}

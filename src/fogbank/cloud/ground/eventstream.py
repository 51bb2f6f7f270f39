"""AWS's event stream (application/vnd.amazon.eventstream): messages with their own headers and checksums, one behind the other.

In: an event's type and payload, or an exception's type and members; out: the message's bytes. Source: the Smithy specification, "Amazon
Event Stream Specification": a prelude (length of all, length of the headers, CRC32), headers, the payload, CRC32 of all before it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from zlib import crc32

CONTENT_TYPE = "application/vnd.amazon.eventstream"
PRELUDE, SUM, SHORT = struct.Struct("!II"), struct.Struct("!I"), struct.Struct("!H")
STRING = b"\x07"
"""The type of a header whose value is text."""
AROUND = PRELUDE.size + 2 * SUM.size


def event(kind: str, payload: bytes, content_type: str = "application/octet-stream") -> bytes:
    """A message of an event."""
    return _message({":event-type": kind, ":content-type": content_type, ":message-type": "event"}, payload)


def exception(kind: str, members: Mapping[str, str]) -> bytes:
    """A message of an exception of the service's model: it is the last one of its stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return _message(headers, json.dumps(members).encode())


def _message(headers: Mapping[str, str], payload: bytes) -> bytes:
    head = b"".join([_header(name, value) for name, value in headers.items()])
    prelude = PRELUDE.pack(AROUND + len(head) + len(payload), len(head))
    message = b"".join((prelude, SUM.pack(crc32(prelude)), head, payload))
    return message + SUM.pack(crc32(message))


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return bytes([len(name)]) + name.encode() + STRING + SHORT.pack(len(text)) + text

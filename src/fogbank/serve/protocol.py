"""One request and one answer, whichever way they are carried, and what bodies may weigh."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import orjson

from fogbank.serve.problems import RequestError

Pieces = Iterator[Any] | AsyncIterator[Any]
JSON, TEXT = "application/json", "text/plain; charset=utf-8"
HEADER = re.compile(r"[\x20-\x7e\x80-\xff\t]*")
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class Request:
    """A whole request: the method, the path and the query of its target, the headers in lower case, the body."""

    __slots__ = ("body", "headers", "id", "method", "path", "query", "span", "started")

    def __init__(self, method: str, target: str, headers: dict[bytes, bytes], body: bytes = b"") -> None:
        self.method, self.headers, self.body = method, headers, body
        self.path, _, self.query = target.partition("?")
        self.started = time.perf_counter()
        self.id = ""
        self.span: Any = None


class Reply(NamedTuple):
    """One answer; a body of pieces is streamed."""

    status: int
    body: bytes | Pieces
    content_type: str
    headers: dict[str, str] | None = None


class Bodies:
    """What bodies may weigh: one at most `limit` bytes, and all that are arriving together four times that."""

    def __init__(self, limit: int) -> None:
        self.limit, self._budget = limit, 4 * limit
        self._arriving = 0

    def declared(self, headers: dict[bytes, bytes]) -> RequestError | None:
        """Why a request is refused for its Content-Length, before its body is read."""
        length = headers.get(b"content-length", b"")
        return self._too_large() if length.isdigit() and int(length) > self.limit else None

    def arrived(self, piece: int, so_far: int) -> RequestError | None:
        """Count a piece of a body; why the request is refused for what it has become."""
        self._arriving += piece
        if so_far > self.limit:
            return self._too_large()
        return RequestError(503, "too many bytes arrive at once") if self._arriving > self._budget else None

    def done(self, size: int) -> None:
        """A body that was counted is whole, or given up."""
        self._arriving -= size

    def _too_large(self) -> RequestError:
        return RequestError(413, f"the body is larger than the limit of {self.limit} bytes")


def refusal(error: RequestError) -> Reply:
    """A request's refusal, as JSON."""
    headers = {"retry-after": "1"} if error.status == 503 else None
    return Reply(error.status, orjson.dumps({"error": str(error)}), JSON, headers)


def piece_bytes(piece: Any) -> bytes:
    """A piece of a streamed body: bytes, text, or a value as a line of JSON."""
    if isinstance(piece, bytes | bytearray | memoryview):
        return bytes(piece)
    return piece.encode() if isinstance(piece, str) else orjson.dumps(piece, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n"


def check_headers(reply: Reply) -> None:
    """Refuse a handler's header that would break the answer apart. Raises ValueError."""
    for name, value in (("content-type", reply.content_type), *(reply.headers or {}).items()):
        if not TOKEN.fullmatch(name) or not HEADER.fullmatch(value):
            raise ValueError(f"the handler set a header that is not one: {name!r}: {value!r}")

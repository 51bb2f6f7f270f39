"""boto3 clients of the cloud in its own process: what they ask goes to the rooms, without a socket and without one of the server's threads.

In: botocore's prepared requests; out: its responses, bodies chunk by chunk where they lie in files. Callers keep boto3's checks and errors.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse

from fogbank.cloud.ground.acting import HEADER, acting
from fogbank.cloud.ground.payload import CHUNK, Payload, Piece, parts_of, spool
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.ground.aws import LocalClients

log = logging.getLogger("fogbank.cloud")


class InsideClients(LocalClients):
    """Clients whose requests `handle` answers, in the caller's own thread; None where only the port can. Long bodies lie in `incoming`.
    Every request says on whose behalf it is: a `role`'s, or the cloud's own."""

    def __init__(
        self, url: str, secret: str, handle: Callable[[Request], Answer | None], incoming: Path, role: str = ""
    ) -> None:
        super().__init__(url, secret, attempts=2, summed=False)  # nothing is lost between two rooms
        self._handle, self._incoming = handle, incoming
        self._said = {HEADER: role}

    def _make(self, service: str, region: str) -> Any:
        client = super()._make(service, region)
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        asked = self._request(request)
        try:
            with acting(""):  # whoever answers does so for the cloud itself
                answer = self._handle(asked)
        except Exception as error:  # as a client of the port would hear it
            log.exception("%s %s", asked.method, asked.path)
            answer = error_answer(asked, 500, "InternalFailure", f"the local cloud failed: {error!r}")
        finally:
            asked.payload.close()
        if answer is None:
            return None
        payload = answer.payload
        headers = {"Content-Length": str(payload.size), **answer.headers}
        if asked.method == "HEAD":
            payload.close()
            payload = Payload()
        return AWSResponse(request.url, answer.status, headers, Body(payload))

    def _request(self, request: Any) -> Request:
        url = urlsplit(request.url)
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        return Request(
            method=request.method,
            path=url.path,
            query=url.query,
            headers={"host": url.netloc, **headers, **self._said},
            payload=self._payload(request.body or b""),
        )

    def _payload(self, body: Any) -> Payload:
        if hasattr(body, "read"):
            return spool(parts_of(body), self._incoming)
        return Payload.of(body.encode() if isinstance(body, str) else bytes(body))


class Body(io.RawIOBase):
    """A payload as urllib3 gives it to botocore; it is closed when all of it was read."""

    def __init__(self, payload: Payload) -> None:
        self._payload, self._parts, self.pieces = payload, payload.parts(), payload.pieces
        self._held = memoryview(b"")
        self._open = True

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Up to a buffer's size; 0 at the end."""
        if not self._held:
            self._held = memoryview(next(self._parts, b""))
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        if not count:
            self.close()
        return count

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes, fewer only at the end."""
        parts, left = [], -1 if size is None else size
        while left and not self.closed and (part := super().read(CHUNK if left < 0 else min(left, CHUNK))):
            parts.append(part)
            left -= len(part) if left > 0 else 0
        return b"".join(parts)

    def stream(self, amt: int = CHUNK, decode_content: bool | None = None) -> Iterator[bytes]:
        """All of it, part by part."""
        while part := self.read(amt):
            yield part

    def close(self) -> None:
        """Nothing more is read."""
        if self._open:
            self._open = False
            self._payload.close()
        super().close()


def pieces_of(body: Any) -> tuple[Piece, ...]:
    """Where a body lies that a client of these has answered, until it is closed; nothing where it is not all in files."""
    raw = getattr(body, "_raw_stream", None)  # botocore has no public name for what it reads from
    pieces = raw.pieces if isinstance(raw, Body) else ()
    files = tuple(piece for piece in pieces if isinstance(piece, Piece))
    return files if len(files) == len(pieces) else ()


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)

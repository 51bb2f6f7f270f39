"""Invocations as fast as they are answered, each with a number: which were answered, which were captured, and how often.

In: a cloud with an endpoint that captures; out: problems. Nothing is kept for a number but one byte, so that an hour of them fits.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
from collections.abc import Iterator
from typing import Any

from tests.contracts.aws.served import Served

CONNECTIONS = 8
CAPTURED = re.compile(rb'"inferenceId":"(\d+)"')


class Peer(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport: Any = transport
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if exc is not None or not self._flood.ending.is_set():
            self._flood.problems.append(f"a connection broke: {exc}")
        self._flood.open -= 1
        if not self._flood.open:
            self._flood.closed.set()

    def data_received(self, data: bytes) -> None:
        """A part of an answer, or all of it."""
        self._held += data
        head, end, body = self._held.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        self._held = b""
        self._flood.answered += 1
        if not head.startswith(b"HTTP/1.1 200"):
            self._flood.problems.append(f"{head!r:.100} {body!r:.200}")
        if self._flood.ending.is_set() or self._flood.problems:
            self._transport.close()
        else:
            self._ask()

    def _ask(self) -> None:
        self._transport.write(self._flood.request(next(self._flood.numbers)))


class Flood:
    """The invocations of an endpoint, in a thread of its own until `end`."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.numbers: Iterator[int] = itertools.count()
        self.answered = self.open = 0
        self.ending, self.closed = threading.Event(), asyncio.Event()
        self.problems: list[str] = []
        self._captured = bytearray()
        body = served.sample.splitlines(keepends=True)[0]
        self._head = (
            f"POST /endpoints/{served.name}/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\n"
            f"Accept: text/csv\r\nContent-Length: {len(body)}\r\nX-Amzn-SageMaker-Inference-Id: "
        ).encode()
        self._end = b"\r\n\r\n" + body
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="flood")
        self._thread.start()

    def request(self, number: int) -> bytes:
        """One request, as it is on the wire."""
        return self._head + b"%d" % number + self._end

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self.open = CONNECTIONS
        for _ in range(CONNECTIONS):
            await loop.create_connection(lambda: Peer(self), "127.0.0.1", self._served.cloud.address.port)
        await self.closed.wait()

    def drain(self) -> None:
        """Count what was delivered, and delete it."""
        s3, bucket = self._served.s3, self._served.name
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="capture/").get("Contents", [])
        for item in listed:
            for match in CAPTURED.finditer(s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()):
                number = int(match[1])
                if number >= len(self._captured):
                    self._captured.extend(bytes(number + 10_000 - len(self._captured)))
                self._captured[number] = min(self._captured[number] + 1, 2)
            s3.delete_object(Bucket=bucket, Key=item["Key"])
        if listed:
            self.drain()

    def end(self) -> None:
        """Answered to the last, delivered, counted."""
        self.ending.set()
        self._thread.join()
        self._served.cloud.admin.call("flush")
        self.drain()
        asked = next(self.numbers)
        lost = asked - sum(map(bool, self._captured[:asked]))
        twice = self._captured.count(2)
        for count, what in ((lost, "were answered and are not captured"), (twice, "are captured twice")):
            if count:
                self.problems.append(f"{count} invocations of {asked} {what}")
        if self.answered != asked:
            self.problems.append(f"{asked} were asked, and {self.answered} answered")

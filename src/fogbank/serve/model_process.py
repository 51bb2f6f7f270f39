"""One model of a multi-model container: this same server in a process of its own, on a Unix socket.

A process for each model keeps their modules, libraries and memory apart, makes memory a thing that can be measured, and
gives all of it back when the model is unloaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import httptools

from fogbank.contracts.container import ENV_PARENT_FD, ENV_REPORT_FD, ENV_UNIX_SOCKET, STOP_GRACE_S
from fogbank.ground.processes import Lifeline, memory
from fogbank.serve.problems import LoadError, RequestError, overloaded
from fogbank.serve.protocol import Reply

POLL_S = 0.01
IDLE_LIMIT = 32
CHUNK = 64 * 1024
HOP_HEADERS = frozenset({b"connection", b"content-length", b"transfer-encoding", b"expect", b"host", b"keep-alive"})
OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "x-request-id", "content-type"})
"""What an answer says of itself, and whoever passes it on says anew."""
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ModelProcess:
    """A started server of one model. `url` is the folder that the model lies in."""

    def __init__(
        self, process: asyncio.subprocess.Process, url: str, socket_path: Path, lifeline: Lifeline, report: int
    ) -> None:
        self._process, self.url, self._socket = process, url, socket_path
        self._lifeline, self._report = lifeline, report
        self._idle: list[Stream] = []
        self.in_flight = 0

    @classmethod
    async def start(
        cls, url: str, socket_path: Path, env: Mapping[str, str], limit_s: float, python: str = sys.executable
    ) -> ModelProcess:
        """A server that is ready, run by `python`. Raises LoadError with its own cause."""
        lifeline = Lifeline()
        report, write_end = os.pipe()
        own = {
            "SM_MODEL_DIR": url,
            ENV_UNIX_SOCKET: str(socket_path),
            ENV_PARENT_FD: str(lifeline.inherited),
            ENV_REPORT_FD: str(write_end),
        }
        process = await asyncio.create_subprocess_exec(
            python, "-P", "-m", "fogbank.serve", "serve",
            env={**env, **own}, pass_fds=(lifeline.inherited, write_end),
        )  # fmt: skip
        lifeline.handed_over()
        os.close(write_end)
        started = cls(process, url, socket_path, lifeline, report)
        try:
            async with asyncio.timeout(limit_s):
                await started._ready()
        except (TimeoutError, LoadError) as error:
            await started.stop()
            raise LoadError(str(error) or f"the model did not load within {limit_s:g} s") from error
        return started

    async def _ready(self) -> None:
        while self._process.returncode is None:
            with contextlib.suppress(OSError, RequestError):
                if (await self.send("GET", "/ping", {}, b"")).status == 200:
                    return
            await asyncio.sleep(POLL_S)
        cause = os.read(self._report, 1 << 16).decode("utf-8", "replace")
        raise LoadError(cause or f"the model's server ended with status {self._process.returncode}")

    async def send(self, method: str, path: str, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        """The server's answer. Raises RequestError 503 where it ends before it has answered, OSError where it is not there."""
        stream = self._waiting() or await asyncio.open_unix_connection(self._socket)
        self.in_flight += 1
        try:
            _write(stream[1], method, path, headers, body)
            answer = Incoming(stream[0])
            await answer.read_head()
            if answer.chunked:
                return answer.reply(self._pieces(stream, answer))
            content = b"".join([piece async for piece in answer.pieces()])
        except (asyncio.IncompleteReadError, ConnectionError, httptools.HttpParserError) as error:
            stream[1].close()
            raise overloaded("the model's server ended before it had answered") from error
        except BaseException:
            stream[1].close()
            raise
        finally:
            self.in_flight -= 1
        self._keep(stream)
        return answer.reply(content)

    def memory(self) -> int:
        """Bytes of memory that the model's processes hold, what they share counted by its share (PSS)."""
        return memory(self._process.pid)

    def alive(self) -> bool:
        """Whether the server runs."""
        return self._process.returncode is None

    async def stop(self) -> None:
        """Finish what is in flight, end, and return when all memory is free."""
        for _, writer in self._idle:
            writer.close()
        if self.alive():
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_GRACE_S):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._lifeline.cut()
        with contextlib.suppress(OSError):
            os.close(self._report)
        self._socket.unlink(missing_ok=True)

    async def _pieces(self, stream: Stream, answer: Incoming) -> AsyncGenerator[bytes]:
        """A streamed answer's pieces, as they come."""
        self.in_flight += 1
        try:
            async with contextlib.aclosing(answer.pieces()) as coming:
                async for piece in coming:
                    yield piece
        finally:
            self.in_flight -= 1
            if answer.whole:
                self._keep(stream)
            else:
                stream[1].close()

    def _waiting(self) -> Stream | None:
        """A connection that is there already; the server closes one that was idle for long."""
        while self._idle:
            stream = self._idle.pop()
            if not stream[0].at_eof() and not stream[1].is_closing():
                return stream
            stream[1].close()
        return None

    def _keep(self, stream: Stream) -> None:
        if len(self._idle) < IDLE_LIMIT and not stream[0].at_eof():
            self._idle.append(stream)
        else:
            stream[1].close()


def _write(writer: asyncio.StreamWriter, method: str, path: str, headers: Mapping[bytes, bytes], body: bytes) -> None:
    lines = [b"%b %b HTTP/1.1" % (method.encode("ascii"), path.encode("ascii")), b"host: model"]
    lines += [b"%b: %b" % (name, value) for name, value in headers.items() if name not in HOP_HEADERS]
    writer.write(b"\r\n".join([*lines, b"content-length: %d" % len(body), b"", body]))


class Incoming:
    """One answer as it comes, parsed by httptools: the head first, then the body's pieces."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._arrived: deque[bytes] = deque()
        self._in_body = self.whole = False

    async def read_head(self) -> None:
        """Return when the headers are there. Raises IncompleteReadError, HttpParserError."""
        while not self._in_body:
            await self._read()

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The body. Raises IncompleteReadError, HttpParserError."""
        while True:
            while self._arrived:
                yield self._arrived.popleft()
            if self.whole:
                return
            await self._read()

    @property
    def chunked(self) -> bool:
        """Whether the answer comes in pieces, nobody knows how many."""
        return "chunked" in self._headers.get("transfer-encoding", "")

    def reply(self, body: bytes | AsyncGenerator[bytes]) -> Reply:
        """The answer with its body, or with the pieces of one."""
        headers = {name: value for name, value in self._headers.items() if name not in OWN_HEADERS}
        kind = self._headers.get("content-type", "application/octet-stream")
        return Reply(self._parser.get_status_code(), body, kind, headers)

    async def _read(self) -> None:
        data = await self._reader.read(CHUNK)
        if not data:
            raise asyncio.IncompleteReadError(b"", None)
        self._parser.feed_data(data)

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The body is next."""
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._arrived.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self.whole = True

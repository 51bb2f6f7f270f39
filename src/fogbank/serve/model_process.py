"""One model of a multi-model container: this same server in a process of its own, on a Unix socket.

A process for each model keeps their modules, libraries and memory apart, makes memory a thing that can be measured, and
gives all of it back when the model is unloaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from fogbank.contracts.container import ENV_PARENT_FD, ENV_REPORT_FD, ENV_UNIX_SOCKET, STOP_GRACE_S
from fogbank.ground.processes import memory
from fogbank.serve.http import Reply
from fogbank.serve.problems import LoadError, RequestError, overloaded

POLL_S = 0.01
IDLE_LIMIT = 32
HOP_HEADERS = frozenset({b"connection", b"content-length", b"transfer-encoding", b"expect", b"host", b"keep-alive"})
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ModelProcess:
    """A started server of one model. `url` is the folder that the model lies in."""

    def __init__(
        self, process: asyncio.subprocess.Process, url: str, socket_path: Path, lifeline: int, report: int
    ) -> None:
        self._process, self.url, self._socket = process, url, socket_path
        self._lifeline, self._report = lifeline, report
        self._idle: list[Stream] = []
        self.in_flight = 0

    @classmethod
    async def start(cls, url: str, socket_path: Path, env: Mapping[str, str], limit_s: float) -> ModelProcess:
        """A server that is ready. Raises LoadError with its own cause."""
        read_end, lifeline = os.pipe()
        report, write_end = os.pipe()
        own = {
            "SM_MODEL_DIR": url,
            ENV_UNIX_SOCKET: str(socket_path),
            ENV_PARENT_FD: str(read_end),
            ENV_REPORT_FD: str(write_end),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "fogbank.serve", "serve", env={**env, **own}, pass_fds=(read_end, write_end)
        )
        os.close(read_end)
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
        stream = self._idle.pop() if self._idle else await asyncio.open_unix_connection(self._socket)
        self.in_flight += 1
        try:
            _write(stream[1], method, path, headers, body)
            reply, length = await _head(stream[0])
            if length is None:
                return reply._replace(body=self._chunks(stream))
            content = await stream[0].readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            stream[1].close()
            raise overloaded("the model's server ended before it had answered") from error
        except BaseException:
            stream[1].close()
            raise
        finally:
            self.in_flight -= 1
        self._keep(stream)
        return reply._replace(body=content)

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
        for descriptor in (self._lifeline, self._report):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._socket.unlink(missing_ok=True)

    async def _chunks(self, stream: Stream) -> AsyncGenerator[bytes]:
        """A chunked body's pieces."""
        reader, writer = stream
        whole = False
        self.in_flight += 1
        try:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                yield await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readexactly(2)
            whole = True
        finally:
            self.in_flight -= 1
            if whole:
                self._keep(stream)
            else:
                writer.close()

    def _keep(self, stream: Stream) -> None:
        if len(self._idle) < IDLE_LIMIT and not stream[0].at_eof():
            self._idle.append(stream)
        else:
            stream[1].close()


def _write(writer: asyncio.StreamWriter, method: str, path: str, headers: Mapping[bytes, bytes], body: bytes) -> None:
    lines = [b"%b %b HTTP/1.1" % (method.encode("ascii"), path.encode("ascii")), b"host: model"]
    lines += [b"%b: %b" % (name, value) for name, value in headers.items() if name not in HOP_HEADERS]
    writer.write(b"\r\n".join([*lines, b"content-length: %d" % len(body), b"", body]))


async def _head(reader: asyncio.StreamReader) -> tuple[Reply, int | None]:
    """Status and headers, and the body's length; None where it is chunked."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = headers.pop("content-length", None)
    headers.pop("transfer-encoding", None)
    headers.pop("x-request-id", None)
    kind = headers.pop("content-type", "application/octet-stream")
    return Reply(int(head[0].split(" ")[1]), b"", kind, headers), None if length is None else int(length)

"""The two ways that the container suite reaches the server: the ASGI application in process, and a server of its own."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Protocol

from fogbank.contracts.container import MEBIBYTE, ServeSettings
from fogbank.ground.ports import free_port
from fogbank.serve.asgi import Message, ServeApp
from fogbank.serve.handler import load_handler
from fogbank.serve.runner import Runner
from fogbank.serve.scoreboard import Field, Scoreboard, State
from fogbank.serve.service import Service
from tests.engines import Podman
from tests.waiting import until

HEAD = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\naccept: text/csv\r\n"
"""The head of an invocation, but for what says how long its body is."""


@dataclass(frozen=True)
class Answer:
    """One answer, with its headers in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


class Server(Protocol):
    """What the suite asks of an implementation."""

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One request."""


class InProcess:
    """The ASGI application, driven by hand on a loop of its own."""

    def __init__(self, settings: ServeSettings) -> None:
        self._loop = asyncio.new_event_loop()
        board = Scoreboard(1)
        self._runner = Runner(settings, board.slots[0])
        self._loop.run_until_complete(self._runner.load(lambda: load_handler(settings)))
        board.slots[0][Field.STATE] = State.READY
        self._app = ServeApp(Service(self._runner, settings, board, board.slots[0]))

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        return self._loop.run_until_complete(self._send(method, path, body, headers or {}))

    async def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        sent: list[Message] = []
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Message:
            found = next(given, None)
            if found is None:
                await asyncio.Event().wait()  # a peer that stays, and says no more
            assert found is not None
            return found

        async def send(message: Message) -> None:
            sent.append(message)

        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self._app({"type": "http", "method": method, "path": path, "headers": raw}, receive, send)
        answered = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]), answered)

    def close(self) -> None:
        self._runner.stop()
        self._loop.close()


class Subprocess:
    """`python -m fogbank.serve serve` on a port of its own."""

    def __init__(self, settings: ServeSettings, *, wait: bool = True, stderr: int | None = None, **env: str) -> None:
        self.port = free_port()
        self.log = settings.base_dir / "server.log"
        self._pipe, self.lifeline = os.pipe()
        with self.log.open("ab") as log:
            self.process = self._spawn(
                settings, self._environment(settings) | env, log, log if stderr is None else stderr
            )
        os.close(self._pipe)
        if wait:
            self.wait_ready()

    def _spawn(
        self, settings: ServeSettings, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        own = {"SAGEMAKER_BASE_DIR": str(settings.base_dir), "FOGBANK_PARENT_FD": str(self._pipe)}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "fogbank.serve", "serve"],
            env={**os.environ, **env, **own},
            pass_fds=(self._pipe,),
            stdout=stdout,
            stderr=stderr,
        )

    def _environment(self, settings: ServeSettings) -> dict[str, str]:
        digest = {"FOGBANK_MANIFEST_SHA256": settings.package_sha256} if settings.package_sha256 else {}
        return {
            **digest,
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "SAGEMAKER_MODEL_SERVER_WORKERS": str(settings.workers),
            "SAGEMAKER_MODEL_SERVER_TIMEOUT": str(settings.timeout_s),
            "SAGEMAKER_MODEL_JOB_QUEUE_SIZE": str(settings.queue_size),
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(settings.payload_limit / MEBIBYTE),
            "FOGBANK_BATCH_SIZE": str(settings.batch_size),
            "FOGBANK_BATCH_WAIT_US": str(settings.batch_wait_us),
        }

    def wait_ready(self) -> None:
        """Return when /ping answers 200."""
        until(lambda: self.answered("/ping") == 200 or self.process.poll() is not None, 30)
        assert self.process.poll() is None, f"the server has ended: {self.log.read_text()[-2000:]}"

    def answered(self, path: str) -> int:
        """The status that a GET gets; 0 where nobody answers."""
        try:
            return self.send("GET", path).status
        except OSError:
            return 0

    def connection(self) -> http.client.HTTPConnection:
        """A connection of one's own."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        connection = self.connection()
        try:
            return exchange(connection, method, path, body, headers)
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def close(self) -> None:
        if self.lifeline >= 0:
            os.close(self.lifeline)
            self.lifeline = -1
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Container(Subprocess):
    """The built image under podman and runc: the package is mounted where SageMaker puts it, read-only.

    Besides, the image's own environment names the digest of its own package; a package without a manifest takes that back.
    """

    def __init__(self, podman: Podman, image: str, settings: ServeSettings, *, wait: bool = True,
                 stderr: int | None = None, **env: str) -> None:  # fmt: skip
        self._podman, self._image = podman, image
        self.name = f"fogbank-{uuid.uuid4().hex[:12]}"
        super().__init__(settings, wait=wait, stderr=stderr, **env)

    def _spawn(
        self, settings: ServeSettings, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        baked = {"SAGEMAKER_PROGRAM": "", "FOGBANK_MANIFEST_SHA256": ""}
        variables = [f"--env={name}={value}" for name, value in {**baked, **env}.items()]
        mount = f"--volume={settings.model_dir}:/opt/ml/model:ro"
        command = [
            *self._podman.command,
            "run",
            "--rm",
            "--name",
            self.name,
            *Podman.LIMITS,
            mount,
            *variables,
            self._image,
            "serve",
        ]
        return subprocess.Popen(command, stdout=stdout, stderr=stderr)

    def workers(self) -> list[int]:
        """The process ids of the workers, as this machine counts them."""
        pid = self._podman.run("inspect", "--format", "{{.State.Pid}}", self.name)
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> int:
        """SIGTERM, as SageMaker stops a container; the exit status."""
        self._podman.run("kill", "--signal", "TERM", self.name)
        return self.process.wait(40)

    def close(self) -> None:
        if self.process.poll() is None:
            self._podman.run("kill", self.name, check=False)
        super().close()


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request on a connection that may live on."""
    connection.request(method, path, body, dict(headers or {}))
    answer = connection.getresponse()
    found = answer.read()
    return Answer(answer.status, found, {name.lower(): value for name, value in answer.getheaders()})


def invoke(
    server: Server, body: bytes, content_type: str = "text/csv", accept: str = "text/csv", **headers: str
) -> Answer:
    """An invocation; a keyword `x_y` is the header `x-y`."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.send("POST", "/invocations", body, {"Content-Type": content_type, "Accept": accept, **more})


def with_limits(settings: ServeSettings, **limits: object) -> ServeSettings:
    """The settings with other limits."""
    return replace(settings, **limits)  # type: ignore[arg-type]  # the dataclass refuses unknown keys

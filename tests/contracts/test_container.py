"""The container wire: one suite, on the ASGI application in process and on the server in a process of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from fogbank.contracts.container import ServeSettings
from fogbank.contracts.digest import sha256_bytes
from fogbank.contracts.manifest import Column, PackageManifest, Schema
from fogbank.serve.app import Message, ServeApp
from fogbank.serve.handler import load_handler

HANDLER = """
import time

def model_fn(model_dir):
    return 2.0

def predict_fn(data, model):
    if data[0][0] == -1:
        raise RuntimeError("the handler's own fault")
    if data[0][0] == -2:
        time.sleep(float(data[0][1]))
    return data * model

def execution_parameters_fn():
    return {"MaxConcurrentTransforms": 4, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
"""
LIMIT = 1000


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    content_type: str


class Server(Protocol):
    """What the suite asks of an implementation."""

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """One request."""


class InProcess:
    """The ASGI application, driven by hand."""

    def __init__(self, base: Path) -> None:
        self._app = ServeApp(load_handler(ServeSettings(base_dir=base)), LIMIT)

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        return asyncio.run(self._send(method, path, body, headers or {}))

    async def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self._app({"type": "http", "method": method, "path": path, "headers": raw}, receive, send)
        answered = dict(sent[0]["headers"])
        return Reply(sent[0]["status"], sent[1]["body"], answered[b"content-type"].decode())


class Subprocess:
    """`python -m fogbank.serve serve` on a port of its own."""

    def __init__(self, base: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._pipe, other = os.pipe()
        env = {
            **os.environ, "SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_BIND_TO_PORT": str(self.port), "FOGBANK_PARENT_FD": str(self._pipe),
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(LIMIT / (1 << 20)),
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fogbank.serve", "serve"], env=env, pass_fds=(self._pipe,), stderr=subprocess.PIPE
        )
        self.lifeline = other
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.send("GET", "/ping").status == 200:
                    return
            except OSError:
                time.sleep(0.01)
        raise AssertionError("the server did not become ready")

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.read(), answer.headers.get("content-type", ""))
        connection.close()
        return reply

    def close(self) -> None:
        os.close(self._pipe)
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An unpacked package with a schema of two columns."""
    code = tmp_path / "model" / "code"
    code.mkdir(parents=True)
    (code / "inference.py").write_text(HANDLER)
    schema = Schema(columns=(Column(name="a"), Column(name="b")))
    files = {"code/inference.py": sha256_bytes(HANDLER.encode())}
    manifest = PackageManifest(
        name="x", model_file="m", handler="inference.py", python="3", requirements=(), input=schema, output=schema, metrics={}, files=files,
    )  # fmt: skip
    (tmp_path / "model" / "fogbank.json").write_bytes(manifest.encode())
    return tmp_path


@pytest.fixture(params=["asgi", "subprocess"])
def server(request: pytest.FixtureRequest, base: Path) -> Iterator[Server]:
    if request.param == "asgi":
        yield InProcess(base)
        return
    process = Subprocess(base)
    yield process
    os.close(process.lifeline)
    process.close()


@pytest.fixture
def process(base: Path) -> Iterator[Subprocess]:
    started = Subprocess(base)
    yield started
    started.close()


def invoke(server: Server, body: bytes, content_type: str = "text/csv", accept: str = "text/csv") -> Reply:
    return server.send("POST", "/invocations", body, {"Content-Type": content_type, "Accept": accept})


def test_ping_and_invocations(server: Server) -> None:
    assert server.send("GET", "/ping").status == 200
    assert invoke(server, b"1,2\n3,4\n") == Reply(200, b"2.0,4.0\n6.0,8.0\n", "text/csv")
    assert invoke(server, b"[[1,2]]", "application/json", "application/json").body == b"[[2.0,4.0]]"
    assert invoke(server, b"1,2", accept="*/*").content_type == "application/json"


def test_a_bad_body_is_the_callers_fault_and_names_the_column(server: Server) -> None:
    reply = invoke(server, b"1,2\n1,two\n")

    assert reply.status == 400
    assert json.loads(reply.body) == {"error": "row 2, column 'b': 'two' is not a number"}


def test_types_paths_methods_and_sizes(server: Server) -> None:
    assert invoke(server, b"x", "image/png").status == 415
    assert invoke(server, b"1,2", accept="image/png").status == 406
    assert server.send("GET", "/invocations").status == 405
    assert server.send("POST", "/ping").status == 405
    assert server.send("GET", "/nothing").status == 404
    assert invoke(server, b"1,2\n" * LIMIT).status == 413


def test_execution_parameters_are_the_handlers(server: Server) -> None:
    reply = server.send("GET", "/execution-parameters")

    assert (reply.status, json.loads(reply.body)["MaxConcurrentTransforms"]) == (200, 4)


def test_a_handler_that_fails_is_a_500_and_the_server_lives_on(server: Server) -> None:
    assert b"RuntimeError: the handler's own fault" in invoke(server, b"-1,0").body
    assert invoke(server, b"-1,0").status == 500
    assert invoke(server, b"1,2").status == 200


def test_ping_answers_while_the_model_is_busy_and_sigterm_finishes_what_is_in_flight(process: Subprocess) -> None:
    replies: list[Reply] = []
    caller = threading.Thread(target=lambda: replies.append(invoke(process, b"-2,1.0")))
    caller.start()
    started = time.monotonic()
    while time.monotonic() - started < 0.3:
        assert process.send("GET", "/ping").status == 200
    process.process.send_signal(signal.SIGTERM)
    caller.join()
    os.close(process.lifeline)

    assert replies == [Reply(200, b"-4.0,2.0\n", "text/csv")]
    assert process.process.wait(30) == 0


def test_the_server_ends_when_its_parent_is_gone(process: Subprocess) -> None:
    os.close(process.lifeline)

    assert process.process.wait(30) == 0


def test_a_model_that_cannot_load_exits_with_one_cause(base: Path) -> None:
    (base / "model" / "code" / "inference.py").write_text(HANDLER + "\n# changed\n")
    done = subprocess.run(
        [sys.executable, "-m", "fogbank.serve", "serve"],
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(base)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 3
    assert "code/inference.py is not the file that was packed" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_usage() -> None:
    done = subprocess.run([sys.executable, "-m", "fogbank.serve"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, "usage: python -m fogbank.serve serve | check\n")

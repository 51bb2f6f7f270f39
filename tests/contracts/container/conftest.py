from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fogbank.contracts.container import ServeSettings
from tests.contracts.container.served import InProcess, Server, Subprocess, with_limits
from tests.packages import signed

HANDLER = """
import logging, time

def model_fn(model_dir):
    return 2.0

def predict_fn(data, model):
    if data[0][0] == -1:
        raise RuntimeError("the handler's own fault")
    if data[0][0] == -2:
        time.sleep(float(data[0][1]))
    if data[0][0] == -3:
        while True:
            pass
    if data[0][0] == -4:
        logging.getLogger("mine").info("a word from the handler")
    return data * model

def execution_parameters_fn():
    return {"MaxConcurrentTransforms": 4, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
"""
LIMIT = 1000
Start = Callable[..., Subprocess]
Serve = Callable[[ServeSettings], Server]


@pytest.fixture
def settings(tmp_path: Path) -> ServeSettings:
    """An unpacked package with a schema of two columns, behind a body limit of 1,000 bytes."""
    return with_limits(signed(tmp_path, HANDLER), payload_limit=LIMIT)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers in processes of their own, which end with the test."""
    with ExitStack() as stack:

        def starter(settings: ServeSettings, *, wait: bool = True, stderr: int | None = None, **env: str) -> Subprocess:
            server = Subprocess(settings, wait=wait, stderr=stderr, **env)
            stack.callback(server.close)
            return server

        yield starter


@pytest.fixture(params=["asgi", "subprocess"])
def serve(request: pytest.FixtureRequest, start: Start) -> Iterator[Serve]:
    """Serves a package, in process and in a process of its own."""
    with ExitStack() as stack:

        def server(settings: ServeSettings) -> Server:
            if request.param == "subprocess":
                return start(settings)
            inside = InProcess(settings)
            stack.callback(inside.close)
            return inside

        yield server


@pytest.fixture
def server(serve: Serve, settings: ServeSettings) -> Server:
    return serve(settings)

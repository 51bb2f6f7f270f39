from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fogbank.contracts.container import ServeSettings
from fogbank.pack import build, read_trained
from fogbank.project.packaging.images import build_images, builds
from tests.contracts.container.served import Container, InProcess, Server, Subprocess, with_limits
from tests.engines import Podman, ensure_base
from tests.fakes.probe import Probe
from tests.packages import signed
from tests.projects import BASELINE, small_project

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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test runs on every carrier that it can: one that looks into the server's process (`on_host`) not on the image."""
    if "serve" in metafunc.fixturenames:
        metafunc.parametrize("carrier", ["asgi", "subprocess", "image"])
    elif "start" in metafunc.fixturenames:
        on_host = metafunc.definition.get_closest_marker("on_host")
        metafunc.parametrize("carrier", ["subprocess"] if on_host else ["subprocess", "image"])


@pytest.fixture(scope="session")
def built_image(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image whose package needs what the suite's models need; the name that podman knows it by."""
    config = small_project(
        tmp_path_factory.mktemp("contract") / "project",
        settings='compile = false\nbase = ""\n',
        needs=("skops", "onnxruntime", "pandas"),
    )
    manifest = build(config, read_trained(config.trained), BASELINE, Probe())
    ensure_base("linux/amd64")
    build_images(manifest, builds(config, manifest, ["linux/amd64"], lambda _: None), lambda _: None)
    return podman.load(manifest.folder / "image")


@pytest.fixture
def start(carrier: str, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts servers in processes of their own, or in containers, which end with the test."""
    with ExitStack() as stack:

        def starter(settings: ServeSettings, *, wait: bool = True, stderr: int | None = None, **env: str) -> Subprocess:
            if carrier == "image":
                podman, image = request.getfixturevalue("podman"), request.getfixturevalue("built_image")
                server: Subprocess = Container(podman, image, settings, wait=wait, stderr=stderr, **env)
            else:
                server = Subprocess(settings, wait=wait, stderr=stderr, **env)
            stack.callback(server.close)
            return server

        yield starter


@pytest.fixture
def serve(carrier: str, start: Start) -> Iterator[Serve]:
    """Serves a package: in process, in a process of its own, and in a container of the built image."""
    with ExitStack() as stack:

        def server(settings: ServeSettings) -> Server:
            if carrier != "asgi":
                return start(settings)
            inside = InProcess(settings)
            stack.callback(inside.close)
            return inside

        yield server


@pytest.fixture
def server(serve: Serve, settings: ServeSettings) -> Server:
    return serve(settings)

"""The two places where moto's tests run: moto's own server, and the local cloud; each a process on a port of its own.

In: nothing, or the folder of an environment's programs; out: a Place, while it is entered.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from fogbank.testing import CloudProcess

START_LIMIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a server listens, and the path of its own by which it forgets everything."""

    url: str
    reset: str


@contextmanager
def moto_server(binaries: Path) -> Iterator[Place]:
    """moto's own server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [str(binaries / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"{url}/moto-api/", process)
        yield Place(url=url, reset="/moto-api/reset")
    finally:
        process.terminate()
        process.wait()


@contextmanager
def local_cloud(extras: Path) -> Iterator[Place]:
    """A local cloud in a folder of its own, reset by the cloud's own call. `extras` is a folder with what moto's rarer services import."""
    os.environ["PYTHONPATH"] = str(extras)
    with tempfile.TemporaryDirectory() as folder:
        cloud = CloudProcess(Path(folder) / "cloud", open_=True)  # moto's tests use moto's own control paths
        cloud.start()
        try:
            yield Place(url=cloud.url, reset="/_fogbank/reset")
        finally:
            cloud.kill()  # whatever a test has done to it


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_LIMIT_S
    while True:
        try:
            urllib3.request("GET", url, retries=False, timeout=2)
        except urllib3.exceptions.HTTPError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return

"""Seconds until a local cloud answers: an empty one, and one with an endpoint to bring up again. Aim: ready in under 2 s.

The peer, in the same run: moto's own server, which the cloud has behind it, from its start to its first answer.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import urllib3
from measure import fogbank, project, ratio, tell, timed

from fogbank.testing import CloudProcess


def empty() -> float:
    """A cloud with nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        cloud = CloudProcess(Path(folder))
        seconds = timed(cloud.start)
        cloud.stop()
    return seconds


def moto_server() -> float:
    """moto's own server, empty."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib3.request("GET", f"http://127.0.0.1:{port}/moto-api/", retries=False, timeout=2)
                return time.perf_counter() - started
            except urllib3.exceptions.HTTPError:
                time.sleep(0.005)
    finally:
        process.terminate()
        process.wait()


def restarted(root: Path) -> tuple[float, float]:
    """A killed cloud with a deployed stack: until it answers, and until its endpoint is InService."""
    cloud = CloudProcess(root / ".fogbank" / "cloud")
    cloud.kill()
    started = time.perf_counter()
    cloud.start()
    answers = time.perf_counter() - started
    while set(cloud.admin.call("status")["endpoints"].values()) != {"InService"}:
        time.sleep(0.01)
    return answers, time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    pairs = [(empty(), moto_server()) for _ in range(5)]
    tell("cloud start, empty, to the first answer", [ours for ours, _ in pairs], 2.0)
    ratio("the same, to moto's own server", [ours / peer for ours, peer in pairs])
    with project() as root:
        fogbank(root, "up")
        pairs = [restarted(root) for _ in range(5)]
    tell("cloud start after kill -9, to the first answer", [a for a, _ in pairs], 2.0)
    tell("cloud start after kill -9, to the endpoint InService", [b for _, b in pairs], 4.0)


if __name__ == "__main__":
    main()

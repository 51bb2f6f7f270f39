"""Seconds until a local cloud answers: an empty one, and one with an endpoint to bring up again. Aim: ready in under 2 s."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from measure import fogbank, project, tell, timed

from fogbank.testing import CloudProcess


def empty() -> float:
    """A cloud with nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        cloud = CloudProcess(Path(folder))
        seconds = timed(cloud.start)
        cloud.stop()
    return seconds


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
    tell("cloud start, empty, to the first answer", [empty() for _ in range(5)], 2.0)
    with project() as root:
        fogbank(root, "up")
        pairs = [restarted(root) for _ in range(5)]
    tell("cloud start after kill -9, to the first answer", [a for a, _ in pairs], 2.0)
    tell("cloud start after kill -9, to the endpoint InService", [b for _, b in pairs], 4.0)


if __name__ == "__main__":
    main()

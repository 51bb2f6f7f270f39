"""A processing container in this process: what processing jobs and monitors are tested on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fogbank.cloud.jobs.processor import ProcessingContainer

Program = Callable[[ProcessingContainer, threading.Event], int]


class FakeProcessor:
    """Runs `program`, which reads and writes below the container's home; `containers` are those that ran."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.containers: list[ProcessingContainer] = []

    def run(self, container: ProcessingContainer, stop: threading.Event) -> int:
        """The program's exit status."""
        self.containers.append(container)
        return self._program(container, stop)


def say(container: ProcessingContainer, message: str, status: int = 0) -> int:
    """End as a container that leaves a message."""
    file = container.home / "output" / "message"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(message)
    return status

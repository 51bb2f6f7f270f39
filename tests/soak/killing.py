"""Mixed traffic on a real cloud process that is killed with `kill -9` at random moments, also while it starts.

In: a cloud and writers; out: an `Outcome`. Each writer runs in a thread of its own. One whose request was lost, or whose cloud was
started again, first compares what it was told with what is there, and goes on.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import CloudError
from fogbank.ground.processes import tree
from fogbank.testing import CloudProcess
from tests.soak.ledger import LostError
from tests.soak.writer import Writer

SOONEST_S, LATEST_S = 0.3, 5.0
"""How long after the cloud answers it is killed."""
WHILE_STARTING = 0.25
"""The share of kills after which the next start is killed, too."""
STARTS_S = 1.5


class LongLived(CloudProcess):
    """A cloud process whose clients are kept: it has the same port after a restart."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._kept: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A client that is made once."""
        if (service, region) not in self._kept:
            self._kept[service, region] = super().client(service, region)
        return self._kept[service, region]


@dataclass
class Outcome:
    """What came of it: how often each writer did something, the moments without a cloud, what was lost, and what is wrong."""

    kills: int = 0
    away: list[tuple[float, float]] = field(default_factory=list)
    lost: list[tuple[float, float, str]] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)
    comparisons: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def lost_without_a_kill(self) -> list[str]:
        """Requests that were lost although the cloud was there all the time."""
        return [
            f"{about}, {end - begin:.2f} s"
            for begin, end, about in self.lost
            if not any(begin <= back and gone <= end for gone, back in self.away)
        ]


class Killing:
    """One run."""

    def __init__(self, cloud: CloudProcess, writers: Sequence[Writer], seed: int) -> None:
        self.outcome = Outcome()
        self._cloud, self._writers, self._chance = cloud, writers, random.Random(seed)
        self._stop = threading.Event()
        self._generation = 0

    def run(self, seconds: float, least: int) -> Outcome:
        """Kill for so long, and at least so often; then let everything come to its end, and compare it all once more."""
        threads = [threading.Thread(target=self._traffic, args=(writer,), name=writer.name) for writer in self._writers]
        for thread in threads:
            thread.start()
        ends = time.monotonic() + seconds
        try:
            while time.monotonic() < ends or self.outcome.kills < least:
                self._stop.wait(self._chance.uniform(SOONEST_S, LATEST_S))
                self._kill()
                if self.outcome.problems:
                    break  # the folder is to be looked at as it is
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        if not self.outcome.problems:
            for writer in self._writers:
                self._guarded(writer, writer.finish)
        return self.outcome

    def compare(self) -> list[str]:
        """Everything once more, as after an orderly restart."""
        return [f"{writer.name}: {problem}" for writer in self._writers for problem in writer.compare()]

    def _kill(self) -> None:
        gone = time.monotonic()
        self._cloud.kill()
        self.outcome.kills += 1
        if self._chance.random() < WHILE_STARTING:
            self._kill_while_it_starts(self._chance.uniform(0.05, STARTS_S))
        if not self._cloud.running:  # a start that the kill came too early for has gone well
            self._cloud.start()
        self._generation += 1
        self.outcome.away.append((gone, time.monotonic()))

    def _kill_while_it_starts(self, after: float) -> None:
        def start() -> None:
            try:
                self._cloud.start()
            except (CloudError, ValueError):  # it ended before it said a word, or in the middle of one
                return

        thread = threading.Thread(target=start)
        thread.start()
        self._stop.wait(after)
        for pid in tree(os.getpid()):
            if self._is_the_cloud(pid):
                os.kill(pid, signal.SIGKILL)
                self.outcome.kills += 1
        thread.join()

    def _is_the_cloud(self, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return (
            any(b"fogbank.project.local.cloud_process" in word for word in words)
            and str(self._cloud.folder).encode() in words
        )

    def _traffic(self, writer: Writer) -> None:
        generation = self._generation
        while not self._stop.wait(writer.pace_s):
            begin = time.monotonic()
            try:
                if generation != self._generation:
                    seen = self._generation
                    if self._problems(writer, writer.compare()):
                        return
                    self.outcome.comparisons[writer.name] += 1
                    generation = seen
                writer.steps += (
                    1  # also of one that is lost: what it asked for by a name of its own is not asked for again
                )
                writer.step()
                self.outcome.steps[writer.name] += 1
            except LostError as error:
                self.outcome.lost.append((begin, time.monotonic(), f"{writer.name}: {error}"))
                generation = -1  # what was asked may have been done: compare before the next step
                self._stop.wait(0.05)
            except Exception as error:  # noqa: BLE001 - whatever a writer meets is a finding, and must not end in a dead thread
                self._problems(writer, [f"{type(error).__name__}: {error}"])
                return

    def _guarded(self, writer: Writer, look: Any) -> None:
        try:
            self._problems(writer, look())
        except Exception as error:  # noqa: BLE001 - as above
            self._problems(writer, [f"at the end: {type(error).__name__}: {error}"])

    def _problems(self, writer: Writer, problems: Sequence[str]) -> bool:
        at = f"after {self.outcome.kills} kills, {writer.steps} steps"
        self.outcome.problems += [f"{writer.name}, {at}: {problem}" for problem in problems]
        return bool(problems)

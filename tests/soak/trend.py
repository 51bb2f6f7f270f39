"""What a process holds over time, and how it grows: memory, descriptors and threads, with their slopes.

In: a process id, sampled as often as one likes; out: a `Trend`, whose slopes leave out the first third: caches and pools fill then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


def resident(pid: int) -> float:
    """Megabytes of a process alone, without its children."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def descriptors(pid: int) -> float:
    """Open file descriptors."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def threads(pid: int) -> float:
    """Threads."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


MEASURES: dict[str, Callable[[int], float]] = {"MB": resident, "descriptors": descriptors, "threads": threads}


@dataclass
class Trend:
    """Samples of a process."""

    pid: int
    times: list[float] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MEASURES})

    def sample(self) -> None:
        """Look once."""
        self.times.append(time.monotonic())
        for name, measure in MEASURES.items():
            self.values[name].append(measure(self.pid))

    def settled(self, name: str) -> Sequence[float]:
        """The values without the first third."""
        return self.values[name][len(self.times) // 3 :]

    def a_minute(self, name: str) -> float:
        """By how much it grows a minute, by least squares."""
        times = self.times[len(self.times) // 3 :]
        return float(np.polyfit(np.array(times) - times[0], self.settled(name), 1)[0]) * 60

    def grown(self, name: str) -> float:
        """By how much its highest value of the last third is above that of the third before."""
        third = len(self.times) // 3
        return max(self.values[name][-third:]) - max(self.values[name][-2 * third : -third])

    def lines(self) -> str:
        """A table for a person."""
        return "\n".join(
            f"{name:<12} {self.values[name][0]:8.1f} at first {self.values[name][-1]:8.1f} at last {self.a_minute(name):+8.2f} a minute"
            for name in MEASURES
        )

"""What the workers of one server know of each other: numbers in memory that they share, a slot each.

The supervisor makes it before it forks, so that a worker that is replaced goes on counting where the dead one stopped.
Each slot has one writer, its worker (the supervisor only while no worker lives); readers may be a moment behind.
"""

from __future__ import annotations

import mmap
import time
from bisect import bisect_left
from enum import IntEnum
from typing import Any

STATUSES = (200, 400, 404, 405, 406, 413, 415, 500, 503, 504, 0)
"""The answers that are counted one by one; 0 stands for any other."""
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper bounds of the duration histograms, in seconds."""
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Upper bounds of the micro-batch histogram, in requests."""


class State(IntEnum):
    """A worker's life; READY alone passes the health check."""

    DOWN = 0
    LOADING = 1
    READY = 2
    LEAVING = 3


class Field(IntEnum):
    """Where a number lies in a slot."""

    STATE = 0
    HEARTBEAT = 1
    CONNECTIONS = 2
    HELD = 3
    RESTARTS = 4
    CUT_OFF = 5
    BYTES_IN = 6
    BYTES_OUT = 7
    ANSWERS = 8
    REQUEST_SUM = ANSWERS + len(STATUSES)
    REQUEST_BUCKETS = REQUEST_SUM + 1
    MODEL_SUM = REQUEST_BUCKETS + len(SECONDS) + 1
    MODEL_BUCKETS = MODEL_SUM + 1
    BATCH_SUM = MODEL_BUCKETS + len(SECONDS) + 1
    BATCH_BUCKETS = BATCH_SUM + 1
    END = BATCH_BUCKETS + len(ROWS) + 1


_ANSWER = {status: int(Field.ANSWERS) + i for i, status in enumerate(STATUSES)}
_OTHER = _ANSWER[0]
# Plain integers: an enum's member costs a lookup at each use, and these are used at each request.
_BYTES_IN, _BYTES_OUT = int(Field.BYTES_IN), int(Field.BYTES_OUT)
_REQUEST_SUM, _REQUEST_BUCKETS = int(Field.REQUEST_SUM), int(Field.REQUEST_BUCKETS)
_MODEL_SUM, _MODEL_BUCKETS = int(Field.MODEL_SUM), int(Field.MODEL_BUCKETS)
_BATCH_SUM, _BATCH_BUCKETS = int(Field.BATCH_SUM), int(Field.BATCH_BUCKETS)


class Slot:
    """One worker's numbers."""

    def __init__(self, numbers: Any) -> None:  # a memoryview of doubles, which typeshed only lets hold integers
        self.numbers = numbers

    def __getitem__(self, field: Field) -> float:
        return float(self.numbers[field])

    def __setitem__(self, field: Field, value: float) -> None:
        self.numbers[field] = value

    @property
    def state(self) -> State:
        """The worker's state."""
        return State(int(self.numbers[Field.STATE]))

    def add(self, field: Field, amount: float = 1) -> None:
        """Add to one number."""
        self.numbers[field] += amount

    def beat(self) -> None:
        """The worker's loop is alive now."""
        self.numbers[Field.HEARTBEAT] = time.monotonic()

    def answered(self, status: int, seconds: float, bytes_in: int, bytes_out: int) -> None:
        """An invocation was answered."""
        numbers = self.numbers
        numbers[_ANSWER.get(status, _OTHER)] += 1
        numbers[_REQUEST_SUM] += seconds
        numbers[_REQUEST_BUCKETS + bisect_left(SECONDS, seconds)] += 1
        numbers[_BYTES_IN] += bytes_in
        numbers[_BYTES_OUT] += bytes_out

    def ran(self, seconds: float, calls: int) -> None:
        """The handler ran once, for this many calls together."""
        numbers = self.numbers
        numbers[_MODEL_SUM] += seconds
        numbers[_MODEL_BUCKETS + bisect_left(SECONDS, seconds)] += 1
        numbers[_BATCH_SUM] += calls
        numbers[_BATCH_BUCKETS + bisect_left(ROWS, calls)] += 1


class Scoreboard:
    """The slots of all workers."""

    def __init__(self, workers: int) -> None:
        self._memory = mmap.mmap(-1, workers * Field.END * 8)
        numbers = memoryview(self._memory).cast("d")
        self.slots = tuple(Slot(numbers[i * Field.END : (i + 1) * Field.END]) for i in range(workers))

    def ready(self) -> bool:
        """Whether every worker has its model."""
        return all(slot.numbers[Field.STATE] == State.READY for slot in self.slots)

    def total(self, field: int) -> float:
        """One number over all slots."""
        return float(sum(slot.numbers[field] for slot in self.slots))

"""A writer of traffic: it changes only what is its own, remembers what it was told, and can compare that with what is there.

In: a cloud that may be killed at any moment; out: steps, and after a restart the list of what is wrong.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod

from botocore.exceptions import ClientError

from tests.contracts.aws.served import Served


def code_of(error: ClientError) -> str:
    """AWS's name of a refusal."""
    return str(error.response["Error"]["Code"])


class Writer(ABC):
    """A writer: one step is one thing that a client does."""

    pace_s = 0.0
    """How long it rests between two steps; the traffic is a mix, not one writer's."""

    def __init__(self, served: Served, chance: random.Random) -> None:
        self.served, self.chance = served, chance
        self.steps = 0

    @property
    def name(self) -> str:
        """What a report calls it."""
        return type(self).__name__

    @abstractmethod
    def step(self) -> None:
        """Do one thing. Raises LostError."""

    @abstractmethod
    def compare(self) -> list[str]:
        """What is not as it was told. Raises LostError."""

    def finish(self) -> list[str]:
        """Wait for what was begun, then compare."""
        return self.compare()

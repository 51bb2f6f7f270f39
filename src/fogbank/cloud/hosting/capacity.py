"""How many instances a variant has: one decision, asked again and again, that whoever runs the instances then carries out.

In: what the variant's load is; out: a number. Today a variant has what was provisioned; an idle one that goes away, or one that
follows its traffic, is another class here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a variant has to do. `running` instances answer, `outstanding` requests wait for them or for one to come."""

    running: int
    outstanding: int


class Capacity(Protocol):
    """Decides how many instances there are to be."""

    def instances(self, load: Load) -> int:
        """How many, under this load."""


@dataclass(frozen=True)
class Provisioned:
    """As many as were asked for, whatever the load."""

    count: int

    def instances(self, load: Load) -> int:
        """The count."""
        return self.count

"""What bakes on the cloud's clock, of endpoints and of inference components alike: a clock that is moved passes each end of a bake.

In: those who carry out rollouts, and a moment; out: every step that is due by then, at its own time and in the order of the times, so
that the same updates over the same time do the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.hosting.stages import Name


class Rolling(Protocol):
    """Carries out rollouts of one kind."""

    def settle(self) -> None:
        """Carry out what is under way, as far as it goes now."""

    def moments(self) -> list[tuple[float, Name]]:
        """When bakes are over, in the cloud's time, and whose; the first first."""

    def baked(self, name: Name) -> None:
        """Go on with one whose bake is over."""


def catch_up(kinds: Sequence[Rolling], clock: Clock, until: datetime) -> None:
    """Carry out what is under way up to a moment that the clock has not reached; it is moved to every end of a bake on the way."""
    for kind in kinds:
        kind.settle()
    while due := [(moments[0], number) for number, kind in enumerate(kinds) if (moments := kind.moments())]:
        (moment, name), number = min(due)
        if moment > until.timestamp():
            return
        clock.move_to(datetime.fromtimestamp(moment, UTC))
        kinds[number].baked(name)

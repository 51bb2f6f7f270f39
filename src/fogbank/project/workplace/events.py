"""What happens while the product works, as data: steps that begin, go on and end. Who shows them decides how.

In: a listener, which every event is given to, in the thread in which it happens; out: events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fogbank.engine.operations import Operation


@dataclass(frozen=True, kw_only=True)
class StepStarted:
    """A step has begun."""

    step: str


@dataclass(frozen=True, kw_only=True)
class StepProgress:
    """What a step is doing now."""

    step: str
    doing: str


@dataclass(frozen=True, kw_only=True)
class StepDone:
    """A step has come to its end; `outcome` is what came of it, in a few words."""

    step: str
    outcome: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class StepFailed:
    """A step ended in an error, which is raised."""

    step: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that is no error, and that the user should know."""

    text: str


Event = StepStarted | StepProgress | StepDone | StepFailed | Notice | Operation
"""`Operation` is one operation of the Pulumi engine on one resource."""
Listener = Callable[[Event], None]


def ignore(_: Event) -> None:
    """Listens to nothing."""


class Step:
    """A step that goes on."""

    def __init__(self, name: str, listener: Listener) -> None:
        self._name, self._listener = name, listener
        self._doing = self.outcome = ""

    def progress(self, doing: str) -> None:
        """Say what it is doing now; the same twice is said once."""
        if doing != self._doing:
            self._doing = doing
            self._listener(StepProgress(step=self._name, doing=doing))

    def done(self, outcome: str) -> None:
        """Say what came of it."""
        self.outcome = outcome


class Steps:
    """Tells a listener of steps, one after the other.

    >>> events = []
    >>> with Steps(events.append)("pack") as step:
    ...     step.done("sha256 1234")
    >>> [type(event).__name__ for event in events]
    ['StepStarted', 'StepDone']
    """

    def __init__(self, listener: Listener) -> None:
        self.listener = listener

    def notice(self, text: str) -> None:
        """Tell the user something, between steps."""
        self.listener(Notice(text=text))

    @contextmanager
    def __call__(self, name: str) -> Iterator[Step]:
        """A step of that name, from here to the end of the block."""
        step, started = Step(name, self.listener), time.perf_counter()
        self.listener(StepStarted(step=name))
        try:
            yield step
        except BaseException:
            self.listener(StepFailed(step=name, seconds=time.perf_counter() - started))
            raise
        self.listener(StepDone(step=name, outcome=step.outcome, seconds=time.perf_counter() - started))

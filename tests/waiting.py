"""Waiting for what another process does: the condition sets the pace, a limit ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

POLL_S = 0.01
Answer = TypeVar("Answer")


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Return when the condition holds; AssertionError where it does not within the limit."""
    until_answer(condition, bool, seconds)


def until_answer(ask: Callable[[], Answer], right: Callable[[Answer], object], seconds: float = 60) -> Answer:
    """Ask again until the answer is right, and return it; AssertionError with the last answer where it never is."""
    deadline = time.monotonic() + seconds
    while not right(answer := ask()):
        assert time.monotonic() < deadline, f"it did not come true within {seconds:g} s; the last answer: {answer!r}"
        time.sleep(POLL_S)
    return answer

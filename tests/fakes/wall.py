"""The machine's time, as a test sets it: what `Clock` takes as its `wall`."""

from __future__ import annotations


class Wall:
    """Seconds since 1970; they pass when `now` is set."""

    def __init__(self, now: float = 1e9) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

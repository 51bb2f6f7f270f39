"""What is done once, also where the cloud is killed in the middle: the first document or change that it writes, and its mark, are one.

In: the name of a slot, such as a schedule's moment; out: while the block runs, `current` is that name, and the store marks it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SLOT: ContextVar[str] = ContextVar("slot", default="")


def current() -> str:
    """The slot that is being done; empty where what is done may be done again."""
    return _SLOT.get()


@contextmanager
def doing(slot: str) -> Iterator[None]:
    """Do it once; what may be done again where `slot` is empty."""
    token = _SLOT.set(slot)
    try:
        yield
    finally:
        _SLOT.reset(token)

"""On whose behalf the cloud's own rooms do something: the role of a job, a model, a schedule. Its own clients say so of each request.

In: a role's ARN; out: while the block runs, and in the tasks that it begins, `current` is that role.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "x-fogbank-acting"
_ROLE: ContextVar[str] = ContextVar("role", default="")


def current() -> str:
    """The role; empty where the cloud does something for itself."""
    return _ROLE.get()


@contextmanager
def acting(role: str) -> Iterator[None]:
    """Do it as this role; as the cloud itself where it is empty."""
    token = _ROLE.set(role)
    try:
        yield
    finally:
        _ROLE.reset(token)

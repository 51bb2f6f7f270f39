"""Work by several processes: in its order whoever did it, the first error where its turn is, and nobody left."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import Any

import pytest

from fogbank.monitor.together import EndedError, in_order

ITEMS = [{"item": item, "first": os.getpid()} for item in range(500)]
DOUBLED = partial(eval, "(2 * item, __import__('os').getpid())")
REFUSED = partial(eval, "item if item < 7 else int(f'no {item}')")
KILLED = partial(eval, "(p := __import__('os')).getpid() == first or p.kill(p.getpid(), 9)")
UNREADABLE = partial(
    eval,
    "(p := __import__('os')).getpid() == first or "
    "(_ for _ in ()).throw(__import__('urllib.error').error.ContentTooShortError('short', b''))",
)
UNPICKLED = partial(eval, "(p := __import__('os')).getpid() == first or (lambda: 1)")
"""What another process finds by its name, too."""


def gone(process: int) -> bool:
    """Whether there is no such process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_come_in_order_whoever_makes_them(processes: int) -> None:
    found = list(in_order(DOUBLED, ITEMS, processes))

    assert [number for number, _ in found] == [2 * item["item"] for item in ITEMS]
    others = {process for _, process in found} - {os.getpid()}
    assert len(others) < processes
    assert all(map(gone, others))


def test_the_first_error_is_raised_where_its_turn_is() -> None:
    found = in_order(REFUSED, ITEMS, 2)

    assert [next(found) for _ in range(7)] == list(range(7))
    with pytest.raises(ValueError, match="no 7"):
        next(found)


def test_a_process_that_is_killed_is_told() -> None:
    with pytest.raises(EndedError, match="ended with status -9"):
        list(in_order(KILLED, ITEMS, 2))


@pytest.mark.parametrize(
    ("work", "items", "reason"),
    [
        (UNREADABLE, ITEMS, r"what it answered not be read: TypeError\("),
        (UNPICKLED, ITEMS, "ended with status 1"),
        (
            DOUBLED,
            [{**item, "open": threading.Lock()} for item in ITEMS],
            r"could not be given to a process.*'_thread\.lock'",
        ),
    ],
    ids=["an error that cannot be made again", "an answer that cannot be said", "an item that cannot be said"],
)
def test_what_cannot_pass_between_processes_is_told(work: Any, items: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(EndedError, match=reason):
        list(in_order(work, items, 2))

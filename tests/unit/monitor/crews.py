"""Hosts of one job, in threads of a test, and where they meet."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

from fogbank.contracts.hosts import Meeting, host_names
from fogbank.monitor.hosts import Crew, Hosts


def free_place() -> Meeting:
    """A place that is free."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return Meeting(address="127.0.0.1", port=probe.getsockname()[1], token="ab")


def crews(meeting: Meeting, count: int, **others: Any) -> list[Crew]:
    names = host_names(count)
    return [Crew(Hosts(current=name, names=names, meeting=meeting), come_s=20, **others) for name in names]


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each gives, or raises."""

    def ended(future: Future[Any]) -> Any:
        return future.exception() or future.result()

    with ThreadPoolExecutor(len(works)) as pool:
        return [ended(future) for future in [pool.submit(work) for work in works]]


def rows(count: int) -> str:
    return "a,b\n" + "".join(f"{number * 7 % 1000},w{number % 11}\n" for number in range(count))

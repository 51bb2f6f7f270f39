"""Work on many parts by several processes at once: what is made of them comes in their order, so that no result depends on timing.

In: a function of a module, and what it is to be called with; out: what it gives for each. The processes are of this Python, and end with
the one that began them: what they are to do comes through a pipe. Of what is done, no more waits than two parts for each process.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

MOST, AHEAD, FEWEST = 8, 2, 2
"""So many processes at most, for each holds a chunk of the data and a profile; so many parts may be done ahead for each, and so many parts
are worth the start of one."""
CHILD = ("-P", "-c", "from fogbank.monitor.together import main; main()")
Item = TypeVar("Item")
Result = TypeVar("Result")
Sharing = Callable[..., Iterator[Any]]
"""What does work on items as `in_order` does, or a host's share of it (monitor/hosts.py)."""


class EndedError(Exception):
    """A process that ended before its part was done; the text is the job's failure reason."""


def in_order(work: Callable[[Item], Result], items: Sequence[Item], processes: int | None = None) -> Iterator[Result]:
    """What `work` gives for each item, in their order, by as many processes as there are cores, up to eight; this one is among them.

    Few items are done by this process alone. Raises what `work` raised of the first item of which it did; EndedError.
    """
    count = min(processes or cores(), len(items) // FEWEST)
    if count < 2:
        yield from map(work, items)
        return
    with _crew(work, items, count) as crew:
        yield from crew.results()


def cores() -> int:
    """How many cores this process may use, up to eight."""
    return min(MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class _Crew:
    """What is to be done, and what is: `given` results have been handed out, and `taken` items begun."""

    def __init__(self, work: Callable[[Any], Any], items: Sequence[Any], ahead: int) -> None:
        self._work, self._items, self._ahead = work, items, ahead
        self._changed = threading.Condition()
        self._taken = self._given = 0
        self._done: dict[int, Any] = {}
        self._ended = False

    def results(self) -> Iterator[Any]:
        """In order; what is not begun yet when one is awaited is done here."""
        while self._given < len(self._items):
            if (number := self._take(wait=False)) is not None:
                self._put(number, _answer(self._work, self._items[number]))
            else:
                with self._changed:
                    self._changed.wait_for(lambda: self._given in self._done or self._free())
            if self._given in self._done:
                answer = self._done.pop(self._given)
                with self._changed:
                    self._given += 1
                    self._changed.notify_all()
                if isinstance(answer, Exception):
                    raise answer
                yield answer

    def child(self, process: subprocess.Popen[bytes]) -> None:
        """Have items done by a process, until there are none."""
        while (number := self._take(wait=True)) is not None:
            self._put(number, _asked(process, self._work, self._items[number]))

    def end(self) -> None:
        """Begin no more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _free(self) -> bool:
        return self._taken < min(len(self._items), self._given + self._ahead)

    def _take(self, *, wait: bool) -> int | None:
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._ended or self._taken == len(self._items) or self._free())
            if self._ended or not self._free():
                return None
            self._taken += 1
            return self._taken - 1

    def _put(self, number: int, answer: Any) -> None:
        with self._changed:
            self._done[number] = answer
            self._changed.notify_all()


@contextmanager
def _crew(work: Callable[[Any], Any], items: Sequence[Any], count: int) -> Iterator[_Crew]:
    """A crew with so many processes, of which this is one; the others are gone afterwards."""
    crew = _Crew(work, items, AHEAD * count)
    children: list[subprocess.Popen[bytes]] = []
    threads: list[threading.Thread] = []
    try:
        for _ in range(count - 1):
            child = subprocess.Popen([sys.executable, *CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            children.append(child)
            threads.append(threading.Thread(target=crew.child, args=(child,), daemon=True))
            threads[-1].start()
        yield crew
    finally:
        crew.end()
        for child in children:
            child.kill()
        for thread in threads:
            thread.join()
        for child in children:
            child.communicate()


def _asked(process: subprocess.Popen[bytes], work: Callable[[Any], Any], item: Any) -> Any:
    """What a process answers, or the exception."""
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018, S101 - both are pipes
    try:
        pickle.dump((work, item), process.stdin)
        process.stdin.flush()
        return pickle.load(process.stdout)  # noqa: S301 - of a process of one's own
    except (OSError, EOFError, pickle.UnpicklingError):
        return EndedError(f"a process that read a part of the data ended with status {process.wait()}")
    except Exception as error:  # noqa: BLE001 - a part without an answer would be waited for without end
        process.kill()  # what it would read next may be half of something
        return EndedError(
            f"a part of the data could not be given to a process, or what it answered not be read: {error!r:.200}"
        )


def _answer(work: Callable[[Any], Any], item: Any) -> Any:
    try:
        return work(item)
    except Exception as error:  # noqa: BLE001 - it is raised where its turn is
        return error


def main() -> None:
    """Do what comes through standard input, until it ends; what else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            work, item = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the process that began this one
            pickle.dump(_answer(work, item), answers)
            answers.flush()

"""The one owner of threads: work that runs beside the requests, with a name, a stop, a catch-all and an end.

In: a key and something to do; out: it is done in a thread of its own, and whatever it raises is logged and handed to `failed`, so
that nothing stays half-way because of an error that nobody foresaw. What answers requests are its threads too: a bounded number
of them, for work that comes by the thousand. No other thread is made in the cloud.
"""

from __future__ import annotations

import contextvars
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

log = logging.getLogger("fogbank.cloud")
Key = tuple[str, ...]
"""What a task is known by, such as ("transform-job", region, name)."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One piece of work that runs. `stop` is set when it is to leave off; `ended` when its thread has nothing more to do."""

    key: Key
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


Work = Callable[[threading.Event], object]
Failed = Callable[[Exception], None]


class Runner:
    """Runs tasks until it is closed; then none is taken any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[Key, Task] = {}
        self._numbers = itertools.count()
        self._closed = False

    def submit(self, key: Key, work: Work, failed: Failed | None = None) -> Task:
        """Run `work(stop)` in a thread of its own; one of the same key that still runs is left alone.

        What `work` raises goes to `failed`, if the cloud is not closing; what `failed` raises is logged. A runner that is
        closed answers with a task that has ended.
        """
        task = Task(key=key)
        with self._lock:
            if self._closed:
                task.stop.set()
                task.ended.set()
                return task
            running = self._tasks.get(key)
            if running is not None:
                return running
            self._tasks[key] = task
        run = partial(contextvars.copy_context().run, self._run, task, work, failed)
        threading.Thread(target=run, name="/".join(key), daemon=True).start()
        return task

    def begin(self, prefix: Key, work: Work, failed: Failed | None = None) -> Task:
        """Run `work(stop)` beside whatever else runs under `prefix`: a task whose key is its own."""
        return self.submit((*prefix, str(next(self._numbers))), work, failed)

    def every(self, key: Key, period_s: float, work: Callable[[], None]) -> Task:
        """Run `work` every `period_s` until the runner closes; a turn that fails is logged and the next one comes."""

        def turns(stop: threading.Event) -> None:
            while not stop.wait(period_s):
                try:
                    work()
                except Exception:  # the clockwork does not stop because one turn failed
                    log.exception("%s", "/".join(key))

        return self.submit(key, turns)

    def last(self, name: str, work: Callable[[], None]) -> None:
        """Run what ends by itself after everything else has: closing the runner does not wait for it."""
        threading.Thread(target=work, name=name, daemon=True).start()

    def threads(self, name: str, most: int) -> Threads:
        """Threads for short work of many; closing the runner does not wait for them."""
        return Threads(name, most, self.last)

    def running(self, key: Key) -> bool:
        """Whether a task of this key runs."""
        with self._lock:
            return key in self._tasks

    def stop(self, key: Key) -> None:
        """Ask the task of this key to leave off; it may take its time."""
        with self._lock:
            task = self._tasks.get(key)
        if task:
            task.stop.set()

    def wait(self, key: Key, timeout_s: float | None = None) -> bool:
        """Return when no task of this key runs; False where that took longer than `timeout_s`."""
        with self._lock:
            task = self._tasks.get(key)
        return task is None or task.ended.wait(timeout_s)

    def stop_all(self, prefix: Key, timeout_s: float) -> bool:
        """Ask every task whose key begins with `prefix` to leave off, and wait. False where one did not end in time."""
        with self._lock:
            tasks = [task for key, task in self._tasks.items() if key[: len(prefix)] == prefix]
        return _end(tasks, timeout_s)

    def close(self, timeout_s: float = 30.0) -> bool:
        """Take no more, ask every task to leave off, wait. False where one did not end in time."""
        with self._lock:
            self._closed = True
            tasks = list(self._tasks.values())
        return _end(tasks, timeout_s)

    def _run(self, task: Task, work: Work, failed: Failed | None) -> None:
        try:
            work(task.stop)
        except Exception as error:
            log.exception("%s", "/".join(task.key))
            if failed is not None and not self._closed:
                try:
                    failed(error)
                except Exception:
                    log.exception("%s: its failure", "/".join(task.key))
        finally:
            with self._lock:
                self._tasks.pop(task.key, None)
            task.ended.set()


class Threads:
    """At most `most` threads that do what they are given, in order; one is made when all that there are have work."""

    def __init__(self, name: str, most: int, start: Callable[[str, Callable[[], None]], None]) -> None:
        self._name, self._most, self._start = name, most, start
        self._lock = threading.Lock()
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._made = self._busy = 0

    def submit(self, work: Callable[[], None]) -> None:
        """Do it in one of the threads; does not wait."""
        with self._lock:
            self._busy += 1
            more = self._busy > self._made < self._most
            self._made += more
            number = self._made
        self._work.put(work)
        if more:
            self._start(f"{self._name}-{number}", self._turns)

    def _turns(self) -> None:
        while True:
            work = self._work.get()
            try:
                work()
            except Exception:  # the thread is for the next one too
                log.exception("%s", self._name)
            finally:
                del work  # it holds a request, and what it came with
                with self._lock:
                    self._busy -= 1


def _end(tasks: Sequence[Task], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    for task in tasks:
        task.stop.set()
    ends = [task.ended.wait(max(0.0, deadline - time.monotonic())) for task in tasks]
    return all(ends)

"""The one thread that the model lives in: it loads there, and every call that may take long runs there, in order.

The event loop hands jobs over and gets results back, many at one wake-up. A thread whose job runs too long is given up: it
gets an exception raised inside it and ends with its job, and a fresh thread takes the queue over.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from fogbank.serve.problems import HandlerTimeoutError, RequestError, overloaded

GIVEN_UP_LIMIT = 4
"""A worker with this many threads that do not end is to be replaced."""


class Job:
    """One piece of work, and what came of it. `call` is there where jobs may be run together."""

    __slots__ = ("call", "error", "result", "work")

    def __init__(self, work: Callable[[], Any], call: Any = None) -> None:
        self.work, self.call = work, call
        self.result: Any = None
        self.error: Exception | None = None


class Awaited(Job):
    """A job that somebody on the event loop waits for, until `deadline` (monotonic seconds)."""

    __slots__ = ("deadline", "future")

    def __init__(self, work: Callable[[], Any], future: asyncio.Future[Any], deadline: float, call: Any = None) -> None:
        super().__init__(work, call)
        self.future, self.deadline = future, deadline


RunTogether = Callable[[Sequence[Job]], None]
"""Sets `result` or `error` of each job."""


class ModelThread:
    """Jobs in, results out. Calls that may run together are gathered for `batch_wait_s` at most."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ran: Callable[[float, Sequence[Any]], None],
        batch_wait_s: float = 0.0,
    ) -> None:
        self._loop, self._ran, self._batch_wait_s = loop, ran, batch_wait_s
        self._run_together: RunTogether | None = None
        self._batch_size = 1
        self._queue: SimpleQueue[Awaited | None] = SimpleQueue()
        self._next: list[Awaited | None] = []
        self._finished: deque[tuple[Sequence[Awaited], float]] = deque()
        self._told = False
        self._lock = threading.Lock()
        self._running: tuple[Sequence[Awaited], float] | None = None
        self._given_up: list[threading.Thread] = []
        self._thread = self._begin()

    def share(self, run_together: RunTogether, batch_size: int) -> None:
        """Let up to `batch_size` waiting calls run together from now on."""
        self._run_together, self._batch_size = run_together, batch_size

    def submit(self, job: Awaited) -> None:
        """Run a job after those before it."""
        self._queue.put(job)

    def stop(self) -> None:
        """End the thread when its queue is empty."""
        self._queue.put(None)

    def cut_off(self, now: float) -> int:
        """Give up on jobs that are past their deadline and still run; returns how many were cut off."""
        with self._lock:
            running = self._running
            if running is None or now < max(job.deadline for job in running[0]):
                return 0
            self._running = None
            late = self._thread
            self._given_up = [thread for thread in (*self._given_up, late) if thread.is_alive()]
            self._thread = self._begin()
        _raise_in(late)
        for job in running[0]:
            if not job.future.done():
                job.future.set_exception(
                    RequestError(504, f"the handler ran longer than {now - running[1]:.3g} s: cut off")
                )
        return len(running[0])

    def worn_out(self) -> bool:
        """Whether too many threads that were given up do not end."""
        return sum(thread.is_alive() for thread in self._given_up) >= GIVEN_UP_LIMIT

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._live, name="model", daemon=True)
        thread.start()
        return thread

    def _live(self) -> None:
        try:
            while (jobs := self._gather()) and self._run(jobs):
                pass
        except HandlerTimeoutError:  # it came after the job that it was meant for
            return

    def _gather(self) -> list[Awaited]:
        first = self._next.pop() if self._next else self._queue.get()
        if first is None:
            return []
        jobs = [first]
        if self._batch_size == 1 or first.call is None or self._run_together is None:
            return jobs
        until = time.monotonic() + self._batch_wait_s
        while len(jobs) < self._batch_size:
            left = until - time.monotonic()
            try:
                job = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
            except Empty:
                break
            if job is None or job.call is None:
                self._next.append(job)  # work of another sort comes next, before what was sent after it
                break
            jobs.append(job)
        return jobs

    def _run(self, jobs: Sequence[Awaited]) -> bool:
        """Run and hand back; False where this thread was given up meanwhile."""
        started = time.monotonic()
        with self._lock:
            self._running = mine = (jobs, started)
        due = [job for job in jobs if job.deadline > started]
        for job in jobs:
            if job.deadline <= started:
                job.error = overloaded("the request waited too long for the model")
        if due:
            self._work(due)
        with self._lock:
            if self._running is not mine:
                return False
            self._running = None
        self._finished.append((jobs, time.monotonic() - started))
        if not self._told:
            self._told = True
            self._wake()
        return True

    def _work(self, jobs: Sequence[Awaited]) -> None:
        if self._run_together is None or len(jobs) == 1:
            for job in jobs:
                run_one(job)
            return
        try:
            self._run_together(jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the thread that all calls wait for
            for job in jobs:
                job.error = error

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    def _deliver(self) -> None:
        self._told = False
        while self._finished:
            jobs, seconds = self._finished.popleft()
            if jobs[0].call is not None:
                self._ran(seconds, [job.call for job in jobs])
            for job in jobs:
                if job.future.done():
                    continue
                if job.error is not None:
                    job.future.set_exception(job.error)
                else:
                    job.future.set_result(job.result)


def run_one(job: Job) -> None:
    """Run a job by itself."""
    try:
        job.result = job.work()
    except StopIteration as error:  # a future cannot carry it
        job.error = RuntimeError(f"the handler raised {error!r}")
    except HandlerTimeoutError:
        raise
    except BaseException as error:  # noqa: BLE001 - the handler is the user's: whatever it raises is its caller's answer
        job.error = error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")


def _raise_in(thread: threading.Thread) -> None:
    """Raise HandlerTimeoutError in a thread, at its next line of Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(HandlerTimeoutError))

"""Where and when a call's handler runs: at once on the event loop, in the model's thread, or awaited; and when it must not.

What is all ours and quick (a model of a known kind behind the default functions, a small body) runs at once. A user's own code
always runs in the model's thread, so that nothing of it can hold up /ping. More calls than the queue holds are refused.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any

import numpy as np

from fogbank.contracts.container import ServeSettings
from fogbank.ground.machine import give_back_memory
from fogbank.serve.handler import Call, Handler
from fogbank.serve.model_thread import Awaited, Job, ModelThread, run_one
from fogbank.serve.problems import RequestError, overloaded
from fogbank.serve.protocol import Reply
from fogbank.serve.scoreboard import Field, Slot

AT_ONCE_BYTES = 16 * 1024
"""Larger bodies go to the model's thread even where the code is all ours."""
LARGE_BYTES = 4 << 20
"""A body so large leaves memory behind that is worth giving back."""
AT_ONCE_S = 0.01
"""So does every call of a model whose runs take longer than this."""
EXACT_BATCH = 32
"""How many calls share a run where nothing is said, and pack has proven that no answer changes by it."""
GIVE_BACK_LIMIT_S = 60.0
NOT_LOADED = "the model is not loaded yet"
RUNS_TO_KNOW = 3
"""Runs in the thread before it is believed how long a model takes."""
WEIGHT = 0.2
"""How much the last run counts in that."""


class Runner:
    """Runs one handler's calls, up to `batch_size` of them in one run of the model.

    `load` comes first; until it is done `handler` is None, and calls are refused or wait for it (`loaded`).
    """

    def __init__(self, settings: ServeSettings, slot: Slot) -> None:
        self._settings, self._slot = settings, slot
        self.handler: Handler | None = None
        self._handler: Handler
        self._tried = asyncio.Event()
        self._ours = False
        self.batch_size = 1
        self._cost, self._runs = 0.0, 0
        self._held = 0
        self._thread: ModelThread | None = None
        self._watch: asyncio.TimerHandle | None = None

    async def load(self, load: Callable[[], Handler]) -> None:
        """Load in the model's thread. Raises what `load` raises, TimeoutError after the startup limit."""
        loop = asyncio.get_running_loop()
        wait_s = self._settings.batch_wait_us / 1e6
        self._thread = thread = ModelThread(loop, self._ran, wait_s)
        limit = self._settings.startup_timeout_s
        try:
            async with asyncio.timeout(limit):
                handler = await self._submit(thread, load, None, time.monotonic() + 10 * limit)
            self._take(thread, handler)
        finally:
            self._tried.set()
        self._tick(loop)

    async def loaded(self) -> None:
        """Return when calls can be made. Raises RequestError where it does not come to that in a call's time, or too many wait already."""
        if self._held >= self._settings.queue_size:
            raise overloaded(f"{self._held} requests are waiting already")
        self._hold(1)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._tried.wait()
        except TimeoutError as error:
            raise overloaded(NOT_LOADED) from error
        finally:
            self._hold(-1)
        if self.handler is None:
            raise overloaded(NOT_LOADED)

    def _take(self, thread: ModelThread, handler: Handler) -> None:
        self._ours = not handler.own_code and self._settings.batch_wait_us == 0
        if handler.batches:
            self.batch_size = self._settings.batch_size or (EXACT_BATCH if self._ours and handler.batch_exact else 1)
            thread.share(partial(run_together, handler), self.batch_size)
        self.handler = self._handler = handler

    def stop(self) -> None:
        """End the model's thread and the watch."""
        if self._watch is not None:
            self._watch.cancel()
        if self._thread is not None:
            self._thread.stop()

    def worn_out(self) -> bool:
        """Whether this worker should be replaced: handlers that were cut off do not end."""
        return self._thread is not None and self._thread.worn_out()

    def at_once(self, call: Call) -> bool:
        """Whether a call is quick enough to run on the event loop: all ours, a small body, a model known to be quick."""
        return self._ours and self._cost < AT_ONCE_S and self._runs >= RUNS_TO_KNOW and len(call.body) <= AT_ONCE_BYTES

    def backlog_s(self, waiting: int) -> float:
        """Seconds that so many waiting calls will take."""
        return waiting / self.batch_size * self._cost

    def invoke_at_once(self, call: Call) -> Reply:
        """The answer of what is all ours. Raises RequestError."""
        started = time.perf_counter()
        reply = self._handler(call)
        self._ran(time.perf_counter() - started, (call,))
        return reply

    def invoke_together(self, calls: Sequence[Call]) -> list[Reply | Exception]:
        """The answers of at most `batch_size` calls, in one run of the model; what went wrong for one is its answer."""
        if not calls:
            return []
        jobs = [Job(partial(self._handler, call), call) for call in calls]
        started = time.perf_counter()
        run_together(self._handler, jobs)
        self._ran(time.perf_counter() - started, calls)
        return [job.result if job.error is None else job.error for job in jobs]

    async def invoke(self, call: Call) -> Reply:
        """The handler's answer. Raises RequestError, and whatever the handler raises."""
        handler, thread = self._handler, self._thread
        if thread is None:
            raise overloaded(NOT_LOADED)
        if self._held >= self._settings.queue_size:
            raise overloaded(f"{self._held} requests are waiting already")
        self._hold(1)
        try:
            if handler.is_async:
                return await self._await(handler, call)
            deadline = time.monotonic() + self._settings.timeout_s
            work = partial(copy_context().run, handler, call)  # the request's id goes along, for the handler's logs
            return await self._submit(thread, work, call, deadline)  # type: ignore[no-any-return]  # a Reply
        finally:
            self._hold(-1)
            if len(call.body) > LARGE_BYTES:
                self._give_back(thread)

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run something else in the model's thread: a part of an answer that is awaited or streamed."""
        if self._thread is None:
            raise overloaded(NOT_LOADED)
        deadline = time.monotonic() + self._settings.timeout_s
        return await self._submit(self._thread, partial(copy_context().run, function, *arguments), None, deadline)

    async def _await(self, handler: Handler, call: Call) -> Reply:
        limit = self._settings.timeout_s
        started = time.monotonic()
        try:
            async with asyncio.timeout(limit):
                return await handler.run_async(call, self.in_thread)
        except TimeoutError as error:
            if time.monotonic() - started < limit:
                raise  # the handler's own
            self._slot.add(Field.CUT_OFF)
            raise RequestError(504, f"the handler ran longer than {limit:g} s: cut off") from error
        finally:
            self._ran(time.monotonic() - started, [call])

    def _ran(self, seconds: float, calls: Sequence[Call]) -> None:
        """Count a run, and learn how long one takes from those whose bodies are small enough to be run at once."""
        self._slot.ran(seconds, len(calls))
        if len(calls[0].body) <= AT_ONCE_BYTES and (len(calls) == 1 or max(map(_size, calls)) <= AT_ONCE_BYTES):
            self._runs += 1
            self._cost = seconds if self._runs <= RUNS_TO_KNOW else self._cost + WEIGHT * (seconds - self._cost)

    def _hold(self, change: int) -> None:
        self._held += change
        self._slot[Field.HELD] = self._held

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look after the model's thread, some times within a time limit."""
        if self._thread is not None and (cut := self._thread.cut_off(time.monotonic())):
            self._slot.add(Field.CUT_OFF, cut)
        self._watch = loop.call_later(min(1.0, self._settings.timeout_s / 10), self._tick, loop)

    @staticmethod
    def _give_back(thread: ModelThread) -> None:
        """Return what a large request held, in the model's thread and after what waits there already; nobody waits for it."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        thread.submit(Awaited(give_back_memory, future, time.monotonic() + GIVE_BACK_LIMIT_S))

    @staticmethod
    async def _submit(thread: ModelThread, work: Callable[[], Any], call: Call | None, deadline: float) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        thread.submit(Awaited(work, future, deadline, call))
        return await future


def _size(call: Call) -> int:
    return len(call.body)


def run_together(handler: Handler, jobs: Sequence[Job]) -> None:
    """One prediction for the rows of several calls, each call's part its answer. What cannot share runs by itself."""
    decoded: list[tuple[Job, Any, str]] = []
    for job in jobs:
        try:
            accept = handler.accept(job.call)
            if ";" in accept:  # asked for in a form that takes more than its rows: it runs by itself
                run_one(job)
                continue
            decoded.append((job, handler.decode(job.call), accept))
        except Exception as error:  # noqa: BLE001 - it is this caller's answer alone
            job.error = error
    if not decoded:
        return
    first = decoded[0][1]
    alike = [item for item in decoded if _stack(item[1], first)]
    parts = _predict_together(handler, [item[1] for item in alike], decoded[0][0].call) if len(alike) > 1 else None
    if parts is not None:
        for (job, _, accept), part in zip(alike, parts, strict=True):
            job.work = partial(handler.encode, part, job.call, accept)  # all that is left of it
    for job, _, _ in decoded:
        run_one(job)


def _stack(data: Any, first: Any) -> bool:
    return (
        isinstance(data, np.ndarray)
        and isinstance(first, np.ndarray)
        and data.ndim == first.ndim == 2
        and (data.shape[1], data.dtype) == (first.shape[1], first.dtype)
    )


def _predict_together(handler: Handler, tables: Sequence[Any], call: Call) -> list[Any] | None:
    """The prediction's parts, a part for each table; None where a prediction is not a row for each row, or fails."""
    try:
        prediction = handler.predict(np.concatenate(tables), call)
        if not isinstance(prediction, np.ndarray | list) or len(prediction) != sum(map(len, tables)):
            return None
    except Exception:  # noqa: BLE001 - one caller's row may be at fault: each runs by itself, and says so itself
        return None
    parts, start = [], 0
    for table in tables:
        parts.append(prediction[start : start + len(table)])
        start += len(table)
    return parts

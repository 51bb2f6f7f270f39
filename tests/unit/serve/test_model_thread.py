"""The thread of the model: jobs in their order, calls together, and work of another sort at its own place among them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

from fogbank.serve.model_thread import Awaited, Job, ModelThread


class Together:
    """Runs calls together; what was run, in order."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(self, jobs: Sequence[Job]) -> None:
        self.batches.append([str(job.call) for job in jobs])

    def alone(self, name: str) -> None:
        self.batches.append([name])


def test_work_of_another_sort_runs_where_it_was_sent() -> None:
    together = Together()
    may_begin = threading.Event()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        thread = ModelThread(loop, lambda *_: None)
        thread.share(together, 4)
        until = time.monotonic() + 60

        def awaited(name: str, *, call: bool) -> Awaited:
            return Awaited(lambda: together.alone(name), loop.create_future(), until, name if call else None)

        first = Awaited(lambda: may_begin.wait(20), loop.create_future(), until)
        jobs = [awaited(name, call=name != "other") for name in ("a", "b", "other", "c", "d", "e")]
        for job in (first, *jobs):
            thread.submit(job)
        may_begin.set()
        await asyncio.gather(*(job.future for job in jobs))
        thread.stop()

    asyncio.run(run())

    assert together.batches == [["a", "b"], ["other"], ["c", "d", "e"]]


def test_a_job_whose_time_is_up_is_refused_and_the_next_one_runs() -> None:
    async def run() -> tuple[object, object]:
        loop = asyncio.get_running_loop()
        thread = ModelThread(loop, lambda *_: None)
        late = Awaited(lambda: 1, loop.create_future(), time.monotonic() - 1)
        fine = Awaited(lambda: 2, loop.create_future(), time.monotonic() + 60)
        thread.submit(late)
        thread.submit(fine)
        results = await asyncio.gather(late.future, fine.future, return_exceptions=True)
        thread.stop()
        return results[0], results[1]

    refusal, result = asyncio.run(run())

    assert "waited too long" in str(refusal)
    assert result == 2

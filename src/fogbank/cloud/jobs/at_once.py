"""Parts of one job that run at the same time: the instances of a transform, the hosts of a processing job.

In: what each part does; out: what each gives, in their order, or what failed first and the others' reasons behind it, when all have ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from fogbank.cloud.ground.runner import Key, Runner, Work
from fogbank.cloud.jobs.job import JobError, JobStoppedError

LOOK_S = 0.1
T = TypeVar("T")


def at_once(
    runner: Runner, key: Key, works: Sequence[Callable[[], T]], stop: threading.Event, tend: Callable[[bool], None]
) -> list[T]:
    """What all of `works` give. `tend` is called all the while, with whether one of them has failed: it lets the others leave off.

    Raises JobStoppedError where the job was stopped, else what was raised first by works that were not made to leave off; several reasons of a job
    are one, in the order in which they came.
    """
    results: dict[int, T] = {}
    errors: dict[int, Exception] = {}

    def work(number: int) -> Work:
        def run(_: threading.Event) -> None:
            try:
                results[number] = works[number]()
            except Exception as error:  # noqa: BLE001 - raised again below, in the job's own thread
                errors[number] = error

        return run

    tasks = [runner.submit((*key, str(i)), work(i)) for i in range(len(works))]
    for task in tasks:
        while not task.ended.wait(LOOK_S):
            tend(bool(errors))
    if stop.is_set() or len(results) + len(errors) < len(works):  # a runner that is closed does nothing
        raise JobStoppedError
    if errors:
        raise _together([*errors.values()])
    return [results[number] for number in range(len(works))]


def _together(errors: Sequence[Exception]) -> Exception:
    """What is told of errors in the order in which they came."""
    own = [error for error in errors if not isinstance(error, JobStoppedError)]
    reasons = dict.fromkeys(map(str, own))
    if len(reasons) < 2 or not all(isinstance(error, JobError) for error in own):
        return (own or errors)[0]
    return JobError("; ".join(reasons))

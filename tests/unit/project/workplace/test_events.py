"""Steps as events: begun, gone on, ended one way or the other."""

from __future__ import annotations

import pytest

from fogbank.project.workplace.events import (
    Event,
    Notice,
    StepDone,
    StepFailed,
    StepProgress,
    Steps,
    StepStarted,
    ignore,
)


def test_a_step_tells_what_it_does_once_and_what_came_of_it() -> None:
    events: list[Event] = []
    steps = Steps(events.append)

    with steps("pack") as step:
        step.progress("locking")
        step.progress("locking")
        step.progress("writing")
        step.done("sha256 1")
    steps.notice("mind the gap")

    *first, done, notice = events
    assert first == [
        StepStarted(step="pack"),
        StepProgress(step="pack", doing="locking"),
        StepProgress(step="pack", doing="writing"),
    ]
    assert isinstance(done, StepDone)
    assert (done.step, done.outcome) == ("pack", "sha256 1")
    assert done.seconds >= 0
    assert notice == Notice(text="mind the gap")


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_step_that_fails_says_so_and_raises(error: BaseException) -> None:
    events: list[Event] = []

    with pytest.raises(type(error)), Steps(events.append)("pack"):
        raise error

    assert [type(event) for event in events] == [StepStarted, StepFailed]


def test_nobody_need_listen() -> None:
    with Steps(ignore)("pack") as step:
        step.done("it is there")

    assert step.outcome == "it is there"

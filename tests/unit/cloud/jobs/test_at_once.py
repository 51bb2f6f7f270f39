"""Parts of a job that fail: the reason is the one that came first, and no other's is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.jobs.at_once import at_once
from fogbank.cloud.jobs.job import JobError, JobStoppedError


def failed(runner: Runner, first: Exception, then: Exception) -> Exception:
    """What is raised where the second part fails first, and the first one when that is known."""
    known = threading.Event()

    def later() -> None:
        assert known.wait(20)
        raise then

    def at_first() -> None:
        raise first

    def tend(has_failed: bool) -> None:
        if has_failed:
            known.set()

    works: list[Callable[[], None]] = [later, at_first]
    with pytest.raises(Exception) as told:  # noqa: PT011 - the tests look at it
        at_once(runner, ("j",), works, threading.Event(), tend)
    return told.value


def test_what_failed_first_is_told_first(runner: Runner) -> None:
    error = failed(runner, JobError("algo-2: out of memory"), JobError("algo-1: algo-2 ended"))

    assert (type(error), str(error)) == (JobError, "algo-2: out of memory; algo-1: algo-2 ended")


def test_who_was_made_to_leave_off_has_no_reason(runner: Runner) -> None:
    error = JobError("algo-2: out of memory")

    assert failed(runner, error, JobStoppedError()) is error
    assert failed(runner, JobStoppedError(), error) is error


def test_the_same_reason_is_told_once_and_an_error_of_no_job_stays_what_it_is(runner: Runner) -> None:
    assert str(failed(runner, JobError("no model"), JobError("no model"))) == "no model"
    error = KeyError("x")
    assert failed(runner, error, JobError("no")) is error

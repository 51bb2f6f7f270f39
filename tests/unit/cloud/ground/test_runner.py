"""The one owner of threads: nothing ends half-way, nothing outlives the runner."""

from __future__ import annotations

import threading

from fogbank.cloud.ground.runner import Runner
from tests.waiting import until


def test_what_raises_is_handed_on_and_the_key_is_free_again() -> None:
    runner, failures = Runner(), list[Exception]()

    def broken(stop: threading.Event) -> None:
        raise KeyError("x")

    task = runner.submit(("job", "a"), broken, failures.append)

    assert task.ended.wait(5)
    assert [type(failure) for failure in failures] == [KeyError]
    assert not runner.running(("job", "a"))


def test_one_task_a_key() -> None:
    runner, turns = Runner(), list[int]()

    def wait(stop: threading.Event) -> None:
        turns.append(1)
        stop.wait(5)

    first = runner.submit(("job", "a"), wait)
    second = runner.submit(("job", "a"), wait)

    assert first is second
    runner.stop(("job", "a"))
    assert runner.wait(("job", "a"), 5)
    assert turns == [1]


def test_closing_ends_all_and_takes_no_more() -> None:
    runner, failures = Runner(), list[Exception]()

    def raises_when_stopped(stop: threading.Event) -> None:
        stop.wait(5)
        raise OSError("interrupted")

    runner.submit(("job", "a"), raises_when_stopped, failures.append)
    runner.every(("tick",), 0.01, lambda: None)

    assert runner.close(5)
    assert failures == []  # what was cut off by the end is not a failure: the next start decides
    assert runner.submit(("job", "b"), threading.Event.is_set).ended.is_set()
    assert failures == []


def test_a_turn_that_fails_is_followed_by_the_next() -> None:
    runner, turns = Runner(), list[int]()
    enough = threading.Event()

    def turn() -> None:
        turns.append(1)
        if len(turns) >= 3:
            enough.set()
        raise OSError("no space")

    runner.every(("tick",), 0.001, turn)

    assert enough.wait(5)
    assert runner.close(5)


def test_a_prefix_is_stopped_alone() -> None:
    runner = Runner()
    runner.submit(("job", "a"), lambda stop: stop.wait(5))
    other = runner.submit(("fleet", "b"), lambda stop: stop.wait(5))

    assert runner.stop_all(("job",), 5)
    assert not other.ended.is_set()
    assert runner.close(5)


def test_tasks_that_begin_under_one_prefix_run_beside_one_another() -> None:
    runner, both = Runner(), threading.Barrier(3)
    first, second = (runner.begin(("fleet", "a"), lambda _: both.wait(5)) for _ in range(2))
    both.wait(5)

    assert first.key != second.key
    assert first.key[:2] == second.key[:2] == ("fleet", "a")
    assert runner.close(5)


def test_threads_are_made_as_they_are_needed_and_no_more_than_there_may_be() -> None:
    threads, go = Runner().threads("some", 2), threading.Event()
    names: list[str] = []

    def work() -> None:
        names.append(threading.current_thread().name)
        assert go.wait(20)

    threads.submit(work)
    until(lambda: names == ["some-1"])
    for _ in range(3):
        threads.submit(work)
    until(lambda: len(names) == 2)
    go.set()
    until(lambda: len(names) == 4)
    assert set(names) == {"some-1", "some-2"}


def test_work_that_fails_leaves_its_thread_for_the_next() -> None:
    threads, done = Runner().threads("one", 1), threading.Event()

    def fail() -> None:
        raise ValueError("on purpose")

    threads.submit(fail)
    threads.submit(done.set)
    assert done.wait(20)
